// SPDX-License-Identifier: MIT
// test_visible.c - who sees whom: every call and file that takes the number of a process, against a
// process itself, a member of its box, a box inside, one that is dead, and all that is outside.
//
// The observer is the head of a box of its own. Of what is outside of it, around or beside, no number
// means anything there; nor does that of a process that was waited for.
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

enum subject { SELF, MEMBER, INSIDE, DEAD, GONE, AROUND, SIBLING, SUBJECTS };

static const char *const subject_names[] = { "self",         "a member", "a box inside",
                                             "a dead child", "one gone", "the box around",
                                             "a box beside" };

// --- The calls: each is tried with a number, and says 0 or an errno ---

static int call_kill(pid_t pid) { return kill(pid, 0) == 0 ? 0 : errno; }
static int call_tkill(pid_t pid) { return syscall(SYS_tkill, pid, 0) == 0 ? 0 : errno; }
static int call_tgkill(pid_t pid) { return syscall(SYS_tgkill, pid, pid, 0) == 0 ? 0 : errno; }
static int call_getpgid(pid_t pid) { return getpgid(pid) >= 0 ? 0 : errno; }
static int call_getsid(pid_t pid) { return getsid(pid) >= 0 ? 0 : errno; }
static int call_setpgid(pid_t pid) { return setpgid(pid, pid) == 0 ? 0 : errno; }
static int call_wait4(pid_t pid) { return waitpid(pid, NULL, WNOHANG) >= 0 ? 0 : errno; }

static int call_sigqueue(pid_t pid)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return syscall(SYS_rt_sigqueueinfo, pid, 0, &info) == 0 ? 0 : errno;
}

static int call_waitid(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? 0 : errno;
}

static int call_getpriority(pid_t pid)
{
    return syscall(SYS_getpriority, PRIO_PROCESS, pid) > 0 ? 0 : errno;
}

static int call_setpriority(pid_t pid)
{
    return setpriority(PRIO_PROCESS, (id_t)pid, 1) == 0 ? 0 : errno;
}

static int call_getaffinity(pid_t pid)
{
    cpu_set_t set;

    return sched_getaffinity(pid, sizeof(set), &set) == 0 ? 0 : errno;
}

static int call_setaffinity(pid_t pid)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(pid, sizeof(set), &set) == 0 ? 0 : errno;
}

static int call_getscheduler(pid_t pid)
{
    return syscall(SYS_sched_getscheduler, pid) >= 0 ? 0 : errno;
}

static int call_setscheduler(pid_t pid)
{
    struct sched_param param = { 0 };

    return syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param) == 0 ? 0 : errno;
}

static int call_getparam(pid_t pid)
{
    struct sched_param param;

    return syscall(SYS_sched_getparam, pid, &param) == 0 ? 0 : errno;
}

static int call_setparam(pid_t pid)
{
    struct sched_param param = { 0 };

    return syscall(SYS_sched_setparam, pid, &param) == 0 ? 0 : errno;
}

static int call_rr_interval(pid_t pid)
{
    struct timespec time;

    return syscall(SYS_sched_rr_get_interval, pid, &time) == 0 ? 0 : errno;
}

static int call_prlimit(pid_t pid)
{
    struct rlimit limit;

    return prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0 ? 0 : errno;
}

static int call_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int call_robust(pid_t pid)
{
    void *head;
    size_t size;

    return syscall(SYS_get_robust_list, pid, &head, &size) == 0 ? 0 : errno;
}

static int call_capget(pid_t pid)
{
    struct { uint32_t version; int pid; } header = { 0x20080522, pid };
    uint32_t data[6];

    return syscall(SYS_capget, &header, data) == 0 ? 0 : errno;
}

static int call_cpu_clock(pid_t pid)
{
    struct timespec time;

    return syscall(SYS_clock_gettime, (int)(~(unsigned)pid << 3 | 2), &time) == 0 ? 0 : errno;
}

