// SPDX-License-Identifier: MIT
// signal_calls.c - what a thread does about its own signals: actions, masks, alternate stack,
// waiting for them.

#include "abi/errors.h"
#include "kernel/proc/private.h"
#include "kernel/proc/queue.h"
#include "kernel/sync/spinlock.h"

int signal_set_action(unsigned number, const struct signal_action *action,
                      struct signal_action *old)
{
    struct process *process = process_current();
    struct signals *signals = process->signals;
    uint64_t irq, signals_irq, actions_irq;

    if (number < 1 || number > SIGNAL_COUNT ||
        (action != NULL && (SIGNAL_BIT(number) & SIGNAL_SET_UNBLOCKABLE)))
        return -EINVAL;
    irq = spin_lock_irq_save(&process->lock);
    signals_irq = spin_lock_irq_save(&signals->lock);
    actions_irq = spin_lock_irq_save(&signals->actions->lock);
    if (old != NULL)
        *old = signals->actions->actions[number];
    if (action != NULL) {
        signals->actions->actions[number] = *action;
        signals->actions->actions[number].flags &= SA_KNOWN; // how a program learns which are
        signals->actions->actions[number].mask &= ~SIGNAL_SET_UNBLOCKABLE;
        signals->actions->ignored &= ~SIGNAL_BIT(number);
        if (action->handler == SIG_IGN)
            signals->actions->ignored |= SIGNAL_BIT(number);
    }
    spin_unlock_irq_restore(&signals->actions->lock, actions_irq);
    // What is ignored from now on is also taken off the queues (POSIX, sigaction).
    if (action != NULL && (action->handler == SIG_IGN ||
                           (action->handler == SIG_DFL && signal_default_ignored(number))))
        queue_drop(process, SIGNAL_BIT(number));
    spin_unlock_irq_restore(&signals->lock, signals_irq);
    spin_unlock_irq_restore(&process->lock, irq);
    return 0;
}

uint64_t signal_mask(void)
{
    return uthread_current()->blocked;
}

// A signal for the process may have been meant for this thread, which now blocks it: tells another.
// Both locks held.
static void hand_on(struct process *process)
{
    struct uthread *thread;

    if (process->signals->pending == 0)
        return;
    list_for_each(thread, &process->threads, process_link)
        signal_recompute(thread);
}

void signal_set_blocked(uint64_t mask)
{
    struct uthread *self = uthread_current();
    struct process *process = self->process;
    uint64_t irq = spin_lock_irq_save(&process->lock);
    uint64_t signals_irq = spin_lock_irq_save(&process->signals->lock);
    uint64_t more = mask & ~self->blocked;

    self->blocked = mask & ~SIGNAL_SET_UNBLOCKABLE;
    if (more & process->signals->pending)
        hand_on(process);
    signal_recompute(self);
    spin_unlock_irq_restore(&process->signals->lock, signals_irq);
    spin_unlock_irq_restore(&process->lock, irq);
}

void signal_thread_leaves(struct uthread *thread)
{
    struct process *process = thread->process;
    uint64_t irq = spin_lock_irq_save(&process->lock);
    uint64_t signals_irq = spin_lock_irq_save(&process->signals->lock);

    thread->blocked = UINT64_MAX;
    hand_on(process);
    spin_unlock_irq_restore(&process->signals->lock, signals_irq);
    spin_unlock_irq_restore(&process->lock, irq);
}

uint64_t signal_pending_set(void)
{
    struct uthread *self = uthread_current();
    struct signals *signals = self->process->signals;
    uint64_t irq = spin_lock_irq_save(&signals->lock);
    uint64_t pending = self->pending | signals->pending;

    spin_unlock_irq_restore(&signals->lock, irq);
    return pending;
}

bool signal_pending_current(void)
{
    return (signal_pending_set() & ~uthread_current()->blocked) != 0;
}

static bool on_altstack(const struct linux_stack *stack, vaddr_t sp)
{
    return !(stack->ss_flags & SS_DISABLE) && sp > stack->ss_sp &&
           sp - stack->ss_sp <= stack->ss_size;
}

struct linux_stack signal_altstack_now(vaddr_t sp)
{
    struct linux_stack stack = uthread_current()->altstack;

    if (on_altstack(&stack, sp) && !(stack.ss_flags & (int)SS_AUTODISARM))
        stack.ss_flags |= SS_ONSTACK;
    return stack;
}

int signal_set_altstack(const struct linux_stack *stack, struct linux_stack *old, vaddr_t sp)
{
    struct uthread *self = uthread_current();
    int mode;

    if (old != NULL)
        *old = signal_altstack_now(sp);
    if (stack == NULL)
        return 0;
    if (on_altstack(&self->altstack, sp) && !(self->altstack.ss_flags & (int)SS_AUTODISARM))
        return -EPERM;
    mode = stack->ss_flags & ~(int)SS_AUTODISARM;
    if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        self->altstack = (struct linux_stack){ .ss_flags = SS_DISABLE };
        return 0;
    }
    if (stack->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    self->altstack = *stack;
    self->altstack.ss_flags = stack->ss_flags & (int)SS_AUTODISARM;
    return 0;
}

void signal_suspend_mask(uint64_t mask)
{
    struct uthread *self = uthread_current();

    self->saved_mask = self->blocked;
    self->restore_mask = true;
    thread_post(&self->thread, WORK_TASK);
    signal_set_blocked(mask);
}

int64_t signal_suspend(uint64_t mask)
{
    struct waitq never = WAITQ_INIT(never);
    int error;

    signal_suspend_mask(mask);
    error = WAIT_EVENT(&never, WAIT_INTERRUPTIBLE, NSEC_NEVER, false);
    (void)error; // it ends in no other way than interrupted
    return -ERESTARTNOHAND;
}

unsigned signal_take(uint64_t set, struct linux_siginfo *info)
{
    struct uthread *self = uthread_current();
    struct signals *signals = self->process->signals;
    struct signal_taken taken;
    uint64_t irq = spin_lock_irq_save(&signals->lock);
    bool any = queue_take(self, set & ~SIGNAL_SET_UNBLOCKABLE, &taken);

    spin_unlock_irq_restore(&signals->lock, irq);
    if (any)
        *info = taken.info;
    return any ? taken.number : 0;
}

static void set_waiting_for(struct uthread *self, uint64_t set)
{
    uint64_t irq = spin_lock_irq_save(&self->process->signals->lock);

    self->waiting_for = set;
    spin_unlock_irq_restore(&self->process->signals->lock, irq);
}

int signal_wait(uint64_t set, nsec_t deadline_ns, struct linux_siginfo *info)
{
    struct uthread *self = uthread_current();
    unsigned number = signal_take(set, info);
    int error;

    if (number != 0)
        return (int)number;
    set_waiting_for(self, set & ~SIGNAL_SET_UNBLOCKABLE);
    error = WAIT_EVENT(&self->process->signals->note_readers, WAIT_INTERRUPTIBLE, deadline_ns,
                       (number = signal_take(set, info)) != 0);
    set_waiting_for(self, 0);
    if (number == 0) // the event may have come with the interruption
        number = signal_take(set, info);
    if (number != 0)
        return (int)number;
    return error == -ETIMEDOUT ? -EAGAIN : error;
}
