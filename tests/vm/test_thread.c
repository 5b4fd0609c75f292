// SPDX-License-Identifier: MIT
// vm: cpus=1,2,4,8 --timeout 600s
// test_thread.c - threads as programs use them, through musl: mutexes of all kinds, condition
// variables, rwlocks, barriers, semaphores, cancellation, thread-specific data, floating point, and
// many threads.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define THREADS 8
#define ROUNDS 500

static pthread_t threads[THREADS];
static pthread_mutex_t mutex;
static long counter;

static void start(unsigned count, void *(*body)(void *))
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, body, (void *)(uintptr_t)i), 0);
}

static void join(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
}

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec time;

    clock_gettime(clock, &time);
    time.tv_nsec += ms % 1000 * 1000000;
    time.tv_sec += ms / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
        counter++;
        if (i % 64 == 0)
            sched_yield();
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    }
    return NULL;
}

static void count_with(int type, int protocol, int robust)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    CHECK_EQUAL(pthread_mutexattr_settype(&attributes, type), 0);
    CHECK_EQUAL(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
    CHECK_EQUAL(pthread_mutexattr_setrobust(&attributes, robust), 0);
    CHECK_EQUAL(pthread_mutex_init(&mutex, &attributes), 0);
    counter = 0;
    start(THREADS, count_up);
    join(THREADS);
    CHECK_EQUAL(counter, THREADS * ROUNDS);
    CHECK_EQUAL(pthread_mutex_destroy(&mutex), 0);
}

CASE("mutexes of every kind keep threads apart")
{
    count_with(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    count_with(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    count_with(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
    count_with(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
    count_with(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST);
}

static void init_mutex(int type)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    CHECK_EQUAL(pthread_mutexattr_settype(&attributes, type), 0);
    CHECK_EQUAL(pthread_mutex_init(&mutex, &attributes), 0);
}

static void *try_as_other(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)pthread_mutex_trylock(&mutex);
}

static void *unlock_as_other(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)pthread_mutex_unlock(&mutex);
}

static int as_other(void *(*what)(void *))
{
    pthread_t other;
    void *result;

    CHECK_EQUAL(pthread_create(&other, NULL, what, NULL), 0);
    CHECK_EQUAL(pthread_join(other, &result), 0);
    return (int)(uintptr_t)result;
}

CASE("a recursive mutex is its owner's until unlocked as often as locked")
{
    init_mutex(PTHREAD_MUTEX_RECURSIVE);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(as_other(try_as_other), EBUSY);
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    }
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_EQUAL(as_other(try_as_other), 0);
}

CASE("an error-checking mutex knows its owner")
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    CHECK_EQUAL(pthread_mutex_lock(&mutex), EDEADLK);
    CHECK_EQUAL(as_other(try_as_other), EBUSY);
    CHECK_EQUAL(as_other(unlock_as_other), EPERM);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
}

static atomic_bool locked, let_go;

// Ends as the owner of the mutex, after a while.
static void *lock_and_end(void *unused)
{
    (void)unused;
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    atomic_store(&locked, true);
    sleep_ms(20);
    return NULL;
}