// What the calls say. All that is outside, and who was waited for: outside.
static const struct call_row {
    const char *name;
    int (*call)(pid_t pid);
    int wanted[5]; // self, member, inside, dead, outside
} calls[] = {
    { "kill", call_kill, { 0, 0, 0, 0, ESRCH } },
    { "rt_sigqueueinfo", call_sigqueue, { 0, 0, 0, 0, ESRCH } },
    // A head seen from outside is one process: its threads have no numbers there.
    { "tkill", call_tkill, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "tgkill", call_tgkill, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_getaffinity", call_getaffinity, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_setaffinity", call_setaffinity, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_getscheduler", call_getscheduler, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_setscheduler", call_setscheduler, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_getparam", call_getparam, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_setparam", call_setparam, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "sched_rr_get_interval", call_rr_interval, { 0, 0, ESRCH, ESRCH, ESRCH } },
    { "get_robust_list", call_robust, { 0, 0, ESRCH, ESRCH, ESRCH } },
    // Groups and sessions are each box's own.
    { "getpgid", call_getpgid, { 0, 0, ESRCH, 0, ESRCH } },
    { "getsid", call_getsid, { 0, 0, ESRCH, 0, ESRCH } },
    { "setpgid", call_setpgid, { EPERM, 0, ESRCH, 0, ESRCH } },
    { "getpriority", call_getpriority, { 0, 0, 0, ESRCH, ESRCH } },
    { "setpriority", call_setpriority, { 0, 0, 0, ESRCH, ESRCH } },
    { "prlimit", call_prlimit, { 0, 0, 0, ESRCH, ESRCH } },
    { "capget", call_capget, { 0, 0, 0, ESRCH, ESRCH } },
    { "clock_gettime", call_cpu_clock, { 0, 0, 0, EINVAL, EINVAL } },
    { "pidfd_open", call_pidfd, { 0, 0, 0, 0, ESRCH } },
    { "waitid", call_waitid, { ECHILD, 0, 0, 0, ECHILD } },
    { "wait4", call_wait4, { ECHILD, 0, 0, 0, ECHILD } }, // the last: it takes the dead one away
};

// --- The files: each is opened, and what can be read is read once ---

static int read_file(pid_t pid, const char *file)
{
    int fd = proc_open(pid, file, O_RDONLY | O_NONBLOCK), error = 0;
    struct stat info;
    char text[4096];

    if (fd < 0)
        return errno;
    if (fstat(fd, &info) < 0)
        error = errno;
    else if (S_ISDIR(info.st_mode))
        error = syscall(SYS_getdents64, fd, text, sizeof(text)) < 0 ? errno : 0;
    else if (read(fd, text, sizeof(text)) < 0)
        error = errno;
    close(fd);
    return error;
}

static const struct file_row {
    const char *file; // below /proc/PID
    int wanted[5];    // self, member, inside, dead, outside
} files[] = {
    { ".", { 0, 0, 0, 0, ENOENT } },
    { "status", { 0, 0, 0, 0, ENOENT } },
    { "stat", { 0, 0, 0, ESRCH, ENOENT } },
    { "statm", { 0, 0, 0, ESRCH, ENOENT } },
    { "cmdline", { 0, 0, 0, ESRCH, ENOENT } },
    { "comm", { 0, 0, 0, ESRCH, ENOENT } },
    { "perf", { 0, 0, 0, ESRCH, ENOENT } },
    { "prio", { 0, 0, 0, ESRCH, ENOENT } },
    { "note", { EAGAIN, EACCES, EACCES, ESRCH, ENOENT } }, // a queue is for its own process
    { "quota", { 0, 0, 0, ESRCH, ENOENT } },
    { "children", { 0, 0, 0, ESRCH, ENOENT } },
    { "cwd", { 0, 0, 0, ESRCH, ENOENT } },
    { "maps", { 0, 0, 0, ESRCH, ENOENT } },
    { "limits", { 0, 0, 0, ESRCH, ENOENT } },
    { "env", { 0, 0, 0, ESRCH, ENOENT } },
    { "fd", { 0, 0, 0, ESRCH, ENOENT } },
    { "ns", { 0, 0, 0, ESRCH, ENOENT } },
    { "task", { 0, 0, 0, ESRCH, ENOENT } },
    { "box", { ENOENT, ENOENT, 0, ENOENT, ENOENT } }, // of heads, but not of one's own
    { "ctl", { 0, 0, 0, 0, ENOENT } },
    { "wait", { EDEADLK, EAGAIN, EAGAIN, 0, ENOENT } },
};

static int failures;

static void expect(const char *what, enum subject subject, int got, int wanted)
{
    if (got == wanted)
        return;
    printf("# %s of %s: %s, not %s\n", what, subject_names[subject], got == 0 ? "0" : strerror(got),
           wanted == 0 ? "0" : strerror(wanted));
    failures++;
}

static int wanted_of(enum subject subject, const int wanted[5])
{
    return wanted[subject < GONE ? subject : GONE];
}

static pid_t pause_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static pid_t dead_child(void)
{
    pid_t pid = fork();
    siginfo_t info;

    if (pid == 0)
        _exit(0);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    return pid;
}

