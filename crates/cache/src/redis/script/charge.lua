-- A token bucket. KEYS bucket. ARGV tokens used, tokens per second, tokens of a full bucket, seconds since the first of the
-- use, most spilled tokens.
local used, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local age, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- One that nobody knows has been full, and spilled.
local tokens, at, spilled = burst, now, most
local held = redis.call('GET', KEYS[1])
if held then
  local t, since, s = string.match(held, '^(%-?[%d.]+) (%d+) ([%d.]+)$')
  if t then
    -- The server's clock may have been set back.
    tokens, at, spilled = tonumber(t), math.min(tonumber(since), now), tonumber(s)
  end
end
local filled = tokens + (now - at) * rate / 1000000
spilled = math.min(most, spilled + math.max(0, filled - burst))
local paid = math.min(used, spilled, rate * age)
-- A debt is paid back by waiting; more than a whole bucket is let off.
tokens = math.max(math.min(burst, filled) - used + paid, -burst)
-- A bucket that is full need not be remembered.
local full = math.ceil((burst - tokens) / rate * 1000) + 1
local state = string.format('%.6f %.0f %.6f', tokens, now, spilled - paid)
redis.call('SET', KEYS[1], state, 'PX', string.format('%.0f', full))
return string.format('%.6f', tokens)
