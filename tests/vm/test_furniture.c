// SPDX-License-Identifier: MIT
// test_furniture.c - what a new box is furnished with: limits, a name of the machine, a session; and what files tell of it.
// vm: smp
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>

#include "tests/vm/proc.h"
#include "tests/vm/turns.h"

static char text[16384];

// --- Programs, each in a box of its own; what they exit with ---

// Its limits are set below what it uses while it waits.
static int be_used_up(void)
{
    pid_t members[3];
    int fd;

    for (int i = 0; i < 3; i++) {
        members[i] = pause_child();
        if (members[i] < 0)
            return 1;
    }
    tell('u');
    if (!told_to_go_on())
        return 2;
    if (fork() != -1 || errno != EAGAIN)
        return 3;
    fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    if (fd != -1 || errno != EMFILE)
        return 4;
    tell('f');
    if (!told_to_go_on())
        return 5;
    for (int i = 0; i < 3; i++) {
        if (kill(members[i], 0) != 0)
            return 6;
    }
    fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pause_child() < 0)
        return 7;
    tell('m');
    if (!told_to_go_on())
        return 8;
    memset(text, 1, sizeof(text)); // pages that it has not yet
    return 9;
}

// How many can be made in a box inside, whose own limit is further than that around it.
static int count_children(void)
{
    int count = 0;

    while (pause_child() > 0)
        count++;
    return errno == EAGAIN ? count : 100;
}

static int be_between(void)
{
    struct test_box inner;
    const char *line;
    int error = box_new(&inner), limit;

    if (error == 0)
        error = box_do(&inner, "bind bin /bin rx\nquota processes 1000\nexec /bin/test_furniture --count");
    if (error != 0)
        return 101;
    if (proc_read(inner.pid, "quota", text, sizeof(text)) <= 0)
        return 102;
    line = strstr(text, "\nprocesses ");
    if (line == NULL || sscanf(line, " processes %*d %*d %d", &limit) != 1 || limit != 20)
        return 103;
    return box_do(&inner, "start") == 0 ? (int)box_wait(inner.pid) : 104;
}

static int be_named(void)
{
    struct utsname name;

    if (uname(&name) != 0 || strcmp(name.nodename, "outer") != 0)
        return 1;
    return sethostname("inner", 5) == 0 && uname(&name) == 0 && strcmp(name.nodename, "inner") == 0
               ? 0
               : 2;
}

// A head whose standard streams are a terminal.
static int be_on_terminal(void)
{
    if (!isatty(0) || getsid(0) != 1 || getpgrp() != 1)
        return 1;
    if (open("/dev/tty", O_RDWR) != -1 || errno != ENXIO)
        return 2;
    if (tcgetpgrp(0) != -1 || errno != ENOTTY)
        return 3;
    return ioctl(0, TIOCSTI, "x") == -1 ? errno : 4;
}

static int command(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } programs[] = {
        { "--used-up", be_used_up },         { "--count", count_children },
        { "--between", be_between },         { "--named", be_named },
        { "--on-terminal", be_on_terminal },
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

static void start_program(struct test_box *box, const char *extra, const char *name)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(
        box_do(box, "bind bin /bin rx\n%sexec /bin/test_furniture --%s\nstart", extra, name), 0);
}

static long long exit_of(const char *extra, const char *name)
{
    struct test_box box;
    long long code;

    start_program(&box, extra, name);
    code = box_wait(box.pid);
    box_close(&box);
    return code;
}

// --- Limits ---

// The limit in /proc/PID/quota.
static const char *limit_of(int pid, const char *key)
{
    static char limit[64];
    char *line, *save;

    limit[0] = '\0';
    CHECK(proc_read(pid, "quota", text, sizeof(text)) > 0);
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        size_t length = strlen(key);

        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            CHECK_EQUAL(sscanf(line + length, "%*s %*s %63s", limit), 1);
    }
    return limit;
}

CASE("a new box has the limits that docs/proc/quota.md says, of memory and cpu what is around it")
{
    static const char *const limits[][2] = { { "processes", "4096" },
                                             { "threads", "8192" },
                                             { "fds", "65536" },
                                             { "cputime", "none" },
                                             { "deadline", "none" } };
    static const char *const inherited[] = { "memory", "cpu" };
    struct test_box box;
    char around[64];

    CHECK_EQUAL(box_new(&box), 0);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        CHECK(strcmp(limit_of(box.pid, limits[i][0]), limits[i][1]) == 0);
    for (size_t i = 0; i < 2; i++) {
        strcpy(around, limit_of(getpid(), inherited[i]));
        CHECK(atoll(around) > 0 && strcmp(limit_of(box.pid, inherited[i]), around) == 0);
    }
    box_discard(&box);
}

CASE("a limit below what is used takes nothing away, and refuses what is new")
{
    struct test_box box;
    int to[2], from[2];
    char extra[64], byte;

    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    snprintf(extra, sizeof(extra), "give %d %d\ngive %d %d\n", to[0], GO, from[1], TOLD);
    start_program(&box, extra, "used-up");
    CHECK(close(to[0]) == 0 && close(from[1]) == 0);
    CHECK(read(from[0], &byte, 1) == 1 && byte == 'u');
    CHECK_EQUAL(box_do(&box, "quota processes 1\nquota fds 1"), 0);
    CHECK(strcmp(limit_of(box.pid, "processes"), "1") == 0 &&
          strcmp(limit_of(box.pid, "fds"), "1") == 0);
    CHECK_EQUAL(write(to[1], "g", 1), 1);
    CHECK(read(from[0], &byte, 1) == 1 && byte == 'f');
    CHECK_EQUAL(box_do(&box, "quota processes none\nquota fds none"), 0);
    CHECK_EQUAL(write(to[1], "g", 1), 1);
    CHECK(read(from[0], &byte, 1) == 1 && byte == 'm');
    CHECK_EQUAL(box_do(&box, "quota memory 64K"), 0);
    CHECK(atol(box_status(box.pid, "BoxMemory")) > 65536 &&
          strcmp(box_status(box.pid, "Exit"), "-") == 0);
    CHECK_EQUAL(write(to[1], "g", 1), 1);
    CHECK_EQUAL(box_wait(box.pid), -9);
    CHECK(strncmp(box_status(box.pid, "Reason"), "memory quota of box", 19) == 0);
    box_close(&box);
    CHECK(close(to[1]) == 0 && close(from[0]) == 0);
}

