-- Charge what a call cost in place of what was reserved. Input: id, scope, most, epoch, actual.
-- Gives settled | late (its lease had ended: it stays charged) | nothing (settled before, or memory is not open: the
-- ledger has the call by the time that it opens).
if not state.epoch then
  return 'nothing'
end
roll()
local one = find()
if one then
  drop(one)
  charge(one.scope, now, input.actual, 1, math.max(0, input.actual - one.most))
  return 'settled'
end

local mark = root .. ':late:' .. input.id
local charged = tonumber(redis.call('GET', mark))
if charged then
  redis.call('DEL', mark)
  local more = math.max(0, input.actual - charged)
  charge(input.scope, now, more, 0, more)
  return 'late'
end

-- Of a memory that was lost. What is counted now was read one lease later, and may lack a call that took longer.
if is_open() and state.epoch ~= input.epoch then
  if redis.call('SET', root .. ':old:' .. input.id, '1', 'NX', 'PX', WEEK) then
    charge(input.scope, now, input.actual, 1, 0)
    return 'late'
  end
end
return 'nothing'
