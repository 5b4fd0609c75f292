// SPDX-License-Identifier: MIT
// test_box_command.c - /bin/box, the examples of libbox, and the box by hand of a shell.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/script.h"
#include "tests/vm/vmtest.h"

#define SUM_OF_A_C "60b7c0fc4e1fcad44b8e8f648ad003e59aa16ab82d9cd8e01bba588d4869b2c2  /src/a.c\n"

// How many processes and boxes there are in /proc.
static int count_processes(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    closedir(directory);
    return count;
}

// --- run ---

CASE("run gives the program's exit code and output")
{
    CHECK_EQUAL(sh("box run sh -c 'echo out; echo err >&2; exit 7'"), 7);
    CHECK(strcmp(output, "out\nerr\n") == 0);
}

CASE("exit codes are the launcher's: 124 125 126 127 128+N")
{
    CHECK_EQUAL(sh("box run --timeout 200ms sleep 9"), 124);
    CHECK(says("deadline"));
    CHECK_EQUAL(sh("box run --nonsense true"), 125);
    CHECK_EQUAL(sh("box run"), 125);
    CHECK_EQUAL(sh("box nosuch"), 125);
    CHECK_EQUAL(sh("box run -m x true"), 125);
    CHECK_EQUAL(sh("box run -v /tmp:/a/b true"), 125);
    CHECK_EQUAL(sh("box run -w /nosuch true"), 125);
    CHECK_EQUAL(sh("box run /etc/passwd"), 126);
    CHECK_EQUAL(sh("box run nosuch"), 127);
    CHECK_EQUAL(sh("box run /no/such"), 127);
    CHECK_EQUAL(sh("box run sh -c 'kill -TERM $$'"), 143);
    CHECK_EQUAL(sh("box run sh -c 'kill -KILL $$'"), 137);
    CHECK_EQUAL(sh("box --help"), 0);
    CHECK(says("usage: box run"));
}

CASE("standard input is passed on with -i, and empty without")
{
    CHECK_EQUAL(sh("echo words | box run -i cat"), 0);
    CHECK(strcmp(output, "words\n") == 0);
    CHECK_EQUAL(sh("echo words | box run cat"), 0);
    CHECK(strcmp(output, "") == 0);
}

CASE("-e, -w and -v say what the box is given")
{
    mkdir("/tmp/given", 0755);
    CHECK_EQUAL(sh("HERE=h box run -e A='x y' -e HERE -e GONE -w /etc "
                   "sh -c 'echo $A,$HERE,${GONE-none},$HOME,$(pwd)'"),
                0);
    CHECK(strcmp(output, "x y,h,none,/root,/etc\n") == 0);
    CHECK_EQUAL(sh("box run -v /tmp/given:/d sh -c 'echo text > /d/file'; cat /tmp/given/file"), 0);
    CHECK(strcmp(output, "text\n") == 0);
    CHECK_EQUAL(sh("box run -v /tmp/given:/d:ro sh -c 'cat /d/file; echo x > /d/file'"), 1);
    CHECK(strncmp(output, "text\n", 5) == 0);
    CHECK_EQUAL(sh("box run --root /tmp/given -- /file; box run --root /tmp/given ls"), 127);
    unlink("/tmp/given/file");
    rmdir("/tmp/given");
}

CASE("-m, --pids and --cpus are limits of the box")
{
    CHECK_EQUAL(sh("box run -m 20M --pids 7 --cpus 1 cat /proc/self/quota"), 0);
    CHECK(says(" 20971520\n") && says(" 7\n") && says(" 100\n"));
    CHECK_EQUAL(sh("box run --pids 1 sh -c 'sleep 9 & sleep 9'"), 2);
}

CASE("--status writes the record as one line of JSON, on every path")
{
    CHECK_EQUAL(sh("box run --status /tmp/s sh -c 'exit 9'; cat /tmp/s"), 0);
    CHECK(strncmp(output, "{\"exit\":9,\"status\":9,\"reason\":", 30) == 0);
    CHECK(says(",\"by\":\"") && says(",\"memory_peak\":") && says(",\"left_bytes\":0}\n"));
    CHECK_EQUAL(sh("box run --status /tmp/s nosuch 2>/dev/null; cat /tmp/s"), 0);
    CHECK(says("{\"exit\":127,\"status\":null,\"reason\":\"nosuch: not found"));
    CHECK_EQUAL(sh("box run --status /tmp/s -m 1x a 2>/dev/null; cat /tmp/s"), 0);
    CHECK(says("{\"exit\":125,\"status\":null"));
    unlink("/tmp/s");
}

