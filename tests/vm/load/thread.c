// SPDX-License-Identifier: MIT
// thread.c - the mixed load: threads that meet at mutexes, futexes and condition variables.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/futex.h"
#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define THREADS 8
#define COUNTS 50
#define TURNS 60
#define ITEMS 40

static pthread_mutex_t mutex;
static unsigned long counter;

static void make_mutex(int type, int protocol, int robust)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    CHECK_EQUAL(pthread_mutexattr_settype(&attributes, type), 0);
    CHECK_EQUAL(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
    CHECK_EQUAL(pthread_mutexattr_setrobust(&attributes, robust), 0);
    CHECK_EQUAL(pthread_mutex_init(&mutex, &attributes), 0);
}

static void *count_up(void *argument)
{
    for (int i = 0; i < COUNTS; i++) {
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
        counter++;
        if (i % 16 == 0)
            sched_yield();
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    }
    return argument;
}

void load_threads(void)
{
    static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK };
    unsigned count = 2 + load_random(THREADS - 1);
    pthread_t threads[THREADS];

    make_mutex(types[load_random(3)], load_random(2) ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
               load_random(2) ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
    counter = 0;
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK_EQUAL(counter, count * COUNTS);
}

// --- Turns: each waits for its own word and sets the other's ---

struct turns {
    _Atomic uint32_t words[2];
};

static void take_turns(struct turns *turns, unsigned self, int flag)
{
    for (int i = 0; i < TURNS; i++) {
        while (atomic_load(&turns->words[self]) == 0)
            syscall(SYS_futex, &turns->words[self], FUTEX_WAIT | flag, 0, NULL);
        atomic_store(&turns->words[self], 0);
        atomic_store(&turns->words[1 - self], 1);
        syscall(SYS_futex, &turns->words[1 - self], FUTEX_WAKE | flag, 1);
    }
}

static void *take_turns_thread(void *turns)
{
    take_turns(turns, 1, FUTEX_PRIVATE_FLAG);
    return NULL;
}

static void take_turns_process(void *turns)
{
    take_turns(turns, 1, 0);
}

void load_futex(void)
{
    struct turns *turns =
        mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;
    pid_t child;

    CHECK(turns != MAP_FAILED);
    atomic_store(&turns->words[0], 1);
    if (load_random(2) == 0) {
        CHECK_EQUAL(pthread_create(&thread, NULL, take_turns_thread, turns), 0);
        take_turns(turns, 0, FUTEX_PRIVATE_FLAG);
        CHECK_EQUAL(pthread_join(thread, NULL), 0);
    } else {
        child = load_child(take_turns_process, turns);
        take_turns(turns, 0, 0);
        load_exited(child, 0);
    }
    CHECK_EQUAL(munmap(turns, sizeof(*turns)), 0);
}

// --- Condition variables ---

static pthread_cond_t changed;
static unsigned full, produced, consumed;

static void *produce_or_consume(void *consumes)
{
    for (int i = 0; i < ITEMS; i++) {
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
        while (full == (consumes != NULL ? 0 : 2))
            CHECK_EQUAL(pthread_cond_wait(&changed, &mutex), 0);
        if (consumes != NULL) {
            full--;
            consumed++;
        } else {
            full++;
            produced++;
        }
        CHECK_EQUAL(pthread_cond_broadcast(&changed), 0);
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    }
    return NULL;
}

void load_condition(void)
{
    pthread_t threads[4];

    make_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    CHECK_EQUAL(pthread_cond_init(&changed, NULL), 0);
    full = produced = consumed = 0;
    for (uintptr_t i = 0; i < 4; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, produce_or_consume, (void *)(i % 2)), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK_EQUAL(produced, 2 * ITEMS);
    CHECK_EQUAL(consumed, 2 * ITEMS);
}

// --- Owners that end ---

static atomic_bool held;

static void *lock_and_end(void *argument)
{
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    atomic_store(&held, true);
    usleep(load_random(2) * 1000);
    return argument;
}

void load_owner(void)
{
    pthread_t thread;

    make_mutex(PTHREAD_MUTEX_NORMAL, load_random(2) ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
               PTHREAD_MUTEX_ROBUST);
    atomic_store(&held, false);
    CHECK_EQUAL(pthread_create(&thread, NULL, lock_and_end, NULL), 0);
    while (!atomic_load(&held))
        sched_yield();
    CHECK_EQUAL(pthread_mutex_lock(&mutex), EOWNERDEAD);
    CHECK_EQUAL(pthread_mutex_consistent(&mutex), 0);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK_EQUAL(pthread_mutex_destroy(&mutex), 0);
}

// --- Cancellation ---

static atomic_uint cleaned;

static void clean(void *unused)
{
    (void)unused;
    atomic_fetch_add(&cleaned, 1);
}

static void *block(void *fd)
{
    char byte;

    pthread_cleanup_push(clean, NULL);
    while (read((int)(uintptr_t)fd, &byte, 1) != 0)
        ;
    pthread_cleanup_pop(0);
    return NULL;
}

void load_cancel(void)
{
    unsigned count = 1 + load_random(4);
    pthread_t threads[4];
    void *result;
    int ends[2];

    CHECK(pipe(ends) == 0);
    atomic_store(&cleaned, 0);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, block, (void *)(uintptr_t)ends[0]), 0);
    usleep(load_random(3) * 500);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_cancel(threads[i]), 0);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(pthread_join(threads[i], &result), 0);
        CHECK(result == PTHREAD_CANCELED);
    }
    CHECK_EQUAL(atomic_load(&cleaned), count);
    close(ends[0]);
    close(ends[1]);
}
