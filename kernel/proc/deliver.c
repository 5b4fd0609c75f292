// SPDX-License-Identifier: MIT
// deliver.c - the way back to user mode: leaving, parking, signals, restarts; and faults.

#include <string.h>

#include "abi/errors.h"
#include "abi/syscall.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/private.h"
#include "kernel/proc/queue.h"
#include "kernel/proc/session.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

// below the stack pointer; a handler's frame leaves it alone (x86-64 ABI 3.2.2)
#define RED_ZONE 128

// --- Restarts ---

void note_set_result(struct trapframe *frame, int64_t result)
{
    arch_frame_set_result(frame, result);
    if (result == -ERESTARTSYS || result == -ERESTARTNOHAND || result == -ERESTART_RESTARTBLOCK)
        thread_post(thread_current(), WORK_TASK);
}

// Settles what becomes of an interrupted call. action: of the handler about to be entered; NULL:
// none is.
static void settle_restart(struct trapframe *frame, const struct signal_action *action)
{
    bool interrupted = false;

    if (arch_frame_number(frame) == ~UINT64_C(0))
        return;
    switch (arch_frame_result(frame)) {
    case -ERESTARTSYS:
        interrupted = action != NULL && !(action->flags & SA_RESTART);
        break;
    case -ERESTARTNOHAND:
        interrupted = action != NULL;
        break;
    case -ERESTART_RESTARTBLOCK:
        if (action == NULL) {
            arch_frame_restart_as(frame, SYS_restart_syscall);
            return;
        }
        interrupted = true;
        break;
    default:
        return;
    }
    if (interrupted)
        arch_frame_set_result(frame, -EINTR);
    else
        arch_frame_restart(frame);
}

int64_t note_restart_call(void)
{
    struct uthread *self = uthread_current();

    return self->restart == NULL ? -EINTR : self->restart(self);
}

// --- Handlers ---

// The stack that a handler runs on. Returns 0 if it is the alternate one and full.
static vaddr_t handler_stack(struct uthread *self, struct trapframe *frame,
                             const struct signal_action *action)
{
    struct linux_stack stack = signal_altstack_now(arch_frame_sp(frame));
    bool on = (stack.ss_flags & SS_ONSTACK) != 0;

    if (on && arch_frame_sp(frame) - RED_ZONE < stack.ss_sp)
        return 0;
    if ((action->flags & SA_ONSTACK) && !on && !(self->altstack.ss_flags & SS_DISABLE))
        return stack.ss_sp + stack.ss_size;
    return arch_frame_sp(frame) - RED_ZONE;
}

static void reset_action(struct process *process, unsigned number)
{
    struct signal_actions *actions = process->signals->actions;
    uint64_t irq = spin_lock_irq_save(&actions->lock);

    actions->actions[number].handler = SIG_DFL;
    spin_unlock_irq_restore(&actions->lock, irq);
}

static void enter_handler(struct uthread *self, struct trapframe *frame,
                          const struct signal_taken *taken,
                          const struct signal_action *action)
{
    uint64_t mask = self->restore_mask ? self->saved_mask : self->blocked;
    struct linux_stack stack = signal_altstack_now(arch_frame_sp(frame));
    vaddr_t sp = handler_stack(self, frame, action);
    int error = -EFAULT;

    kill_point(KILL_AT_HANDLER, self->process);
    settle_restart(frame, action);
    if (sp != 0 && (action->flags & SA_RESTORER))
        error = arch_signal_enter(frame, sp, taken->number, &taken->info, mask, &stack,
                                  action->handler, action->restorer);
    if (error != 0) {
        if (taken->number == SIGSEGV) // its own handler cannot run: the next one ends the process
            reset_action(self->process, SIGSEGV);
        signal_fault(SIGSEGV, SEGV_MAPERR, sp, "no stack for the handler of %s at %#lx",
                     signal_name(taken->number), sp);
        return;
    }
    self->restore_mask = false;
    self->note_length = taken->length;
    memcpy(self->note, taken->text, taken->length);
    if (self->altstack.ss_flags & (int)SS_AUTODISARM)
        self->altstack = (struct linux_stack){ .ss_flags = SS_DISABLE };
    if (action->flags & SA_RESETHAND)
        reset_action(self->process, taken->number);
    signal_set_blocked(self->blocked | action->mask |
                       (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(taken->number)));
}

int64_t signal_return(struct trapframe *frame)
{
    struct uthread *self = uthread_current();
    struct linux_stack stack;
    vaddr_t sp = arch_frame_sp(frame);
    uint64_t mask;

    if (arch_signal_return(frame, &mask, &stack) != 0) {
        signal_fault(SIGSEGV, SEGV_MAPERR, sp, "bad frame of a signal handler at %#lx", sp);
        return 0;
    }
    if (stack.ss_flags & SS_DISABLE)
        self->altstack = (struct linux_stack){ .ss_flags = SS_DISABLE };
    else if (stack.ss_size >= MINSIGSTKSZ)
        self->altstack = (struct linux_stack){ .ss_sp = stack.ss_sp, .ss_size = stack.ss_size,
                                               .ss_flags = stack.ss_flags & (int)SS_AUTODISARM };
    signal_set_blocked(mask);
    return arch_frame_result(frame);
}

// --- Default actions ---

static void NORETURN leave(void)
{
    uthread_exit_current(0);
}

// Who sent it. What an info says of that counts only if the kernel has made it.
static struct ender ender_of(const struct signal_taken *taken)
{
    pid_t pid = taken->maker;

