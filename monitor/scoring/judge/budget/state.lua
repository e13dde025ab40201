-- Look, after ending leases that have run out. Input: reclaim.
-- Gives {open, now, leases ended, when a loss was noticed or 0, field, value, field, value, ...}.
local open, ended = is_open(), 0
if open then
  roll()
  ended = reclaim(input.reclaim)
end
local found = { open and 1 or 0, whole(now), ended, redis.call('HGET', root .. ':noticed', 'at') or 0 }
for field, value in pairs(state) do
  found[#found + 1] = field
  found[#found + 1] = type(value) == 'number' and whole(value) or value
end
return found
