-- Places in a value: see frame.rs.
local FLOOR, VERSION, CHECKED, EXPIRES = 3, 4, 12, 20

local function number(value, at)
  local n = 0
  for i = at, at + 7 do n = n * 256 + string.byte(value, i) end
  return n
end

-- A value of this format. Any other is as good as none.
local function known(value)
  return value and #value >= 35 and string.sub(value, 1, 2) == 'S\1'
end

