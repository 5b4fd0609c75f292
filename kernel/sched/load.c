// SPDX-License-Identifier: MIT
// load.c - load averages without a periodic tick.
#include "kernel/sched/load.h"

#include "lib/base/compiler.h"

#define WINDOWS_MAX 1440 // two hours: nothing is left of what was before

// exp(-5 s / 60 s, 300 s, 900 s) in units of 1 << LOAD_SHIFT.
static const uint32_t decays[3] = { 60296, 64453, 65173 };

static void fold_window(struct load *load, uint64_t average)
{
    for (unsigned i = 0; i < 3; i++)
        load->averages[i] =
            (load->averages[i] * decays[i] + average * ((1 << LOAD_SHIFT) - decays[i])) >>
            LOAD_SHIFT;
}

void load_update(struct load *load, nsec_t now)
{
    nsec_t elapsed = now - load->window_start;
    nsec_t windows = elapsed / LOAD_WINDOW_NS;
    uint64_t average;

    load_set_count(load, load->count, now);
    if (windows == 0)
        return;
    // Windows that nobody looked at count as alike. The last, unfinished one takes its part along.
    average = (load->area << (LOAD_SHIFT - 10)) / (elapsed >> 10);
    for (nsec_t i = 0; i < MIN(windows, (nsec_t)WINDOWS_MAX); i++)
        fold_window(load, average);
    load->window_start += windows * LOAD_WINDOW_NS;
    load->area = average * ((now - load->window_start) >> LOAD_SHIFT);
}
