// SPDX-License-Identifier: MIT
// vm: smp
// test_seeds.c - rows of docs/seeds.md that no other test asserts.
//
// Functions that only the kernel calls are called by /dev/process-interface of test builds, on a box
// that it makes for each row.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

static char text[4096];

// Runs a row of the kernel's own interface; says which line of its file fails.
static bool kernel_does(const char *row)
{
    int fd = open("/dev/process-interface", O_RDWR | O_CLOEXEC);
    char line[16] = "";

    if (fd < 0 || write(fd, row, strlen(row)) != (ssize_t)strlen(row)) {
        if (fd >= 0 && read(fd, line, sizeof(line) - 1) < 0)
            line[0] = '?';
        printf("# %s: kernel/dev/process_interface*.c:%s\n", row, line);
        return false;
    }
    close(fd);
    return true;
}

static int write_file(const char *path, const char *data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int error;

    if (fd < 0)
        return -errno;
    error = write(fd, data, strlen(data)) == (ssize_t)strlen(data) ? 0 : -errno;
    close(fd);
    return error;
}

// The exit code of a child; -N for signal N.
static int status_of(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// What rows find: 50 is a program's file, 51 open for writing alone, 52 a pipe.
static void open_files(void)
{
    int ends[2];

    CHECK(dup2(open("/bin/busybox", O_RDONLY), 50) == 50);
    CHECK(dup2(open("/dev/null", O_WRONLY), 51) == 51);
    CHECK(pipe(ends) == 0 && dup2(ends[0], 52) == 52);
}

// --- process.h, function by function ---

CASE("the kernel process is 0, always the same, never NULL, and takes no reference")
{
    CHECK(kernel_does("get_kernel"));
}

CASE("process_current is the calling thread's process, for a kernel thread the kernel process")
{
    static char before[16384], now[16384];

    CHECK(ledger_take(before, sizeof(before)));
    CHECK(kernel_does("current"));
    do { // until the next thread on its CPU has freed the one that was made
        CHECK(ledger_read(now, sizeof(now)));
    } while (strcmp(before, now) != 0);
}

CASE("process_new makes the head of an empty box that is not started, its priority capped")
{
    CHECK(kernel_does("new"));
}

CASE("process_new is EAGAIN at a quota and 32 deep, ENOMEM in a full account, ESRCH in a dying box")
{
    CHECK(kernel_does("new_fails"));
    CHECK(kernel_does("new_deepest"));
}

CASE("process_start maps a stack and runs the entry it is given")
{
    CHECK(kernel_does("start"));
}

CASE("process_exit ends another process with a kogata kind and code, the first to do so wins")
{
    CHECK(kernel_does("exit"));
    CHECK(kernel_does("finished_large"));
    CHECK(kernel_does("failure"));
    CHECK(kernel_does("failure_plain"));
    CHECK(kernel_does("killed"));
    CHECK(kernel_does("killed_by"));
}

// How many boxes there are, by the ledger.
static long box_count(void)
{
    static char ledger[16384];
    const char *line;

    CHECK(ledger_read(ledger, sizeof(ledger)));
    line = strstr(ledger, "\nbox ");
    CHECK(line != NULL);
    return atol(line + strlen("\nbox "));
}

CASE("process_exit of the calling process lets the call go on, and ends it on its way back")
{
    char line[16] = "";
    long before = box_count();
    pid_t pid = fork();
    int fd;

    if (pid == 0)
        _exit(kernel_does("exit_self"));
    CHECK_EQUAL(status_of(pid), 12);
    fd = open("/dev/process-interface", O_RDONLY | O_CLOEXEC);
    CHECK(read(fd, line, sizeof(line) - 1) > 0);
    CHECK_EQUAL(atoi(line), 0);
    while (box_count() > before) // the box of the row: who was to wait for its end had to go
        usleep(1000);
}

CASE("what ends says ESRCH of all its parts: fds, memory, names, threads, processes")
{
    open_files();
    CHECK(kernel_does("ended"));
}

CASE("process_kill sets any status, once")
{
    CHECK(kernel_does("kill"));
}

CASE(
    "process_new_thread adds threads, process_has_thread finds them, those that exit are taken out")
{
    CHECK(kernel_does("thread"));
}

// A child that ends at once for 0, that lives until it is killed for 1, and for 2 has a child of its
// own which does so and dies with it.
static pid_t make_child(int generations)
{
    int ends[2];
    char byte;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        if (generations == 0)
            _exit(0);
        if (generations == 2 && fork() == 0)
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ends[1], "r", 1) != 1)
            _exit(99);
        for (;;)
            pause();
    }
    for (int i = 0; i < generations; i++)
        CHECK(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

CASE("process_find_child finds children by number and nobody else")
{
    pid_t dead = make_child(0), living = make_child(2);
    siginfo_t info;

    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); // the child's child comes here at last
    CHECK(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT) == 0);
    CHECK(kernel_does("find_child"));
    CHECK_EQUAL(status_of(dead), 0);
    CHECK(kill(living, SIGKILL) == 0);
    CHECK_EQUAL(status_of(living), -SIGKILL);
    CHECK(wait(NULL) > 0);
}

