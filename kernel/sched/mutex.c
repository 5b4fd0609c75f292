// SPDX-License-Identifier: MIT
// mutex.c - sleeping locks.
//
// holder is the thread that has the lock, with bit 0 set where somebody may sleep for it: then
// unlock wakes one. A woken thread has to win the lock like any other, and takes it with bit 0 set,
// as others may still sleep. A waiter first spins for a while if other CPUs may free the lock: most
// are held for less than a sleep costs. Before the scheduler is up there is no thread, one CPU and
// no contention: then all calls succeed and do nothing.
#include "kernel/sched/mutex.h"

#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/sched/perturb.h"
#include "lib/base/assert.h"

#define WAITERS ((uintptr_t)1)
#define HOLDER_MASK (~(uintptr_t)1)
#define SPINS_MAX 200

static struct thread *pointer(uintptr_t value)
{
    return (struct thread *)(value & HOLDER_MASK);
}

static uintptr_t load(const struct mutex *mutex)
{
    return (uintptr_t)atomic_load_explicit(&mutex->holder, memory_order_relaxed);
}

static bool replace(struct mutex *mutex, uintptr_t from, uintptr_t to)
{
    struct thread *expected = (struct thread *)from;

    return atomic_compare_exchange_strong(&mutex->holder, &expected, (struct thread *)to);
}

#ifdef BOXWORK_DEBUG
static void check(const struct mutex *mutex, bool nested)
{
    const struct thread *self = thread_current();

    if (spin_held() != 0)
        panic("mutex %s is locked while a spin lock is held", rank_name(mutex->rank));
    for (unsigned i = 0; self != NULL && i < self->mutex_count; i++) {
        enum lock_rank held = self->mutexes[i]->rank;

        if (self->mutexes[i] == mutex)
            panic("mutex %s (%p) is locked twice", rank_name(held), (const void *)mutex);
        if (held > mutex->rank || (held == mutex->rank && !nested))
            panic("lock order: mutex %s is locked while %s is held", rank_name(mutex->rank),
                  rank_name(held));
    }
}

static void note_locked(struct mutex *mutex)
{
    struct thread *self = thread_current();

    if (self == NULL)
        return;
    assert(self->mutex_count < THREAD_MUTEX_MAX);
    self->mutexes[self->mutex_count++] = mutex;
}

static void note_unlocked(const struct mutex *mutex)
{
    struct thread *self = thread_current();
    unsigned i = 0;

    if (self == NULL)
        return;
    mutex_assert_held(mutex);
    while (i < self->mutex_count && self->mutexes[i] != mutex)
        i++;
    assert(i < self->mutex_count);
    self->mutexes[i] = self->mutexes[--self->mutex_count];
}
#else
static void check(const struct mutex *mutex, bool nested)
{
    (void)mutex;
    (void)nested;
}

static void note_locked(struct mutex *mutex)
{
    (void)mutex;
}

static void note_unlocked(const struct mutex *mutex)
{
    (void)mutex;
}
#endif

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    *mutex = (struct mutex){ .rank = rank };
    waitq_init(&mutex->queue);
}

// Spins while the holder runs. Returns: whether the lock was taken.
static bool spin_for(struct mutex *mutex, uintptr_t self)
{
    for (unsigned spins = 0; spins < SPINS_MAX; spins++) {
        uintptr_t value = load(mutex);

        if (pointer(value) == NULL) {
            if (replace(mutex, value, self | (value & WAITERS)))
                return true;
        } else if (arch_cpu_count() == 1 || (value & WAITERS)) {
            return false;
        }
        arch_relax();
    }
    return false;
}

// One attempt: takes a free lock, or leaves word that somebody sleeps. Returns: whether it was
// taken.
static bool take_or_announce(struct mutex *mutex, uintptr_t self)
{
    for (;;) {
        uintptr_t value = load(mutex);

        if (pointer(value) == NULL) {
            if (replace(mutex, value, self | WAITERS))
                return true;
        } else if ((value & WAITERS) || replace(mutex, value, value | WAITERS)) {
            return false;
        }
    }
}

static NOINLINE void lock_slow(struct mutex *mutex)
{
    uintptr_t self = (uintptr_t)thread_current();
    struct waiter waiter;
    int error;

    rank_note_contended(mutex->rank);
    if (spin_for(mutex, self))
        return;
    waiter_init(&waiter);
    waitq_add(&mutex->queue, &waiter);
    for (;;) {
        thread_block_prepare();
        if (take_or_announce(mutex, self))
            break;
        error = thread_block(WAIT_MUTEX, NSEC_NEVER);
        assert(error == 0);
    }
    thread_block_cancel();
    waitq_remove(&mutex->queue, &waiter);
}

static void lock(struct mutex *mutex, bool nested)
{
    perturb_point();
    check(mutex, nested);
    if (unlikely(!replace(mutex, 0, (uintptr_t)thread_current())))
        lock_slow(mutex);
    note_locked(mutex);
}

LOCKS_NOT_CHECKED
void mutex_lock(struct mutex *mutex)
{
    lock(mutex, false);
}

LOCKS_NOT_CHECKED
void mutex_lock_nested(struct mutex *mutex)
{
    lock(mutex, true);
}

bool mutex_try(struct mutex *mutex)
{
    if (!replace(mutex, 0, (uintptr_t)thread_current()))
        return false;
    note_locked(mutex);
    return true;
}

LOCKS_NOT_CHECKED
void mutex_unlock(struct mutex *mutex)
{
    uintptr_t value;

    note_unlocked(mutex);
    if (planted("race-mutex")) {
        value = load(mutex); // who announces itself after this is not woken
        perturb_point();
        atomic_store(&mutex->holder, NULL);
    } else {
        value = (uintptr_t)atomic_exchange(&mutex->holder, NULL);
    }
    if (unlikely(value & WAITERS))
        waitq_wake(&mutex->queue, 1, 0);
    perturb_point();
}

void mutex_assert_held(const struct mutex *mutex)
{
    if (pointer(load(mutex)) != thread_current())
        panic("mutex %s (%p) is not held by this thread", rank_name(mutex->rank),
              (const void *)mutex);
}
