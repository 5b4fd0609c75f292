// SPDX-License-Identifier: MIT
// vm: smp
// test_epoll.c - poll sets that stay: sets within sets, closed handles, many handles, many threads;
// poll of many; timers as files.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define NSEC 1000000000LL
#define MANY 300

static void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

static int new_set(void)
{
    int set = epoll_create1(EPOLL_CLOEXEC);

    CHECK(set >= 0);
    return set;
}

static int new_event(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    CHECK(fd >= 0);
    return fd;
}

static void watch(int set, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };

    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
}

static void raise_event(int fd)
{
    uint64_t one = 1;

    CHECK_EQUAL(write(fd, &one, sizeof(one)), sizeof(one));
}

static void take_event(int fd)
{
    uint64_t count;

    CHECK_EQUAL(read(fd, &count, sizeof(count)), sizeof(count));
}

static int ready(int set, int timeout_ms)
{
    struct epoll_event got[8];

    return epoll_wait(set, got, 8, timeout_ms);
}

CASE("what cannot be watched, and what is no set, is refused")
{
    struct epoll_event event = { .events = EPOLLIN };
    int set = new_set(), fd = new_event(), file = open("/", O_RDONLY);

    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
    FAILS(epoll_ctl(fd, EPOLL_CTL_ADD, set, &event), EINVAL);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, 999, &event), EBADF);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, file, &event), EPERM);
    FAILS(epoll_ctl(set, EPOLL_CTL_MOD, fd, &event), ENOENT);
    FAILS(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), ENOENT);
    FAILS(epoll_ctl(set, 9, fd, &event), EINVAL);
    FAILS(epoll_wait(set, &event, 0, 0), EINVAL);
    FAILS(epoll_wait(fd, &event, 1, 0), EINVAL);
    watch(set, fd, EPOLLIN);
    raise_event(fd);
    FAILS(epoll_wait(set, (void *)16, 1, 0), EFAULT);
    close(file);
    close(fd);
    close(set);
}

CASE("a closed handle leaves the set; one that lives on by dup does not")
{
    int set = new_set(), fd = new_event(), copy;

    watch(set, fd, EPOLLIN);
    raise_event(fd);
    CHECK_EQUAL(ready(set, 0), 1);
    copy = dup(fd);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(ready(set, 0), 1);
    CHECK_EQUAL(close(copy), 0);
    CHECK_EQUAL(ready(set, 0), 0);
    close(set);
}

CASE("level-triggered events stay, edges come once, single shots sleep until modified")
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT }, got;
    int set = new_set(), level = new_event(), edge = new_event(), shot = new_event();

    watch(set, level, EPOLLIN);
    watch(set, edge, EPOLLIN | EPOLLET);
    watch(set, shot, EPOLLIN | EPOLLONESHOT);
    raise_event(level);
    raise_event(edge);
    raise_event(shot);
    CHECK_EQUAL(ready(set, 0), 3);
    CHECK_EQUAL(ready(set, 0), 1);
    raise_event(edge);
    raise_event(shot);
    CHECK_EQUAL(ready(set, 0), 2);
    take_event(level);
    CHECK_EQUAL(ready(set, 0), 0);
    event.data.fd = shot;
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_MOD, shot, &event), 0);
    CHECK_EQUAL(epoll_wait(set, &got, 1, 0), 1);
    CHECK_EQUAL(got.data.fd, shot);
    CHECK_EQUAL(got.events, EPOLLIN);
    close(level);
    close(edge);
    close(shot);
    close(set);
}

