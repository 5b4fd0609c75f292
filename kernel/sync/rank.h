// SPDX-License-Identifier: MIT
// rank.h - the ranks of rank.def as numbers: a greater number is taken later.
#pragma once

enum lock_rank {
    RANK_NONE,
#define MUTEX_RANK(name) RANK_##name,
#define SPIN_RANK(name) RANK_##name,
#define IRQ_RANK(name) RANK_##name,
#include "kernel/sync/rank.def"
#undef MUTEX_RANK
#undef SPIN_RANK
#undef IRQ_RANK
    RANK_COUNT
};

// The name in rank.def, for messages.
const char *rank_name(enum lock_rank rank);

#ifdef BOXWORK_DEBUG
// Panics if this CPU may not take lock, of that rank, now.
void rank_check(const void *lock, enum lock_rank rank);
// The lock is one of those that this CPU holds, and no longer.
void rank_push(const void *lock, enum lock_rank rank);
void rank_pop(const void *lock, enum lock_rank rank);
// Somebody has to wait for a lock of this rank; how often that was.
void rank_note_contended(enum lock_rank rank);
unsigned long rank_contended(enum lock_rank rank);
// A spin lock was released, and interrupts are as they were before: calls the hook.
void rank_released(void);
// The hook is the schedule perturber's.
void rank_set_release_hook(void (*hook)(void));
#else
static inline void rank_check(const void *lock, enum lock_rank rank)
{
    (void)lock, (void)rank;
}

static inline void rank_push(const void *lock, enum lock_rank rank)
{
    (void)lock, (void)rank;
}

static inline void rank_pop(const void *lock, enum lock_rank rank)
{
    (void)lock, (void)rank;
}

static inline void rank_note_contended(enum lock_rank rank)
{
    (void)rank;
}

static inline void rank_released(void)
{
}
#endif
