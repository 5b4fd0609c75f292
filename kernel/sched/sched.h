// SPDX-License-Identifier: MIT
// sched.h - the scheduler as a whole: its start, its groups, its idle loop.
//
// EEVDF: of the entities whose virtual time is not ahead of the queue's average, the one with the
// earliest virtual deadline runs. Two levels: groups (boxes with an account) share a CPU by weight,
// the threads of a group share what it gets.
#pragma once

#include "kernel/sched/thread.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"

struct cpu_group;

// A group of threads that shares the machine as one: embedded in a box's account. Groups nest as
// boxes do: the threads of a box and the groups of the boxes in it share what it gets.
// Fields: I set once · a atomic · l under limit_lock
struct sched_group {
    struct cpu_group *cpus;     // I  one a CPU; NULL: the root, which uses the CPUs' own queues
    struct sched_group *parent; // I  NULL: the root is around it
    atomic_ulong weight;        // a  in units of 1/EEVDF_UNIT of nice 0
    atomic_ulong busy_weight;   // a  of all that is runnable in it, on all CPUs
    atomic_uint cpu_percent;    // a  limit, percent of one CPU; 0: none
    atomic_bool throttled;      // a  has had its share of this period
    struct spinlock limit_lock; // rank GROUP_LIMIT
    nsec_t period_start;        // l
    int64_t period_left;        // l  nanoseconds; what is owed is taken from the next period
    struct timer refill;        // ends throttling
    struct waitq parked;        // threads that wait until it may run again
    struct account *account;    // I  who pays for cpus
};

// parent NULL: this is the root, and it cannot fail. weight as that of priority 19. Errors:
// -ENOMEM.
int sched_group_init(struct sched_group *group, struct sched_group *parent,
                     struct account *account) MUST_CHECK;
// No thread and no group is in it any more.
void sched_group_fini(struct sched_group *group);
// 1,024 is the weight of nice 0; limits as those of priorities 0 and 39.
void sched_group_set_weight(struct sched_group *group, unsigned weight);
// The weight of a priority, for sched_group_set_weight.
unsigned sched_priority_weight(unsigned priority);
// percent of one CPU (200: two CPUs); 0: no limit.
void sched_group_set_percent(struct sched_group *group, unsigned percent);
// What its threads and those of the groups in it have run, the dead included.
nsec_t sched_group_runtime(const struct sched_group *group);
// Load averages of the last 1, 5 and 15 minutes, times 65,536, and how many threads are runnable
// now, of the group and those in it; of the root: of the machine.
void sched_group_loads(const struct sched_group *group, unsigned long loads[3], unsigned *runnable);

// Called once on the boot CPU (then thread_current() is the boot thread), and on each other CPU.
void sched_init(void);
void sched_init_cpu(void);

// What a CPU does when it has nothing to do. Never returns.
void NORETURN sched_idle(void);

// Registered with arch: the timer interrupt, the reschedule IPI.
void sched_timer_interrupt(void);
void sched_reschedule_interrupt(void);

// Called on the way to user mode when WORK_RESCHEDULE is set. Lets others run if they should, and
// waits while the box is over its share of this period (until it is killed).
void sched_preempt(void);

// Called by an idle CPU with interrupts on before it halts (filling the pool of zeroed pages).
// Returns: true to be called again.
void sched_set_idle_work(bool (*work)(void));

nsec_t sched_idle_time(unsigned cpu);
