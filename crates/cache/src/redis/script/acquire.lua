-- KEYS entry, lease. ARGV least version, least checked, now, token, life of the lease in milliseconds.
local entry = redis.call('GET', KEYS[1])
if known(entry) and string.byte(entry, 3) ~= FLOOR and number(entry, VERSION) >= tonumber(ARGV[1])
  and number(entry, CHECKED) >= tonumber(ARGV[2]) and number(entry, EXPIRES) > tonumber(ARGV[3]) then
  return {2, entry}
end
if redis.call('SET', KEYS[2], ARGV[4], 'NX', 'PX', ARGV[5]) then
  return {1, entry or ''}
end
return {0, ''}
