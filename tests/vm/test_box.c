// SPDX-License-Identifier: MIT
// test_box.c - boxes as their makers see them: made, filled, started, ended, taken away.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

CASE("a box runs a program and gives its exit code")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "exit 7") == 0);
    CHECK(box_wait(box.pid) == 7);
    box_close(&box);
}

static char before[16384], after[16384];

// The number in the ledger's line of this name; 0: there is none.
static long line_of(const char *ledger, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = ledger; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            return atol(line + length + 1);
    }
    return 0;
}

// Whether what only the living have is in the ledger as often as before.
static bool living_same(void)
{
    static const char *const parts[] = {
        "process",        "space",        "region",      "env",
        "fdtab",          "directory",    "thread",      "signals",
        "signal actions", "names",        "frames user", "frames stack",
        "fpu area",       "frames table", "box",         "account",
        "process group",  "session",      "page index",  "timer",
    };
    bool same = true;

    if (!ledger_read(after, sizeof(after)) || line_of(before, "process") == 0)
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (line_of(before, parts[i]) != line_of(after, parts[i])) {
            printf("# %s: was %ld, is %ld\n", parts[i], line_of(before, parts[i]),
                   line_of(after, parts[i]));
            same = false;
        }
    }
    return same;
}

CASE("open files of /proc keep of a dead box its record alone")
{
    static const char *const files[] = { "prio",  "maps", "cwd",     "stat",    "status", "wait",
                                         "quota", "perf", "cmdline", "environ", "fd",     "env",
                                         "ns",    "task", "",        "ctl",     "note" };
    struct test_box box;
    int fds[sizeof(files) / sizeof(files[0])], count = (int)(sizeof(files) / sizeof(files[0]));

    for (int round = 0; round < 2; round++) { // the first makes the tables of this process
        CHECK(ledger_take(before, sizeof(before)));
        CHECK(box_shell(&box, "", "sleep 100 & sleep 100") == 0);
        for (int i = 0; i < count; i++)
            CHECK((fds[i] = proc_open(box.pid, files[i], i < count - 2 ? O_RDONLY : O_WRONLY)) >=
                  0);
        CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
        CHECK(living_same() || round == 0);
        CHECK(line_of(after, "record") == line_of(before, "record") + 1);
        CHECK(strcmp(box_status(box.pid, "Left"), "0") == 0);
        for (int i = 0; i < count; i++)
            close(fds[i]);
        box_close(&box);
        CHECK(ledger_same(before) || round == 0);
    }
}

CASE("a box that exits beside a child of its own has gone whole in the call after its wait")
{
    static char first[16384];
    struct test_box box;

    // The ledger beside a dead box, which is a record and our handle, is the same for the next one.
    for (int round = 0; round < 2; round++) {
        CHECK(ledger_take(before, sizeof(before)));
        CHECK(box_shell(&box, "", "ls -l / | wc -l >/dev/null; ps >/dev/null; (sleep 100 &) ; exit 7") == 0);
        CHECK_EQUAL(box_wait(box.pid), 7);
        CHECK(living_same() || round == 0);
        CHECK(round == 0 || ledger_same(first));
        if (round == 0)
            CHECK(ledger_take(first, sizeof(first)));
        box_close(&box);
    }
}

CASE("/proc/new must be opened for reading and writing")
{
    CHECK(open("/proc/new", O_RDONLY) < 0 && errno == EACCES);
    CHECK(open("/proc/new", O_WRONLY) < 0 && errno == EACCES);
}

CASE("/proc/new takes O_CREAT, as shells send it")
{
    struct test_box box = { .ctl = open("/proc/new", O_RDWR | O_CREAT, 0666) };
    char text[16] = "";

    CHECK(box.ctl >= 0 && read(box.ctl, text, sizeof(text) - 1) > 0);
    box.pid = atoi(text);
    box_discard(&box);
}

CASE("wait reads as one number without a newline, any number of times")
{
    struct test_box box;
    char text[32];

    CHECK(box_shell(&box, "", "exit 3") == 0);
    CHECK(proc_read(box.pid, "wait", text, sizeof(text)) == 1 && strcmp(text, "3") == 0);
    CHECK(proc_read(box.pid, "wait", text, sizeof(text)) == 1 && strcmp(text, "3") == 0);
    box_close(&box);
}

CASE("wait is readable by poll when the box has ended")
{
    struct test_box box;
    struct pollfd fd;

    CHECK(box_shell(&box, "", "sleep 0.2") == 0);
    fd = (struct pollfd){ .fd = proc_open(box.pid, "wait", O_RDONLY), .events = POLLIN };
    CHECK(poll(&fd, 1, 0) == 0);
    CHECK(poll(&fd, 1, 10000) == 1 && (fd.revents & POLLIN));
    close(fd.fd);
    box_close(&box);
}

