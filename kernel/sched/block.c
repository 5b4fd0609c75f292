// SPDX-License-Identifier: MIT
// block.c - waiting and waking.
//
// A thread that waits: thread->woken = false (prepare), looks at its condition, sets state BLOCKED,
// looks at woken, timed_out and work once more, leaves the queue. Who wakes it: sets one of these,
// then looks at state. All in one total order (seq_cst), so one of the two sees the other. Whoever
// moves state from BLOCKED to RUNNABLE owns what follows: the thread itself just goes on; a waker
// waits until the thread is off its CPU and puts it on a queue.
#include "abi/errors.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/sched/perturb.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/thread_private.h"

static const unsigned ending_bits[] = {
    [WAIT_MUTEX] = 0,
    [WAIT_KILLABLE] = WORK_KILL,
    [WAIT_INTERRUPTIBLE] = WORK_KILL | WORK_NOTE,
};

#ifdef BOXWORK_DEBUG
static void (*block_hook)(enum wait_mode mode);

void thread_set_block_hook(void (*hook)(enum wait_mode mode))
{
    block_hook = hook;
}
#endif

static bool claim(struct thread *thread)
{
    int blocked = THREAD_BLOCKED;

    return atomic_compare_exchange_strong(&thread->state, &blocked, THREAD_RUNNABLE);
}

// Makes a blocked thread runnable. Returns: false if it was not blocked.
static bool resume(struct thread *thread)
{
    if (atomic_load(&thread->state) != THREAD_BLOCKED || !claim(thread))
        return false;
    // It has left the queue or is about to; its CPU is within the switch code, with interrupts off
    // and waiting for nothing but run queue locks, so this is short.
    while (atomic_load_explicit(&thread->on_cpu, memory_order_acquire))
        arch_relax();
    sched_place(thread, false);
    return true;
}

void thread_block_prepare(void)
{
    struct thread *self = thread_current();

    atomic_store_explicit(&self->timed_out, false, memory_order_relaxed);
    atomic_store(&self->woken, false);
}

void thread_block_cancel(void)
{
    atomic_store_explicit(&thread_current()->woken, true, memory_order_relaxed);
}

// Why the wait should end now. Returns: 1 if it should not.
static int reason_to_end(struct thread *thread, unsigned bits)
{
    if (atomic_load(&thread->woken))
        return 0;
    if (atomic_load(&thread->work) & bits)
        return -EINTR;
    if (atomic_load(&thread->timed_out))
        return -ETIMEDOUT;
    return 1;
}

// An idle thread (start-up code before sched_idle) cannot leave its CPU: it lets others run, and
// halts.
static void wait_idle(struct thread *self, unsigned bits)
{
    while (reason_to_end(self, bits) == 1) {
        arch_irq_disable();
        if (atomic_load(&runqueue_mine()->runnable) != 0)
            sched_switch(SWITCH_PREEMPT);
        else if (reason_to_end(self, bits) == 1)
            arch_halt();
        arch_irq_enable();
    }
}

// Returns: as reason_to_end.
static int wait_once(struct thread *self, unsigned bits)
{
    uint64_t irq;
    int result;

    if (unlikely(self->is_idle)) {
        wait_idle(self, bits);
        return reason_to_end(self, bits);
    }
    if (planted("race-wake"))
        atomic_store(&self->woken, false); // a wake-up since prepare is lost
    irq = arch_irq_save();
    atomic_store(&self->state, THREAD_BLOCKED);
    result = reason_to_end(self, bits);
    // Where the claim fails a waker has the thread already, and puts it back after the switch.
    if (result == 1 || !claim(self)) {
        sched_switch_off(SWITCH_BLOCK);
        result = reason_to_end(self, bits);
    }
    arch_irq_restore(irq);
    return result;
}

static int block_until(struct thread *self, unsigned bits, nsec_t deadline_ns)
{
    int result = reason_to_end(self, bits);

    if (result != 1)
        return result;
    if (deadline_ns <= clock_now())
        return -ETIMEDOUT;
    timer_arm(&self->block_timer, deadline_ns);
    while (result == 1)
        result = wait_once(self, bits);
    (void)timer_cancel(&self->block_timer);
    return result;
}

int thread_block(enum wait_mode mode, nsec_t deadline_ns)
{
    struct thread *self = thread_current();
    unsigned bits = ending_bits[mode];
    int result = 1;

    if (spin_held() != 0)
        panic("thread %s sleeps while it holds a spin lock", self->name);
#ifdef BOXWORK_DEBUG
    if (block_hook != NULL)
        block_hook(mode);
#endif
    self->waiting_for = __builtin_return_address(0);
    atomic_store_explicit(&self->wait_bits, bits, memory_order_relaxed);
    if (deadline_ns != NSEC_NEVER)
        result = block_until(self, bits, deadline_ns);
    while (result == 1)
        result = wait_once(self, bits);
    atomic_store_explicit(&self->wait_bits, 0, memory_order_relaxed);
    self->waiting_for = NULL;
    return result;
}

void thread_time_out(struct thread *thread)
{
    atomic_store(&thread->timed_out, true);
    if (!resume(thread) && thread->is_idle)
        arch_ipi_reschedule(thread->cpu);
}

bool thread_wake(struct thread *thread)
{
    if (atomic_exchange(&thread->woken, true))
        return false;
    if (!resume(thread) && thread->is_idle && thread != thread_current())
        arch_ipi_reschedule(thread->cpu);
    return true;
}

void thread_post(struct thread *thread, unsigned work)
{
    atomic_fetch_or(&thread->work, work);
    if (atomic_load(&thread->state) == THREAD_BLOCKED) {
        if (atomic_load(&thread->wait_bits) & work)
            (void)resume(thread);
    } else if (thread != thread_current() && atomic_load(&thread->on_cpu)) {
        // It may be in user mode. Where it has left that CPU meanwhile it looks at its work on the
        // way back.
        arch_ipi_reschedule(__atomic_load_n(&thread->cpu, __ATOMIC_RELAXED));
    }
}

int thread_sleep_until(nsec_t deadline_ns, enum wait_mode mode)
{
    int error;

    do {
        thread_block_prepare();
        error = thread_block(mode, deadline_ns);
    } while (error == 0);
    thread_block_cancel();
    return error == -ETIMEDOUT ? 0 : error;
}

bool thread_killed(void)
{
    return (atomic_load_explicit(&thread_current()->work, memory_order_relaxed) & WORK_KILL) != 0;
}

bool thread_interrupted(void)
{
    return (atomic_load_explicit(&thread_current()->work, memory_order_relaxed) &
            (WORK_KILL | WORK_NOTE)) != 0;
}