CASE("a box gives no further limit than it has itself: the least is shown, and holds")
{
    // Twenty in all: the one between, the head inside, and eighteen more.
    CHECK_EQUAL(exit_of("bind proc /proc rwx\nquota processes 20\n", "between"), 18);
}

// --- The machine as a box has it ---

CASE("a name of the machine is its box's own, and new boxes have it from around")
{
    char before[65];

    CHECK_EQUAL(gethostname(before, sizeof(before)), 0);
    CHECK_EQUAL(sethostname("outer", 5), 0);
    CHECK_EQUAL(exit_of("", "named"), 0);
    CHECK(gethostname(text, sizeof(text)) == 0 && strcmp(text, "outer") == 0);
    FAILS(sethostname("x", 65), EINVAL);
    CHECK_EQUAL(sethostname(before, strlen(before)), 0);
}

CASE("a head leads a session without a terminal, even if its streams are one, and types nothing "
     "into it")
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
    char extra[128];

    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(slave >= 0);
    snprintf(extra, sizeof(extra), "bind dev /dev rw\ngive %d 0\ngive %d 1\ngive %d 2\n", slave,
             slave, slave);
    CHECK_EQUAL(exit_of(extra, "on-terminal"), ENOTTY);
    close(slave);
    close(master);
}

// --- What files tell ---

CASE("statm is seven numbers of pages, and limits has Linux's form")
{
    unsigned long size, resident, shared, code, library, data, dirty;

    CHECK(proc_read(getpid(), "statm", text, sizeof(text)) > 0);
    CHECK_EQUAL(sscanf(text, "%lu %lu %lu %lu %lu %lu %lu", &size, &resident, &shared, &code,
                       &library, &data, &dirty),
                7);
    CHECK(size >= resident && resident > 0 && code > 0 && data > 0 && library == 0 && dirty == 0);
    CHECK(strspn(text, "0123456789 ") == strlen(text) - 1 && text[strlen(text) - 1] == '\n');
    CHECK(proc_read(getpid(), "limits", text, sizeof(text)) > 0);
    CHECK(strncmp(text, "Limit                     Soft Limit           Hard Limit           Units",
                  73) == 0);
    CHECK(strstr(text, "\nMax open files            ") != NULL &&
          strstr(text, "\nMax stack size            ") != NULL);
}

static void take_signal(int number)
{
    (void)number;
}

CASE("status has Linux's lines, with the process's own values")
{
    char wanted[64];
    int pid = getpid();

    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, take_signal);
    CHECK(strcmp(box_status(pid, "Name"), "test_furniture") == 0);
    CHECK(strcmp(box_status(pid, "State"), "R (running)") == 0);
    snprintf(wanted, sizeof(wanted), "%d", pid);
    CHECK(strcmp(box_status(pid, "Pid"), wanted) == 0 &&
          strcmp(box_status(pid, "Tgid"), wanted) == 0);
    snprintf(wanted, sizeof(wanted), "%d", getppid());
    CHECK(strcmp(box_status(pid, "PPid"), wanted) == 0);
    CHECK(strcmp(box_status(pid, "Uid"), "0\t0\t0\t0") == 0);
    CHECK(strcmp(box_status(pid, "Threads"), "1") == 0);
    CHECK(atol(box_status(pid, "VmRSS")) > 0 &&
          atol(box_status(pid, "VmRSS")) <= atol(box_status(pid, "VmSize")));
    CHECK_EQUAL(strtoull(box_status(pid, "SigIgn"), NULL, 16), 1 << (SIGUSR1 - 1));
    CHECK_EQUAL(strtoull(box_status(pid, "SigCgt"), NULL, 16), 1 << (SIGUSR2 - 1));
}

// --- Labels ---

CASE("modes and owners grant nothing and refuse nothing, whatever the uid")
{
    int status;
    pid_t pid;

    CHECK_EQUAL(mkdir("/tmp/labels", 0700), 0);
    CHECK_EQUAL(close(open("/tmp/labels/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    CHECK(chown("/tmp/labels/file", 5, 5) == 0 && chmod("/tmp/labels/file", 0) == 0);
    CHECK(chown("/tmp/labels", 5, 5) == 0 && chmod("/tmp/labels", 0) == 0);
    pid = fork();
    if (pid == 0) {
        if (setresgid(7, 7, 7) != 0 || setresuid(7, 7, 7) != 0 || getuid() != 7)
            _exit(1);
        if (open("/tmp/labels/file", O_RDWR | O_CLOEXEC) < 0 ||
            chmod("/tmp/labels/file", 0600) != 0)
            _exit(2);
        if (close(open("/tmp/labels/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0)) != 0)
            _exit(3);
        _exit(unlink("/tmp/labels/file") == 0 && unlink("/tmp/labels/new") == 0 ? 0 : 4);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_EQUAL(rmdir("/tmp/labels"), 0);
}