CASE("sets within sets pass events on, circles and deep nests are refused")
{
    struct epoll_event event = { .events = EPOLLIN };
    int sets[6], fd = new_event();

    for (int i = 0; i < 6; i++)
        sets[i] = new_set();
    watch(sets[0], fd, EPOLLIN);
    for (int i = 1; i < 5; i++)
        watch(sets[i], sets[i - 1], EPOLLIN);
    CHECK_EQUAL(ready(sets[4], 0), 0);
    raise_event(fd);
    CHECK_EQUAL(ready(sets[4], 0), 1);
    take_event(fd);
    CHECK_EQUAL(ready(sets[4], 0), 0);
    FAILS(epoll_ctl(sets[5], EPOLL_CTL_ADD, sets[4], &event), ELOOP);
    FAILS(epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[3], &event), ELOOP);
    close(sets[2]);
    raise_event(fd);
    CHECK_EQUAL(ready(sets[4], 0), 0);
    CHECK_EQUAL(ready(sets[1], 0), 1);
    for (int i = 0; i < 6; i++) {
        if (i != 2)
            close(sets[i]);
    }
    close(fd);
}

static void *raise_later(void *fd)
{
    sleep_ms(20);
    raise_event(*(int *)fd);
    return NULL;
}

CASE("a wait ends with the event, also through a set within a set, and at its time")
{
    int inner = new_set(), outer = new_set(), fd = new_event();
    long long before = now_ns(CLOCK_MONOTONIC);
    pthread_t thread;

    watch(inner, fd, EPOLLIN);
    watch(outer, inner, EPOLLIN);
    CHECK_EQUAL(ready(outer, 30), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
    CHECK_EQUAL(pthread_create(&thread, NULL, raise_later, &fd), 0);
    CHECK_EQUAL(ready(outer, 10000), 1);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    close(outer);
    close(inner);
    close(fd);
}

// --- Many threads take from one set ---

#define TAKERS 4
#define ROUNDS 400

static int shared_set, shared_fds[8];
static atomic_int taken, stop;

static void *taker(void *unused)
{
    struct epoll_event event;

    (void)unused;
    while (!atomic_load(&stop)) {
        if (epoll_wait(shared_set, &event, 1, 100) == 1) {
            uint64_t count;

            if (read(event.data.fd, &count, sizeof(count)) == sizeof(count))
                atomic_fetch_add(&taken, (int)count);
            event.events = EPOLLIN | EPOLLONESHOT;
            CHECK_EQUAL(epoll_ctl(shared_set, EPOLL_CTL_MOD, event.data.fd, &event), 0);
        }
    }
    return NULL;
}

CASE("threads that share a set take each event once and lose none")
{
    pthread_t threads[TAKERS];

    shared_set = new_set();
    for (int i = 0; i < 8; i++) {
        shared_fds[i] = new_event();
        watch(shared_set, shared_fds[i], EPOLLIN | EPOLLONESHOT);
    }
    for (int i = 0; i < TAKERS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, taker, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        raise_event(shared_fds[i % 8]);
        if (i % 10 == 0)
            sched_yield();
    }
    for (int i = 0; i < 5000 && atomic_load(&taken) < ROUNDS; i++)
        sleep_ms(1);
    atomic_store(&stop, 1);
    for (int i = 0; i < TAKERS; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK_EQUAL(atomic_load(&taken), ROUNDS);
    for (int i = 0; i < 8; i++)
        close(shared_fds[i]);
    close(shared_set);
}

// One thread closes what another watches and a third raises.
static void *churn(void *unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++) {
        int fd = new_event();

        watch(shared_set, fd, EPOLLIN | EPOLLET);
        raise_event(fd);
        close(fd);
    }
    return NULL;
}

static void *gather(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop))
        (void)ready(shared_set, 1);
    return NULL;
}

CASE("handles come and go while others wait for their set")
{
    pthread_t threads[3], watcher;

    atomic_store(&stop, 0);
    shared_set = new_set();
    CHECK_EQUAL(pthread_create(&watcher, NULL, gather, NULL), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, churn, NULL), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    atomic_store(&stop, 1);
    CHECK_EQUAL(pthread_join(watcher, NULL), 0);
    CHECK_EQUAL(ready(shared_set, 0), 0);
    close(shared_set);
}

