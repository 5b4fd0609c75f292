// SPDX-License-Identifier: MIT
// spinlock.c - spin locks: one atomic exchange to take, one store to release.

#include "kernel/sync/spinlock.h"

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"
#include "kernel/sync/patience.h"

static inline void note_taken(struct spinlock *lock)
{
#ifdef BOXWORK_DEBUG
    lock->holder = arch_cpu() + 1;
#endif
    rank_push(lock, lock->rank);
}

static inline void note_release(struct spinlock *lock)
{
#ifdef BOXWORK_DEBUG
    spin_assert_held(lock);
    lock->holder = 0;
#endif
    rank_pop(lock, lock->rank);
}

void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK_INIT(rank);
}

static inline bool take(struct spinlock *lock)
{
    // Acquire: what the last holder wrote before its release is seen.
    return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

// Looks without writing until the lock seems free, so that the holder keeps its cache line.
static NOINLINE void wait_for(struct spinlock *lock)
{
    struct patience patience = patience_begin();

    rank_note_contended(lock->rank);
    do {
        while (atomic_load_explicit(&lock->held, memory_order_relaxed)) {
            arch_relax();
            if (patience_is_over(&patience))
                panic("lock %s (%p) is stuck", rank_name(lock->rank), (const void *)lock);
        }
    } while (!take(lock));
}

LOCKS_NOT_CHECKED
void spin_lock(struct spinlock *lock)
{
    rank_check(lock, lock->rank);
    if (!take(lock))
        wait_for(lock);
    note_taken(lock);
}

bool spin_try(struct spinlock *lock)
{
    if (!take(lock))
        return false;
    note_taken(lock);
    return true;
}

static inline void release(struct spinlock *lock)
{
    note_release(lock);
    // Release: what was done under the lock is seen before it is free.
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

LOCKS_NOT_CHECKED
void spin_unlock(struct spinlock *lock)
{
    release(lock);
    rank_released();
}

uint64_t spin_lock_irq_save(struct spinlock *lock)
{
    uint64_t state = arch_irq_save();

    spin_lock(lock);
    return state;
}

LOCKS_NOT_CHECKED
void spin_unlock_irq_restore(struct spinlock *lock, uint64_t state)
{
    release(lock);
    arch_irq_restore(state);
    rank_released();
}

void spin_assert_held(const struct spinlock *lock)
{
#ifdef BOXWORK_DEBUG
    if (lock->holder != arch_cpu() + 1)
        panic("lock %s (%p) is not held here", rank_name(lock->rank), (const void *)lock);
#else
    (void)lock;
#endif
}
