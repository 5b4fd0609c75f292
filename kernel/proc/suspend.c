// SPDX-License-Identifier: MIT
// suspend.c - holding threads: suspension from outside, and the stop of job control; two
// independent flags.
//
// A thread that has to be held is told by WORK_PARK, and by WORK_NOTE, which ends an interruptible
// wait; the call so interrupted restarts unseen, as no handler ran. It parks on its way to user
// mode, where it holds nothing. A thread that waits for its vfork child counts as parked: it will
// park before user mode. Other waits end by themselves.
// Locking: flags and parked under process->lock; whoever holds looks at the flags after having set
// them, whoever parks sets parked before it looks.

#include "abi/errors.h"
#include "abi/signal.h"
#include "abi/wait.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

// Woken when a thread parks or leaves, for those that wait until a box is at rest.
static struct waitq park_events = WAITQ_INIT(park_events);

bool process_is_suspended(const struct process *process)
{
    const struct box *box = process->box;

    while (box != NULL && !atomic_load(&box->suspended))
        box = box->outer;
    return box != NULL || (atomic_load(&process->flags) & PROCESS_SUSPENDED);
}

bool thread_must_park(struct uthread *thread)
{
    const struct process *process = thread->process;

    return !thread_killed() &&
           ((atomic_load(&process->flags) & PROCESS_STOPPED) || process_is_suspended(process));
}

void thread_set_parked(struct uthread *thread, bool parked)
{
    struct process *process = thread->process;
    uint64_t irq = spin_lock_irq_save(&process->lock);

    if (thread->parked != parked) {
        thread->parked = parked;
        process->parked_count += parked ? 1 : -1;
    }
    spin_unlock_irq_restore(&process->lock, irq);
    if (!parked)
        return;
    waitq_wake(&park_events, WAKE_ALL, 0);
    stop_check_complete(process);
}

// Whoever waits for rest puts itself on the queue before it looks, under process->lock as the leaving
// thread changed it, so an empty queue means that nobody missed the change.
void suspend_thread_left(void)
{
    if (waitq_active(&park_events))
        waitq_wake(&park_events, WAKE_ALL, 0);
}

void thread_park(struct uthread *thread)
{
    struct process *process = thread->process;
    int error;

    thread_set_parked(thread, true);
    kill_point(KILL_AT_PARK, process);
    error = WAIT_EVENT(&process->thread_events, WAIT_KILLABLE, NSEC_NEVER,
                       !thread_must_park(thread));
    (void)error; // killed: the caller looks
    thread_set_parked(thread, false);
}

// Tells every thread of a process to look at the flags; process->lock held.
static void post_park(struct process *process)
{
    struct uthread *thread;

    list_for_each(thread, &process->threads, process_link)
        thread_post(&thread->thread, WORK_PARK | WORK_NOTE);
}

// --- Suspension ---

// Calls visit for every process of box and the boxes in it, under tree_lock and the process's lock.
static void each_process(struct box *top, void (*visit)(struct process *))
{
    uint64_t tree_irq = spin_lock_irq_save(&tree_lock);

    for (struct box *box = top; box != NULL; box = box_tree_next(top, box)) {
        struct process *process;

        list_for_each(process, &box->members, member_link) {
            uint64_t irq = spin_lock_irq_save(&process->lock);

            visit(process);
            spin_unlock_irq_restore(&process->lock, irq);
        }
    }
    spin_unlock_irq_restore(&tree_lock, tree_irq);
}

// The vfork wait of a thread counts as rest only while it lasts, so parked threads are counted anew
// at each event.
static bool process_at_rest(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    bool rest = process->parked_count == process->thread_count ||
                (atomic_load(&process->flags) & PROCESS_DYING);

    spin_unlock_irq_restore(&process->lock, irq);
    return rest;
}

static bool box_at_rest(struct box *top)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool rest = true;

    for (struct box *box = top; box != NULL && rest; box = box_tree_next(top, box)) {
        struct process *process;

        list_for_each(process, &box->members, member_link) {
            rest = process_at_rest(process);
            if (!rest)
                break;
        }
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return rest;
}

static void set_flag(struct process *process, unsigned flag)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);

    atomic_fetch_or(&process->flags, flag);
    post_park(process);
    spin_unlock_irq_restore(&process->lock, irq);
}

