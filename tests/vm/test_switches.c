// SPDX-License-Identifier: MIT
// test_switches.c - what ctl's switches do to a box, what of it is for members, and what names and handles are still good for
// when those who gave them are gone.
// vm: smp
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/vm/proc.h"
#include "tests/vm/turns.h"

#define PAGE 4096
#define GIVEN 9 // the fd of what a program in a box is given

// --- Programs, each in a box of its own; what they exit with ---

static void *volatile const bad_pointer = (void *)16; // never mapped

// 0 or the errno of a command to the ctl of a process of the box.
static int command_to(int pid, const char *text)
{
    int fd = proc_open(pid, "ctl", O_WRONLY), error;

    if (fd < 0)
        return errno;
    error = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return error;
}

static int open_error(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    return fd < 0 ? errno : close(fd);
}

static int be_faulty(void)
{
    *(volatile int *)bad_pointer = 1;
    return 1;
}

// 0, if memory can be writable and executable and what is written there runs; else the errno.
static int run_written(void)
{
    char *code =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (code == MAP_FAILED)
        return errno;
    *code = (char)0xc3; // ret
    ((void (*)(void))(uintptr_t)code)();
    munmap(code, PAGE);
    return 0;
}

static int be_writer_of_code(void)
{
    do
        tell((char)run_written());
    while (told_to_go_on());
    return 0;
}

static int be_strict(void)
{
    struct utsname *nowhere = bad_pointer;

    if (uname(nowhere) != -1 || errno != EFAULT || command_to(getpid(), "strict on") != 0)
        return 1;
    uname(nowhere);
    return 2;
}

static int be_strict_no_more(void)
{
    struct utsname *nowhere = bad_pointer;

    if (command_to(getpid(), "strict on && strict off") != 0)
        return 1;
    return uname(nowhere) == -1 && errno == EFAULT ? 0 : 2;
}

// Whether an orphan of the box goes on: a byte of it comes, or its end of the pipe is closed.
static int be_parent_of_orphan(void)
{
    int ends[2];
    char byte;
    pid_t pid;

    if (pipe(ends) != 0)
        return 90;
    pid = fork();
    if (pid == 0) {
        pid_t parent = getpid();

        if (fork() == 0) {
            while (getppid() == parent)
                usleep(1000);
            _exit(write(ends[1], "o", 1) == 1 ? 0 : 1);
        }
        _exit(0);
    }
    close(ends[1]);
    return read(ends[0], &byte, 1) == 1 ? 1 : 0;
}

