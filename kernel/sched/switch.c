// SPDX-License-Identifier: MIT
// switch.c - switching threads, the idle loop, and the scheduler's interrupts.
//
// A switch, with interrupts off throughout: charge the running thread, take it off the queue if it
// blocks or ends, pick the next, unlock, load its space, switch stacks; then the next thread, on
// its own stack, declares the one before off its CPU. Between the unlock and that moment the one
// before may already be woken or be seen on the queue: whoever would run it elsewhere waits for, or
// turns away at, on_cpu. So no stack is ever used by two CPUs, and a dead thread is handed to the
// reaper by a thread that stands on another stack.
#include "kernel/log/log.h"
#include "kernel/mem/space.h"
#include "kernel/sched/perturb.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/thread_private.h"
#include "kernel/sched/timers.h"
#include "lib/base/assert.h"

static DEFINE_PERCPU(struct thread *, switched_from);
static DEFINE_PERCPU(struct thread *, moving_away); // runnable, but no longer allowed on this CPU
static DEFINE_PERCPU(struct thread, idle_thread);
static void (*reaper)(struct thread *thread);
static bool (*idle_work)(void);

void thread_set_reaper(void (*reap)(struct thread *thread))
{
    assert(reaper == NULL);
    reaper = reap;
}

void sched_set_idle_work(bool (*work)(void))
{
    idle_work = work;
}

void sched_switched(void)
{
    struct thread *from = this_cpu(switched_from);
    bool dead = atomic_load_explicit(&from->state, memory_order_relaxed) == THREAD_DEAD;
    bool moving = this_cpu(moving_away) == from;

    this_cpu(moving_away) = NULL;
    // Release: whoever sees it off its CPU finds its registers saved. Unless dead, from may be gone
    // right after.
    atomic_store_explicit(&from->on_cpu, false, memory_order_release);
    if (moving)
        sched_place(from, false);
    if (!dead)
        return;
    if (from->process != NULL)
        reaper(from);
    else
        thread_free_kernel(from);
}

static void note_idle(const struct runqueue *rq, bool idle)
{
    unsigned long bit = 1UL << rq->cpu;
    unsigned long set = atomic_load_explicit(&sched_idle_cpus, memory_order_relaxed);

    if (idle && !(set & bit))
        atomic_fetch_or(&sched_idle_cpus, bit);
    else if (!idle && (set & bit))
        atomic_fetch_and(&sched_idle_cpus, ~bit);
}

// Learns whether the thread blocks right after it wakes another, as two do that hand work to and
// fro.
static void note_block(struct thread *thread, nsec_t now)
{
    if (thread->woke_ns == 0)
        return;
    if (now - thread->woke_ns < SCHED_QUICK_NS)
        thread->quick_blocks = MIN(thread->quick_blocks + 1, SCHED_QUICK_MOST);
    else
        thread->quick_blocks /=
            2; // once in a while an interrupt, or a virtual machine's host, takes its time
    thread->woke_ns = 0;
}

// Takes the thread that runs off the queue if it will not go on here.
static void leave_queue(struct runqueue *rq, struct thread *thread, enum switch_reason reason,
                        nsec_t now)
{
    if (thread == rq->idle)
        return;
    if (reason == SWITCH_BLOCK || reason == SWITCH_EXIT) {
        thread->switches_voluntary++;
        note_block(thread, now);
        runqueue_remove(rq, thread, now);
    } else if (!(thread->affinity >> rq->cpu & 1)) {
        this_cpu(moving_away) = thread;
        runqueue_remove(rq, thread, now);
    } else if (reason == SWITCH_YIELD) {
        eevdf_yield(thread->entity.queue);
    }
}

// Charges from, and chooses who is next. from keeps running if it is returned.
static struct thread *choose(struct runqueue *rq, struct thread *from, enum switch_reason reason)
{
    nsec_t now = clock_now();
    struct thread *to;

    runqueue_charge(rq, now);
    atomic_fetch_and(&from->work, ~(unsigned)WORK_RESCHEDULE);
    leave_queue(rq, from, reason, now);
    to = runqueue_pick(rq, reason == SWITCH_YIELD && from != rq->idle);
    if (to == NULL) {
        to = rq->idle;
        load_update(&rq->load, now);
    }
    atomic_store_explicit(&rq->current, to, memory_order_relaxed);
    if (to != from) {
        if (reason == SWITCH_PREEMPT || reason == SWITCH_YIELD)
            from->switches_forced++;
        // A full barrier: thread_post sets work, then looks here; the way to user mode looks at
        // work after this.
        atomic_store(&to->on_cpu, true);
        note_idle(rq, to == rq->idle);
    }
    runqueue_set_slice_end(rq, now);
    return to;
}