CASE("a killed box reads -9, or the status given, -N too")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "sleep 100") == 0);
    CHECK(box_do(&box, "kill") == 0);
    CHECK(box_wait(box.pid) == -9);
    box_close(&box);
    CHECK(box_shell(&box, "", "sleep 100") == 0);
    CHECK(box_do(&box, "kill 123456789123") == 0);
    CHECK_EQUAL(box_wait(box.pid), 123456789123);
    box_close(&box);
    CHECK(box_shell(&box, "", "sleep 100") == 0);
    CHECK(box_do(&box, "kill -15") == 0);
    CHECK(box_wait(box.pid) == -15);
    box_close(&box);
}

CASE("background processes end with their box")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "sleep 100 & sleep 100 & (sleep 100; sleep 100) & exit 5") == 0);
    CHECK(box_wait(box.pid) == 5);
    box_close(&box);
}

CASE("a box ended by a signal reads the signal's number, negative")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "kill -SEGV $$") == 0);
    CHECK(box_wait(box.pid) == -SIGSEGV);
    box_close(&box);
}

CASE("wait4 reaps a head by its number, and -1 never sees it")
{
    struct test_box box;
    int status;

    CHECK(box_shell(&box, "", "exit 9") == 0);
    CHECK(box_wait(box.pid) == 9);
    CHECK(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD);
    CHECK(waitpid(box.pid, &status, 0) == box.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    CHECK(waitpid(box.pid, &status, 0) < 0 && errno == ECHILD);
    box_close(&box);
}

CASE("a missing program is an error of exec, and start after it is ENOEXEC")
{
    struct test_box box;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx") == 0);
    CHECK(box_do(&box, "exec /bin/nonexistent") == -ENOENT);
    CHECK(box_do(&box, "start") == -ENOEXEC);
    box_discard(&box);
}

CASE("a failing line is reported in words, with those before it done and none after it")
{
    struct test_box box;
    char text[512];
    ssize_t length;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nbind src /nonexistent r\nbind tmp /tmp r\n") == -ENOENT);
    length = read(box.ctl, text, sizeof(text) - 1);
    CHECK(length > 0);
    text[length] = '\0';
    CHECK(strcmp(text, "line 2: bind src /nonexistent r: no such file or directory (ENOENT)\n") == 0);
    CHECK(read(box.ctl, text, sizeof(text)) == 0);
    CHECK(box_do(&box, "unbind bin") == 0);
    CHECK(box_do(&box, "unbind tmp") == -ENOENT);
    box_discard(&box);
}

CASE("a name cannot be bound twice, nor with a slash")
{
    struct test_box box;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind a /tmp r") == 0);
    CHECK(box_do(&box, "bind a /bin r") == -EEXIST);
    CHECK(box_do(&box, "bind a/b /bin r") == -EINVAL);
    CHECK(box_do(&box, "bind b /bin q") == -EINVAL);
    box_discard(&box);
}

CASE("a box sees what was named to it and nothing else")
{
    struct test_box box;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\ngive 1 1\ngive 2 2") == 0);
    CHECK(box_do(&box, "exec /bin/busybox sh -c 'set -- /*; [ \"$*\" = /bin ] && [ ! -e /proc ] && exit 4'") == 0);
    CHECK(box_do(&box, "start") == 0);
    CHECK(box_wait(box.pid) == 4);
    box_close(&box);
}

CASE("a name bound for reading cannot be written")
{
    struct test_box box;

    mkdir("/tmp/ro", 0755);
    CHECK(box_shell(&box, "bind ro /tmp/ro r\n", "touch /ro/x 2>/dev/null && exit 1; mkdir /ro/d 2>/dev/null && exit 2; exit 0") == 0);
    CHECK(box_wait(box.pid) == 0);
    box_close(&box);
    rmdir("/tmp/ro");
}

CASE("a program in a name without x cannot be executed")
{
    struct test_box box;

    CHECK(box_shell(&box, "bind nox /bin r\n", "/nox/busybox true") == 0);
    CHECK(box_wait(box.pid) == 126);
    box_close(&box);
}

CASE("the head is process 1 of its box, its parent 0")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "[ $$ = 1 ] && [ $PPID = 0 ] && exit 6") == 0);
    CHECK(box_wait(box.pid) == 6);
    box_close(&box);
}

CASE("a box cannot see or signal what is around it")
{
    struct test_box box;
    char script[128];

    snprintf(script, sizeof(script), "kill -0 %d 2>/dev/null && exit 1; [ -e /proc/%d ] && exit 2; exit 0",
             getpid() + 1000, getpid() + 1000);
    CHECK(box_shell(&box, "", script) == 0);
    CHECK(box_wait(box.pid) == 0);
    box_close(&box);
}

CASE("a deadline ends a box, and its record says so")
{
    struct test_box box;

    CHECK(box_shell(&box, "quota deadline 300ms\n", "sleep 100") == 0);
    CHECK(box_wait(box.pid) == -9);
    CHECK(strcmp(box_status(box.pid, "By"), "deadline") == 0);
    CHECK(strcmp(box_status(box.pid, "Reason"), "deadline: its time was over") == 0);
    box_close(&box);
}

