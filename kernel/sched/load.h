// SPDX-License-Identifier: MIT
// load.h - load averages without a periodic tick, as pure code.
//
// The count of runnable threads is summed over time at each change; whole windows of five seconds
// are folded into the three averages when somebody looks.
#pragma once

#include "lib/base/types.h"

#define LOAD_SHIFT 16
#define LOAD_WINDOW_NS (5 * NSEC_PER_SEC)

struct load {
    unsigned long averages[3]; // over 1, 5 and 15 minutes, times 1 << LOAD_SHIFT
    nsec_t window_start;
    nsec_t since;  // count holds since then
    uint64_t area; // the sum of count * nanoseconds from window_start to since
    unsigned count;
};

// Brings the averages up to now.
void load_update(struct load *load, nsec_t now);

// Whether there is a window to be folded. Where counts differ much, it is folded soon after its end,
// lest it be taken for like those that follow it.
static inline bool load_window_over(const struct load *load, nsec_t now)
{
    return now - load->window_start >= LOAD_WINDOW_NS;
}

static inline void load_set_count(struct load *load, unsigned count, nsec_t now)
{
    load->area += load->count * (now - load->since);
    load->since = now;
    load->count = count;
}
