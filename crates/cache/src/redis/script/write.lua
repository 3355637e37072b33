-- KEYS entry, lease. ARGV value, life in milliseconds, token of the lease or nothing.
if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) == ARGV[3] then
  redis.call('DEL', KEYS[2])
end
local entry = redis.call('GET', KEYS[1])
if known(entry) then
  local held, offered = number(entry, VERSION), number(ARGV[1], VERSION)
  -- Of one version the one that was asked for later counts: it is known to be right for longer.
  if held > offered or held == offered and number(entry, CHECKED) > number(ARGV[1], CHECKED) then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
