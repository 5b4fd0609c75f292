// SPDX-License-Identifier: MIT
// test_sys_thread.c - barriers, groups, scheduling attributes, fds of others, persona: results and errors against their
// manual pages. All cases also pass on Linux as root.
// vm: smp
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/syscase.h"


enum { QUERY = 0, GLOBAL = 1, PRIVATE = 8, REGISTER_PRIVATE = 16 };
#define BARRIER(command, flags) syscall(SYS_membarrier, (long)(command), (long)(flags), 0L)
#define ROUNDS 500
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

CASE("membarrier wants to be registered for, a child is, a new program is not")
{
    int status;
    pid_t child;

    CHECK_EQUAL(BARRIER(QUERY, 0) & (GLOBAL | PRIVATE | REGISTER_PRIVATE), GLOBAL | PRIVATE | REGISTER_PRIVATE);
    FAILS(BARRIER(PRIVATE, 0), EPERM);
    FAILS(BARRIER(1 << 20, 0), EINVAL);
    FAILS(BARRIER(GLOBAL, 1), EINVAL);
    CHECK_EQUAL(BARRIER(GLOBAL, 0), 0);
    CHECK_EQUAL(BARRIER(REGISTER_PRIVATE, 0), 0);
    CHECK_EQUAL(BARRIER(PRIVATE, 0), 0);
    child = fork();
    if (child == 0)
        _exit(BARRIER(PRIVATE, 0) != 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

// The slow thread sets x, asks for a barrier and looks at y; the fast one goes round without any, setting y and looking at
// x. What it set after the slow one looked, it set after the barrier: it must have seen x then. (Without the barrier it has
// not, in two runs of three on two processors.)
#define SEEN 65536 // rounds of the fast thread that are remembered
static struct {
    _Alignas(128) atomic_uint x;
    _Alignas(128) atomic_uint y;
    _Alignas(128) atomic_uint checked;
    _Alignas(128) atomic_bool done;
    _Alignas(128) atomic_uint seen[SEEN]; // by y: what x was
} litmus;

static void *fast_side(void *argument)
{
    for (unsigned y = 1; !atomic_load_explicit(&litmus.done, memory_order_relaxed); y++) {
        unsigned x;

        atomic_store_explicit(&litmus.y, y, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        x = atomic_load_explicit(&litmus.x, memory_order_relaxed);
        atomic_store_explicit(&litmus.seen[y % SEEN], x, memory_order_release);
        while (y - atomic_load_explicit(&litmus.checked, memory_order_relaxed) > SEEN / 2 &&
               !atomic_load_explicit(&litmus.done, memory_order_relaxed))
            sched_yield();
    }
    return argument;
}

CASE_LIMIT("a barrier orders what another thread does without one of its own", 120)
{
    pthread_t thread;

    CHECK_EQUAL(BARRIER(REGISTER_PRIVATE, 0), 0);
    CHECK_EQUAL(pthread_create(&thread, NULL, fast_side, NULL), 0);
    for (unsigned x = 1; x <= ROUNDS; x++) {
        unsigned y;

        atomic_store_explicit(&litmus.x, x, memory_order_relaxed);
        CHECK_EQUAL(BARRIER(PRIVATE, 0), 0);
        y = atomic_load_explicit(&litmus.y, memory_order_relaxed);
        atomic_store(&litmus.checked, y); // the fast one may go on, half way round at most
        while (atomic_load_explicit(&litmus.y, memory_order_acquire) < y + 2)
            sched_yield();
        CHECK(atomic_load(&litmus.seen[(y + 1) % SEEN]) >= x);
    }
    atomic_store(&litmus.done, true);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

CASE("groups are kept, inherited, shown, and set by uid 0 alone")
{
    gid_t groups[3] = { 4, 20, 24 };
    gid_t got[4] = { 0 };
    char text[4096];
    int status, fd;
    pid_t child;

    CHECK_EQUAL(setgroups(3, groups), 0);
    CHECK_EQUAL(getgroups(0, NULL), 3);
    FAILS(getgroups(2, got), EINVAL);
    FAILS(getgroups(-1, got), EINVAL);
    FAILS(syscall(SYS_getgroups, 4L, BAD), EFAULT);
    child = fork();
    if (child == 0)
        _exit(getgroups(4, got) != 3 || memcmp(got, groups, sizeof(groups)) != 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    fd = open("/proc/self/status", O_RDONLY);
    CHECK((status = (int)read(fd, text, sizeof(text) - 1)) > 0);
    text[status] = '\0';
    CHECK(strstr(text, "\nGroups:\t4 20 24 \n") != NULL);
    FAILS(syscall(SYS_setgroups, 1L, BAD), EFAULT);
    FAILS(syscall(SYS_setgroups, 65537L, groups), EINVAL);
    groups[1] = (gid_t)-1;
    FAILS(syscall(SYS_setgroups, 3L, groups), EINVAL);
    CHECK_EQUAL(getgroups(4, got), 3);
    CHECK_EQUAL(setgroups(0, NULL), 0);
    CHECK_EQUAL(getgroups(4, got), 0);
    CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
    FAILS(setgroups(0, NULL), EPERM);
}

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t times[3];
    uint32_t room[4];
};

CASE("sched_setattr sets the nice value and says what it does not know")
{
    struct attributes attr = { .size = 48, .nice = 3 };

    CHECK_EQUAL(syscall(SYS_sched_setattr, 0L, &attr, 0L), 0);
    errno = 0;
    CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 3);
    FAILS(syscall(SYS_sched_setattr, 0L, NULL, 0L), EINVAL);
    FAILS(syscall(SYS_sched_setattr, -1L, &attr, 0L), EINVAL);
    FAILS(syscall(SYS_sched_setattr, 0L, &attr, 1L), EINVAL);
    FAILS(syscall(SYS_sched_setattr, 999999L, &attr, 0L), ESRCH);
    FAILS(syscall(SYS_sched_setattr, 0L, BAD, 0L), EFAULT);
    attr.size = 10;
    FAILS(syscall(SYS_sched_setattr, 0L, &attr, 0L), E2BIG);
    CHECK_EQUAL(attr.size, 56);
    attr.size = 64;
    attr.room[3] = 1;
    FAILS(syscall(SYS_sched_setattr, 0L, &attr, 0L), E2BIG);
    attr = (struct attributes){ .size = 48, .policy = 99 };
    FAILS(syscall(SYS_sched_setattr, 0L, &attr, 0L), EINVAL);
    attr = (struct attributes){ .size = 0, .nice = 5 };
    CHECK_EQUAL(syscall(SYS_sched_setattr, 0L, &attr, 0L), 0);
    CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
    attr.nice = 0;
    FAILS(syscall(SYS_sched_setattr, 0L, &attr, 0L), EPERM);
    FAILS(setpriority(PRIO_PROCESS, 0, 0), EACCES);
}

CASE("affinity of a thread that cannot be is of none")
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    FAILS(syscall(SYS_sched_getaffinity, -1L, sizeof(set), &set), ESRCH);
    FAILS(syscall(SYS_sched_setaffinity, -1L, sizeof(set), &set), ESRCH);
}

CASE("pidfd_getfd takes an fd of another process, as one open file")
{
    int told[2], pidfd, fd;
    char byte;
    pid_t child;

    CHECK_EQUAL(pipe(told), 0);
    child = fork();
    if (child == 0) {
        enter_scratch();
        fd = make_file("file", "hello");
        CHECK_EQUAL(unlink("file"), 0);
        leave_scratch();
        CHECK_EQUAL(dup2(fd, 50), 50);
        CHECK_EQUAL(write(told[1], "x", 1), 1);
        pause();
        _exit(0);
    }
    CHECK_EQUAL(read(told[0], &byte, 1), 1);
    CHECK((pidfd = (int)syscall(SYS_pidfd_open, child, 0)) >= 0);
    CHECK((fd = (int)syscall(SYS_pidfd_getfd, pidfd, 50, 0)) >= 0);
    CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 5);
    CHECK_EQUAL(pread(fd, &byte, 1, 1), 1);
    CHECK_EQUAL(byte, 'e');
    FAILS(syscall(SYS_pidfd_getfd, pidfd, 51, 0), EBADF);
    FAILS(syscall(SYS_pidfd_getfd, pidfd, 50, 1), EINVAL);
    FAILS(syscall(SYS_pidfd_getfd, told[0], 50, 0), EBADF);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(child, NULL, 0), child);
    FAILS(syscall(SYS_pidfd_getfd, pidfd, 50, 0), ESRCH);
}

CASE("small questions have Linux's answers")
{
    uint32_t header[2] = { 0x20080522, 0 };
    int word, *address = NULL;

    CHECK_EQUAL(syscall(SYS_personality, 0xffffffffL), 0);
    CHECK_EQUAL(syscall(SYS_personality, 0L), 0);
    CHECK_EQUAL(syscall(SYS_capget, header, NULL), 0);
    header[1] = (uint32_t)-1;
    FAILS(syscall(SYS_capget, header, header), EINVAL);
    FAILS(syscall(SYS_prctl, PR_CAPBSET_READ, 99L, 0L, 0L, 0L), EINVAL);
    CHECK_EQUAL(prctl(PR_CAPBSET_READ, 0), 1);
    CHECK_EQUAL(syscall(SYS_set_tid_address, &word), syscall(SYS_gettid));
    CHECK_EQUAL(prctl(PR_GET_TID_ADDRESS, &address), 0);
    CHECK(address == &word);
    FAILS(setpgid(-1, 0), EINVAL);
}