CASE("--record says in words how it ended and what it used")
{
    CHECK_EQUAL(sh("box run --record sh -c 'exit 3'"), 3);
    CHECK(says("box: sh ended with 3, by ") && says("memory ") && says("processes 1, threads 1"));
    CHECK(says("left 0"));
}

CASE("signals are passed on to the head, and the third ends one that does not listen")
{
    CHECK_EQUAL(sh("box run sh -c \"trap 'echo caught; exit 9' TERM; echo ready; "
                   "while :; do sleep 0.05; done\" > /tmp/o & "
                   "until grep -q ready /tmp/o; do sleep 0.05; done; kill -TERM $!; wait $!"),
                9);
    CHECK_EQUAL(sh("cat /tmp/o"), 0);
    CHECK(strcmp(output, "ready\ncaught\n") == 0);
    CHECK_EQUAL(
        sh("box run sh -c \"trap '' TERM; echo ready; while :; do sleep 1; done\" > /tmp/o & "
           "until grep -q ready /tmp/o; do sleep 0.05; done; "
           "for i in 1 2 3; do kill -TERM $!; sleep 0.1; done; wait $!"),
        143);
    unlink("/tmp/o");
}

CASE("-t gives the program a terminal of its own")
{
    CHECK_EQUAL(sh("box run -t sh -c '[ -t 0 ] && [ -t 1 ] && echo here > /dev/tty && exit 6'"), 6);
    CHECK(strcmp(output, "here\r\n") == 0);
}

// --- Manifests ---

CASE("a manifest makes the box, and nothing else is in it")
{
    CHECK_EQUAL(sh("box run -f /usr/share/demo/sum.box"), 0);
    CHECK(strcmp(output, SUM_OF_A_C) == 0);
    write_file("/tmp/m", "bind bin /bin rx\ngive 1 1\n");
    CHECK_EQUAL(sh("box run -f /tmp/m /bin/sh -c 'echo /*; exit 4'"), 4);
    CHECK(strcmp(output, "/bin\n") == 0);
    unlink("/tmp/m");
}