void process_hold(struct process *process)
{
    set_flag(process, PROCESS_SUSPENDED);
}

static int suspend_box(struct process *head)
{
    struct box *box = head->box;
    int error;

    atomic_store(&box->suspended, true);
    set_flag(head, PROCESS_SUSPENDED);
    each_process(box, post_park);
    error = WAIT_EVENT(&park_events, WAIT_INTERRUPTIBLE, NSEC_NEVER, box_at_rest(box));
    return error;
}

int process_suspend(struct process *process, bool box)
{
    struct process *self = process_current();

    if (box ? box_within(self->box, process->box) : self == process)
        return -EDEADLK;
    if (atomic_load(&process->flags) & PROCESS_DYING)
        return -ESRCH;
    if (box)
        return suspend_box(process);
    set_flag(process, PROCESS_SUSPENDED);
    return WAIT_EVENT(&park_events, WAIT_INTERRUPTIBLE, NSEC_NEVER, process_at_rest(process));
}

static void wake_parked(struct process *process)
{
    waitq_wake(&process->thread_events, WAKE_ALL, 0);
}

// Those that had not parked yet look too: a program may have been kept for the process meanwhile.
static void go_on(struct process *process)
{
    post_park(process);
    wake_parked(process);
}

void process_resume(struct process *process, bool box)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);

    atomic_fetch_and(&process->flags, ~(unsigned)PROCESS_SUSPENDED);
    spin_unlock_irq_restore(&process->lock, irq);
    if (box) {
        atomic_store(&process->box->suspended, false);
        each_process(process->box, go_on);
    }
    wake_parked(process);
}

// --- Job control ---

void process_stop(struct process *process, unsigned signal, unsigned continues)
{
    uint64_t irq;

    kill_point(KILL_AT_STOP, process);
    irq = spin_lock_irq_save(&process->lock);
    if (process->signals->continues == continues &&
        !(atomic_load(&process->flags) & PROCESS_STOPPED)) {
        process->stop_signal = signal;
        process->stop_reported = false;
        atomic_fetch_or(&process->flags, PROCESS_STOPPED);
        atomic_fetch_add(&process->box->stopped, 1);
        post_park(process);
    }
    spin_unlock_irq_restore(&process->lock, irq);
}

void stop_check_complete(struct process *process)
{
    struct record *record = process->record;
    uint64_t tree_irq, irq;
    bool complete;

    if (!(atomic_load(&process->flags) & PROCESS_STOPPED))
        return;
    tree_irq = spin_lock_irq_save(&tree_lock);
    irq = spin_lock_irq_save(&process->lock);
    complete = (atomic_load(&process->flags) & PROCESS_STOPPED) && !process->stop_reported &&
               process->parked_count == process->thread_count && process->thread_count != 0;
    if (complete)
        process->stop_reported = true;
    spin_unlock_irq_restore(&process->lock, irq);
    if (complete) {
        record->stop_signal = process->stop_signal;
        record->continued = false;
        record_notify_parent(record, CLD_STOPPED, (int)record->stop_signal);
        record_report(record);
    }
    spin_unlock_irq_restore(&tree_lock, tree_irq);
}

bool process_continue_locked(struct process *process)
{
    if (!(atomic_load(&process->flags) & PROCESS_STOPPED))
        return false;
    atomic_fetch_and(&process->flags, ~(unsigned)PROCESS_STOPPED);
    atomic_fetch_sub(&process->box->stopped, 1);
    process->continue_unreported = process->stop_reported;
    process->stop_reported = false;
    wake_parked(process);
    return true;
}

void stop_report_continued(struct process *process)
{
    struct record *record = process->record;
    uint64_t tree_irq, irq;
    bool report;

    if (!process->continue_unreported)
        return;
    tree_irq = spin_lock_irq_save(&tree_lock);
    irq = spin_lock_irq_save(&process->lock);
    report = process->continue_unreported;
    process->continue_unreported = false;
    spin_unlock_irq_restore(&process->lock, irq);
    if (report) {
        record->stop_signal = 0;
        record->continued = true;
        record_notify_parent(record, CLD_CONTINUED, SIGCONT);
        record_report(record);
    }
    spin_unlock_irq_restore(&tree_lock, tree_irq);
}
