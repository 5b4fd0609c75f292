// SPDX-License-Identifier: MIT
// rwlock.c - reader-writer spin locks: the state is the number of readers and two bits.
//
// A reader adds itself first and looks then: where a writer writes or waits it takes itself off
// again and looks on without writing. So the number may be too great for a moment, never too small,
// and a writer takes the lock only at no readers. Whichever writer takes the lock clears
// WRITER_WAITS; others that still wait set it again at their next look, so it never stays set for
// nobody.
#include "kernel/sync/rwlock.h"

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"
#include "kernel/sync/patience.h"

#define WRITER (UINT32_C(1) << 31)
#define WRITER_WAITS (UINT32_C(1) << 30)

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
    atomic_init(&lock->state, 0);
    lock->rank = rank;
}

static void look_again(const struct rwlock *lock, struct patience *patience)
{
    arch_relax();
    if (patience_is_over(patience))
        panic("lock %s (%p) is stuck", rank_name(lock->rank), (const void *)lock);
}

static inline bool take_to_read(struct rwlock *lock)
{
    // Acquire: what the last writer wrote before its release is seen.
    unsigned before = atomic_fetch_add_explicit(&lock->state, 1, memory_order_acquire);

    return likely((before & (WRITER | WRITER_WAITS)) == 0);
}

static inline void leave_reading(struct rwlock *lock)
{
    // Release: what was read under the lock was read before a writer changes it.
    atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release);
}

static NOINLINE void wait_to_read(struct rwlock *lock)
{
    struct patience patience = patience_begin();

    rank_note_contended(lock->rank);
    do {
        leave_reading(lock);
        while (atomic_load_explicit(&lock->state, memory_order_relaxed) & (WRITER | WRITER_WAITS))
            look_again(lock, &patience);
    } while (!take_to_read(lock));
}

LOCKS_NOT_CHECKED
void rwlock_read_lock(struct rwlock *lock)
{
    rank_check(lock, lock->rank);
    if (!take_to_read(lock))
        wait_to_read(lock);
    rank_push(lock, lock->rank);
}

LOCKS_NOT_CHECKED
void rwlock_read_unlock(struct rwlock *lock)
{
    rank_pop(lock, lock->rank);
    leave_reading(lock);
    rank_released();
}

// before: what the state is thought to be.
static inline bool take_to_write(struct rwlock *lock, unsigned before)
{
    // Acquire: what was done under the lock before is over.
    return atomic_compare_exchange_strong_explicit(&lock->state, &before, WRITER,
                                                   memory_order_acquire, memory_order_relaxed);
}

static NOINLINE void wait_to_write(struct rwlock *lock)
{
    struct patience patience = patience_begin();

    rank_note_contended(lock->rank);
    for (;;) {
        unsigned state = atomic_load_explicit(&lock->state, memory_order_relaxed);

        if ((state & ~WRITER_WAITS) == 0 && take_to_write(lock, state))
            return;
        if ((state & WRITER_WAITS) == 0)
            atomic_fetch_or_explicit(&lock->state, WRITER_WAITS, memory_order_relaxed);
        look_again(lock, &patience);
    }
}

LOCKS_NOT_CHECKED
void rwlock_write_lock(struct rwlock *lock)
{
    rank_check(lock, lock->rank);
    if (!take_to_write(lock, 0))
        wait_to_write(lock);
    rank_push(lock, lock->rank);
}

LOCKS_NOT_CHECKED
void rwlock_write_unlock(struct rwlock *lock)
{
    rank_pop(lock, lock->rank);
    // Release: what was written under the lock is seen by who takes it. Readers may just be adding
    // themselves, so the bit alone goes.
    atomic_fetch_and_explicit(&lock->state, ~WRITER, memory_order_release);
    rank_released();
}