void sched_switch_off(enum switch_reason reason)
{
    struct runqueue *rq = runqueue_mine();
    struct thread *from = thread_current();
    struct thread *to;

    if (spin_held() != 0)
        panic("thread %s switches while it holds a spin lock", from->name);
    spin_lock(&rq->lock);
    to = choose(rq, from, reason);
    spin_unlock(&rq->lock);
    timers_program(rq->slice_end);
    if (to != from) {
        this_cpu(switched_from) = from;
        if (from->space != to->space)
            space_switch(from->space, to->space);
        (void)arch_switch(from, to);
        sched_switched();
    }
}

void sched_switch(enum switch_reason reason)
{
    uint64_t irq = arch_irq_save();

    sched_switch_off(reason);
    arch_irq_restore(irq);
}

void sched_thread_begin(void *thread)
{
    struct thread *self = thread;

    sched_switched();
    arch_irq_enable();
    self->entry(self->argument);
    thread_exit();
}

void thread_exit(void)
{
    struct thread *self = thread_current();

    arch_irq_disable();
    assert(!self->is_idle && self->mutex_count == 0);
    atomic_store(&self->state, THREAD_DEAD);
    sched_switch(SWITCH_EXIT);
    panic("a dead thread ran");
}

void thread_yield(void)
{
    sched_switch(SWITCH_YIELD);
}

bool thread_relax(void)
{
    struct thread *self = thread_current();

    if (atomic_load_explicit(&self->work, memory_order_relaxed) & WORK_RESCHEDULE)
        sched_switch(SWITCH_PREEMPT);
    return thread_killed();
}

void sched_preempt(void)
{
    struct thread *self = thread_current();

    // The bit is set again where a group around this thread is throttled. A killed one is let go.
    do {
        sched_switch(SWITCH_PREEMPT);
        group_limit_park(self);
    } while ((atomic_load(&self->work) & (WORK_RESCHEDULE | WORK_KILL)) == WORK_RESCHEDULE);
}

// Looks at the running thread again: its slice, and who competes.
static void look_again(struct runqueue *rq, bool balance)
{
    uint64_t state = spin_lock_irq_save(&rq->lock);
    struct thread *current = runqueue_current(rq);
    nsec_t now = clock_now();

    runqueue_charge(rq, now);
    load_update(&rq->load, now);
    if (runqueue_slice_over(rq))
        atomic_fetch_or(&current->work, WORK_RESCHEDULE);
    runqueue_set_slice_end(rq, now);
    spin_unlock_irq_restore(&rq->lock, state);
    if (balance)
        sched_balance(rq, now);
    timers_program(rq->slice_end);
}

void sched_timer_interrupt(void)
{
    timers_expired();
    timers_run();
    look_again(runqueue_mine(), true);
}

void sched_reschedule_interrupt(void)
{
    look_again(runqueue_mine(), false);
}

void sched_idle(void)
{
    struct runqueue *rq = runqueue_mine();
    struct thread *self = thread_current();

    assert(self == rq->idle);
    for (;;) {
        while (idle_work != NULL && atomic_load(&rq->runnable) == 0 && idle_work()) {
        }
        arch_irq_disable();
        note_idle(rq, true);
        // Cleared before the look: who adds a thread after it finds the bit clear, and sends an
        // interrupt. (It may be set for a thread that another CPU has taken away since.)
        atomic_fetch_and(&self->work, ~(unsigned)WORK_RESCHEDULE);
        if (atomic_load(&rq->runnable) != 0 || sched_steal())
            sched_switch(SWITCH_PREEMPT);
        else
            arch_halt();
        arch_irq_enable();
    }
}

static void init_cpu(unsigned cpu)
{
    struct thread *idle = &per_cpu(idle_thread, cpu);

    thread_init_idle(idle, cpu);
    runqueue_init(cpu, idle);
    timers_init_cpu(cpu);
}

void sched_init(void)
{
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        init_cpu(cpu);
    thread_init_caches();
    perturb_init();
    arch_set_current(&this_cpu(idle_thread));
    atomic_fetch_or(&sched_online_cpus, 1UL << arch_cpu());
}

void sched_init_cpu(void)
{
    arch_set_current(&this_cpu(idle_thread));
    this_cpu(runqueue).charged_until = clock_now();
    atomic_fetch_or(&sched_online_cpus, 1UL << arch_cpu());
}

nsec_t sched_idle_time(unsigned cpu)
{
    struct runqueue *rq = runqueue_of(cpu);
    uint64_t state = spin_lock_irq_save(&rq->lock);
    nsec_t idle;

    if (runqueue_current(rq) == rq->idle)
        runqueue_charge(rq, clock_now());
    idle = rq->idle_ns;
    spin_unlock_irq_restore(&rq->lock, state);
    return idle;
}
