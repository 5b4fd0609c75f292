-- The libraries: strings, patterns, packing, tables, utf8, math, coroutines, the collector.
print(("%5d|%-5s|%05.1f|%x|%q|%g"):format(42, "ab", 3.14159, 255, "a\n\0b", 1e100))
print(("hello world from lua"):gsub("(%w+) (%w+)", "%2 %1"))
for key, value in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do io.write(key, value, ";") end
print(("x"):rep(3, "-"), ("abc"):byte(1, -1), ("  trim "):match("^%s*(.-)%s*$") .. "|")
print(string.unpack("<i4 z s1 d", string.pack("<i4 z s1 d", -5, "zero", "counted", 2.5)))
print(utf8.char(228, 8364, 128512), utf8.len("äöü"), utf8.codepoint("€", 1))

local t = {}
for i = 1, 1000 do t[i] = (i * 7919) % 1009 end
table.sort(t, function(x, y) return x > y end)
print(t[1], t[500], t[1000], #t, table.concat(t, ",", 1, 5), table.unpack({ 1, 2, 3 }, 2))
print(table.move({ 1, 2, 3 }, 1, 3, 3)[5], next({}), rawlen({ 1, 2 }))
print(math.sqrt(2), math.sin(1), math.exp(1), math.log(8, 2), math.pi, math.fmod(-7, 3), math.type(1.0), math.ult(1, -1))
math.randomseed(42); local r = math.random(1, 6); print(r >= 1 and r <= 6)

local function generate(n)
  return coroutine.wrap(function()
    for i = 1, n do for j = 1, n do coroutine.yield(i, j) end end
  end)
end
local sum = 0
for i, j in generate(50) do sum = sum + i * j end
print(sum)
local co = coroutine.create(function(x) local y = coroutine.yield(x + 1); error("in co " .. y) end)
print(coroutine.resume(co, 1)); print(coroutine.resume(co, 5)); print(coroutine.status(co))

local weak = setmetatable({}, { __mode = "k" })
for i = 1, 1000 do weak[{}] = i end
local finalized = 0
for i = 1, 1000 do setmetatable({}, { __gc = function() finalized = finalized + 1 end }) end
collectgarbage(); collectgarbage()
print(next(weak), finalized)
collectgarbage("generational")
local keep = {}
for i = 1, 200000 do keep[i % 1000] = { tostring(i) } end
print(keep[0][1], collectgarbage("count") < 4096)
