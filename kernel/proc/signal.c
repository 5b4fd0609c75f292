// SPDX-License-Identifier: MIT
// signal.c - the object, and sending: from a number to a thread that is told.
//
// SIGKILL has two ways. A thread outside of interrupts ends the process directly (kill.c). From an
// interrupt, or for a whole group under tree_lock, one thread is told by WORK_KILL and ends its
// process itself.

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/proc/private.h"
#include "kernel/proc/queue.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/bits.h"

static SLAB_CACHE(signals_cache, "signals", struct signals);
static SLAB_CACHE(actions_cache, "signal actions", struct signal_actions);

int signal_actions_create(struct account *account, struct signal_actions **actions)
{
    struct signal_actions *made = slab_alloc(&actions_cache, account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    spin_init(&made->lock, RANK_SIGNAL_ACTIONS);
    *actions = made;
    return 0;
}

void signal_actions_put(struct signal_actions *actions)
{
    if (refcount_put(&actions->ref))
        slab_free(&actions_cache, actions);
}

// Takes over the caller's reference on actions, also on failure.
static int create_with(struct account *account, struct signal_actions *actions,
                       struct signals **signals)
{
    struct signals *made = slab_alloc(&signals_cache, account);

    if (made == NULL) {
        signal_actions_put(actions);
        return -ENOMEM;
    }
    spin_init(&made->lock, RANK_SIGNAL);
    made->actions = actions;
    list_init(&made->queue);
    waitq_init(&made->note_readers);
    *signals = made;
    return 0;
}

int signals_create(struct account *account, struct signals **signals)
{
    struct signal_actions *actions;
    int error = signal_actions_create(account, &actions);

    return error != 0 ? error : create_with(account, actions, signals);
}

int signals_fork(struct signals *from, struct account *account, bool share_actions,
                 struct signals **signals)
{
    struct signal_actions *actions = from->actions;
    uint64_t irq;
    int error;

    if (share_actions) {
        refcount_get(&actions->ref);
        return create_with(account, actions, signals);
    }
    error = signal_actions_create(account, &actions);
    if (error != 0)
        return error;
    irq = spin_lock_irq_save(&from->actions->lock);
    actions->ignored = from->actions->ignored;
    memcpy(actions->actions, from->actions->actions, sizeof(actions->actions));
    spin_unlock_irq_restore(&from->actions->lock, irq);
    return create_with(account, actions, signals);
}

void signals_destroy(struct signals *signals)
{
    if (signals == NULL)
        return;
    signal_actions_put(signals->actions);
    slab_free(&signals_cache, signals);
}

void signals_exec(struct signals *signals, struct signal_actions *actions)
{
    struct signal_actions *old = signals->actions;
    uint64_t irq = spin_lock_irq_save(&signals->lock);

    actions->ignored = old->ignored;
    for (uint64_t left = old->ignored; left != 0; left &= left - 1)
        actions->actions[bits_lowest(left) + 1].handler = SIG_IGN;
    signals->actions = actions;
    spin_unlock_irq_restore(&signals->lock, irq);
    signal_actions_put(old);
}

struct signal_action signal_action_of(struct process *process, unsigned number)
{
    struct signal_actions *actions = process->signals->actions;
    uint64_t irq = spin_lock_irq_save(&actions->lock);
    struct signal_action action = actions->actions[number];

    spin_unlock_irq_restore(&actions->lock, irq);
    return action;
}

bool signal_default_ignored(unsigned number)
{
    return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT;
}

// Whether the signal would do nothing, and nobody blocks it or waits for it; both locks held.
static bool ignored(struct process *process, struct uthread *to, unsigned number)
{
    struct signal_action action = signal_action_of(process, number);
    struct uthread *thread;

    if (action.handler != SIG_IGN && (action.handler != SIG_DFL || !signal_default_ignored(number)))
        return false;
    list_for_each(thread, &process->threads, process_link) {
        if ((to == NULL || to == thread) &&
            ((thread->blocked | thread->waiting_for) & SIGNAL_BIT(number)))
            return false;
    }
    return true;
}

void signal_recompute(struct uthread *thread)
{
    uint64_t pending = thread->pending | thread->process->signals->pending;

    if (pending & ~thread->blocked)
        thread_post(&thread->thread, WORK_NOTE);
}

void signal_tell(struct process *process, struct uthread *to, unsigned number)
{
    struct uthread *thread, *chosen = to;
    unsigned work = number == SIGKILL ? WORK_KILL : WORK_NOTE;

    if (chosen == NULL) {
        list_for_each(thread, &process->threads, process_link) {
            if (thread->killed || (thread->blocked & SIGNAL_BIT(number)))
                continue;
            chosen = thread;
            if (!(atomic_load(&thread->thread.work) & WORK_NOTE))
                break; // one that is not busy with another signal
        }
    }
    if (chosen != NULL && !(chosen->blocked & SIGNAL_BIT(number)))
        thread_post(&chosen->thread, work);
    waitq_wake(&process->signals->note_readers, WAKE_ALL, 0);
}

// Stop signals and SIGCONT cancel each other, whether or not they are blocked or ignored.
static void cancel_opposites(struct process *process, unsigned number)
{
    if (number == SIGCONT) {
        queue_drop(process, SIGNAL_SET_STOP);
        process->signals->continues++;
        process_continue_locked(process);
    } else if (SIGNAL_BIT(number) & SIGNAL_SET_STOP) {
        queue_drop(process, SIGNAL_BIT(SIGCONT));
    }
}

static int send_with_text(struct process *process, struct uthread *thread, unsigned number,
                          const struct linux_siginfo *info, const char *text, size_t length,
                          bool around)
{
    uint64_t irq;
    int error = 0;

    spin_assert_held(&process->lock);
    if ((atomic_load(&process->flags) & PROCESS_DYING) || process->signals == NULL)
        return -ESRCH;
    irq = spin_lock_irq_save(&process->signals->lock);
    cancel_opposites(process, number);
    if (number == SIGKILL || !ignored(process, thread, number)) {
        error = queue_add(process, thread, number, info, text, length, around);
        if (error == 0)
            signal_tell(process, thread, number);
    }
    spin_unlock_irq_restore(&process->signals->lock, irq);
    return error;
}

int signal_send_locked(struct process *process, struct uthread *thread, unsigned number,
                       const struct linux_siginfo *info)
{
    return send_with_text(process, thread, number, info, NULL, 0, false);
}

bool signal_sender_is_around(const struct process *process)
{
    const struct box *box = process_current()->box;

    return thread_current()->process != NULL && arch_irq_enabled() && box != process->box &&
           box_within(process->box, box);
}

int signal_send_text(struct process *process, unsigned number, const struct linux_siginfo *info,
                     const char *text, size_t length)
{
    bool around = signal_sender_is_around(process);
    uint64_t irq = spin_lock_irq_save(&process->lock);
    int error = send_with_text(process, NULL, number, info, text, length, around);

    spin_unlock_irq_restore(&process->lock, irq);
    return error;
}

void signal_info_user(const struct process *to, unsigned number, int code,
                      struct linux_siginfo *info)
{
    struct process *self = process_current();

    *info = (struct linux_siginfo){ .si_signo = (int32_t)number, .si_code = code };
    if (thread_current()->process == NULL || !arch_irq_enabled()) {
        info->si_code = SI_KERNEL;
    } else {
        info->si_pid = process_number(self, to->box);
        info->si_uid = self->box == to->box ? self->uid : 65534;
    }
}

static int send(struct process *process, struct uthread *thread, unsigned number,
                const struct linux_siginfo *info)
{
    bool around = signal_sender_is_around(process);
    struct linux_siginfo made;
    uint64_t irq;
    int error;

    if (number > SIGNAL_COUNT)
        return -EINVAL;
    if (atomic_load(&process->flags) & PROCESS_DYING)
        return number == 0 || thread == NULL ? 0 : -ESRCH;
    if (number == 0)
        return 0;
    if (number == SIGKILL && arch_irq_enabled()) {
        process_exit(process, PROCESS_KILLED, -SIGKILL);
        return 0;
    }
    if (info == NULL) {
        signal_info_user(process, number, thread == NULL ? SI_USER : SI_TKILL, &made);
        info = &made;
    }
    irq = spin_lock_irq_save(&process->lock);
    error = send_with_text(process, thread, number, info, NULL, 0, around);
    spin_unlock_irq_restore(&process->lock, irq);
    return error == -ESRCH && thread == NULL ? 0 : error;
}

int signal_send_process(struct process *process, unsigned number, const struct linux_siginfo *info)
{
    return send(process, NULL, number, info);
}

int signal_send_thread(struct uthread *thread, unsigned number, const struct linux_siginfo *info)
{
    return send(thread->process, thread, number, info);
}

void signal_send_self(unsigned number)
{
    struct linux_siginfo info = { .si_signo = (int32_t)number, .si_code = SI_KERNEL };
    int error = signal_send_thread(uthread_current(), number, &info);

    (void)error; // it is ending itself
}
