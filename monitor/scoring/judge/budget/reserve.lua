-- Reserve `most` for one call. Input: id, scope, most, lease_ms, reclaim, caps {"SCOPE|usd_day": n} as settings say.
-- Gives {closed} | {reserved, epoch} | {spent, scope, cap, limit, when it resets or -1, whether more may be free}.
if not is_open() then
  return { 'closed' }
end
roll()
local reclaimed = reclaim(input.reclaim)

-- The answer to the first try was lost on its way.
if find() then
  return { 'reserved', state.epoch }
end

local function cap_of(scope, name)
  local set_to = tonumber(state['cap|' .. scope .. '|' .. name])
  if set_to then
    return set_to >= 0 and set_to or nil
  end
  return input.caps[scope .. '|' .. name]
end

local wants, refusal = { usd = input.most, calls = 1 }, nil
for _, scope in ipairs({ ALL, input.scope }) do
  for _, kind in ipairs(KINDS) do
    for _, period in ipairs(PERIODS) do
      local name = kind .. '_' .. period
      local limit, field = cap_of(scope, name), period .. '|' .. scope .. '|'
      -- What costs nothing passes any cap of money.
      if limit and wants[kind] > 0 then
        local used = number(field .. kind) + number('held|' .. scope .. '|' .. kind)
        if used + wants[kind] > limit then
          set(field .. 'refused_' .. kind, whole(limit))
          -- Smaller than one call: waiting does not help. Else the cap that lasts longest is the one to know of.
          local resets = wants[kind] > limit and -1 or start_of(period, tonumber(state[period]) + 1)
          if not refusal or (refusal.resets >= 0 and (resets < 0 or resets > refusal.resets)) then
            refusal = { scope = scope, name = name, limit = limit, resets = resets }
          end
        else
          forget(field .. 'refused_' .. kind)
        end
      end
    end
  end
end
if refusal then
  local more = reclaimed >= input.reclaim and 1 or 0
  return { 'spent', refusal.scope, refusal.name, whole(refusal.limit), whole(refusal.resets), more }
end

redis.call('ZADD', due, whole(now + input.lease_ms), member_of(input.id, input.scope, input.most, '0'))
hold(input.scope, input.most, 1)
return { 'reserved', state.epoch }