CASE("a full memory quota ends the program that needs more, and nobody else")
{
    struct test_box box, beside;

    CHECK(box_shell(&beside, "", "while [ ! -e /tmp/over ]; do sleep 0.02; done; exit 5") == 0);
    CHECK(box_shell(&box, "quota memory 8M\n", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done") == 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGKILL);
    CHECK(strncmp(box_status(box.pid, "Reason"), "memory quota of box ", 20) == 0);
    box_close(&box);
    close(open("/tmp/over", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK_EQUAL(box_wait(beside.pid), 5);
    box_close(&beside);
    unlink("/tmp/over");
}

CASE("a process quota makes fork fail")
{
    struct test_box box;

    CHECK(box_shell(&box, "quota processes 3\n", "sleep 5 & sleep 5 & sleep 5 & sleep 5 & exit 0") == 0);
    CHECK_EQUAL(box_wait(box.pid), 2); // what ash says when it cannot fork
    box_close(&box);
}

CASE("a box never started ends when its creation handle closes")
{
    struct test_box box;
    char path[32];

    CHECK(box_new(&box) == 0);
    snprintf(path, sizeof(path), "/proc/%d", box.pid);
    CHECK(access(path, F_OK) == 0);
    box_discard(&box);
    CHECK(access(path, F_OK) != 0);
}

CASE("a leash ends a running box when its creation handle closes")
{
    struct test_box box;
    int wait;
    char text[32];

    CHECK(box_shell(&box, "leash on\n", "sleep 100") == 0);
    wait = proc_open(box.pid, "wait", O_RDONLY);
    box_close(&box);
    CHECK(read(wait, text, sizeof(text)) == 2 && memcmp(text, "-9", 2) == 0);
    close(wait);
}

CASE("suspend holds a box and start lets it go on")
{
    struct test_box box;
    struct stat before, after;

    CHECK(box_shell(&box, "", "while :; do echo x >> /tmp/ticks; usleep 1000; done") == 0);
    while (stat("/tmp/ticks", &before) != 0 || before.st_size == 0)
        usleep(1000);
    CHECK(box_do(&box, "suspend") == 0);
    CHECK(stat("/tmp/ticks", &before) == 0);
    usleep(200000);
    CHECK(stat("/tmp/ticks", &after) == 0 && after.st_size == before.st_size);
    CHECK(box_do(&box, "start") == 0);
    for (int i = 0; i < 1000 && after.st_size == before.st_size; i++) {
        usleep(10000);
        stat("/tmp/ticks", &after);
    }
    CHECK(after.st_size > before.st_size);
    CHECK(box_do(&box, "suspend") == 0);
    CHECK(box_do(&box, "kill") == 0);
    CHECK(box_wait(box.pid) == -9);
    box_close(&box);
    unlink("/tmp/ticks");
}

CASE("the environment of a box is made by files")
{
    struct test_box box;
    char path[64];
    int fd;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\ngive 1 1\ngive 2 2") == 0);
    snprintf(path, sizeof(path), "/proc/%d/env/COLOUR", box.pid);
    fd = open(path, O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0 && write(fd, "green", 5) == 5);
    close(fd);
    CHECK(box_do(&box, "exec /bin/busybox sh -c '[ \"$COLOUR\" = green ] && exit 8'\nstart") == 0);
    CHECK(box_wait(box.pid) == 8);
    box_close(&box);
}

CASE("boxes nest, and the end of one ends those inside")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "exec 3<>/proc/new; read pid <&3; "
                              "printf \"bind bin /bin rx\\nexec /bin/busybox sleep 100\\nstart\\n\" >&3; exit 2") == 0);
    CHECK(box_wait(box.pid) == 2);
    box_close(&box);
}

CASE("a pipe end held by a dead box is closed")
{
    struct test_box box;
    int ends[2];
    char byte;

    CHECK(pipe2(ends, O_NONBLOCK) == 0); // a read that came before the close would be EAGAIN
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\ngive %d 1\nexec /bin/busybox sleep 100\nstart", ends[1]) == 0);
    close(ends[1]);
    CHECK(box_do(&box, "kill") == 0);
    CHECK(box_wait(box.pid) == -9);
    CHECK(read(ends[0], &byte, 1) == 0);
    close(ends[0]);
    box_close(&box);
}

CASE("after death wait and status answer, the rest is ESRCH")
{
    struct test_box box;
    char text[4096];

    CHECK(box_shell(&box, "", "exit 1") == 0);
    CHECK(box_wait(box.pid) == 1);
    CHECK(proc_read(box.pid, "status", text, sizeof(text)) > 0);
    CHECK(proc_read(box.pid, "maps", text, sizeof(text)) == -ESRCH);
    CHECK(box_do(&box, "start") == -ESRCH);
    box_close(&box);
}

CASE("waiting for oneself is EDEADLK")
{
    char text[32];

    CHECK(proc_read(getpid(), "wait", text, sizeof(text)) == -EDEADLK);
}

CASE("a hundred boxes leave nothing")
{
    for (int i = 0; i < 100; i++) {
        struct test_box box;

        CHECK(box_shell(&box, "", "exit 0") == 0);
        CHECK(box_wait(box.pid) == 0);
        box_close(&box);
    }
}
