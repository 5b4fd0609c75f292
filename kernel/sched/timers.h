// SPDX-License-Identifier: MIT
// timers.h - the scheduler's side of timers: this CPU's tree and its one-shot hardware timer.
#pragma once

#include "kernel/sched/timer.h"

void timers_init_cpu(unsigned cpu);

// Calls what is due on this CPU. Context: timer interrupt, no lock held.
void timers_run(void);

// Sets this CPU's hardware timer to the first timer or to slice_end, whichever is earlier. It is
// never put off: an interrupt that comes before anything is due costs less than setting the
// hardware at each switch.
// Context: interrupts off.
void timers_program(nsec_t slice_end);

// The hardware timer has gone off.
void timers_expired(void);