CASE("process_wait_any_child reaps a member that ended, never a head, and says ECHILD without")
{
    if (fork() == 0)
        _exit(9);
    CHECK(kernel_does("wait_any"));
}

CASE("process_wait_any_child without block is EAGAIN while a child lives")
{
    pid_t child = make_child(1);

    CHECK(kernel_does("wait_any_living"));
    CHECK(kill(child, SIGKILL) == 0);
    CHECK_EQUAL(status_of(child), -SIGKILL);
}

static void ignore(int number)
{
    (void)number;
}

CASE("process_wait and process_wait_any_child are EINTR when a signal comes")
{
    pid_t child = make_child(1);
    struct itimerval soon = { .it_value.tv_usec = 20000 };

    CHECK(signal(SIGALRM, ignore) != SIG_ERR);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(kernel_does("wait_interrupted"));
    CHECK(kill(child, SIGKILL) == 0);
    CHECK_EQUAL(status_of(child), -SIGKILL);
}

CASE("process_copy_env copies into an empty environment, else EBUSY; EINVAL for nobody, ENOMEM if full")
{
    CHECK(write_file("/proc/self/env/COLOUR", "green") == 0);
    CHECK(kernel_does("copy_env"));
}

CASE("process_set_cmdline sets what cmdline shows, EINVAL without arguments, E2BIG for too many")
{
    CHECK(kernel_does("set_cmdline"));
}

CASE("process_set_cmdline is ENOMEM in a full account, and changes nothing")
{
    CHECK(kernel_does("set_cmdline_full"));
}

CASE("process_add_fs, process_find_fs and process_rm_fs bind, find and unbind a tree by its name")
{
    open_files();
    CHECK(kernel_does("fs"));
}

CASE("process_add_fd takes the lowest from 0, _as the one told, read and close find it")
{
    open_files();
    CHECK(kernel_does("fd"));
}

CASE("process_mmap maps zeros, and refuses what is unaligned, empty, taken anywhere, or not user's")
{
    CHECK(kernel_does("mmap"));
}

CASE("process_mmap_file maps a file and takes a reference on its handle until it is unmapped")
{
    open_files();
    CHECK(kernel_does("mmap_file"));
}

CASE("process_mchmap changes a part of what is mapped")
{
    CHECK(kernel_does("mchmap"));
}

CASE("process_munmap takes away a part of what is mapped")
{
    CHECK(kernel_does("munmap"));
}

CASE("process_dump_memmap writes the regions to the log")
{
    CHECK(kernel_does("dump_memmap"));
}

CASE("probes give EFAULT for what the caller may not read or write, also where a length wraps")
{
    CHECK(kernel_does("probe"));
}

