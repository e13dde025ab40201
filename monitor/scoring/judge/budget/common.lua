-- What every step begins with. Everything that a cap depends on lies in one hash, so that memory is lost as a whole
-- or not at all; beside it the sorted set of reservations that are out, by the end of their lease.
--
-- The hash: epoch and run (whose memory this is), hour, day, month (the periods being counted), out (reservations),
-- PERIOD|SCOPE|usd, calls, over, refused_usd, refused_calls; held|SCOPE|usd, calls; cap|SCOPE|usd_day; version (of the
-- caps); lost|ID. A scope is an endpoint's name, or * for all together. Money is in millionths of a US dollar, time in
-- milliseconds since 1970.
local root, input = KEYS[1], cjson.decode(ARGV[1])
local due = root .. ':due'
local ALL, HOUR, DAY, WEEK = '*', 3600000, 86400000, 604800000
local PERIODS, KINDS = { 'month', 'day', 'hour' }, { 'usd', 'calls' }

local function server_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Only tests say what time it is: the clocks of workers must not matter.
local now = input.now or server_time()

local state = {}
local flat = redis.call('HGETALL', root)
for i = 1, #flat, 2 do
  state[flat[i]] = flat[i + 1]
end

local function number(field)
  return tonumber(state[field] or '0')
end

local function whole(value)
  return string.format('%.0f', value)
end

local function set(field, value)
  state[field] = value
  redis.call('HSET', root, field, value)
end

local function add(field, by)
  if by ~= 0 then
    state[field] = redis.call('HINCRBY', root, field, whole(by))
  end
end

local function forget(field)
  if state[field] then
    state[field] = nil
    redis.call('HDEL', root, field)
  end
end

-- Another run than the one that the counters are of has read them from a snapshot or from a replica that lagged.
local function run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'
end

local function is_open()
  return state.epoch and state.run == run() and number('out') == redis.call('ZCARD', due)
end

-- Months since year 0 of a day since 1970, and back: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms.
local function month_of(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  return (yoe + era * 400) * 12 + math.floor((5 * doy + 2) / 153) + 2
end

local function first_day(month)
  local shifted = month - 2
  local year = math.floor(shifted / 12)
  local era = math.floor(year / 400)
  local yoe = year - era * 400
  local doe = yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + math.floor((153 * (shifted % 12) + 2) / 5)
  return era * 146097 + doe - 719468
end

local function period_of(period, at)
  if period == 'hour' then
    return math.floor(at / HOUR)
  end
  local day = math.floor(at / DAY)
  return period == 'day' and day or month_of(day)
end

local function start_of(period, n)
  if period == 'hour' then
    return n * HOUR
  end
  return (period == 'day' and n or first_day(n)) * DAY
end

-- Begin the periods that have come. Never backwards: a clock that is set back must not give a spent cap anew.
local function roll()
  for _, period in ipairs(PERIODS) do
    local n = period_of(period, now)
    if not state[period] or n > tonumber(state[period]) then
      for field in pairs(state) do
        if string.sub(field, 1, #period + 1) == period .. '|' then
          redis.call('HDEL', root, field)
          state[field] = nil
        end
      end
      set(period, n)
    end
  end
end

-- Charge what was paid not later than `at`. Periods that have ended since are not counted any more.
local function charge(scope, at, usd, calls, over)
  for _, period in ipairs(PERIODS) do
    if period_of(period, at) >= tonumber(state[period]) then
      for _, one in ipairs({ scope, ALL }) do
        local field = period .. '|' .. one .. '|'
        add(field .. 'usd', usd)
        add(field .. 'calls', calls)
        add(field .. 'over', over)
      end
    end
  end
end

-- What is out counts in whatever period it is, until it is settled: money paid across an edge is in neither too few.
local function hold(scope, usd, calls)
  for _, one in ipairs({ scope, ALL }) do
    add('held|' .. one .. '|usd', usd)
    add('held|' .. one .. '|calls', calls)
  end
  add('out', calls)
end

local function member_of(id, scope, most, sent)
  return table.concat({ id, scope, whole(most), sent }, '|')
end

local function parsed(member)
  local id, scope, most, sent = string.match(member, '^([^|]+)|([^|]+)|(%d+)|([01])$')
  return { member = member, id = id, scope = scope, most = tonumber(most), sent = sent == '1' }
end

-- The reservation that the input is about, or nil when it is not out.
local function find()
  for _, sent in ipairs({ '0', '1' }) do
    local member = member_of(input.id, input.scope, input.most, sent)
    local ends = redis.call('ZSCORE', due, member)
    if ends then
      local found = parsed(member)
      found.ends = tonumber(ends)
      return found
    end
  end
  return nil
end

local function drop(one)
  redis.call('ZREM', due, one.member)
  hold(one.scope, -one.most, -1)
end

-- End leases that have run out: what was sent may have been paid and stays charged, the rest is free again.
local function reclaim(limit)
  local ended = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #ended, 2 do
    local one, at = parsed(ended[i]), tonumber(ended[i + 1])
    drop(one)
    if one.sent then
      charge(one.scope, at, one.most, 1, 0)
      set('lost|' .. one.id, table.concat({ one.scope, whole(one.most), whole(at) }, '|'))
      redis.call('SET', root .. ':late:' .. one.id, whole(one.most), 'PX', WEEK)
    end
  end
  return #ended / 2
end
