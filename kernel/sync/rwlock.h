// SPDX-License-Identifier: MIT
// rwlock.h - spin locks that any number of readers hold together, or one writer alone.
//
// For tables that are searched often and changed seldom: readers never wait for readers, and it is
// no contention where several hold the lock. A writer that waits keeps new readers out, so that it
// waits only for those that are there. Interrupts stay on; no interrupt handler takes such a lock.
// Nobody takes one twice, not even for reading: between the two a writer may have come to wait.
// Debug builds check rank and holder at every call, as with spinlock.h, and nobody sleeps with one.
#pragma once

#include <stdatomic.h>

#include "kernel/sync/rank.h"
#include "lib/base/compiler.h"

struct LOCK_TYPE("rwlock") rwlock {
    atomic_uint state;   // how many read, and the bits of rwlock.c
    enum lock_rank rank; // set once
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank);

void rwlock_read_lock(struct rwlock *lock) ACQUIRES_SHARED(*lock);
void rwlock_read_unlock(struct rwlock *lock) RELEASES_SHARED(*lock);

void rwlock_write_lock(struct rwlock *lock) ACQUIRES(*lock);
void rwlock_write_unlock(struct rwlock *lock) RELEASES(*lock);
