// SPDX-License-Identifier: MIT
// timer.h - timers: a function called at a moment of the monotonic clock.
//
// A timer is embedded in its owner's object. States: idle -> armed -> idle, and fire is being
// called. Timers of a CPU are in a tree by deadline and the CPU's one-shot hardware timer is set to
// the first, so an idle machine takes no timer interrupts. Never early; late by at most the
// interrupt's own latency.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/rbtree.h"
#include "lib/base/types.h"

struct timer;

// Called in interrupt context, interrupts off, no lock held. It may arm its own timer again.
typedef void timer_fire_fn(struct timer *timer);

struct timer {
    struct rb_node node; // under the CPU's timer lock
    nsec_t deadline;     // "
    timer_fire_fn *fire; // I
    unsigned cpu;        // "  on whose tree; changed under the old CPU's lock
    bool armed;          // "
};

void timer_init(struct timer *timer, timer_fire_fn *fire);

// Arms the timer, moving it if it was armed. Context: any.
void timer_arm(struct timer *timer, nsec_t deadline_ns);

// Disarms, and waits until a call of fire that is under way on another CPU has returned; after it
// the object may be freed. Not from fire itself, nor holding a lock that fire takes.
// Returns: true if it was armed.
bool timer_cancel(struct timer *timer);

// Whether it is armed, and has not fired yet; exact only where the caller orders it.
static inline bool timer_armed(const struct timer *timer)
{
    return timer->armed;
}

// Nanoseconds since boot; the same on every CPU, never backwards.
nsec_t clock_now(void);

// Nanoseconds since 1970 (UTC): clock_now() plus an offset that settimeofday may change.
nsec_t clock_realtime(void);
int clock_set_realtime(nsec_t now_ns) MUST_CHECK;
