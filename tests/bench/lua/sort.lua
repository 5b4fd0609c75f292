-- Tables: a heap sort of numbers and a count of words.
local function sift(a, from, to)
    local value, i = a[from], from
    while 2 * i <= to do
        local child = 2 * i
        if child < to and a[child + 1] > a[child] then child = child + 1 end
        if a[child] <= value then break end
        a[i], i = a[child], child
    end
    a[i] = value
end

local a, seed = {}, 42
for i = 1, 20000 do
    seed = (seed * 1103515245 + 12345) % 2147483648
    a[i] = seed
end
for i = #a // 2, 1, -1 do sift(a, i, #a) end
for i = #a, 2, -1 do
    a[1], a[i] = a[i], a[1]
    sift(a, 1, i - 1)
end
for i = 2, #a do assert(a[i - 1] <= a[i]) end

local counts = {}
for i = 1, 20000 do
    local word = "w" .. i % 1000
    counts[word] = (counts[word] or 0) + 1
end
for _, count in pairs(counts) do assert(count == 20) end
