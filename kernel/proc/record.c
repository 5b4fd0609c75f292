// SPDX-License-Identifier: MIT
// record.c - what the tree knows of a process: linking it in, publishing its end, taking it out.
//
// References: the process (or, for a head, the box in its stead), each entry among the numbers of a
// box, handles under /proc.
// The process's is given back before waiters can reap, so that whoever reaps the last entry frees
// the record at once.

#include "kernel/proc/record.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/signal.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/queue.h"
#include "kernel/proc/session.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

static SLAB_CACHE(record_cache, "record", struct record);

int record_create(struct account *account, struct record **record)
{
    struct record *made = slab_alloc(&record_cache, account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    list_init(&made->child_link);
    list_init(&made->report_link);
    list_init(&made->group_link);
    waitq_init(&made->waiters);
    *record = made;
    return 0;
}

void record_get(struct record *record)
{
    refcount_get(&record->ref);
}

void record_put(struct record *record)
{
    if (refcount_put(&record->ref))
        slab_free(&record_cache, record);
}

void record_reason(const struct record *record, char text[RECORD_REASON_SIZE])
{
    int64_t status = record->status;

    if (record->reason[0] != '\0')
        memcpy(text, record->reason, RECORD_REASON_SIZE);
    else if (status >= 0)
        fmt_print(text, RECORD_REASON_SIZE, "exited with %d", (int)(status & 0xff));
    else if (status >= -SIGNAL_COUNT)
        fmt_print(text, RECORD_REASON_SIZE, "killed by %s", signal_name((unsigned)-status));
    else
        fmt_print(text, RECORD_REASON_SIZE, "killed");
}

void record_by(const struct record *record, char text[RECORD_BY_SIZE])
{
    if (record->by_text != NULL)
        fmt_print(text, RECORD_BY_SIZE, "%s", record->by_text);
    else
        fmt_print(text, RECORD_BY_SIZE, "pid %d", record->by_pid);
}

struct process *record_process(struct record *record)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct process *process = record->process;

    if (process != NULL && !refcount_get_try(&process->ref))
        process = NULL;
    spin_unlock_irq_restore(&tree_lock, irq);
    return process;
}

// --- Linking ---

static void link_process(struct process *process, struct process *parent)
{
    struct record *record = process->record;
    struct box *box = process->box;

    record->box = box;
    record->pid = process->pid = record->own.number;
    record->head = process->head;
    record->process = process;
    record_get(record); // for the entry
    if (parent != NULL) {
        record->parent = parent;
        list_push_back(&parent->children, &record->child_link);
    }
    list_push_back(&box->members, &process->member_link);
    // A box with living processes counts as one in the box around.
    for (; box != NULL && atomic_fetch_add(&box->living, 1) == 0; box = box->outer)
        ;
}

int tree_link_member(struct process *process, struct process *parent, struct process *creator)
{
    struct record *record = process->record;
    int error = pid_allocate(&process->box->pids, &record->own, PID_PROCESS);

    if (error != 0)
        return error;
    link_process(process, parent);
    atomic_store(&process->parent_pid, parent->pid);
    record->session_id = creator->record->session_id;
    if (creator->record->group != NULL)
        group_join(creator->record->group, record);
    return 0;
}

int tree_link_head(struct process *process, struct process *parent)
{
    struct record *record = process->record;
    struct box *box = process->box;
    int error;

    if (box->outer != NULL) {
        error = pid_allocate(&box->outer->pids, &record->outer, PID_HEAD);
        if (error != 0)
            return error;
        record->outer_box = box->outer;
        record->outer_pid = process->outer_pid = record->outer.number;
        record_get(record);
        list_push_back(&box->outer->boxes, &box->box_link);
    }
    error = pid_allocate(&box->pids, &record->own, PID_PROCESS);
    assert(error == 0); // the box's first number
    box->head = process;
    box->head_record = record;
    link_process(process, parent);
    return 0;
}

// --- Unlinking ---

void record_forget_own(struct record *record)
{
    if (record->box == NULL)
        return;
    pid_release(&record->box->pids, &record->own);
    record->box = NULL;
    if (record->group != NULL)
        group_leave(record);
    record_put(record);
}

void record_forget_outer(struct record *record)
{
    if (record->outer_box == NULL)
        return;
    pid_release(&record->outer_box->pids, &record->outer);
    record->outer_box = NULL;
    record_put(record);
}

void record_unlink(struct record *record)
{
    spin_assert_held(&tree_lock);
    list_remove(&record->child_link);
    list_remove(&record->report_link);
    record->parent = NULL;
    if (record->head)
        record_forget_outer(record);
    else
        record_forget_own(record);
}

// --- The end ---

