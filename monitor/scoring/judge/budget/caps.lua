-- Put caps in force that were set at run time. Input: version, caps {"SCOPE|usd_day": n, -1 = no cap}.
-- Gives 1, or 0 where newer ones are in force, or the memory is not open and will read them itself.
if not state.epoch or input.version < number('version') then
  return 0
end
for field in pairs(state) do
  if string.sub(field, 1, 4) == 'cap|' and not input.caps[string.sub(field, 5)] then
    forget(field)
  end
end
for field, value in pairs(input.caps) do
  set('cap|' .. field, whole(value))
end
set('version', whole(input.version))
return 1