// Another program for a member that was made by fork.
static int be_changer(void)
{
    pid_t member = pause_child();
    int status;

    if (command_to(member, "exec /bin/busybox true") != EBUSY)
        return 1;
    if (command_to(member, "suspend && exec /bin/busybox sh -c \"exit 7\" && start") != 0)
        return 2;
    return waitpid(member, &status, 0) == member && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static int try_oneself(void)
{
    int note = open("/proc/self/note", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char byte;

    if (getpid() == 1 || note < 0)
        return 1;
    if (read(note, &byte, 1) != -1 || errno != EAGAIN)
        return 2;
    if (command_to(getpid(), "suspend") != EDEADLK || command_to(1, "suspend") != EDEADLK)
        return 3;
    if (command_to(getpid(), "exec /bin/busybox true") != EBUSY)
        return 4;
    return command_to(getpid(), "kill 70");
}

// What a member may do to itself and to its head.
static int be_member(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(try_oneself());
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

// Around another box, with a handle on its ctl that a box further out has opened.
static int be_between(void)
{
    struct test_box inner, handed = { .ctl = GIVEN };

    if (box_new(&inner) != 0)
        return 1;
    tell((char)inner.pid);
    if (!told_to_go_on())
        return 2;
    if (box_do(&handed, "bind bin /bin rx") != -EPERM || box_do(&handed, "give 0 0") != -EPERM ||
        box_do(&handed, "inherit fds") != -EPERM || box_do(&handed, "execfd 0 x") != -EPERM)
        return 3;
    if (box_do(&handed, "quota processes 9\nunbind x") != -ENOENT)
        return 4;
    if (box_do(&inner, "bind bin /bin rx\nexec /bin/busybox true\nstart") != 0)
        return 5;
    return box_wait(inner.pid) == 0 ? 0 : 6;
}

// By a name for /proc that has r alone.
static int be_capped(void)
{
    static const struct {
        const char *path;
        int flags, error;
    } rows[] = {
        { "/proc/self/status", O_RDONLY, 0 },    { "/proc/self/maps", O_RDONLY, 0 },
        { "/proc/self/ctl", O_RDONLY, 0 },       { "/proc/self/ctl", O_WRONLY, EACCES },
        { "/proc/self/prio", O_WRONLY, EACCES }, { "/proc/self/quota", O_WRONLY, EACCES },
        { "/proc/self/note", O_WRONLY, EACCES }, { "/proc/self/comm", O_WRONLY, EACCES },
        { "/proc/self/cwd", O_WRONLY, EACCES },  { "/proc/new", O_RDWR, EACCES },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (open_error(rows[i].path, rows[i].flags) != rows[i].error)
            return (int)i + 1;
    }
    return unlink("/proc/self/fd/0") == -1 && errno == EACCES ? 0 : 98;
}

// By a name for the /proc of a box beside.
static int be_watcher(void)
{
    if (open_error("/b/1/status", O_RDONLY) != 0)
        return 1;
    if (open_error("/b/self", O_RDONLY) != ENOENT || open_error("/b/new", O_RDWR) != ENOENT)
        return 2;
    tell('r');
    if (!told_to_go_on())
        return 3;
    return open_error("/b/1/status", O_RDONLY) == ESRCH &&
                   open_error("/b/1/wait", O_RDONLY) == ESRCH
               ? 0
               : 4;
}

static int be_giver(void)
{
    int fd = open("/own/gift", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int ctl = open("/peer/ctl", O_WRONLY | O_CLOEXEC);
    char text[32];

    if (fd < 0 || ctl < 0 || write(fd, "a gift", 6) != 6)
        return 1;
    snprintf(text, sizeof(text), "give %d %d r", fd, GIVEN);
    return write(ctl, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
}

static int be_taker(void)
{
    char text[16];

    tell('r');
    if (!told_to_go_on())
        return 1;
    if (pread(GIVEN, text, sizeof(text), 0) != 6 || memcmp(text, "a gift", 6) != 0)
        return 2;
    return write(GIVEN, "x", 1) == -1 && errno == EBADF ? 0 : 3;
}

static int command(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } programs[] = {
        { "--faulty", be_faulty },
        { "--code", be_writer_of_code },
        { "--strict", be_strict },
        { "--changer", be_changer },
        { "--member", be_member },
        { "--between", be_between },
        { "--capped", be_capped },
        { "--watcher", be_watcher },
        { "--giver", be_giver },
        { "--taker", be_taker },
        { "--strict-no-more", be_strict_no_more },
        { "--orphan", be_parent_of_orphan },
    };

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && argc == 2; i++) {
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run();
    }
    return -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}

// --- Starting them ---

static int go, told; // of the program started last

static char next_told(void)
{
    char byte;

    CHECK_EQUAL(read(told, &byte, 1), 1);
    return byte;
}

static void go_on(void)
{
    CHECK_EQUAL(write(go, "g", 1), 1);
}

static void end_talk(void)
{
    close(go);
    close(told);
}

// Starts a program in a box; extra are ctl commands.
static void start_program(struct test_box *box, const char *extra, const char *name)
{
    int to[2], from[2];

    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\ngive %d %d r\ngive %d %d w\n%s", to[0], GO, from[1],
                       TOLD, extra),
                0);
    CHECK_EQUAL(box_do(box, "exec /bin/test_switches --%s\nstart", name), 0);
    close(to[0]);
    close(from[1]);
    go = to[1];
    told = from[0];
}

static long long exit_of(const char *extra, const char *name)
{
    struct test_box box;
    long long code;

    start_program(&box, extra, name);
    code = box_wait(box.pid);
    box_close(&box);
    end_talk();
    return code;
}

static void wait_suspended(const struct test_box *box)
{
    while (strstr(box_status(box->pid, "Flags"), "SUSPENDED") == NULL)
        usleep(1000);
}

// --- Switches ---

CASE("keep: a fault leaves the process suspended, to be looked at, and given another program")
{
    static char maps[16384];
    struct test_box box;

    start_program(&box, "keep on\n", "faulty");
    wait_suspended(&box);
    CHECK(strcmp(box_status(box.pid, "Exit"), "-") == 0 &&
          strcmp(box_status(box.pid, "Reason"), "-") == 0);
    CHECK(proc_read(box.pid, "maps", maps, sizeof(maps)) > 0 &&
          strstr(maps, "test_switches") != NULL);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    end_talk();
    start_program(&box, "keep on\n", "faulty");
    wait_suspended(&box);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox sh -c 'exit 6'\nstart"), 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    box_close(&box);
    end_talk();
}

CASE("keep off: what was kept goes on to its end by the fault")
{
    struct test_box box;

    start_program(&box, "keep on\n", "faulty");
    wait_suspended(&box);
    CHECK_EQUAL(box_do(&box, "keep off\nstart"), 0);
    CHECK_EQUAL(box_wait(box.pid), -11);
    CHECK(strstr(box_status(box.pid, "Reason"), "null pointer: write to address 0x10 (ip 0x") !=
          NULL);
    box_close(&box);
    end_talk();
}

CASE(
    "wx: memory may be writable and executable at once, for programs to come and the one that runs")
{
    struct test_box box;

    start_program(&box, "", "code");
    CHECK_EQUAL(next_told(), EACCES);
    CHECK_EQUAL(box_do(&box, "wx on"), 0);
    go_on();
    CHECK_EQUAL(next_told(), 0);
    CHECK_EQUAL(box_do(&box, "wx off"), 0);
    go_on();
    CHECK_EQUAL(next_told(), EACCES);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    end_talk();
    start_program(&box, "wx on\n", "code");
    CHECK_EQUAL(next_told(), 0);
    end_talk();
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
}

CASE("strict: a member may set it, and its bad pointer is then its end")
{
    CHECK_EQUAL(exit_of("bind proc /proc rwx\n", "strict"), -11);
}

CASE("strict off: a bad pointer is EFAULT again")
{
    CHECK_EQUAL(exit_of("bind proc /proc rwx\n", "strict-no-more"), 0);
}

CASE("adopt: a head has its box's orphans, or they end, as it was told last")
{
    CHECK_EQUAL(exit_of("", "orphan"), 1);
    CHECK_EQUAL(exit_of("adopt off\n", "orphan"), 0);
    CHECK_EQUAL(exit_of("adopt off\nadopt on\n", "orphan"), 1);
}

CASE("leash off: the box goes on when its creation handle closes")
{
    struct test_box box, later;
    char number[16];
    int wait;

    start_program(&box, "leash on\nleash off\n", "taker");
    CHECK_EQUAL(next_told(), 'r');
    later.ctl = proc_open(box.pid, "ctl", O_RDWR);
    wait = proc_open(box.pid, "wait", O_RDONLY);
    CHECK(later.ctl >= 0 && wait >= 0);
    box_close(&box);
    CHECK(strcmp(box_status(box.pid, "Exit"), "-") == 0);
    CHECK_EQUAL(box_do(&later, "kill 7"), 0);
    CHECK(read(wait, number, sizeof(number)) == 1 && number[0] == '7');
    close(wait);
    box_close(&later);
    end_talk();
}

// --- What members may, and what a handle's opener ---

CASE("a member gives another that is suspended a program, though it was made by fork")
{
    CHECK_EQUAL(exit_of("bind proc /proc rwx\n", "changer"), 7);
}

CASE("a member reads its own note, ends itself, and suspends neither itself nor its head")
{
    CHECK_EQUAL(exit_of("bind proc /proc rwx\n", "member"), 70);
}

CASE("a handle on ctl that a box further out has opened spends nothing, for a box around either")
{
    struct test_box box;
    char path[64];
    int ctl;

    start_program(&box, "bind proc /proc rwx\n", "between");
    snprintf(path, sizeof(path), "/proc/%d/box/%d/ctl", box.pid, next_told());
    ctl = open(path, O_RDWR | O_CLOEXEC);
    CHECK(ctl >= 0);
    CHECK_EQUAL(box_do(&box, "give %d %d", ctl, GIVEN), 0);
    close(ctl);
    go_on();
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    end_talk();
}

CASE("no handle on a box's own files of /proc enters it, by give or by inherit")
{
    static const char *const files[] = { ".",   "status",     "ctl",         "fd",
                                         "box", "box/uptime", "box/1/status" };
    struct test_box box;
    struct stat info;
    char path[64];

    CHECK_EQUAL(box_new(&box), 0);
    for (int i = 0; i < 7; i++) {
        int fd = proc_open(box.pid, files[i], O_RDONLY);

        CHECK(fd >= 0 && dup2(fd, 40 + i) == 40 + i); // not closed on exec
        CHECK_EQUAL(box_do(&box, "give %d 3", fd), -EPERM);
        close(fd);
    }
    CHECK_EQUAL(dup2(0, 50), 50);
    CHECK_EQUAL(box_do(&box, "inherit fds"), 0);
    for (int fd = 40; fd <= 50; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", box.pid, fd);
        CHECK_EQUAL(lstat(path, &info), fd == 50 ? 0 : -1);
        close(fd);
    }
    box_discard(&box);
}

// --- Names and what was given ---

CASE("the rights of the name of /proc cap what a member may do in its own box")
{
    CHECK_EQUAL(exit_of("bind proc /proc r\ngive 0 0\n", "capped"), 0);
}

CASE("a bound /proc/PID/box is that box's, without self and new, and ESRCH when it has ended")
{
    struct test_box target, watcher;
    char extra[64];

    start_sleeper(&target);
    snprintf(extra, sizeof(extra), "bind b /proc/%d/box r\n", target.pid);
    start_program(&watcher, extra, "watcher");
    CHECK_EQUAL(next_told(), 'r');
    finish(&target);
    go_on();
    CHECK_EQUAL(box_wait(watcher.pid), 0);
    box_close(&watcher);
    end_talk();
}

CASE("what was given outlives the giver's box, which shows what of it is left")
{
    struct test_box taker, giver;
    int taker_go, taker_told;
    char extra[64];

    start_program(&taker, "", "taker");
    CHECK_EQUAL(next_told(), 'r');
    taker_go = go;
    taker_told = told;
    snprintf(extra, sizeof(extra), "bind peer /proc/%d rwx\ntree own\n", taker.pid);
    start_program(&giver, extra, "giver");
    CHECK_EQUAL(box_wait(giver.pid), 0);
    CHECK(atoll(box_status(giver.pid, "Left")) > 0);
    box_close(&giver);
    end_talk();
    CHECK_EQUAL(write(taker_go, "g", 1), 1);
    CHECK_EQUAL(box_wait(taker.pid), 0);
    box_close(&taker);
    close(taker_go);
    close(taker_told);
}
