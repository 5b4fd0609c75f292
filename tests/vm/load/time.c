// SPDX-License-Identifier: MIT
// time.c - the mixed load: signals, timers, sleeps.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define QUEUED 16

uint64_t load_now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
}

static atomic_int handled, last_value, out_of_order;

static void on_value(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_value.sival_int != atomic_load(&last_value) + 1)
        atomic_fetch_add(&out_of_order, 1);
    atomic_store(&last_value, info->si_value.sival_int);
    atomic_fetch_add(&handled, 1);
}

static void send_values(void *target)
{
    union sigval value;

    for (int i = 1; i <= QUEUED; i++) {
        value.sival_int = i;
        CHECK_EQUAL(sigqueue(*(pid_t *)target, SIGRTMIN, value), 0);
    }
}

static void receive_by_handler(pid_t *self)
{
    struct sigaction action = { .sa_sigaction = on_value, .sa_flags = SA_SIGINFO }, old;
    pid_t child;

    atomic_store(&handled, 0);
    atomic_store(&last_value, 0);
    atomic_store(&out_of_order, 0);
    CHECK_EQUAL(sigaction(SIGRTMIN, &action, &old), 0);
    child = load_child(send_values, self);
    while (atomic_load(&handled) < QUEUED)
        usleep(200);
    load_exited(child, 0);
    CHECK_EQUAL(atomic_load(&handled), QUEUED);
    CHECK_EQUAL(atomic_load(&out_of_order), 0);
    CHECK_EQUAL(sigaction(SIGRTMIN, &old, NULL), 0);
}

static void receive_by_fd(pid_t *self)
{
    struct signalfd_siginfo info;
    sigset_t set, old;
    pid_t child;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(fd >= 0);
    child = load_child(send_values, self);
    for (int i = 1; i <= QUEUED; i++) {
        CHECK_EQUAL(read(fd, &info, sizeof(info)), sizeof(info));
        CHECK_EQUAL(info.ssi_int, i);
    }
    load_exited(child, 0);
    close(fd);
    CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

void load_signals(void)
{
    pid_t self = getpid();

    if (load_random(2) == 0)
        receive_by_handler(&self);
    else
        receive_by_fd(&self);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

static void time_by_fd(uint64_t length_ns)
{
    struct itimerspec setting = { .it_value = timespec_of(length_ns), .it_interval = timespec_of(length_ns) };
    uint64_t start = load_now_ns(), expired = 0, count;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_EQUAL(timerfd_settime(fd, 0, &setting, NULL), 0);
    while (expired < 3) {
        CHECK_EQUAL(read(fd, &count, sizeof(count)), sizeof(count));
        CHECK(count > 0);
        expired += count;
        CHECK(load_now_ns() - start >= expired * length_ns);
    }
    close(fd);
}

static void time_by_signal(uint64_t length_ns)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
    struct itimerspec setting = { .it_value = timespec_of(length_ns) };
    sigset_t set, old;
    siginfo_t info;
    timer_t timer;
    uint64_t start;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    start = load_now_ns();
    CHECK_EQUAL(timer_settime(timer, 0, &setting, NULL), 0);
    CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 1);
    CHECK(load_now_ns() - start >= length_ns);
    CHECK_EQUAL(info.si_code, SI_TIMER);
    CHECK_EQUAL(timer_delete(timer), 0);
    CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void sleep_for(uint64_t length_ns)
{
    struct timespec length = timespec_of(length_ns);
    uint64_t start = load_now_ns();

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &length, &length) == EINTR)
        ;
    CHECK(load_now_ns() - start >= length_ns);
}

void load_timers(void)
{
    uint64_t length_ns = 1 + load_random(3 * NSEC_PER_MSEC);

    switch (load_random(3)) {
    case 0:
        time_by_fd(length_ns);
        break;
    case 1:
        time_by_signal(length_ns);
        break;
    default:
        sleep_for(length_ns);
    }
}
