// SPDX-License-Identifier: MIT
// mutex.h - sleeping locks with ranks. Not recursive. The holder may sleep, but never waits for
// user space, a device or the host while it holds one, so waiting for a mutex needs no way out.
#pragma once

#include <stdatomic.h>

#include "kernel/sched/waitq.h"
#include "kernel/sync/rank.h"
#include "lib/base/compiler.h"

struct LOCK_TYPE("mutex") mutex {
    _Atomic(struct thread *) holder; // NULL when free; bit 0: somebody waits
    struct waitq queue;
    enum lock_rank rank;
};

void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_lock(struct mutex *mutex) ACQUIRES(*mutex);
// A second lock of the same rank, where rank.def names the order.
void mutex_lock_nested(struct mutex *mutex) ACQUIRES(*mutex);
bool mutex_try(struct mutex *mutex) TRY_ACQUIRES(true, *mutex);
void mutex_unlock(struct mutex *mutex) RELEASES(*mutex);
void mutex_assert_held(const struct mutex *mutex);
