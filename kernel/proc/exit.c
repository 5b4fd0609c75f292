// SPDX-License-Identifier: MIT
// exit.c - the end of threads and processes: what the leaving threads do, and what is left for the
// switch code.
//
// Order: a thread leaves while it may still block (process_thread_exited); the last one frees what
// its process holds and takes it out of the tree (process_teardown); the thread that runs next
// frees stack and structs (process_thread_reap), and with the struct of the process the end is
// published (process.c, box.c, record.c).

#include "kernel/ipc/futex.h"
#include "kernel/ipc/posix_timer.h"
#include "kernel/ipc/signalfd.h"
#include "kernel/log/planted.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

#define BATCH 32

// Whether a living process takes in orphans of its box; tree_lock held.
static bool adopts(const struct process *process)
{
    return (process->adopts || (process->subreaper && !process->head)) &&
           atomic_load(&process->state) < PROCESS_ENDING &&
           !(atomic_load(&process->flags) & PROCESS_DYING);
}

// The nearest ancestor in the box with adoption on; NULL if none. tree_lock held.
static struct process *find_adopter(const struct process *process)
{
    struct process *ancestor = process->record->parent;

    for (; ancestor != NULL && ancestor->box == process->box; ancestor = ancestor->record->parent) {
        if (adopts(ancestor))
            return ancestor;
    }
    return process->box->head != NULL && adopts(process->box->head) ? process->box->head : NULL;
}

// Sends what PR_SET_PDEATHSIG asked for. Returns: whether that is SIGKILL, which the caller sees to.
static bool send_parent_death(struct process *child)
{
    uint64_t irq = spin_lock_irq_save(&child->lock);
    unsigned number = child->parent_death_signal;
    struct linux_siginfo info = { .si_signo = (int)number, .si_code = SI_USER };
    int error;

    if (number != 0 && number != SIGKILL) {
        error = signal_send_locked(child, NULL, number, &info);
        (void)error; // it is ending itself
    }
    spin_unlock_irq_restore(&child->lock, irq);
    return number == SIGKILL;
}

// A member's parent has ended: it goes to the adopter. A head keeps no record of it. tree_lock
// held. Returns: whether it asked to die with its parent.
static bool adopt(struct record *child, struct process *adopter)
{
    bool dies = false;

    child->parent = adopter;
    child->exit_signal = SIGCHLD;
    list_push_back(&adopter->children, &child->child_link);
    if (child->process != NULL) {
        atomic_store(&child->process->parent_pid, adopter->pid);
        dies = send_parent_death(child->process);
    }
    child->reap_when_done |= adopter->head;
    if (atomic_load(&child->done))
        record_report_end(child);
    else if (child->stop_signal != 0 || child->continued)
        record_report(child);
    return dies;
}

// The process of a child that has to be ended, counted; NULL if it is on its way out already.
static struct process *to_be_ended(const struct record *child)
{
    return child->process != NULL && refcount_get_try(&child->process->ref) ? child->process : NULL;
}

// A child is ended twice over, by the walk over its box and by its parent; each planted fault of the
// one leaves out the other too.
static bool abandons(void)
{
    return planted("door-open") || planted("orphans-live");
}

// Takes the next child away from an ending process. Returns it (counted) if it has to be ended;
// *more: whether there was one at all.
static struct process *part_with_child(struct process *parent, bool *more)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct record *child = list_first(&parent->children, struct record, child_link);
    struct process *doomed = NULL;
    struct process *adopter;

    *more = child != NULL;
    for (unsigned i = 0; i < BATCH && child != NULL && doomed == NULL; i++) {
        list_remove(&child->child_link);
        list_remove(&child->report_link);
        child->parent = NULL;
        adopter = child->head ? NULL : find_adopter(parent);
        if (adopter != NULL) {
            if (adopt(child, adopter))
                doomed = to_be_ended(child);
        } else {
            doomed = abandons() ? NULL : to_be_ended(child);
            child->reap_when_done |= !child->head || !child->created_handle;
            if (child->reap_when_done && atomic_load(&child->done))
                record_unlink(child);
        }
        child = list_first(&parent->children, struct record, child_link);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return doomed;
}

static void part_with_children(struct process *process)
{
    struct process *doomed;
    bool more;

    do {
        doomed = part_with_child(process, &more);
        if (doomed != NULL) {
            process_end(doomed, -SIGKILL, "the process that made it ended",
                        ENDED_BY("kernel"));
            process_put(doomed);
        }
        thread_relax();
    } while (more);
}

