// SPDX-License-Identifier: MIT
// spinlock.h - spin locks with ranks.
//
// Whoever finds the lock free takes it: there is no queue. With tickets, where a virtual machine
// has more CPUs than the host, each hand-over waits until the host runs the very CPU whose turn it
// is (8 CPUs on 2 cores: 10 ms each).
//
// spin_lock leaves interrupts on and forbids sleeping and switching; it is for locks that no
// interrupt handler takes. spin_lock_irq_save also turns interrupts off; every lock that an
// interrupt handler takes, and every lock taken inside one, is taken so. A TLB shootdown waits for
// other CPUs, so it may happen under the first kind and never under the second: a CPU that spins
// with interrupts on still answers.
// Debug builds check rank, owner and kind at every call and panic with both locks' names.
#pragma once

#include <stdatomic.h>

#include "kernel/sync/rank.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct LOCK_TYPE("spinlock") spinlock {
    atomic_bool held;
    enum lock_rank rank; // set once
    unsigned holder;     // CPU number + 1 of the holder, 0 when free; for checks
};

#define SPINLOCK_INIT(lock_rank) { .rank = (lock_rank) }

void spin_init(struct spinlock *lock, enum lock_rank rank);

void spin_lock(struct spinlock *lock) ACQUIRES(*lock);
void spin_unlock(struct spinlock *lock) RELEASES(*lock);

// Returns: true with the lock held, false without it; never waits.
bool spin_try(struct spinlock *lock) TRY_ACQUIRES(true, *lock);

// Returns: the interrupt state to hand to spin_unlock_irq_restore.
uint64_t spin_lock_irq_save(struct spinlock *lock) ACQUIRES(*lock);
void spin_unlock_irq_restore(struct spinlock *lock, uint64_t state) RELEASES(*lock);

// Panics (debug builds) unless this CPU holds the lock.
void spin_assert_held(const struct spinlock *lock);

// How many spin locks, rwlocks too, this CPU holds (debug builds; else 0): none where a thread may
// sleep.
unsigned spin_held(void);