CASE("a manifest that is wrong is refused with file and line, before anything is done")
{
    static const struct {
        const char *text, *message;
        int code;
    } rows[] = {
        { "# first\nbind bin /bin rx\nbnid a /b\n", "/tmp/m:3: bnid a /b: no such command", 125 },
        { "bind bin /bin\ngive 0\n", "/tmp/m:2: give 0: too few", 125 },
        { "bind 'bin\n/bin rx\n", "/tmp/m:1: ", 125 },
        { "give 99999999999 1\n", "/tmp/m:1: give 99999999999 1: ", 125 },
        { "start\nbind bin /bin\n", "/tmp/m:2: bind bin /bin: nothing may follow start", 125 },
        { "bind bin /bin rx\n", "/tmp/m: no exec", 125 },
        { "bind bin /bin rx\nbind src /nosuch r\nexec /bin/sh\n",
          "/tmp/m:2: bind src /nosuch r: no such file or directory (ENOENT)", 125 },
        { "bind bin /bin rx\nexec /bin/nosuch\n", "/tmp/m:2: exec /bin/nosuch: no such file", 127 },
        { "bind bin /bin r\nexec /bin/busybox\n", "/tmp/m:2: exec /bin/busybox: ", 126 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_file("/tmp/m", rows[i].text);
        CHECK_EQUAL(sh("box run -f /tmp/m"), rows[i].code);
        CHECK(says(rows[i].message));
    }
    CHECK_EQUAL(sh("box run -f /nosuch"), 125);
    CHECK_EQUAL(sh("ls /proc/self/children && cat /proc/self/children"), 0);
    unlink("/tmp/m");
}

// --- ps top kill show ---

CASE("ps shows the tree of boxes with what they use")
{
    CHECK_EQUAL(sh("box run sh -c 'box run sleep 100' & "
                   "until box ps | grep -q '^[0-9]*/[0-9]* .*sleep 100'; do sleep 0.05; done; "
                   "box ps; kill -TERM $!; wait $!"),
                143);
    CHECK(strncmp(output, "BOX ", 4) == 0 && says("\n. "));
}

CASE("a box that its maker's death ends is seen by ps no more")
{
    CHECK_EQUAL(sh("box run sleep 100 & until box ps | grep -q '^[0-9]'; do sleep 0.05; done; "
                   "kill -KILL $!; wait $!; while box ps | grep -q '^[0-9]'; do sleep 0.05; done; "
                   "exit 0"),
                0);
}

CASE("top shows what each has used lately, so many times as told")
{
    CHECK_EQUAL(sh("box run sh -c 'while :; do :; done' & sleep 0.3; "
                   "box top -d 200ms -n 2; kill -TERM $!; wait $!"),
                143);
    CHECK(says("CPU%") && strstr(strstr(output, "CPU%") + 1, "CPU%") != NULL);
    CHECK_EQUAL(sh("box top -d 0"), 125);
}

CASE("kill ends a box, with the status given, and waits until it is gone")
{
    CHECK_EQUAL(
        sh("box run sleep 100 & until box ps | grep -q '^[0-9]'; do sleep 0.05; done; "
           "box kill -s 55 $(box ps | sed -n 's/^\\([0-9]*\\) .*/\\1/p') || exit 1; wait $!"),
        55);
    CHECK_EQUAL(sh("box kill 99999"), 125);
    CHECK_EQUAL(sh("box kill x"), 125);
    CHECK_EQUAL(sh("box kill self"), 125);
    CHECK_EQUAL(sh("box kill 1"), 125);
}

CASE("show lists all that a box can name, and starts nothing")
{
    write_file("/tmp/m", "bind bin /bin rx\nbind t /tmp r\ngive 1 5\nquota memory 32M\n");
    CHECK_EQUAL(sh("box show -e A=1 -f /tmp/m"), 0);
    CHECK(strncmp(output, "names:\n  /bin          rx   /bin\n", 33) == 0);
    CHECK(says("\n  /t            r    /tmp\nfiles:\n"));
    CHECK(says("\n  5 ") && says("environment:\n  A=1\nlimits:\n"));
    CHECK(says("  memory        33554432\n") && says("directory: /\n"));
    CHECK_EQUAL(sh("box show --box 99999"), 125);
    unlink("/tmp/m");
}

// --- libbox ---

CASE("the example run: a program in a box with a directory")
{
    mkdir("/tmp/e", 0755);
    CHECK_EQUAL(sh("example_run /tmp/e /bin/sh -c 'echo $PATH > f; exit 5'"), 5);
    CHECK_EQUAL(sh("cat /tmp/e/f"), 0);
    CHECK(strcmp(output, "/bin\n") == 0);
    CHECK_EQUAL(sh("example_run /tmp/e /bin/nosuch"), 125);
    CHECK(says("exec '/bin/nosuch': no such file or directory (ENOENT)"));
    CHECK_EQUAL(sh("example_run /tmp/e /bin/sh -c 'kill -SEGV $$'"), 139);
    unlink("/tmp/e/f");
    rmdir("/tmp/e");
}

CASE("the example race: the first of several boxes to end wins, the others are gone")
{
    CHECK_EQUAL(sh("example_race 'sleep 100' 'sleep 0.1; exit 4' 'sleep 100'"), 0);
    CHECK(strcmp(output, "2 4\n") == 0);
}

// --- By hand ---

CASE("the box by hand runs as it stands")
{
    CHECK_EQUAL(sh("sh /usr/share/demo/by-hand.sh"), 0);
    CHECK(strcmp(output, SUM_OF_A_C "0") == 0);
}

CASE("the box by hand ends with 1 and the kernel's sentence when a command fails")
{
    int before = count_processes();

    CHECK(rmdir("/tmp/out") == 0);
    CHECK_EQUAL(sh("sh /usr/share/demo/by-hand.sh"), 1);
    CHECK(says("bind out /tmp/out rwc: no such file or directory (ENOENT)\n"));
    CHECK(mkdir("/tmp/out", 0755) == 0);
    while (count_processes() != before) // the box ends with its handle, and nobody waited for it
        usleep(1000);
}