static void await(atomic_bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

static void owner_ends(int protocol)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    CHECK_EQUAL(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
    CHECK_EQUAL(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
    CHECK_EQUAL(pthread_mutex_init(&mutex, &attributes), 0);
    atomic_store(&locked, false);
    start(1, lock_and_end);
    await(&locked);
    CHECK_EQUAL(pthread_mutex_lock(&mutex), EOWNERDEAD);
    CHECK_EQUAL(pthread_mutex_consistent(&mutex), 0);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    join(1);
    CHECK_EQUAL(pthread_mutex_destroy(&mutex), 0);
}

CASE("a robust mutex tells the next one that its owner ended")
{
    owner_ends(PTHREAD_PRIO_NONE);
    owner_ends(PTHREAD_PRIO_INHERIT);
}

CASE("a robust mutex between processes survives its holder")
{
    struct {
        pthread_mutex_t mutex;
        atomic_bool locked;
    } *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    int status;
    pid_t child;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    CHECK_EQUAL(pthread_mutex_init(&shared->mutex, &attributes), 0);
    child = fork();
    if (child == 0) {
        pthread_mutex_lock(&shared->mutex);
        atomic_store(&shared->locked, true);
        sleep_ms(30);
        kill(getpid(), SIGKILL);
    }
    await(&shared->locked);
    CHECK_EQUAL(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    munmap(shared, 4096);
}

static void *lock_until_told(void *unused)
{
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    atomic_store(&locked, true);
    await(&let_go);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    return unused;
}

CASE("timed locks end at their time")
{
    struct timespec time;

    CHECK_EQUAL(pthread_mutex_init(&mutex, NULL), 0);
    start(1, lock_until_told);
    await(&locked);
    time = in_ms(CLOCK_REALTIME, 1);
    CHECK_EQUAL(pthread_mutex_timedlock(&mutex, &time), ETIMEDOUT);
    CHECK_EQUAL(pthread_mutex_trylock(&mutex), EBUSY);
    atomic_store(&let_go, true);
    join(1);
}

static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, drained = PTHREAD_COND_INITIALIZER;
static int slots;
static atomic_long produced, consumed;

static void *produce_or_consume(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        if ((uintptr_t)number % 2 == 0) {
            while (slots == 3)
                pthread_cond_wait(&drained, &mutex);
            slots++;
            produced++;
            pthread_cond_signal(&filled);
        } else {
            while (slots == 0)
                pthread_cond_wait(&filled, &mutex);
            slots--;
            consumed++;
            pthread_cond_broadcast(&drained);
        }
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

CASE("condition variables pass work from some threads to others")
{
    CHECK_EQUAL(pthread_mutex_init(&mutex, NULL), 0);
    start(THREADS, produce_or_consume);
    join(THREADS);
    CHECK_EQUAL(produced, THREADS / 2 * ROUNDS);
    CHECK_EQUAL(consumed, produced);
}

static atomic_int waiting_at;

static void *wait_for_slots(void *unused)
{
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&waiting_at, 1);
    while (slots == 0)
        CHECK_EQUAL(pthread_cond_wait(&filled, &mutex), 0);
    pthread_mutex_unlock(&mutex);
    return unused;
}

CASE("a broadcast wakes all that wait, a timed wait ends at its time")
{
    struct timespec time;

    CHECK_EQUAL(pthread_mutex_init(&mutex, NULL), 0);
    start(THREADS, wait_for_slots);
    while (atomic_load(&waiting_at) < THREADS)
        sched_yield();
    pthread_mutex_lock(&mutex);
    slots = 1;
    CHECK_EQUAL(pthread_cond_broadcast(&filled), 0);
    pthread_mutex_unlock(&mutex);
    join(THREADS);
    time = in_ms(CLOCK_REALTIME, 20);
    pthread_mutex_lock(&mutex);
    CHECK_EQUAL(pthread_cond_timedwait(&drained, &mutex, &time), ETIMEDOUT);
    CHECK(in_ms(CLOCK_REALTIME, 0).tv_sec > time.tv_sec ||
          in_ms(CLOCK_REALTIME, 0).tv_nsec >= time.tv_nsec);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long left, right;

static void *read_or_write(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        if ((uintptr_t)number % 4 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            left++;
            if (i % 32 == 0)
                sched_yield();
            right++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            CHECK_EQUAL(left, right);
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

CASE("readers never see a writer half done")
{
    start(THREADS, read_or_write);
    join(THREADS);
    CHECK_EQUAL(left, THREADS / 4 * ROUNDS);
}

static pthread_barrier_t barrier;
static atomic_int arrived, serial;

static void *meet(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        atomic_fetch_add(&arrived, 1);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_fetch_add(&serial, 1);
        CHECK(atomic_load(&arrived) >= (i + 1) * THREADS);
    }
    return NULL;
}

CASE("a barrier holds all until the last one comes")
{
    CHECK_EQUAL(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    start(THREADS, meet);
    join(THREADS);
    CHECK_EQUAL(atomic_load(&serial), 100);
    pthread_barrier_destroy(&barrier);
}

static sem_t semaphore;
static atomic_int inside, most_inside;

static void *enter(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        int now;

        while (sem_wait(&semaphore) != 0) {
        }
        now = atomic_fetch_add(&inside, 1) + 1;
        if (now > atomic_load(&most_inside))
            atomic_store(&most_inside, now);
        sched_yield();
        atomic_fetch_sub(&inside, 1);
        sem_post(&semaphore);
    }
    return NULL;
}

CASE("a semaphore lets as many in as it counts")
{
    struct timespec time;

    CHECK_EQUAL(sem_init(&semaphore, 0, 3), 0);
    start(THREADS, enter);
    join(THREADS);
    CHECK(atomic_load(&most_inside) <= 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(sem_trywait(&semaphore), 0);
    time = in_ms(CLOCK_REALTIME, 10);
    CHECK_EQUAL(sem_timedwait(&semaphore, &time), -1);
    CHECK_EQUAL(errno, ETIMEDOUT);
}

static pthread_key_t key;
static atomic_int destroyed, cleaned;

static void destroy_value(void *value)
{
    CHECK(value != NULL);
    atomic_fetch_add(&destroyed, 1);
}

static void clean(void *unused)
{
    (void)unused;
    atomic_fetch_add(&cleaned, 1);
}

static void *wait_for_ever(void *number)
{
    pthread_setspecific(key, (char *)number + 1);
    pthread_cleanup_push(clean, NULL);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

CASE("cancelled threads clean up, and their own data is destroyed")
{
    CHECK_EQUAL(pthread_key_create(&key, destroy_value), 0);
    start(THREADS, wait_for_ever);
    sleep_ms(20);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        CHECK_EQUAL(pthread_cancel(threads[i]), 0);
        CHECK_EQUAL(pthread_join(threads[i], &result), 0);
        CHECK(result == PTHREAD_CANCELED);
    }
    CHECK_EQUAL(atomic_load(&cleaned), THREADS);
    CHECK_EQUAL(atomic_load(&destroyed), THREADS);
    CHECK_EQUAL(pthread_key_delete(key), 0);
}

static void *spin_until_cancelled(void *unused)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    atomic_fetch_add(&inside, 1);
    for (;;) {
    }
    return unused;
}

static void *refuse_to_be_cancelled(void *number)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_fetch_add(&inside, 1);
    sleep_ms(50);
    return number;
}

CASE("a thread that computes is cancelled where it stands, one that has cancellation off is not")
{
    void *result;

    start(1, spin_until_cancelled);
    CHECK_EQUAL(pthread_create(&threads[1], NULL, refuse_to_be_cancelled, &inside), 0);
    while (atomic_load(&inside) < 2)
        sched_yield();
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(pthread_cancel(threads[i]), 0);
        CHECK_EQUAL(pthread_join(threads[i], &result), 0);
        CHECK(result == (i == 0 ? PTHREAD_CANCELED : (void *)&inside));
    }
}

static volatile sig_atomic_t handled;

static void compute_in_handler(int number)
{
    volatile double value = number;

    for (int i = 0; i < 50; i++)
        value = value * 1.0001 + 3.5;
    handled++;
}

static double compute(int seed)
{
    double value = seed + 0.5;

    for (int i = 0; i < 20000; i++) {
        value = value * 1.0000001 + 0.25;
        if (i % 1000 == 0)
            sched_yield();
    }
    return value;
}

static atomic_bool computed_enough;

static void *compute_often(void *number)
{
    double wanted = compute((int)(uintptr_t)number);

    while (!atomic_load(&computed_enough))
        CHECK(compute((int)(uintptr_t)number) == wanted);
    return NULL;
}

CASE("floating point is kept across switches and signals")
{
    struct sigaction action = { .sa_handler = compute_in_handler, .sa_flags = SA_RESTART };

    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    start(THREADS, compute_often);
    for (int i = 0; i < 50 || handled < 50; i++) {
        pthread_kill(threads[i % THREADS], SIGUSR1);
        sched_yield();
    }
    atomic_store(&computed_enough, true);
    join(THREADS);
}

// --- Vector registers ---

#define VECTORS 16
#define VECTOR_WORDS 4
#define LOAD_VECTOR(n) "vmovdqu 32*" #n "(%[words]), %%ymm" #n "\n\t"
#define STORE_VECTOR(n) "vmovdqu %%ymm" #n ", 32*" #n "(%[words])\n\t"
#define EACH_VECTOR(what)                                                                          \
    what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7)                                \
    what(8) what(9) what(10) what(11) what(12) what(13) what(14) what(15)

// All vector registers must keep what they hold for a while, in which the kernel is entered and left
// again and again.
static void keep_vectors(uint64_t pattern)
{
    uint64_t words[VECTORS * VECTOR_WORDS];
    long rounds = 40, result = 0;

    for (unsigned i = 0; i < VECTORS * VECTOR_WORDS; i++)
        words[i] = pattern * (i + 1);
    __asm__ volatile(EACH_VECTOR(LOAD_VECTOR)
                     "1: mov $5000, %%ecx\n\t"
                     "2: dec %%ecx\n\t"
                     "jnz 2b\n\t"
                     "mov %[yield], %%eax\n\t"
                     "syscall\n\t"
                     "or %%rax, %[result]\n\t"
                     "dec %[rounds]\n\t"
                     "jnz 1b\n\t" EACH_VECTOR(STORE_VECTOR)
                     : [rounds] "+r"(rounds), [result] "+r"(result)
                     : [words] "r"(words), [yield] "i"(SYS_sched_yield)
                     : "rax", "rcx", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                       "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                       "xmm14", "xmm15");
    CHECK_EQUAL(result, 0);
    for (unsigned i = 0; i < VECTORS * VECTOR_WORDS; i++)
        CHECK_EQUAL(words[i], pattern * (i + 1));
}

static void spoil_vectors(int number)
{
    (void)number;
    __asm__ volatile("vzeroall" : : : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                     "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    handled++;
}

static void *keep_vectors_often(void *number)
{
    for (uint64_t i = 0; i < 20; i++)
        keep_vectors(0x0123456789abcdef + ((uint64_t)(uintptr_t)number << 32) + i);
    return NULL;
}

CASE("vector registers are kept whole across switches and signals")
{
    struct sigaction action = { .sa_handler = spoil_vectors, .sa_flags = SA_RESTART };

    CHECK(__builtin_cpu_supports("avx"));
    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    start(THREADS, keep_vectors_often);
    for (int i = 0; i < 200; i++) {
        pthread_kill(threads[i % THREADS], SIGUSR1);
        sleep_ms(1);
    }
    join(THREADS);
    CHECK(handled > 0);
}

// --- tgkill ---

static atomic_int tids[THREADS], signalled[THREADS];
static atomic_bool leave;

static void note_thread(int number)
{
    (void)number;
    for (int i = 0; i < THREADS; i++) {
        if (atomic_load(&tids[i]) == gettid())
            atomic_fetch_add(&signalled[i], 1);
    }
}

static void *await_signals(void *number)
{
    atomic_store(&tids[(uintptr_t)number], gettid());
    while (!atomic_load(&leave))
        usleep(1000);
    return NULL;
}

CASE("tgkill reaches the thread that it names, in no other process and not after its end")
{
    struct sigaction action = { .sa_handler = note_thread };

    CHECK_EQUAL(sigaction(SIGUSR2, &action, NULL), 0);
    start(THREADS, await_signals);
    for (int i = 0; i < THREADS; i++) {
        while (atomic_load(&tids[i]) == 0)
            sched_yield();
        for (int times = 1; times <= i; times++) {
            CHECK_EQUAL(syscall(SYS_tgkill, getpid(), tids[i], SIGUSR2), 0);
            while (atomic_load(&signalled[i]) < times)
                sched_yield();
        }
    }
    CHECK_EQUAL(syscall(SYS_tgkill, getppid(), tids[1], SIGUSR2), -1);
    CHECK_EQUAL(errno, ESRCH);
    atomic_store(&leave, true);
    join(THREADS);
    // Who joins is woken by the C library, just before the thread's last call.
    while (syscall(SYS_tgkill, getpid(), tids[1], 0) == 0)
        sched_yield();
    CHECK_EQUAL(errno, ESRCH);
    CHECK_EQUAL(syscall(SYS_tgkill, getpid(), tids[1], SIGUSR2), -1);
    CHECK_EQUAL(errno, ESRCH);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQUAL(atomic_load(&signalled[i]), i);
}

static pthread_barrier_t all_live;

static void *live_shortly(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&all_live);
    return NULL;
}

static void make_many(unsigned count)
{
    static pthread_t many[1000];
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    CHECK_EQUAL(pthread_barrier_init(&all_live, NULL, count + 1), 0);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&many[i], &attributes, live_shortly, NULL), 0);
    pthread_barrier_wait(&all_live);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_join(many[i], NULL), 0);
    CHECK_EQUAL(pthread_barrier_destroy(&all_live), 0);
}

CASE_LIMIT("1,000 threads, three times", 120)
{
    for (int i = 0; i < 3; i++)
        make_many(1000);
}

CASE_LIMIT("16 threads, a thousand times", 300)
{
    for (int i = 0; i < 1000; i++)
        make_many(16);
}

static void *leave_process(void *number)
{
    if ((uintptr_t)number == THREADS - 1)
        _exit(7);
    for (;;)
        pause();
}

CASE("one thread's _exit ends all, at once")
{
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            start(THREADS, leave_process);
            for (;;)
                pause();
        }
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
}

static void *leave_by_exec(void *unused)
{
    (void)unused;
    execl("/proc/self/exe", "test_thread", "--exit", (char *)NULL);
    _exit(9);
}

static void *spin(void *unused)
{
    while (handled == 0)
        sched_yield();
    return unused;
}

// What the exec runs: this program with an argument.
static int exit_only(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--exit") == 0 ? 5 : -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = exit_only;
}

CASE("exec from one of many threads leaves the others behind")
{
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            start(THREADS - 1, spin);
            pthread_create(&threads[THREADS - 1], NULL, leave_by_exec, NULL);
            for (;;)
                pause();
        }
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    }
}
