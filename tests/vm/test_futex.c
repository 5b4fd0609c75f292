// SPDX-License-Identifier: MIT
// vm: smp
// test_futex.c - futex words: waiting, waking, moving, timeouts, owners, robust lists, private and
// shared.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/futex.h"
#include "tests/vm/vmtest.h"

#define THREADS 6
#define NSEC 1000000000LL

static long futex(void *word, int operation, uint32_t value, const void *timeout, void *word2,
                  uint32_t value3)
{
    return syscall(SYS_futex, word, operation, value, timeout, word2, value3);
}

static struct timespec timespec_of(long long ns)
{
    return (struct timespec){ ns / NSEC, ns % NSEC };
}

static void sleep_ms(long ms)
{
    struct timespec time = timespec_of(ms * 1000000);

    nanosleep(&time, NULL);
}

static _Atomic uint32_t word, word2;
static atomic_int waiting, woken;

static void start(pthread_t *threads, unsigned count, void *(*body)(void *))
{
    atomic_store(&waiting, 0);
    atomic_store(&woken, 0);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, body, (void *)(uintptr_t)i), 0);
}

static void join(pthread_t *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
}

// Waits until count threads have said that they are about to wait, and then a little.
static void await_waiters(int count)
{
    while (atomic_load(&waiting) != count)
        sched_yield();
    sleep_ms(30);
}

static void await_woken(int count)
{
    for (int i = 0; i < 2000 && atomic_load(&woken) < count; i++)
        sleep_ms(1);
    sleep_ms(10);
    CHECK_EQUAL(atomic_load(&woken), count);
}

static void *wait_once(void *unused)
{
    (void)unused;
    atomic_fetch_add(&waiting, 1);
    while (futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0) != 0 && errno == EINTR) {
    }
    atomic_fetch_add(&woken, 1);
    return NULL;
}

CASE("wrong words, addresses and operations are refused")
{
    struct timespec bad = { 0, NSEC };

    FAILS(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
    FAILS(futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    FAILS(futex((void *)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    FAILS(futex((void *)(1ULL << 63), FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    FAILS(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
    FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    FAILS(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    FAILS(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 0);
}

CASE("wake wakes as many as it says, and says how many")
{
    pthread_t threads[THREADS];

    start(threads, THREADS, wait_once);
    await_waiters(THREADS);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0), 2);
    await_woken(2);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 0), THREADS - 2);
    await_woken(THREADS);
    join(threads, THREADS);
}

static void *wait_bit(void *bit)
{
    atomic_fetch_add(&waiting, 1);
    futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 1U << (uintptr_t)bit);
    atomic_fetch_or(&woken, 1 << (uintptr_t)bit);
    return NULL;
}

CASE("bitsets choose whom to wake")
{
    pthread_t threads[4];

    start(threads, 4, wait_bit);
    await_waiters(4);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 0x10), 0);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 0x5), 2);
    await_woken(5);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 2);
    join(threads, 4);
}

CASE("timeouts: relative, absolute, both clocks, never early")
{
    long long before = now_ns(CLOCK_MONOTONIC);
    struct timespec time = timespec_of(20000000);

    FAILS(futex(&word, FUTEX_WAIT, 0, &time, NULL, 0), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 20000000);
    before = now_ns(CLOCK_MONOTONIC);
    time = timespec_of(before + 20000000);
    FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, &time, NULL, 1), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) >= before + 20000000);
    before = now_ns(CLOCK_REALTIME);
    time = timespec_of(before + 20000000);
    FAILS(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &time, NULL, 1), ETIMEDOUT);
    CHECK(now_ns(CLOCK_REALTIME) >= before + 20000000);
    time = timespec_of(0);
    FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, &time, NULL, 1), ETIMEDOUT);
}

CASE("requeue wakes some and moves the rest, which the second word wakes")
{
    pthread_t threads[THREADS];

    start(threads, THREADS, wait_once);
    await_waiters(THREADS);
    FAILS(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &word2, 77), EAGAIN);
    CHECK_EQUAL(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &word2, 0), 3);
    await_woken(1);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 0), 2);
    await_woken(3);
    CHECK_EQUAL(futex(&word, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)100, &word2, 0),
                THREADS - 3);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 0), 0);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 0), THREADS - 3);
    join(threads, THREADS);
}

#define WAKE_OP(op, operand, compare, with)                                                        \
    ((uint32_t)(op) << 28 | (uint32_t)(compare) << 24 | ((operand)&0xfff) << 12 | ((with)&0xfff))

