// SPDX-License-Identifier: MIT
// runqueue.h - internal to sched: a CPU's run queue, and how threads get on and off it.
//
// A run queue is a tree of EEVDF queues: the CPU's own at the top, in it threads and one entity for
// each group that has something to run here, behind which stands the group's queue on this CPU.
// Locking: one lock a CPU (rank RUNQUEUE), never two at once. A thread that is on no queue belongs
// to whoever made it runnable; thread->cpu is changed under the lock of the CPU that it leaves.
#pragma once

#include "kernel/sched/load.h"
#include "kernel/sched/sched.h"

// A thread that blocks this soon after waking another would leave its CPU to it sooner than an idle
// CPU gets going.
#define SCHED_QUICK_NS (40 * NSEC_PER_USEC)
#define SCHED_QUICK_TIMES 3 // more often than not, before it is believed
#define SCHED_QUICK_MOST 8U

// Fields: I set once · q under lock · a atomic, written under lock
struct runqueue {
    struct spinlock lock;
    struct sched_queue top; // q
    struct list threads; // q  all that are runnable, the running one included (not the idle thread)
    _Atomic(struct thread *) current; // a
    struct thread *idle;              // I
    unsigned cpu;                     // I
    atomic_uint runnable;             // a  length of threads
    nsec_t charged_until;             // q  the running thread's time is accounted up to here
    nsec_t slice_end;                 // q  when to look again; NSEC_NEVER: nobody competes
    nsec_t balance_at;                // q
    nsec_t idle_ns;                   // q
    struct load load;                 // q
};
DECLARE_PERCPU(struct runqueue, runqueue);

// A group on one CPU. Fields under the CPU's run queue lock.
struct cpu_group {
    struct sched_entity entity; // its place in the queue around it
    struct sched_queue queue;   // its threads and the groups in it
    struct load load; // of its threads and those of the groups in it
    nsec_t runtime_ns;
    struct sched_group *group;
};

static inline struct runqueue *runqueue_of(unsigned cpu)
{
    return &per_cpu(runqueue, cpu);
}

static inline struct runqueue *runqueue_mine(void)
{
    return &this_cpu(runqueue);
}

static inline struct thread *runqueue_current(const struct runqueue *rq)
{
    return atomic_load_explicit(&rq->current, memory_order_relaxed);
}

void runqueue_init(unsigned cpu, struct thread *idle);

// Locks the run queue of thread->cpu, which stays the same while it is held.
struct runqueue *runqueue_lock_of(const struct thread *thread, uint64_t *state);

// All below: the caller holds rq->lock.

// Accounts what the running thread has run until now.
void runqueue_charge(struct runqueue *rq, nsec_t now);
void runqueue_add(struct runqueue *rq, struct thread *thread, nsec_t now);
void runqueue_remove(struct runqueue *rq, struct thread *thread, nsec_t now);
// The thread that should run, made current in all its queues; NULL: none. other: not the running
// one, if its queue has others.
struct thread *runqueue_pick(struct runqueue *rq, bool other);
// Whether thread, just added, should take the place of the running one.
bool runqueue_preempts(const struct runqueue *rq, const struct thread *thread);
// Makes the groups of the running thread weigh what they should here now.
void runqueue_refresh(struct runqueue *rq);
// Computes slice_end anew, and tells the running thread if a group around it is throttled.
void runqueue_set_slice_end(struct runqueue *rq, nsec_t now);
// Whether the running thread has had what it asked for, and others wait.
bool runqueue_slice_over(const struct runqueue *rq);
void runqueue_reweight(struct runqueue *rq, struct thread *thread, uint64_t weight);

// --- place.c ---

// Puts a thread that is runnable, on no queue and not on a CPU onto some CPU's queue, and sees that
// the CPU looks.
// Context: any, no run queue locked.
void sched_place(struct thread *thread, bool is_new);
// Puts such a thread, whose thread->cpu is cpu, onto that CPU's queue. Returns: false, and it is
// not, if its affinity does not allow that. Context: interrupts off.
bool sched_insert(struct thread *thread, unsigned cpu) MUST_CHECK;
extern atomic_ulong sched_idle_cpus;   // a  bit n: CPU n has nothing to do
extern atomic_ulong sched_online_cpus; // a  bit n: CPU n runs threads

// --- balance.c ---

// Takes a waiting thread from the busiest CPU. Returns: whether it found one. Context: interrupts
// off.
bool sched_steal(void);
// Gives threads to a less busy CPU. Context: timer interrupt.
void sched_balance(struct runqueue *rq, nsec_t now);

// --- switch.c ---

enum switch_reason { SWITCH_PREEMPT, SWITCH_YIELD, SWITCH_BLOCK, SWITCH_EXIT };
// Runs whoever should run; returns when the calling thread runs again. Context: thread, no spin
// lock.
void sched_switch(enum switch_reason reason);
void sched_switch_off(enum switch_reason reason); // interrupts are off, and stay so
// The first thing that a new thread does, interrupts off.
void sched_switched(void);
void NORETURN sched_thread_begin(void *thread);

// --- group.c ---

extern atomic_uint group_limits; // how many groups have a limit
static inline bool group_limits_exist(void)
{
    return unlikely(atomic_load_explicit(&group_limits, memory_order_relaxed) != 0);
}
// Takes ran_ns from the period of group. Returns: false when nothing is left. Context: run queue
// locked.
bool group_limit_charge(struct sched_group *group, nsec_t ran_ns, nsec_t now);
// How long the group may still run in this period, at most; NSEC_NEVER: unlimited; 0: it is
// throttled.
nsec_t group_limit_left(const struct sched_group *group);
// Waits while a group around the calling thread is throttled.
void group_limit_park(struct thread *thread);
