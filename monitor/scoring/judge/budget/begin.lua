-- Ask for the right to open, after memory was lost. Input: token, lock_ms.
-- Gives {open | mine | taken, now, when the loss was noticed}.
if is_open() then
  return { 'open', whole(now), whole(now) }
end
-- The note of another run is of another loss.
local here, note = run(), root .. ':noticed'
if redis.call('HGET', note, 'run') ~= here then
  redis.call('HSET', note, 'run', here, 'at', whole(now))
end
local mine = redis.call('SET', root .. ':lock', input.token, 'NX', 'PX', input.lock_ms)
return { mine and 'mine' or 'taken', whole(now), redis.call('HGET', note, 'at') }