CASE("a set closed while it watches, and one inherited by a child that ends, leave nothing")
{
    int set = new_set(), fds[MANY], status;
    pid_t child;

    for (int i = 0; i < MANY; i++) {
        fds[i] = new_event();
        watch(set, fds[i], EPOLLIN);
    }
    child = fork();
    if (child == 0)
        _exit(ready(set, 0) == 0 ? 0 : 1);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    raise_event(fds[MANY - 1]);
    CHECK_EQUAL(ready(set, 0), 1);
    close(set);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

CASE("poll of many finds the one, and says when it has ended")
{
    struct pollfd fds[MANY];
    pthread_t thread;

    for (int i = 0; i < MANY; i++)
        fds[i] = (struct pollfd){ .fd = new_event(), .events = POLLIN };
    CHECK_EQUAL(poll(fds, MANY, 10), 0);
    CHECK_EQUAL(pthread_create(&thread, NULL, raise_later, &fds[MANY - 2].fd), 0);
    CHECK_EQUAL(poll(fds, MANY, 10000), 1);
    CHECK_EQUAL(fds[MANY - 2].revents, POLLIN);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    for (int i = 0; i < MANY; i++)
        close(fds[i].fd);
    CHECK_EQUAL(poll(fds, 3, 1000), 3);
    CHECK_EQUAL(fds[1].revents, POLLNVAL);
}

CASE("eventfd counts, saturates, and gives one at a time as a semaphore")
{
    int fd = new_event(), semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    uint64_t value = UINT64_MAX - 1;

    CHECK_EQUAL(write(fd, &value, 8), 8);
    value = 1;
    FAILS(write(fd, &value, 8), EAGAIN);
    value = UINT64_MAX;
    FAILS(write(fd, &value, 8), EINVAL);
    FAILS(write(fd, &value, 7), EINVAL);
    FAILS(read(fd, &value, 7), EINVAL);
    CHECK_EQUAL(read(fd, &value, 8), 8);
    CHECK_EQUAL(value, UINT64_MAX - 1);
    FAILS(read(fd, &value, 8), EAGAIN);
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(read(semaphore, &value, 8), 8);
        CHECK_EQUAL(value, 1);
    }
    FAILS(read(semaphore, &value, 8), EAGAIN);
    close(fd);
    close(semaphore);
}

CASE("timerfd expires on time, repeats, tells what is left, and can be polled")
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec setting = { { 0, 10000000 }, { 0, 20000000 } }, left;
    struct pollfd set = { .fd = fd, .events = POLLIN };
    long long before = now_ns(CLOCK_MONOTONIC);
    uint64_t count;

    CHECK(fd >= 0);
    CHECK_EQUAL(timerfd_settime(fd, 0, &setting, NULL), 0);
    FAILS(read(fd, &count, 8), EAGAIN);
    CHECK_EQUAL(poll(&set, 1, 5000), 1);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 20000000);
    CHECK_EQUAL(read(fd, &count, 8), 8);
    CHECK(count >= 1);
    sleep_ms(50);
    CHECK_EQUAL(read(fd, &count, 8), 8);
    CHECK(count >= 4);
    CHECK_EQUAL(timerfd_gettime(fd, &left), 0);
    CHECK(left.it_interval.tv_nsec == 10000000 && left.it_value.tv_nsec <= 10000000);
    setting = (struct itimerspec){ 0 };
    CHECK_EQUAL(timerfd_settime(fd, 0, &setting, NULL), 0);
    FAILS(read(fd, &count, 8), EAGAIN);
    setting.it_value.tv_nsec = NSEC;
    FAILS(timerfd_settime(fd, 0, &setting, NULL), EINVAL);
    setting.it_value = (struct timespec){ 1, 0 };
    CHECK_EQUAL(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL), 0); // long past
    CHECK_EQUAL(poll(&set, 1, 5000), 1);
    close(fd);
}