    if (taken->maker == SIGNAL_MADE_UNKNOWN)
        return ENDED_BY("unknown");
    if (taken->maker == SIGNAL_MADE_BY_KERNEL) {
        if (taken->info.si_code == SI_KERNEL || taken->info.si_code == SI_TIMER)
            return ENDED_BY("kernel");
        pid = taken->info.si_pid;
    }
    if (pid <= 0)
        return ENDED_BY("box around");
    return (struct ender){ .pid = pid };
}

static void NORETURN end_by_signal(struct process *process, const struct signal_taken *taken)
{
    process_end(process, -(int64_t)taken->number, taken->length != 0 ? taken->text : NULL,
                ender_of(taken));
    leave();
}

static void act_by_default(struct process *process, const struct signal_taken *taken)
{
    if (signal_default_ignored(taken->number))
        return;
    if (!(SIGNAL_BIT(taken->number) & SIGNAL_SET_STOP))
        end_by_signal(process, taken);
    if (taken->number == SIGSTOP || !group_orphaned())
        process_stop(process, taken->number, taken->continues);
}

// Takes the next signal that the thread does not block, with its action.
static bool take_next(struct uthread *self, struct signal_taken *taken,
                      struct signal_action *action)
{
    struct signals *signals = self->process->signals;
    uint64_t irq = spin_lock_irq_save(&signals->lock);
    bool any = queue_take(self, ~self->blocked, taken);

    if (any) {
        taken->continues = signals->continues;
        *action = signal_action_of(self->process, taken->number);
    }
    spin_unlock_irq_restore(&signals->lock, irq);
    return any;
}

// Takes signals until one has a handler, which is entered, or the thread has to park, or there is
// none. A further handler is entered on top of the first: sending it again sets WORK_NOTE.
static void deliver(struct uthread *self, struct trapframe *frame)
{
    struct signal_taken taken;
    struct signal_action action;

    while (!thread_must_park(self) && take_next(self, &taken, &action)) {
        if (action.handler > SIG_IGN) {
            enter_handler(self, frame, &taken, &action);
            return;
        }
        if (action.handler == SIG_DFL)
            act_by_default(self->process, &taken);
    }
    if (thread_must_park(self) || thread_killed())
        return;
    settle_restart(frame, NULL);
    if (self->restore_mask) {
        self->restore_mask = false;
        signal_set_blocked(self->saved_mask);
    }
}

// Told to leave: with its process, alone for an exec, or to end the process because SIGKILL came by
// way of a lock.
static void NORETURN killed(struct uthread *self)
{
    struct signal_taken taken = { .number = SIGKILL, .info.si_code = SI_KERNEL };
    struct signals *signals = self->process->signals;
    uint64_t irq;

    if (self->killed || (atomic_load(&self->process->flags) & PROCESS_DYING))
        leave();
    irq = spin_lock_irq_save(&signals->lock);
    (void)queue_take(self, SIGNAL_BIT(SIGKILL), &taken);
    spin_unlock_irq_restore(&signals->lock, irq);
    end_by_signal(self->process, &taken);
}

void note_return_to_user(struct trapframe *frame)
{
    struct uthread *self = uthread_current();
    unsigned work;

    while ((work = atomic_load(&self->thread.work)) != 0) {
        if (work & WORK_KILL)
            killed(self);
        if (work & WORK_RESCHEDULE)
            sched_preempt();
        if (!(work & (WORK_NOTE | WORK_PARK | WORK_TASK)))
            continue;
        // Cleared before looking: what comes after the look sets them again.
        atomic_fetch_and(&self->thread.work, ~(unsigned)(WORK_NOTE | WORK_PARK | WORK_TASK));
        if (thread_must_park(self))
            thread_park(self);
        if (thread_killed())
            continue;
        stop_report_continued(self->process);
        if (self->process->image != NULL)
            exec_image_begin(self->process);
        deliver(self, frame);
        if (thread_must_park(self))
            thread_post(&self->thread, WORK_PARK);
    }
}

// --- Faults ---

// Whether the calling thread has a handler that may see the fault now; then it is queued for it.
static bool queue_fault(struct uthread *self, const struct linux_siginfo *info)
{
    struct process *process = self->process;
    unsigned number = (unsigned)info->si_signo;
    uint64_t irq = spin_lock_irq_save(&process->lock);
    uint64_t signals_irq = spin_lock_irq_save(&process->signals->lock);
    bool queued = signal_action_of(process, number).handler > SIG_IGN &&
                  !(self->blocked & SIGNAL_BIT(number)) &&
                  queue_add(process, self, number, info, NULL, 0, true) == 0;

    if (queued)
        signal_tell(process, self, number);
    spin_unlock_irq_restore(&process->signals->lock, signals_irq);
    spin_unlock_irq_restore(&process->lock, irq);
    return queued;
}

// ctl keep on: the process stays as it is, suspended, for somebody to look at.
static bool keep(struct process *process)
{
    if (!process->box->keep)
        return false;
    process_hold(process);
    return true;
}

void signal_fault(unsigned number, int code, vaddr_t address, const char *reason, ...)
{
    struct uthread *self = uthread_current();
    struct linux_siginfo info = { .si_signo = (int32_t)number, .si_code = code };
    char text[RECORD_REASON_SIZE];
    va_list arguments;

    info.si_addr = address;
    if ((!planted("handlers-unrun") && queue_fault(self, &info)) || keep(self->process))
        return;
    va_start(arguments, reason);
    fmt_vprint(text, sizeof(text), reason, arguments);
    va_end(arguments);
    if (self->process->head && self->process->box->outer == NULL)
        process_dump_memmap(self->process); // nobody is left to look at init
    process_end(self->process, -(int64_t)number, text, ENDED_BY("kernel"));
}
