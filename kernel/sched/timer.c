// SPDX-License-Identifier: MIT
// timer.c - timers: a tree on each CPU, and the one-shot hardware timer set to its first.
//
// Locking: timers->lock (rank TIMER) guards a CPU's tree. A timer that is not armed and not firing
// may move to another CPU; timer->cpu is written under the lock of the CPU it leaves, so holding
// the lock of timer->cpu, and seeing timer->cpu unchanged, holds the timer still.
#include "kernel/sched/timers.h"

#include "kernel/arch/arch.h"
#include "kernel/sched/timer_tree.h"
#include "kernel/sync/spinlock.h"

// Fields: t under lock · c by its own CPU, interrupts off
struct cpu_timers {
    struct spinlock lock;
    struct timer_tree tree;     // t
    const struct timer *firing; // t  whose fire is being called
    _Atomic nsec_t next;        // t  the first deadline; read without the lock
    nsec_t programmed;          // c  what the hardware is set to
    nsec_t quiet_until;         // c  no interrupt before: time for what is not timers
};

#define RUN_MOST_NS NSEC_PER_MSEC
#define QUIET_MOST_NS (10 * NSEC_PER_MSEC)

static DEFINE_PERCPU(struct cpu_timers, cpu_timers);

void timers_init_cpu(unsigned cpu)
{
    struct cpu_timers *timers = &per_cpu(cpu_timers, cpu);

    spin_init(&timers->lock, RANK_TIMER);
    atomic_init(&timers->next, NSEC_NEVER);
    timers->programmed = NSEC_NEVER;
}

void timers_program(nsec_t slice_end)
{
    struct cpu_timers *timers = &this_cpu(cpu_timers);
    nsec_t next = MIN((nsec_t)atomic_load_explicit(&timers->next, memory_order_relaxed), slice_end);

    next = MAX(next, timers->quiet_until);
    if (next >= timers->programmed)
        return;
    timers->programmed = next;
    arch_timer_set(next);
}

void timers_expired(void)
{
    this_cpu(cpu_timers).programmed = NSEC_NEVER;
}

static void publish_next(struct cpu_timers *timers)
{
    atomic_store_explicit(&timers->next, timer_tree_next(&timers->tree), memory_order_relaxed);
}

// A program may have any number of timers, due at once or again as soon as they have fired, and
// some take long. So each fires once in a run, a run ends when it has taken RUN_MOST_NS, with those
// that are left first in the next, and for as long as it took no other begins.
static void leave_time(struct cpu_timers *timers, nsec_t begun)
{
    nsec_t now = clock_now();

    timers->quiet_until = now + MIN(now - begun, QUIET_MOST_NS);
}

void timers_run(void)
{
    struct cpu_timers *timers = &this_cpu(cpu_timers);
    nsec_t now = clock_now();
    bool fired = false;

    for (;; fired = true) {
        uint64_t state = spin_lock_irq_save(&timers->lock);
        struct timer *timer = timers->tree.first;

        timers->firing = NULL;
        if (timer == NULL || timer->deadline > now ||
            (fired && clock_now() - now >= RUN_MOST_NS)) {
            spin_unlock_irq_restore(&timers->lock, state);
            if (fired)
                leave_time(timers, now);
            return;
        }
        timer_tree_remove(&timers->tree, timer);
        timer->armed = false;
        timers->firing = timer;
        publish_next(timers);
        spin_unlock_irq_restore(&timers->lock, state);
        timer->fire(timer); // may free the timer
    }
}

void timer_init(struct timer *timer, timer_fire_fn *fire)
{
    *timer = (struct timer){ .fire = fire, .cpu = arch_cpu() };
}

LOCKS_NOT_CHECKED
static struct cpu_timers *lock_timers(const struct timer *timer, uint64_t *state)
{
    for (;;) {
        unsigned cpu = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);
        struct cpu_timers *timers = &per_cpu(cpu_timers, cpu);

        *state = spin_lock_irq_save(&timers->lock);
        if (timer->cpu == cpu)
            return timers;
        spin_unlock_irq_restore(&timers->lock, *state);
    }
}

static void disarm_locked(struct cpu_timers *timers, struct timer *timer)
{
    if (!timer->armed)
        return;
    timer_tree_remove(&timers->tree, timer);
    timer->armed = false;
    publish_next(timers);
}

// Locks the timers that it should be armed on: this CPU's, or the other one's where it is firing.
LOCKS_NOT_CHECKED
static struct cpu_timers *lock_for_arming(struct timer *timer, uint64_t *state)
{
    for (;;) {
        struct cpu_timers *timers = lock_timers(timer, state);
        unsigned cpu = arch_cpu(); // interrupts are off: it holds

        disarm_locked(timers, timer);
        if (timers->firing == timer || timer->cpu == cpu)
            return timers;
        __atomic_store_n(&timer->cpu, cpu, __ATOMIC_RELAXED);
        spin_unlock_irq_restore(&timers->lock, *state);
    }
}

LOCKS_NOT_CHECKED
void timer_arm(struct timer *timer, nsec_t deadline_ns)
{
    uint64_t irq = arch_irq_save();
    uint64_t state;
    struct cpu_timers *timers = lock_for_arming(timer, &state);
    unsigned cpu = timer->cpu;
    bool is_first;

    timer->deadline = deadline_ns;
    timer->armed = true;
    timer_tree_insert(&timers->tree, timer);
    is_first = timers->tree.first == timer;
    publish_next(timers);
    spin_unlock_irq_restore(&timers->lock, state);
    if (is_first && cpu == arch_cpu())
        timers_program(NSEC_NEVER);
    else if (is_first)
        arch_ipi_reschedule(cpu);
    arch_irq_restore(irq);
}

LOCKS_NOT_CHECKED
bool timer_cancel(struct timer *timer)
{
    bool was_armed = false;

    for (;;) {
        uint64_t state;
        struct cpu_timers *timers = lock_timers(timer, &state);
        bool firing = timers->firing == timer;

        was_armed |= timer->armed;
        disarm_locked(timers, timer);
        spin_unlock_irq_restore(&timers->lock, state);
        if (!firing)
            return was_armed;
        arch_relax();
    }
}