// A strict process that hands a call such a pointer ends by SIGSEGV, and its reason begins so.
static void ends_strict(const char *how, const char *reason)
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nstrict on\nexec /bin/test_seeds bad-pointer %s\nstart",
                       how), 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGSEGV);
    if (strncmp(box_status(box.pid, "Reason"), reason, strlen(reason)) != 0)
        printf("# %s: %s\n", how, box_status(box.pid, "Reason"));
    CHECK(strncmp(box_status(box.pid, "Reason"), reason, strlen(reason)) == 0);
    box_close(&box);
}

CASE("in a strict process a bad pointer in a system call is a segfault")
{
    struct test_box box;

    ends_strict("null", "segfault in system call open: read of address 0x8: null pointer (ip 0x");
    ends_strict("read-only", "segfault in system call uname: write to address 0x70000000: write to read-only page (ip 0x");
    ends_strict("unmapped", "segfault in system call uname: write to address 0x70000000: unmapped address (ip 0x");
    ends_strict("outside", "segfault in system call uname: a bad pointer (ip 0x");
    // What a call before it touched in vain, and ended well, is not this one's.
    ends_strict("outside-after-short", "segfault in system call uname: a bad pointer (ip 0x");
    ends_strict("probe", "segfault in system call pipe: write to address 0x8000000000000000: kernel address (ip 0x");
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nexec /bin/test_seeds bad-pointer null\nstart") == 0);
    CHECK_EQUAL(box_wait(box.pid), EFAULT);
    box_close(&box);
}

// --- Files ---

