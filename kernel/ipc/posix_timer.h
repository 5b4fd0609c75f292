// SPDX-License-Identifier: MIT
// posix_timer.h - timers of a process that send signals: timer_create and its relatives, setitimer,
// alarm.
//
// Timers of timer_create end at exec; the three interval timers of setitimer live on. A fork has
// none. All calls concern the calling process. Context: thread, no lock held. Durations of a
// setting are relative: value 0 means disarmed, interval 0 means once.
#pragma once

#include "abi/signal.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct process;
struct uthread;

// What time a timer goes by.
enum timer_source {
    TIMER_MONOTONIC,
    // absolute moments are taken by the wall clock as it stands when they are set
    TIMER_REALTIME,
    TIMER_PROCESS_CPU, // user and kernel time of the process
    TIMER_PROCESS_USER,
    TIMER_THREAD_CPU,
};

struct timer_setting {
    nsec_t value;
    nsec_t interval;
};

// Makes a timer. event NULL: SIGALRM to the process with the timer's number. thread: whose time
// TIMER_THREAD_CPU is.
// Returns: its number. Errors: -EINVAL (event), -EAGAIN (no memory, or too many).
int posix_timer_create(enum timer_source source, struct uthread *thread,
                       const struct linux_sigevent *event) MUST_CHECK;
// Arms or disarms. absolute: value is a moment of the source. old may be NULL. Errors: -EINVAL no
// such timer.
int posix_timer_set(int number, bool absolute, const struct timer_setting *setting,
                    struct timer_setting *old) MUST_CHECK;
int posix_timer_get(int number, struct timer_setting *setting) MUST_CHECK;
// How many times it expired beyond the first while its last signal was pending.
int posix_timer_overrun(int number) MUST_CHECK;
int posix_timer_delete(int number) MUST_CHECK;

// which: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. Errors: -EINVAL, -ENOMEM.
int interval_timer_set(int which, const struct timer_setting *setting,
                       struct timer_setting *old) MUST_CHECK;
int interval_timer_get(int which, struct timer_setting *setting) MUST_CHECK;

// A process's last thread has left: frees all. The process is still there; no lock is held.
void posix_timers_end(struct process *process);
// exec has committed: frees the timers of timer_create.
void posix_timers_exec(struct process *process);
