// SPDX-License-Identifier: MIT
// vm: smp --append fault=clock-fast
// test_clock_replaced.c - a machine whose counter runs a quarter too fast: it is found out, and the clock goes on by another.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vdso.h"
#include "tests/vm/vmtest.h"

#define NSEC 1000000000LL
#define MSEC 1000000LL
#define THREADS 4
#define READINGS 20000

static long long now(void)
{
    struct timespec time;

    CHECK(vdso_clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return time.tv_sec * NSEC + time.tv_nsec;
}

static long long by_call(void)
{
    struct timespec time;

    CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time) == 0);
    return time.tv_sec * NSEC + time.tv_nsec;
}

static void ask(void)
{
    struct timespec time;

    (void)vdso_clock_gettime(CLOCK_MONOTONIC, &time);
}

static _Atomic long long latest;
static atomic_uint backwards;
static atomic_bool stop;

static void *read_and_compare(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < READINGS || !stop; i++) {
        long long before = atomic_load(&latest);
        long long time = i % 2 == 0 ? by_call() : now();

        if (time < before)
            atomic_fetch_add(&backwards, 1);
        while (before < time && !atomic_compare_exchange_weak(&latest, &before, time))
            ;
    }
    return NULL;
}

// The first case: the machine has just started, so most times the change comes while it runs.
CASE("a counter that is too fast is found out, and no time comes twice")
{
    pthread_t threads[THREADS];
    bool calls = false;

    ask();
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, read_and_compare, NULL) == 0);
    for (unsigned i = 0; i < 100 && !calls; i++) {
        usleep(50000);
        calls = vdso_calls_kernel(ask);
    }
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(calls);
    CHECK_EQUAL(backwards, 0);
}

CASE("the vDSO and the system call still tell one time")
{
    for (unsigned i = 0; i < 1000; i++) {
        long long before = by_call(), between = now();

        CHECK(before <= between && between <= by_call());
    }
}

CASE("sleeps are never early, and end")
{
    for (long long ns = 1000; ns < 200 * MSEC; ns *= 3) {
        struct timespec time = { 0, ns };
        long long before = by_call();

        CHECK(nanosleep(&time, NULL) == 0);
        CHECK(by_call() - before >= ns);
    }
}

CASE("timers go off, after a rest too that is longer than the new clock's range")
{
    struct itimerspec every = { { 0, 10 * MSEC }, { 0, 10 * MSEC } };
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct pollfd ready = { .fd = timer, .events = POLLIN };
    unsigned long long count = 0, more;
    long long begun = by_call();

    CHECK(timer >= 0 && timerfd_settime(timer, 0, &every, NULL) == 0);
    sleep(1);
    CHECK(by_call() - begun >= NSEC);
    CHECK(poll(&ready, 1, 1000) == 1);
    CHECK(read(timer, &count, sizeof(count)) == sizeof(count));
    CHECK(count >= 90);
    while (count < 120) {
        CHECK(read(timer, &more, sizeof(more)) == sizeof(more));
        count += more;
    }
    CHECK(by_call() - begun >= 1200 * MSEC);
    CHECK(close(timer) == 0);
}