CASE("wake_op changes the second word, and wakes there if its old value compares")
{
    pthread_t threads[2];

    start(threads, 2, wait_once);
    await_waiters(2);
    atomic_store(&word2, 5);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word,
                      WAKE_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_GT, 0)),
                0);
    CHECK_EQUAL(futex(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word2,
                      WAKE_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)),
                1);
    CHECK_EQUAL(atomic_load(&word2), 8);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word2,
                      WAKE_OP(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_LT, -1)),
                0);
    CHECK_EQUAL(atomic_load(&word2), 24);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word2,
                      WAKE_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_NE, 0)),
                0);
    CHECK_EQUAL(atomic_load(&word2), 16);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word2,
                      WAKE_OP(FUTEX_OP_XOR, 17, FUTEX_OP_CMP_GE, 17)),
                0);
    CHECK_EQUAL(atomic_load(&word2), 1);
    // The comparison is signed: 0 is not at most -1, but at least.
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word,
                      WAKE_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_LE, -1)),
                0);
    CHECK_EQUAL(futex(&word2, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word,
                      WAKE_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_GE, -1)),
                1);
    join(threads, 2);
    atomic_store(&word2, 0);
}

CASE("processes meet at a shared word")
{
    _Atomic uint32_t *shared =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;
    int status;

    CHECK(shared != MAP_FAILED);
    child = fork();
    if (child == 0) {
        while (atomic_load(shared) == 0)
            futex((void *)shared, FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(atomic_load(shared) == 1 ? 0 : 1);
    }
    sleep_ms(30);
    atomic_store(shared, 1);
    CHECK_EQUAL(futex((void *)shared, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(munmap((void *)shared, 4096), 0);
}

CASE("a wait on a page not yet touched brings it in")
{
    _Atomic uint32_t *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct timespec time = timespec_of(1000000);

    FAILS(futex((void *)page, FUTEX_WAIT, 0, &time, NULL, 0), ETIMEDOUT);
    CHECK_EQUAL(madvise((void *)page, 4096, MADV_DONTNEED), 0);
    CHECK_EQUAL(futex((void *)page, FUTEX_WAKE_OP, 1, (void *)1, (void *)page,
                      WAKE_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 9)),
                0);
    CHECK_EQUAL(atomic_load(page), 9);
    CHECK_EQUAL(munmap((void *)page, 4096), 0);
    FAILS(futex((void *)page, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
}

static void on_signal(int number)
{
    (void)number;
}

static void *signalled_wait(void *unused)
{
    (void)unused;
    atomic_fetch_add(&waiting, 1);
    errno = 0;
    futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
    atomic_store(&woken, errno);
    return NULL;
}

CASE("a signal ends a wait with EINTR")
{
    struct sigaction action = { .sa_handler = on_signal };
    pthread_t thread;

    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    start(&thread, 1, signalled_wait);
    await_waiters(1);
    CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
    join(&thread, 1);
    CHECK_EQUAL(atomic_load(&woken), EINTR);
}

// --- Words with an owner ---

static _Atomic uint32_t lock;
static long counter;

static void *pi_worker(void *unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        uint32_t free_word = 0;
        uint32_t self = (uint32_t)gettid();

        if (!atomic_compare_exchange_strong(&lock, &free_word, self))
            CHECK_EQUAL(futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
        CHECK_EQUAL(atomic_load(&lock) & FUTEX_TID_MASK, self);
        counter++;
        if (i % 16 == 0)
            sched_yield();
        if (!atomic_compare_exchange_strong(&lock, &self, 0))
            CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    }
    return NULL;
}

CASE("lock_pi and unlock_pi keep threads apart and hand over")
{
    pthread_t threads[THREADS];

    counter = 0;
    start(threads, THREADS, pi_worker);
    join(threads, THREADS);
    CHECK_EQUAL(counter, THREADS * 300);
    CHECK_EQUAL(atomic_load(&lock), 0);
}

CASE("words with an owner: deadlock, foreign unlock, trylock, timeouts, a dead owner")
{
    uint32_t self = (uint32_t)gettid();
    struct timespec time = timespec_of(now_ns(CLOCK_REALTIME) + 10000000);
    struct timespec monotonic = timespec_of(now_ns(CLOCK_MONOTONIC) + 10000000);
    pid_t child = fork();
    int status;

    if (child == 0) {
        pause();
        _exit(0);
    }
    FAILS(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    CHECK_EQUAL(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQUAL(atomic_load(&lock), self);
    FAILS(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    atomic_store(&lock, (uint32_t)child);
    FAILS(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
    FAILS(futex(&lock, FUTEX_LOCK_PI, 0, &time, NULL, 0), ETIMEDOUT);
    CHECK((atomic_load(&lock) & FUTEX_WAITERS) != 0);
    FAILS(futex(&lock, FUTEX_LOCK_PI2, 0, &monotonic, NULL, 0), ETIMEDOUT);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    FAILS(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
    FAILS(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH);
    atomic_store(&lock, 0);
}

static void *requeue_pi_wait(void *unused)
{
    (void)unused;
    atomic_fetch_add(&waiting, 1);
    CHECK_EQUAL(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &lock, 0), 0);
    CHECK_EQUAL(atomic_load(&lock) & FUTEX_TID_MASK, (uint32_t)gettid());
    atomic_fetch_add(&woken, 1);
    CHECK_EQUAL(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    return NULL;
}

CASE("cmp_requeue_pi gives the second word to one waiter after the other")
{
    struct timespec past = timespec_of(now_ns(CLOCK_MONOTONIC));
    pthread_t threads[3];

    start(threads, 3, requeue_pi_wait);
    await_waiters(3);
    FAILS(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &past, &lock, 0), ETIMEDOUT);
    FAILS(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 2, (void *)5, &lock, 0), EINVAL);
    FAILS(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)5, &lock, 9), EAGAIN);
    FAILS(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), EINVAL);
    CHECK_EQUAL(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)5, &lock, 0), 3);
    join(threads, 3);
    CHECK_EQUAL(atomic_load(&woken), 3);
    CHECK_EQUAL(atomic_load(&lock) & FUTEX_TID_MASK, 0);
    atomic_store(&lock, 0);
}

// --- Robust lists ---

struct robust_lock {
    struct linux_robust_list_head *next; // the entry
    _Atomic uint32_t word;
};

static struct linux_robust_list_head head;
static struct robust_lock robust;

static void *die_holding(void *unused)
{
    (void)unused;
    robust.next = &head;
    head.list = (uint64_t)(uintptr_t)&robust;
    head.futex_offset = (int64_t)((char *)&robust.word - (char *)&robust);
    head.list_op_pending = 0;
    CHECK_EQUAL(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
    atomic_store(&robust.word, (uint32_t)syscall(SYS_gettid) | FUTEX_WAITERS);
    sleep_ms(50);
    syscall(SYS_exit, 0);
    return NULL;
}

CASE("a lock whose holder ends is marked, and one waiter woken")
{
    static char stack[16384] __attribute__((aligned(16)));
    struct timespec time = timespec_of(5 * NSEC);
    uint32_t seen;
    pid_t child = clone((int (*)(void *))(void (*)(void))die_holding, stack + sizeof(stack),
                        CLONE_VM | SIGCHLD, NULL);
    int status;

    CHECK(child > 0);
    while ((seen = atomic_load(&robust.word)) == 0)
        sched_yield();
    CHECK_EQUAL(futex(&robust.word, FUTEX_WAIT, seen, &time, NULL, 0), 0);
    CHECK_EQUAL(atomic_load(&robust.word), FUTEX_WAITERS | FUTEX_OWNER_DIED);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
}

CASE("a robust list that is a ring or leads nowhere ends with its thread")
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            static uint64_t ring[2];

            ring[0] = (uint64_t)(uintptr_t)&ring[1];
            ring[1] = (uint64_t)(uintptr_t)&ring[0];
            head.list = i == 0 ? (uint64_t)(uintptr_t)ring : 0xdead0000;
            head.futex_offset = 0;
            head.list_op_pending = 24;
            syscall(SYS_set_robust_list, &head, sizeof(head));
            _exit(0);
        }
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK_EQUAL(status, 0);
    }
}

// --- Many ---

static _Atomic uint32_t turns[2];

static void *player(void *which)
{
    uintptr_t self = (uintptr_t)which;

    for (uint32_t i = 0; i < 3000; i++) {
        while (atomic_load(&turns[self]) == 0)
            futex(&turns[self], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
        atomic_store(&turns[self], 0);
        atomic_store(&turns[1 - self], 1);
        futex(&turns[1 - self], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
    }
    return NULL;
}

CASE("3,000 round trips lose no wake-up")
{
    pthread_t threads[2];

    atomic_store(&turns[0], 1);
    atomic_store(&turns[1], 0);
    start(threads, 2, player);
    join(threads, 2);
}

CASE("killed threads leave futex waits at once")
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        pthread_t threads[THREADS];

        start(threads, THREADS, wait_once);
        futex(&word2, FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(1);
    }
    sleep_ms(50);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
}
