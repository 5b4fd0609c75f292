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

// Debug builds: somebody has to wait for a lock of this rank; how often that was.
void rank_note_contended(enum lock_rank rank);
unsigned long rank_contended(enum lock_rank rank);
