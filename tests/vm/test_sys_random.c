// vm: smp
// SPDX-License-Identifier: MIT
// test_sys_random.c - system calls with random arguments: nothing panics, hangs or is left behind.
//
// Each round is a process of its own that makes calls in a directory of its own, with arguments
// drawn from what calls like and from what they do not. The seed is printed; SEED=n in the
// environment repeats a run, ROUNDS=n makes it longer. Calls that would reach beyond the round
// (signals to others, the clock, the machine) are left out. On another system such calls would
// destroy what is there: the program runs in Boxwork only.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define ROUNDS 60 // or as many as ROUNDS=n says
#define CALLS 60
#define ROUND_LIMIT_MS 1000
#define BUFFER 8192

static uint64_t state;
static char *buffer;

struct totals {
    unsigned long calls, successes, killed;
};
static struct totals *totals; // shared with the rounds

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static const char *const paths[] = {
    "a", "b", "d", "d/x", "l", "fifo", ".", "", "/", "/dev/null", "/dev/zero", "/dev/ptmx",
    "/dev/urandom", "/proc", "/proc/self", "/proc/self/ctl", "/proc/self/env/X", "/proc/self/fd/3",
    "/proc/self/maps", "/proc/self/note", "/proc/self/status", "/proc/self/wait", "/proc/new",
};

static uint64_t a_path(void)
{
    char *text = buffer + next() % 32 * 128;

    strcpy(text, paths[next() % (sizeof(paths) / sizeof(paths[0]))]);
    return (uint64_t)text;
}

static uint64_t a_pointer_to_number(void)
{
    uint64_t *word = (uint64_t *)(buffer + BUFFER / 2) + next() % 256;

    *word = next() % 3 != 0 ? next() % 16 : next();
    return (uint64_t)word;
}

static uint64_t argument(void)
{
    switch (next() % 14) {
    case 0:
        return next() % 8; // the round's own files
    case 1:
        return 0;
    case 2:
        return UINT64_MAX;
    case 3:
        return (uint64_t)buffer + next() % (BUFFER / 2);
    case 4:
    case 5:
        return a_path();
    case 6:
        return next() % 64;
    case 7:
        return UINT64_C(1) << next() % 64;
    case 8:
        return UINT64_C(0xffff800000000000) + next() % 65536;
    case 9:
        return next() % 4096;
    case 10:
        return (uint64_t)buffer + BUFFER - next() % 32; // the next page is not there
    case 11:
        return (uint64_t)(int64_t)AT_FDCWD;
    case 12:
        return next();
    default:
        return a_pointer_to_number();
    }
}

static bool reaches_beyond(long number)
{
    static const int left_out[] = {
        SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_pause, SYS_vfork, SYS_kill, SYS_tkill,
        SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, 424, SYS_reboot, SYS_settimeofday,
        SYS_clock_settime, SYS_chdir, SYS_fchdir, SYS_chroot, SYS_setpriority, SYS_prlimit64,
    };

    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        if (number == left_out[i])
            return true;
    }
    return false;
}

static void one_call(void)
{
    long number = (long)(next() % 20 == 0 ? 424 + next() % 30 : next() % 335);
    uint64_t a[6];
    pid_t self = getpid();
    long result;

    if (reaches_beyond(number))
        return;
    for (int i = 0; i < 6; i++)
        a[i] = argument();
    result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (getpid() != self)
        syscall(SYS_exit_group, 0); // a child that this call made
    __atomic_fetch_add(&totals->calls, 1, __ATOMIC_RELAXED);
    if (result >= 0)
        __atomic_fetch_add(&totals->successes, 1, __ATOMIC_RELAXED);
}

static void round_of_calls(uint64_t seed)
{
    struct rlimit fds = { 64, 64 };
    int pipes[2];

    state = seed;
    for (int i = 0; i < 10; i++)
        next();
    setsid();
    setrlimit(RLIMIT_NOFILE, &fds);
    buffer = mmap(NULL, BUFFER + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(buffer + BUFFER, 4096);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    dup2(open("/dev/null", O_RDWR), 0);
    dup2(0, 1); // what is written to the output would be taken for results
    dup2(0, 2);
    if (pipe(pipes) != 0 || epoll_create1(0) < 0 || eventfd(0, 0) < 0)
        _exit(1);
    open("a", O_RDWR | O_CREAT, 0644);
    for (int i = 0; i < CALLS; i++)
        one_call();
    syscall(SYS_exit_group, 0);
}

// A round may block its signals, so its end is seen to from outside.
static void run_round(uint64_t seed)
{
    struct pollfd ended = { .events = POLLIN };
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0)
        round_of_calls(seed);
    ended.fd = (int)syscall(434, child, 0); // pidfd_open
    if (poll(&ended, 1, ROUND_LIMIT_MS) == 0) {
        totals->killed++;
        CHECK_EQUAL(kill(child, SIGKILL), 0);
    }
    CHECK_EQUAL(waitpid(child, &status, __WALL), child);
    close(ended.fd);
}

static int remove_entry(const char *path, const struct stat *what, int type, struct FTW *at)
{
    (void)what;
    (void)type;
    (void)at;
    return remove(path);
}

static bool in_boxwork(void)
{
    struct utsname name;

    return uname(&name) == 0 && strstr(name.version, "Boxwork") != NULL;
}

CASE_LIMIT("random system calls end, and nothing of them is left", 280)
{
    const char *given = getenv("SEED");
    const char *wanted = getenv("ROUNDS");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    unsigned long rounds = wanted != NULL ? strtoul(wanted, NULL, 10) : ROUNDS;
    char scratch[] = "/tmp/randomXXXXXX";

    CHECK(in_boxwork()); // nowhere else, ever
    printf("# SEED=%llu\n", (unsigned long long)seed);
    totals = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(totals != MAP_FAILED);
    CHECK(mkdtemp(scratch) != NULL);
    CHECK_EQUAL(chdir(scratch), 0);
    CHECK_EQUAL(mkdir("d", 0755), 0);
    for (uint64_t round = 0; round < rounds; round++)
        run_round(seed * 1000003 + round + 1);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    CHECK_EQUAL(chdir("/"), 0);
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    printf("# %lu calls, %lu of them succeeded; %lu of %lu rounds were ended from outside\n",
           totals->calls, totals->successes, totals->killed, rounds);
    CHECK(totals->calls > rounds * CALLS / 4);
    CHECK(totals->successes > totals->calls / 50);
}
