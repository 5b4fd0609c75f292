-- Strings, patterns and the collector: much garbage of changing sizes.
local parts = {}
for i = 1, 5000 do
    parts[#parts + 1] = string.format("%05d:%s", i, string.rep("x", i % 50))
end
local text = table.concat(parts, ",")
local found, sum = 0, 0
for number, tail in text:gmatch("(%d+):(x*)") do
    found, sum = found + 1, sum + #tail
    assert(tonumber(number) % 50 == #tail)
end
assert(found == 5000 and sum == 122500)
local replaced, count = text:gsub("x+", function(run) return tostring(#run) end)
assert(count == 4900 and #replaced < #text)
for i = 1, 100 do
    local garbage = {}
    for j = 1, 200 do garbage[j] = { i, j, tostring(i * j) } end
    assert(#garbage == 200)
end
collectgarbage()