static int end_code(int64_t status, int *value)
{
    if (status >= 0) {
        *value = (int)(status & 0xff);
        return CLD_EXITED;
    }
    *value = status >= -64 ? (int)-status : SIGKILL;
    return CLD_KILLED;
}

static void notify_signal(struct process *parent, struct record *record, int number, int code,
                          int status)
{
    struct linux_siginfo info = { .si_signo = number, .si_code = code };
    uint64_t irq;
    int error;

    info.si_pid = record->pid;
    info.si_uid = record->uid;
    info.si_status = status;
    info.si_utime = (int64_t)(record->usage.user_ns / (NSEC_PER_SEC / 100));
    info.si_stime = (int64_t)(record->usage.kernel_ns / (NSEC_PER_SEC / 100));
    irq = spin_lock_irq_save(&parent->lock);
    error = signal_send_locked(parent, NULL, (unsigned)number, &info);
    (void)error; // a parent that is ending needs no signal, and a full queue loses one
    spin_unlock_irq_restore(&parent->lock, irq);
}

// What the parent's action for SIGCHLD says.
static bool child_action(struct process *parent, uint64_t flag, bool or_ignored)
{
    uint64_t irq = spin_lock_irq_save(&parent->signals->lock);
    struct signal_action action = signal_action_of(parent, SIGCHLD);

    spin_unlock_irq_restore(&parent->signals->lock, irq);
    return (action.flags & flag) != 0 || (or_ignored && action.handler == SIG_IGN);
}

void record_report(struct record *record)
{
    struct process *parent = record->parent;

    spin_assert_held(&tree_lock);
    if (parent == NULL)
        return;
    if (!record->head && !record->reap_when_done && list_empty(&record->report_link))
        list_push_back(&parent->reports, &record->report_link);
    waitq_wake(&parent->child_events, WAKE_ALL, 0);
}

void record_notify_parent(struct record *record, int code, int status)
{
    struct process *parent = record->parent;
    bool ended = code == CLD_EXITED || code == CLD_KILLED;

    if (parent == NULL || record->head || record->reap_when_done || parent->signals == NULL)
        return;
    if (ended && record->exit_signal == SIGCHLD)
        record->reap_when_done = child_action(parent, SA_NOCLDWAIT, true);
    if (ended && record->exit_signal != 0)
        notify_signal(parent, record, record->exit_signal, code, status);
    if (!ended && !child_action(parent, SA_NOCLDSTOP, false))
        notify_signal(parent, record, SIGCHLD, code, status);
}

void record_report_end(struct record *record)
{
    int status, code = end_code(record->status, &status);

    record_notify_parent(record, code, status);
    record_report(record);
    if (record->reap_when_done)
        record_unlink(record);
}

void record_publish(struct record *record)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    atomic_store_explicit(&record->done, true, memory_order_release);
    waitq_wake(&record->waiters, WAKE_ALL, 0);
    record_report_end(record);
    record_put(record); // the process's
    spin_unlock_irq_restore(&tree_lock, irq);
}

int process_reap(struct record *record)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    int error = 0;

    if (!atomic_load(&record->done))
        error = -EBUSY;
    else if ((record->head ? record->outer_box : record->box) == NULL)
        error = -ESRCH;
    else
        record_unlink(record);
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

void record_creation_closed(struct record *record)
{
    struct process *process = record_process(record);
    bool end, done;
    uint64_t irq;

    irq = spin_lock_irq_save(&tree_lock);
    record->created_handle = false;
    record->reap_when_done = true;
    done = atomic_load(&record->done);
    end = process != NULL && (!atomic_load(&process->box->started) || process->box->leash);
    if (done && record->outer_box != NULL)
        record_unlink(record);
    spin_unlock_irq_restore(&tree_lock, irq);
    if (end)
        process_end(process, -SIGKILL, "its creation handle was closed",
                    ENDED_BY("kernel"));
    if (process != NULL)
        process_put(process);
}

int process_get_status(struct record *record, int64_t *status)
{
    if (!atomic_load_explicit(&record->done, memory_order_acquire))
        return -EAGAIN;
    *status = record->status;
    return 0;
}

// Whether record is the caller's own, or of the head of the caller's box or one around it: the
// caller would wait for itself.
static bool waits_for_itself(struct record *record)
{
    struct process *self = process_current();

    if (self->record == record)
        return true;
    for (struct box *box = self->box; box != NULL; box = box->outer) {
        if (box->head_record == record)
            return true;
    }
    return false;
}

int process_wait(struct record *record, int64_t *status, bool block)
{
    int error = process_get_status(record, status);

    if (error == 0)
        return 0;
    if (waits_for_itself(record))
        return -EDEADLK;
    if (!block)
        return error;
    error = WAIT_EVENT(&record->waiters, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                       atomic_load_explicit(&record->done, memory_order_acquire));
    return error != 0 ? error : process_get_status(record, status);
}
