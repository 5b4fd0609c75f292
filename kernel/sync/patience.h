// SPDX-License-Identifier: MIT
// patience.h - tells a wait that will never end from one on a machine that is slow.
//
// Who spins for another CPU asks at each look whether to give up. What counts is the time spent
// looking: where a virtual CPU was not run by its host, two looks lie far apart, and that says
// nothing about whoever is waited for, who was perhaps not run either.
#pragma once

#include "kernel/arch/arch.h"
#include "lib/base/types.h"

// In cycles: some ten seconds on any machine, and what a look may take at most of it.
#define PATIENCE_CYCLES (UINT64_C(1) << 35)
#define PATIENCE_LOOK_CYCLES (UINT64_C(1) << 18)

struct patience {
    uint64_t last; // look
    uint64_t spent;
};

static inline struct patience patience_begin(void)
{
    return (struct patience){ .last = arch_cycles() };
}

// Returns: whether the wait is one that will not end.
static inline bool patience_is_over(struct patience *patience)
{
    uint64_t now = arch_cycles(), passed = now - patience->last;

    patience->last = now;
    patience->spent += passed < PATIENCE_LOOK_CYCLES ? passed : PATIENCE_LOOK_CYCLES;
    return patience->spent > PATIENCE_CYCLES;
}
