// SPDX-License-Identifier: MIT
// wait.c - waiting for children: wait4, waitid, and the kernel's own calls.
//
// All looking is done under tree_lock over the list of children; the event is parent->child_events.
// A child is reported as ended only once its record is done, which is after all of it has been
// freed.

#include "abi/errors.h"
#include "abi/signal.h"
#include "abi/wait.h"
#include "kernel/log/planted.h"
#include "kernel/proc/box.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

// Whether the request is about this child. Heads and those that nobody is to hear of are asked for
// by name alone.
static bool matches(const struct wait_request *request, const struct record *child)
{
    bool clone = child->exit_signal != SIGCHLD;

    if (request->which == P_PIDFD)
        return child == request->record;
    if (request->which == P_PID && child->head)
        return true;
    if (child->head || child->reap_when_done)
        return false;
    if (request->which == P_PGID && child->group_id != request->id)
        return false;
    return (request->options & __WALL) || clone == ((request->options & __WCLONE) != 0);
}

static void report_end(const struct record *child, struct wait_request *request)
{
    struct usage usage = child->usage;

    if (planted("status-lost")) {
        request->code = CLD_EXITED;
        request->status = 0;
    } else if (child->status >= 0) {
        request->code = CLD_EXITED;
        request->status = (int)(child->status & 0xff);
    } else {
        request->code = CLD_KILLED;
        request->status = child->status >= -SIGNAL_COUNT ? (int)-child->status : SIGKILL;
    }
    usage_add(&usage, &child->children);
    rusage_from(&usage, &request->usage);
}

// If the child has something to report fills it in and, unless WNOWAIT, takes it away.
static bool report(struct process *parent, struct record *child, struct wait_request *request)
{
    bool take = !(request->options & WNOWAIT);

    if (atomic_load_explicit(&child->done, memory_order_acquire)) {
        if (!(request->options & WEXITED))
            return false;
        report_end(child, request);
    } else if (child->stop_signal != 0 && (request->options & WSTOPPED)) {
        request->code = CLD_STOPPED;
        request->status = (int)child->stop_signal;
        child->stop_signal = take ? 0 : child->stop_signal;
    } else if (child->continued && (request->options & WCONTINUED)) {
        request->code = CLD_CONTINUED;
        request->status = SIGCONT;
        child->continued = !take;
    } else {
        return false;
    }
    if (!atomic_load(&child->done) && child->stop_signal == 0 && !child->continued)
        list_remove(&child->report_link);
    request->pid = child->head ? child->outer_pid : child->pid;
    request->uid = child->uid;
    if (take && atomic_load(&child->done)) {
        usage_add(&parent->record->children, &child->usage);
        usage_add(&parent->record->children, &child->children);
        record_unlink(child);
    }
    return true;
}

// Whether the child may have something to tell later: a dead one has not, to who does not ask for
// ends.
static bool may_report(const struct wait_request *request, const struct record *child)
{
    return matches(request, child) &&
           (!atomic_load(&child->done) || (request->options & WEXITED));
}

static int look_at_one(struct process *parent, struct record *child, struct wait_request *request)
{
    if (child == NULL || child->parent != parent || !may_report(request, child))
        return -ECHILD;
    return report(parent, child, request) ? 1 : 0;
}

// Those that have something to tell come first; the others only tell that it is worth waiting.
static int look_at_all(struct process *parent, struct wait_request *request)
{
    struct record *child;

    list_for_each(child, &parent->reports, report_link) {
        if (matches(request, child) && report(parent, child, request))
            return 1;
    }
    list_for_each(child, &parent->children, child_link) {
        if (may_report(request, child))
            return 0;
    }
    return planted("wait-childless") ? 0 : -ECHILD;
}

// Looks once. Returns 1 if something was reported, 0 if it is to be waited for, -ECHILD if nothing
// ever will be.
static int look(struct process *parent, struct wait_request *request)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    int result;

    if (request->which == P_PID || request->which == P_PIDFD)
        result = look_at_one(parent, request->record, request);
    else
        result = look_at_all(parent, request);
    spin_unlock_irq_restore(&tree_lock, irq);
    return result;
}

static int wait_in(struct process *parent, struct wait_request *request, bool block)
{
    int result, error = 0;

    request->pid = 0;
    request->status = 0;
    request->code = 0;
    result = look(parent, request);
    if (result == 0 && block)
        error = WAIT_EVENT(&parent->child_events, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                           (result = look(parent, request)) != 0);
    if (result != 0)
        return result < 0 ? result : 0;
    return error;
}

#define OPTIONS_KNOWN                                                                          \
    (WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD | __WALL | __WCLONE)

int process_wait_for(struct wait_request *request)
{
    struct process *self = process_current();
    int error;

    if ((request->options & ~OPTIONS_KNOWN) ||
        !(request->options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (request->which == P_PGID && request->id == 0)
        request->id = self->record->group_id;
    if (request->which == P_PID)
        request->record = process_find_child(self, request->id);
    error = wait_in(self, request, !(request->options & WNOHANG));
    if (request->which == P_PID && request->record != NULL)
        record_put(request->record);
    return error;
}

int wait_status_word(const struct wait_request *request)
{
    switch (request->code) {
    case CLD_EXITED:
        return WAIT_STATUS_EXITED(request->status);
    case CLD_KILLED:
        return WAIT_STATUS_SIGNALED(request->status);
    case CLD_STOPPED:
        return WAIT_STATUS_STOPPED(request->status);
    default:
        return WAIT_STATUS_CONTINUED;
    }
}

int process_wait_any_child(struct process *process, struct wait_request *request, bool block)
{
    int error;

    request->which = P_ALL;
    error = wait_in(process, request, block);
    return error == 0 && request->pid == 0 ? -EAGAIN : error;
}

struct record *process_find_child(struct process *process, pid_t pid)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct pid_entry *entry = pid_entry_find(&process->box->pids, pid);
    struct record *child = NULL;

    if (entry != NULL && entry->kind == PID_PROCESS)
        child = container_of(entry, struct record, own);
    else if (entry != NULL && entry->kind == PID_HEAD)
        child = container_of(entry, struct record, outer);
    if (child != NULL && child->parent != process)
        child = NULL;
    if (child != NULL)
        record_get(child);
    spin_unlock_irq_restore(&tree_lock, irq);
    return child;
}
