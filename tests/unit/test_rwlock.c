// SPDX-License-Identifier: MIT
// unit: kernel/sync/rwlock.c kernel/sync/rank.c
// unit-flags: -pthread -DBOXWORK_DEBUG -include tests/unit/sync_host.h
// test_rwlock.c - reader-writer spin locks among threads: readers together, a writer alone and
// before readers that come after it; what is counted as a wait; what the checks catch.
#include "kernel/sync/rwlock.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "tests/unit/tap.h"

#define THREADS 4
#define WRITES 8000

_Thread_local unsigned host_cpu;
_Thread_local bool host_irq = true;
static _Thread_local jmp_buf *on_panic;
static _Thread_local char panic_text[200];

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(panic_text, sizeof(panic_text), format, arguments);
    va_end(arguments);
    if (on_panic != NULL)
        longjmp(*on_panic, 1);
    printf("Bail out! panic: %s\n", panic_text);
    fflush(stdout);
    abort();
}

static struct rwlock lock, other;

// --- Many threads ---

// Plain, so that a lock that fails shows: both are the same whenever nobody writes.
static volatile unsigned long left, right;
static atomic_uint inside, most_inside, torn, company;
static atomic_ulong writes, reads;

static void note_most(unsigned now)
{
    unsigned most = atomic_load(&most_inside);

    while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
        ;
}

static void read_once(bool dwell)
{
    rwlock_read_lock(&lock);
    note_most(atomic_fetch_add(&inside, 1) + 1);
    if (left != right)
        atomic_fetch_add(&torn, 1);
    if (dwell)
        sched_yield();
    if (left != right)
        atomic_fetch_add(&torn, 1);
    atomic_fetch_sub(&inside, 1);
    rwlock_read_unlock(&lock);
    atomic_fetch_add(&reads, 1);
}

static void write_once(bool dwell)
{
    rwlock_write_lock(&lock);
    if (atomic_fetch_add(&inside, 1) != 0)
        atomic_fetch_add(&company, 1);
    left++;
    if (dwell)
        sched_yield();
    right++;
    atomic_fetch_sub(&inside, 1);
    rwlock_write_unlock(&lock);
    atomic_fetch_add(&writes, 1);
}

// Both go on until the threads have met: the host may run one after the other at first.

static void *mixed(void *number)
{
    host_cpu = (unsigned)(uintptr_t)number;
    for (unsigned i = 0; atomic_load(&writes) < WRITES || rank_contended(RANK_NAMES) == 0; i++) {
        if ((i + host_cpu) % 4 == 0)
            write_once(i % 64 < 4);
        else
            read_once(i % 16 == 1);
    }
    return NULL;
}

static void *reader(void *number)
{
    host_cpu = (unsigned)(uintptr_t)number;
    for (unsigned i = 0; i < WRITES || atomic_load(&most_inside) < 2; i++)
        read_once(i % 16 == 0);
    return NULL;
}

static void run(void *(*what)(void *))
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, what, (void *)i) != 0)
            abort();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_many(void)
{
    unsigned long before;

    rwlock_init(&lock, RANK_NAMES);
    run(reader);
    ok(rank_contended(RANK_NAMES) == 0, "%lu reads by %d threads never waited",
       atomic_load(&reads), THREADS);
    ok(atomic_load(&most_inside) > 1, "up to %u readers held the lock at once",
       atomic_load(&most_inside));
    before = atomic_load(&reads);
    run(mixed);
    ok(atomic_load(&company) == 0, "no writer of %lu ever had company", atomic_load(&writes));
    ok(atomic_load(&torn) == 0, "no reader of %lu ever saw half a write",
       atomic_load(&reads) - before);
    ok(left == atomic_load(&writes) && right == left, "no write is lost");
    ok(rank_contended(RANK_NAMES) > 0, "%lu waits were counted", rank_contended(RANK_NAMES));
    ok(atomic_load(&lock.state) == 0, "nothing is left in the state");
}

// --- The order of waiting ---

static atomic_uint arrivals;
static unsigned writer_arrived, reader_arrived;

static void *one_writer(void *number)
{
    host_cpu = (unsigned)(uintptr_t)number;
    rwlock_write_lock(&lock);
    writer_arrived = atomic_fetch_add(&arrivals, 1) + 1;
    rwlock_write_unlock(&lock);
    return NULL;
}

static void *one_reader(void *number)
{
    host_cpu = (unsigned)(uintptr_t)number;
    rwlock_read_lock(&lock);
    reader_arrived = atomic_fetch_add(&arrivals, 1) + 1;
    rwlock_read_unlock(&lock);
    return NULL;
}

static void test_order(void)
{
    unsigned long waits = rank_contended(RANK_NAMES);
    pthread_t writer, late;

    rwlock_read_lock(&lock);
    if (pthread_create(&writer, NULL, one_writer, (void *)1) != 0)
        abort();
    while (atomic_load(&lock.state) == 1)
        sched_yield();
    ok(rank_contended(RANK_NAMES) == waits + 1, "a writer waits for a reader, and is counted once");
    if (pthread_create(&late, NULL, one_reader, (void *)2) != 0)
        abort();
    while (rank_contended(RANK_NAMES) == waits + 1 && atomic_load(&arrivals) == 0)
        sched_yield();
    for (int i = 0; i < 100; i++)
        sched_yield();
    ok(atomic_load(&arrivals) == 0, "a reader waits behind a writer that waits");
    rwlock_read_unlock(&lock);
    pthread_join(writer, NULL);
    pthread_join(late, NULL);
    ok(writer_arrived == 1 && reader_arrived == 2, "the writer came first");
}

// --- Checks ---

#define panics_with(text, ...)                                                                    \
    do {                                                                                          \
        jmp_buf place;                                                                            \
                                                                                                  \
        panic_text[0] = '\0';                                                                     \
        on_panic = &place;                                                                        \
        if (setjmp(place) == 0) {                                                                 \
            __VA_ARGS__;                                                                          \
        }                                                                                         \
        on_panic = NULL;                                                                          \
        host_irq = true;                                                                          \
        ok(strstr(panic_text, text) != NULL, "%s is a panic: %s", #__VA_ARGS__, panic_text);      \
    } while (0)

static void test_checks(void)
{
    rwlock_init(&other, RANK_ENTRIES);
    rwlock_read_lock(&other);
    ok(spin_held() == 1, "a lock held for reading is held");
    panics_with("taken twice", rwlock_read_lock(&other));
    panics_with("taken twice", rwlock_write_lock(&other));
    panics_with("lock order", rwlock_read_lock(&lock));
    panics_with("lock order", rwlock_write_lock(&lock));
    rwlock_read_unlock(&other);
    panics_with("another CPU than its holder", rwlock_read_unlock(&other));
    panics_with("another CPU than its holder", rwlock_write_unlock(&other));
    ok(spin_held() == 0 && atomic_load(&other.state) == 0, "none of them has changed a lock");
}

int main(void)
{
    alarm(120); // a lock that hangs is one that fails
    test_many();
    test_order();
    test_checks();
    return done_testing();
}