CASE("find /proc ends while a box is inside")
{
    struct test_box box;
    struct stat status;
    char path[64];

    CHECK(box_shell(&box, "", "sleep 100") == 0);
    snprintf(path, sizeof(path), "/proc/%d/box/1/stat", box.pid);
    CHECK(stat(path, &status) == 0);
    snprintf(path, sizeof(path), "/proc/%d/box/1/box", box.pid);
    CHECK(stat(path, &status) < 0 && errno == ENOENT);
    CHECK_EQUAL(system("find /proc 2>/dev/null | grep -q 'box/1/box' && exit 3; exit 2") >> 8, 2);
    CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
    box_close(&box);
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

struct perf {
    unsigned long long user, kernel, start, pages, threads;
};

static struct perf read_perf(void)
{
    const char *format = "user_clocks kernel_clocks start_clocks user_pages thread_count\n"
                         "%llu %llu %llu %llu %llu";
    struct perf perf;

    CHECK(proc_read(getpid(), "perf", text, sizeof(text)) > 0);
    CHECK_EQUAL(sscanf(text, format, &perf.user, &perf.kernel, &perf.start, &perf.pages, &perf.threads), 5);
    return perf;
}

static unsigned long long nanoseconds(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
}

static void *spin(void *unused)
{
    for (volatile unsigned count = 0; count < 10000000; count++)
        ;
    return unused;
}

CASE("perf counts threads and resident pages, and its clocks only grow")
{
    struct perf first = read_perf(), then;
    pthread_t thread;
    char *memory;

    CHECK(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
    memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, 1 << 20);
    spin(NULL);
    for (int i = 0; i < 100000; i++)
        syscall(SYS_getppid);
    then = read_perf();
    CHECK(then.user > first.user && then.kernel > first.kernel && then.start == first.start);
    CHECK(then.pages >= first.pages + 256 && first.threads == 1 && then.threads == 2);
}

CASE("perf's clocks are nanoseconds, of threads that have ended too, and from boot to the start")
{
    unsigned long long before = nanoseconds(CLOCK_BOOTTIME), used, joined;
    pid_t pid = fork();
    pthread_t thread;
    struct perf perf;

    CHECK(pid >= 0);
    if (pid == 0) {
        unsigned long long after = nanoseconds(CLOCK_BOOTTIME);

        perf = read_perf();
        _exit(perf.start >= before && perf.start <= after ? 5 : 1);
    }
    CHECK_EQUAL(status_of(pid), 5);
    used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    CHECK(pthread_create(&thread, NULL, spin, NULL) == 0 && pthread_join(thread, NULL) == 0);
    joined = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    perf = read_perf();
    CHECK(perf.threads == 1 && joined > used);
    CHECK(perf.user + perf.kernel >= joined);
    CHECK(perf.user + perf.kernel <= nanoseconds(CLOCK_PROCESS_CPUTIME_ID));
}

CASE("execve replaces env by its envp")
{
    CHECK_EQUAL(system("[ \"$(env -i X=1 ls /proc/self/env)\" = X ]"), 0);
}

CASE("ctl dup2 and close work on a box from around, and a line's end is not needed")
{
    struct test_box box;
    struct stat status;
    char path[64], same[256], byte;
    ssize_t length;
    int ends[2];

    CHECK(pipe2(ends, O_NONBLOCK) == 0 && box_new(&box) == 0);
    CHECK(box_do(&box, "give %d 3", ends[1]) == 0 && box_do(&box, "dup2 3 8\n") == 0);
    close(ends[1]);
    snprintf(path, sizeof(path), "/proc/%d/fd/3", box.pid);
    length = readlink(path, text, sizeof(text));
    snprintf(path, sizeof(path), "/proc/%d/fd/8", box.pid);
    CHECK(length > 6 && readlink(path, same, sizeof(same)) == length);
    CHECK(memcmp(text, same, (size_t)length) == 0 && memcmp(text, "pipe:[", 6) == 0);
    CHECK(box_do(&box, "close 3") == 0);
    CHECK(read(ends[0], &byte, 1) < 0 && errno == EAGAIN); // 8 holds the pipe's end yet
    CHECK(lstat(path, &status) == 0);
    CHECK(box_do(&box, "close 8") == 0);
    CHECK(lstat(path, &status) < 0 && errno == ENOENT);
    CHECK_EQUAL(read(ends[0], &byte, 1), 0);
    box_discard(&box);
}

CASE("with adopt off the children of a member end with it")
{
    // After the wait for the member its child is there for good; or goes, and the head is alone.
    const char *stays = "(sleep 100 & exit 0); while :; do for p in /proc/[0-9]*; do "
                        "read -r line < $p/comm && [ $line = sleep ] && exit 1; done; done";
    const char *alone = "(sleep 100 & exit 0); set -- /proc/[0-9]*; while [ $# != 1 ]; "
                        "do set -- /proc/[0-9]*; done; exit 6";
    struct test_box box;

    CHECK(box_shell(&box, "", stays) == 0);
    CHECK_EQUAL(box_wait(box.pid), 1);
    box_close(&box);
    CHECK(box_shell(&box, "adopt off\n", alone) == 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    box_close(&box);
}

CASE("start lets a suspended box go on, and does nothing to a running one")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "sleep 0.2; exit 4") == 0);
    CHECK(box_do(&box, "start") == 0 && box_do(&box, "suspend") == 0 && box_do(&box, "start") == 0);
    CHECK_EQUAL(box_wait(box.pid), 4);
    box_close(&box);
}

// --- What this program does in boxes of the cases above ---

// Hands a call a pointer that is bad in such a way. Returns: the errno of the call.
static int hand_bad_pointer(const char *how)
{
    char *pages = mmap((void *)0x70000000, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    bool outside = strncmp(how, "outside", 7) == 0;
    int ends[2];

    if (strcmp(how, "null") == 0)
        return open((const char *)8, O_RDONLY) < 0 ? errno : 0;
    if (strcmp(how, "probe") == 0)
        return syscall(SYS_pipe, INT64_MIN) < 0 ? errno : 0;
    if (strcmp(how, "unmapped") == 0)
        munmap(pages, 8192);
    if (strcmp(how, "outside-after-short") == 0) {
        munmap(pages + 4096, 4096);
        if (pipe(ends) != 0 || write(ends[1], pages, 8192) != 4096)
            return 99;
    }
    return syscall(SYS_uname, outside ? INT64_MIN : (long)pages) < 0 ? errno : 0;
}

static int command(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "bad-pointer") == 0)
        return hand_bad_pointer(argv[2]);
    return -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}
