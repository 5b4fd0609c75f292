// SPDX-License-Identifier: MIT
// posix_timer_private.h - one timer, shared by posix_timer.c (the tables) and posix_timer_fire.c
// (expiry).
#pragma once

#include "kernel/ipc/posix_timer.h"
#include "kernel/sched/timer.h"
#include "kernel/sync/spinlock.h"

// Fields: I set once · l under lock
struct posix_timer {
    struct timer timer;
    struct spinlock lock;        // rank CHANNEL
    struct process *process;     // I  not counted: it frees its timers before it goes
    struct uthread *clock_thread; // I  counted; whose time TIMER_THREAD_CPU is
    struct uthread *target;      // I  counted; NULL: the process
    enum timer_source source;    // I
    struct linux_siginfo info;   // I  si_signo 0: no signal
    nsec_t expires;              // l  moment of the source; 0: disarmed
    nsec_t interval;             // l
    uint64_t overrun;            // l  since the last signal was sent
    uint64_t last_overrun;       // l  of the signal before
};

// Fills in a timer for the calling process. Takes references on the threads.
void posix_timer_init(struct posix_timer *timer, enum timer_source source,
                      struct uthread *clock_thread, struct uthread *target);
// Disarms it for good.
void posix_timer_fini(struct posix_timer *timer);

void posix_timer_arm(struct posix_timer *timer, bool absolute, const struct timer_setting *setting);
void posix_timer_read(struct posix_timer *timer, struct timer_setting *setting);
uint64_t posix_timer_count_overrun(struct posix_timer *timer);
