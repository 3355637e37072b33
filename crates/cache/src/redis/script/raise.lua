-- KEYS entry. ARGV floor, life in milliseconds.
local entry = redis.call('GET', KEYS[1])
if known(entry) and number(entry, VERSION) >= number(ARGV[1], VERSION) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
