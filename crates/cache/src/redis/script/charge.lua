-- A token bucket. KEYS bucket. ARGV tokens used, tokens per second, tokens of a full bucket.
local used, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local tokens, at = burst, now
local held = redis.call('GET', KEYS[1])
if held then
  local t, since = string.match(held, '^(%-?[%d.]+) (%d+)$')
  if t then
    -- The server's clock may have been set back.
    tokens, at = tonumber(t), math.min(tonumber(since), now)
  end
end
tokens = math.min(burst, tokens + (now - at) * rate / 1000000) - used
-- A debt is paid back by waiting; more than a whole bucket is let off.
tokens = math.max(tokens, -burst)
-- A bucket that is full need not be remembered.
local full = math.ceil((burst - tokens) / rate * 1000) + 1
redis.call('SET', KEYS[1], string.format('%.6f %.0f', tokens, now), 'PX', string.format('%.0f', full))
return string.format('%.6f', tokens)
