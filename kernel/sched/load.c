// SPDX-License-Identifier: MIT
// load.c - load averages without a periodic tick.
#include "kernel/sched/load.h"

// exp(-5 s / 60 s, 300 s, 900 s) in units of 1 << LOAD_SHIFT.
static const uint32_t decays[3] = { 60296, 64453, 65173 };

static void fold_window(struct load *load, uint64_t area)
{
    uint64_t average = (area << LOAD_SHIFT) / LOAD_WINDOW_NS;

    for (unsigned i = 0; i < 3; i++)
        load->averages[i] = (load->averages[i] * decays[i] + average * ((1 << LOAD_SHIFT) - decays[i])) >>
                            LOAD_SHIFT;
}

void load_update(struct load *load, nsec_t now)
{
    if (now < load->since)
        return;
    // An hour of windows of the same count leaves nothing of what was before.
    if (now - load->since > 720 * LOAD_WINDOW_NS) {
        for (unsigned i = 0; i < 3; i++)
            load->averages[i] = (unsigned long)load->count << LOAD_SHIFT;
        *load = (struct load){ .averages = { load->averages[0], load->averages[1], load->averages[2] },
                               .window_start = now, .since = now, .count = load->count };
        return;
    }
    while (now - load->window_start >= LOAD_WINDOW_NS) {
        nsec_t end = load->window_start + LOAD_WINDOW_NS;

        fold_window(load, load->area + load->count * (end - load->since));
        load->window_start = end;
        load->since = end;
        load->area = 0;
    }
    load->area += load->count * (now - load->since);
    load->since = now;
}
