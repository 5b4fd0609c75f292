// SPDX-License-Identifier: MIT
// vm: exact
// test_timeout.c - in exact guest time: a wait of any kind that times out is never early and hardly
// late, and to hand over the processor takes no longer than its instructions.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "abi/futex.h"
#include "tests/vm/vmtest.h"

#define NSEC 1000000000LL
#define MSEC 1000000LL
#define LATE_MOST (MSEC / 5)
#define TRIPS 1000
#define TRIP_MOST 20000 // instructions: a system call, a wake, a switch, there and back

static struct timespec to_timespec(long long ns)
{
    return (struct timespec){ ns / NSEC, ns % NSEC };
}

static struct timespec moment_after(clockid_t clock, long long ns)
{
    return to_timespec(now_ns(clock) + ns);
}

// --- The kinds of wait: each waits for what does not come ---

static void by_nanosleep(long long ns)
{
    struct timespec time = to_timespec(ns);

    CHECK_EQUAL(nanosleep(&time, NULL), 0);
}

static void by_moment(long long ns)
{
    struct timespec moment = moment_after(CLOCK_REALTIME, ns);

    CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL), 0);
}

static void by_poll(long long ns) { CHECK_EQUAL(poll(NULL, 0, (int)(ns / MSEC)), 0); }

static void by_ppoll(long long ns)
{
    struct timespec time = to_timespec(ns);

    CHECK_EQUAL(ppoll(NULL, 0, &time, NULL), 0);
}

static void by_select(long long ns)
{
    struct timeval time = { ns / NSEC, ns % NSEC / 1000 };

    CHECK_EQUAL(select(0, NULL, NULL, NULL, &time), 0);
}

static void by_epoll(long long ns)
{
    struct epoll_event event;
    int set = epoll_create1(EPOLL_CLOEXEC);

    CHECK_EQUAL(epoll_wait(set, &event, 1, (int)(ns / MSEC)), 0);
    close(set);
}

static uint32_t word;

static void by_futex(long long ns)
{
    struct timespec time = to_timespec(ns);

    CHECK_EQUAL(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0), -1);
    CHECK_EQUAL(errno, ETIMEDOUT);
}

static void by_futex_moment(long long ns)
{
    struct timespec moment = moment_after(CLOCK_MONOTONIC, ns);

    CHECK_EQUAL(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &moment, NULL,
                        FUTEX_BITSET_MATCH_ANY), -1);
    CHECK_EQUAL(errno, ETIMEDOUT);
}

static void by_semaphore(long long ns)
{
    static sem_t semaphore;
    struct timespec moment = moment_after(CLOCK_REALTIME, ns);

    CHECK_EQUAL(sem_timedwait(&semaphore, &moment), -1);
    CHECK_EQUAL(errno, ETIMEDOUT);
}

static void by_condition(long long ns)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec moment = moment_after(CLOCK_REALTIME, ns);

    pthread_mutex_lock(&mutex);
    CHECK_EQUAL(pthread_cond_timedwait(&condition, &mutex, &moment), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static void by_mutex(long long ns)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec moment = moment_after(CLOCK_REALTIME, ns);

    pthread_mutex_trylock(&mutex);
    CHECK_EQUAL(pthread_mutex_timedlock(&mutex, &moment), ETIMEDOUT);
}

static void by_sigtimedwait(long long ns)
{
    struct timespec time = to_timespec(ns);
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQUAL(sigtimedwait(&set, NULL, &time), -1);
    CHECK_EQUAL(errno, EAGAIN);
}

static void by_timerfd(long long ns)
{
    struct itimerspec time = { .it_value = to_timespec(ns) };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t times;

    CHECK_EQUAL(timerfd_settime(fd, 0, &time, NULL), 0);
    CHECK_EQUAL(read(fd, &times, sizeof(times)), sizeof(times));
    close(fd);
}

// Waits for SIGALRM, which is blocked.
static void await_alarm(void)
{
    sigset_t set;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK_EQUAL(sigwait(&set, &signal), 0);
}

static void by_itimer(long long ns)
{
    struct itimerval time = { .it_value = { ns / NSEC, ns % NSEC / 1000 } };

    CHECK_EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
    await_alarm();
}

static void by_timer(long long ns)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    struct itimerspec time = { .it_value = to_timespec(ns) };
    timer_t timer;

    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK_EQUAL(timer_settime(timer, 0, &time, NULL), 0);
    await_alarm();
    CHECK_EQUAL(timer_delete(timer), 0);
}

static const struct {
    const char *name;
    void (*wait)(long long ns);
} kinds[] = {
    { "nanosleep", by_nanosleep },
    { "clock_nanosleep until a moment", by_moment },
    { "poll", by_poll },
    { "ppoll", by_ppoll },
    { "select", by_select },
    { "epoll_wait", by_epoll },
    { "futex, a time", by_futex },
    { "futex, until a moment", by_futex_moment },
    { "a semaphore", by_semaphore },
    { "a condition variable", by_condition },
    { "a mutex", by_mutex },
    { "sigtimedwait", by_sigtimedwait },
    { "timerfd", by_timerfd },
    { "setitimer", by_itimer },
    { "timer_settime", by_timer },
};

CASE("a wait of any kind is never early, and at most 0.2 ms late")
{
    static const long long lengths[] = { MSEC, 7 * MSEC, 500 * MSEC };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            long long before = now_ns(CLOCK_MONOTONIC), late;

            kinds[kind].wait(lengths[i]);
            late = now_ns(CLOCK_MONOTONIC) - before - lengths[i];
            if (late < 0 || late > LATE_MOST)
                printf("# %s for %lld us: %lld us late\n", kinds[kind].name, lengths[i] / 1000,
                       late / 1000);
            CHECK(late >= 0 && late <= LATE_MOST);
        }
    }
}

// --- Turns ---

static atomic_uint turn; // 0 or 1: whose it is

static void take_turns(unsigned mine)
{
    for (int i = 0; i < TRIPS; i++) {
        while (atomic_load(&turn) != mine)
            syscall(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, !mine, NULL, NULL, 0);
        atomic_store(&turn, !mine);
        syscall(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
    }
}

static void *take_second(void *unused)
{
    (void)unused;
    take_turns(1);
    return NULL;
}

CASE("a thousand round trips by futex on one CPU take no time slice")
{
    long long before, each;
    pthread_t other;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    CHECK_EQUAL(sched_setaffinity(0, sizeof(set), &set), 0);
    CHECK_EQUAL(pthread_create(&other, NULL, take_second, NULL), 0);
    before = now_ns(CLOCK_MONOTONIC);
    take_turns(0);
    CHECK_EQUAL(pthread_join(other, NULL), 0);
    each = (now_ns(CLOCK_MONOTONIC) - before) / TRIPS;
    printf("# %lld instructions each\n", each);
    CHECK(each <= TRIP_MOST);
}