// Out of the session, the children handed on, off the list of members.
static void leave_tree(struct process *process)
{
    const struct terminal_ops *ops = NULL;
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    void *terminal = session_leader_ends(process->record, &ops);
    uint64_t process_irq;

    group_check_orphaned(process);
    spin_unlock_irq_restore(&tree_lock, irq);
    if (terminal != NULL)
        ops->hangup(terminal);
    part_with_children(process);
    irq = spin_lock_irq_save(&tree_lock);
    list_remove(&process->member_link);
    process_irq = spin_lock_irq_save(&process->lock);
    (void)process_continue_locked(process); // it counts as stopped no more
    spin_unlock_irq_restore(&process->lock, process_irq);
    spin_unlock_irq_restore(&tree_lock, irq);
}

void process_teardown(struct process *process)
{
    // Nobody has claimed the end yet if the last thread has left by exit.
    process_end(process, process->first_thread_code & 0xff, NULL,
                (struct ender){ .pid = process->pid });
    kill_point(KILL_AT_TEARDOWN, process);
    if (process->head)
        box_stop_timers(process->box);
    posix_timers_end(process);
    signalfd_process_ends(process);
    process_release_parts(process);
    kill_point(KILL_AT_PARTS_FREED, process);
    if (process->signals != NULL)
        signal_flush_process(process);
    leave_tree(process);
    kill_point(KILL_AT_TREE_LEFT, process);
    atomic_store(&process->state, PROCESS_DEAD);
    box_process_left(process->box);
}

// What user space is told of a thread's end, while its memory is still there. Nobody is left to
// read a word that only this thread's own process has mapped.
static void tell_user_space(struct uthread *thread)
{
    struct process *process = thread->process;
    bool alone = process->thread_count == 1 && atomic_load(&process->space->users.count) == 1;
    uint32_t zero = 0;

    futex_thread_exit(thread->robust_list, (uint32_t)thread->tid);
    thread->robust_list = 0;
    if (thread->clear_child_tid == 0 || alone)
        return;
    if (arch_copy_to_user(thread->clear_child_tid, &zero, sizeof(zero)) == 0)
        futex_wake_address(thread->clear_child_tid);
    thread->clear_child_tid = 0;
}

// Takes the thread off its process. Returns whether it was the last.
static bool unlink_thread(struct uthread *thread)
{
    struct process *process = thread->process;
    uint64_t tree_irq = spin_lock_irq_save(&tree_lock);
    uint64_t irq;
    bool last;

    pid_release(&process->box->pids, &thread->pid);
    irq = spin_lock_irq_save(&process->lock);
    list_remove(&thread->process_link);
    process->thread_count--;
    if (thread->parked)
        process->parked_count--;
    thread->parked = false;
    last = process->thread_count == 0;
    if (last)
        // no thread is linked, nobody is adopted any more
        atomic_store(&process->state, PROCESS_ENDING);
    spin_unlock_irq_restore(&process->lock, irq);
    spin_unlock_irq_restore(&tree_lock, tree_irq);
    return last;
}

void process_thread_exited(struct uthread *thread)
{
    struct process *process = thread->process;
    bool last;

    kill_point(KILL_AT_THREAD_EXIT, process);
    tell_user_space(thread);
    vfork_release(thread);
    signal_thread_leaves(thread);
    signal_flush_thread(thread);
    // Another thread may be the last and free the space while this one is still on its way out.
    thread_set_space(NULL);
    kill_point(KILL_AT_THREAD_UNLINK, process);
    last = unlink_thread(thread);
    suspend_thread_left();
    if (last) {
        // As if nothing but exit_group ended a process.
        if (planted("last-thread") && !(atomic_load(&process->flags) & PROCESS_DYING))
            return;
        process_teardown(process);
        process_put(process); // the reference of being alive; the thread has its own
        return;
    }
    waitq_wake(&process->thread_events, WAKE_ALL, 0);
    stop_check_complete(process);
}

void uthread_exit_current(int code)
{
    struct uthread *thread = uthread_current();

    if (thread->pid.number == 0)
        thread->process->first_thread_code = code;
    process_thread_exited(thread);
    thread_exit();
}

void process_thread_reap(struct thread *dead)
{
    struct uthread *thread = uthread_of(dead);
    struct process *process = thread->process;
    struct usage usage;
    uint64_t irq;

    uthread_usage(thread, &usage);
    irq = spin_lock_irq_save(&process->lock);
    usage_add(&process->usage, &usage);
    spin_unlock_irq_restore(&process->lock, irq);
    thread_fini(dead);
    uthread_put(thread);
}
