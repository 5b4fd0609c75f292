// SPDX-License-Identifier: MIT
// thread_private.h - internal to sched: what only switch.c asks of thread.c.
#pragma once

#include "kernel/sched/thread.h"

void thread_init_caches(void);
// Makes the thread that stands for what a CPU runs since its start: its idle thread.
void thread_init_idle(struct thread *thread, unsigned cpu);
// Frees a dead kernel thread. Context: interrupts off, no lock held.
void thread_free_kernel(struct thread *thread);
// The deadline of its wait has come. Context: timer.
void thread_time_out(struct thread *thread);
