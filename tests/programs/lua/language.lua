-- The language: closures, metatables, goto, integer and float, varargs, errors, load.
local function counter() local n = 0; return function() n = n + 1; return n end end
local a, b = counter(), counter()
print(a(), a(), b())

local vector = {}
vector.__index = vector
vector.__add = function(x, y) return setmetatable({ x[1] + y[1], x[2] + y[2] }, vector) end
vector.__tostring = function(v) return "(" .. v[1] .. ", " .. v[2] .. ")" end
vector.__close = function(v) print("closed " .. tostring(v)) end
print(setmetatable({ 1, 2 }, vector) + setmetatable({ 3, 4.5 }, vector))
do local v <close> = setmetatable({ 7, 8 }, vector) end

for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto next end
    io.write(i, ".", j, " ")
    ::next::
  end
end
print()
print(7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 1 / 0, -1 / 0, math.maxinteger + 1 == math.mininteger)
print(0xff, 1e15, 2^53, 10 // 0.0, 3 | 4, ~0, 1 << 62, 1 << 64)
print(select("#", nil, nil), select(-1, 1, 2, 3))
print(select(2, pcall(error, { code = 5 })).code)
print(pcall(function() local t; return t.x end))
print(xpcall(function() error("deep", 0) end, function(m) return m .. "!" end))
print(load("return 1 +")); print(load("return ...", "chunk", "t", {})(42))
local code = string.dump(function(x) return x * 2 end)
print(load(code, "dumped", "b")(21))
print(pcall(function() local function f() return f() + 1 end return f() end) == false)
