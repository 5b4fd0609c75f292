-- What asks the kernel: files, seeking, buffers, pipes of popen, exit codes, names, clocks, environment, require.
local name = os.tmpname()
local file = assert(io.open(name, "w+b"))
print(file:write("line 1\nline 2\n", 3.5, "\n") == file, file:seek("cur"), file:seek("set", 7))
print(file:read("l", "n", "a"))
print(file:setvbuf("full", 1 << 16), file:seek("end"))
for i = 1, 100000 do file:write(i, "\n") end
file:close()
local lines, sum = 0, 0
for line in io.lines(name) do lines = lines + 1; sum = sum + (tonumber(line) or 0) end
print(lines, sum)
print(os.rename(name, name .. ".moved"), io.open(name), os.remove(name .. ".moved"))
print(select(2, os.remove(name)) == name .. ": No such file or directory")
print(io.open("/", "w"))
print(io.open("/no/such/file"))

local pipe = io.popen("echo from the shell; exit 7")
print(pipe:read("a"), pipe:close())
pipe = io.popen("wc -c", "w")
pipe:write(("x"):rep(300000)); print(pipe:close())
print(os.execute("exit 3")); print(os.execute("kill -9 $$")); print(os.execute())
print(os.getenv("HOME"), os.getenv("NOT_SET"))
print(os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), os.time({ year = 2001, month = 9, day = 9, hour = 1, min = 46, sec = 40 }))
local start = os.clock()
local x = 0; for i = 1, 1000000 do x = x + i end
print(x, os.clock() > start, os.time() > 1e9)
local temporary = io.tmpfile(); temporary:write("gone"); temporary:seek("set"); print(temporary:read("a"))
local module = io.open("greeting.lua", "w"); module:write("return { text = 'from a module' }"); module:close()
package.path = "./?.lua"; print(require("greeting").text, package.loaded.greeting ~= nil, pcall(require, "missing"))
os.exit(9, true)
