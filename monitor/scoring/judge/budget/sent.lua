-- Mark a reservation as sent, and begin its lease anew. Input: id, scope, most, lease_ms.
-- Gives 1, or 0 where it is out no more: then the request must not go out.
if not is_open() then
  return 0
end
local one = find()
if not one or one.ends <= now then
  return 0
end
if not one.sent then
  redis.call('ZREM', due, one.member)
  redis.call('ZADD', due, whole(now + input.lease_ms), member_of(input.id, input.scope, input.most, '1'))
end
return 1
