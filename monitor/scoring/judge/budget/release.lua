-- Give back what was reserved for a call that never went out. Input: id, scope, most. Gives 1, or 0 if it is not out.
local one = find()
if not one or not state.epoch then
  return 0
end
drop(one)
return 1
