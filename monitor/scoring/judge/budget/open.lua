-- Open with what the ledger knows. Input: token, read_at, spent [[scope, period, usd, calls]], version, caps.
-- Gives 1, or 0 where somebody else holds the lock by now.
if redis.call('GET', root .. ':lock') ~= input.token or is_open() then
  return 0
end
redis.call('DEL', due, root .. ':noticed', root .. ':lock')
for field in pairs(state) do
  if field == 'out' or string.sub(field, 1, 5) == 'held|' or string.sub(field, 1, 4) == 'cap|' then
    redis.call('HDEL', root, field)
    state[field] = nil
  end
end
roll()
for _, one in ipairs(input.spent) do
  local scope, period = one[1], one[2]
  -- Read before an hour began: in the new one nothing is spent yet.
  if period_of(period, input.read_at) == tonumber(state[period]) then
    local field = period .. '|' .. scope .. '|'
    -- A snapshot can know more than the ledger, as calls whose worker died.
    add(field .. 'usd', math.max(0, one[3] - number(field .. 'usd')))
    add(field .. 'calls', math.max(0, one[4] - number(field .. 'calls')))
  end
end
for field, value in pairs(input.caps) do
  set('cap|' .. field, whole(value))
end
set('version', whole(input.version))
set('run', run())
set('epoch', input.token)
return 1