// The observer: around and sibling are numbers of the box around.
static int observe(pid_t around, pid_t sibling)
{
    pid_t pids[SUBJECTS] = { [SELF] = getpid(), [AROUND] = around, [SIBLING] = sibling };
    struct test_box inside;

    pids[MEMBER] = pause_child();
    pids[GONE] = dead_child();
    waitpid(pids[GONE], NULL, 0);
    pids[DEAD] = dead_child();
    if (box_new(&inside) != 0 || box_do(&inside, "bind bin /bin rx\nexec /bin/busybox sleep 100\nstart") != 0)
        return 1;
    pids[INSIDE] = inside.pid;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (enum subject subject = 0; subject < SUBJECTS; subject++)
            expect(files[i].file, subject, read_file(pids[subject], files[i].file),
                   wanted_of(subject, files[i].wanted));
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (enum subject subject = 0; subject < SUBJECTS; subject++) {
            errno = 0;
            expect(calls[i].name, subject, calls[i].call(pids[subject]),
                   wanted_of(subject, calls[i].wanted));
        }
    }
    fflush(stdout);
    return failures != 0;
}

static int command(int argc, char **argv)
{
    return argc == 4 && strcmp(argv[1], "observe") == 0 ? observe(atoi(argv[2]), atoi(argv[3])) : -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}

static void start_box(struct test_box *box, const char *what, pid_t around, pid_t sibling)
{
    CHECK(box_new(box) == 0);
    CHECK(box_do(box, "bind bin /bin rx\nbind proc /proc rwx\ngive 1 1\ngive 2 2\n"
                      "exec /bin/test_visible %s %d %d\nstart", what, around, sibling) == 0);
}

CASE("a number means what the table says, and nothing outside the box")
{
    struct test_box sibling, observer;
    pid_t around;

    for (int i = 0; i < 40; i++) { // so that no number here is one of those in the new box
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
    CHECK(box_new(&sibling) == 0);
    CHECK(box_do(&sibling, "bind bin /bin rx\nexec /bin/busybox sleep 100\nstart") == 0);
    around = pause_child();
    start_box(&observer, "observe", around, sibling.pid);
    CHECK_EQUAL(box_wait(observer.pid), 0);
    box_close(&observer);
    CHECK(kill(around, SIGKILL) == 0 && waitpid(around, NULL, 0) == around);
    CHECK(box_do(&sibling, "kill") == 0 && box_wait(sibling.pid) == -9);
    box_close(&sibling);
}

CASE("a head has no parent as it sees it, and is number 1")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "[ $$ = 1 ] && [ $PPID = 0 ] && exit 5") == 0);
    CHECK_EQUAL(box_wait(box.pid), 5);
    box_close(&box);
}

CASE("from outside a head is one process: its members have no numbers there")
{
    struct test_box box;
    char text[256];
    pid_t mine;

    CHECK(box_shell(&box, "", "sleep 100 & sleep 100 & sleep 100") == 0);
    usleep(100000);
    mine = pause_child();
    CHECK_EQUAL(mine, box.pid + 1); // nothing of the box took a number here
    CHECK(proc_read(box.pid, "box/1/children", text, sizeof(text)) > 0);
    CHECK(kill(mine, SIGKILL) == 0 && waitpid(mine, NULL, 0) == mine);
    CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
    box_close(&box);
}

CASE("handles on a dead process stay its own, whoever comes after")
{
    pid_t pid = pause_child(), next;
    int wait_fd = proc_open(pid, "wait", O_RDONLY), ctl = proc_open(pid, "ctl", O_RDWR);
    int prio = proc_open(pid, "prio", O_RDONLY), pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    char text[16] = "";

    CHECK(wait_fd >= 0 && ctl >= 0 && prio >= 0 && pidfd >= 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    for (int i = 0; i < 100; i++) {
        next = pause_child();
        CHECK(next != pid); // used again only after all others
        CHECK(kill(next, SIGKILL) == 0 && waitpid(next, NULL, 0) == next);
    }
    next = pause_child();
    CHECK(write(ctl, "kill", 4) < 0 && errno == ESRCH);
    CHECK(read(prio, text, sizeof(text)) < 0 && errno == ESRCH);
    CHECK(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno == ESRCH);
    CHECK(read(wait_fd, text, sizeof(text)) > 0 && atoi(text) == -9);
    CHECK(kill(next, 0) == 0);
    CHECK(kill(next, SIGKILL) == 0 && waitpid(next, NULL, 0) == next);
    close(wait_fd);
    close(ctl);
    close(prio);
    close(pidfd);
}
