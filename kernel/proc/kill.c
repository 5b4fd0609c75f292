// SPDX-License-Identifier: MIT
// kill.c - ending processes and boxes from any thread.
//
// Claiming comes first: under tree_lock the first to come fixes how the process ends, and moves it
// (and a head's box) to the list of those told to end. A head's claim closes the door of its box,
// so nothing is linked below it any more, and the walk that follows ends: it takes members and
// inner boxes from lists that only shrink, in batches, with a list of boxes instead of recursion.
// Whoever claims a box walks it, so one kill reaches all. The walk allocates nothing and waits for
// nobody.

#include <string.h>

#include "kernel/log/planted.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

#define BATCH 32

// Decides how the process ends, unless that is decided. tree_lock held. Returns whether it was the
// first.
static bool claim_locked(struct process *process, int64_t status, const char *reason,
                         struct ender by)
{
    struct record *record = process->record;
    struct box *box = process->box;
    uint64_t irq;

    if (record->claimed)
        return false;
    record->claimed = true;
    record->status = status;
    record->uid = process->uid;
    if (reason != NULL)
        memcpy(record->reason, reason, strnlen(reason, sizeof(record->reason) - 1));
    record->by_text = by.text;
    record->by_pid = by.pid;
    irq = spin_lock_irq_save(&process->lock);
    atomic_fetch_or(&process->flags, PROCESS_DYING);
    spin_unlock_irq_restore(&process->lock, irq);
    list_remove(&process->member_link);
    list_push_back(&box->killed, &process->member_link);
    if (!process->head)
        return true;
    atomic_store(&box->dying, true);
    if (box->outer != NULL) {
        list_remove(&box->box_link);
        list_push_back(&box->outer->killed_boxes, &box->box_link);
    }
    return true;
}

// The next thread to tell, process->lock held; told ones are at the end of the list.
static struct uthread *next_thread(struct process *process, struct uthread *except)
{
    struct uthread *thread = list_first(&process->threads, struct uthread, process_link);

    if (thread != NULL && thread == except && thread->process_link.next != &process->threads)
        thread = list_entry(thread->process_link.next, struct uthread, process_link);
    return thread == NULL || thread == except || thread->killed ? NULL : thread;
}

void process_kill_threads(struct process *process, struct uthread *except)
{
    unsigned batch = planted("kill-first") ? 1 : BATCH;
    struct uthread *thread;
    bool unstarted;

    if (except != NULL) { // to the front, where next_thread looks past it
        uint64_t irq = spin_lock_irq_save(&process->lock);

        list_remove(&except->process_link);
        list_push_front(&process->threads, &except->process_link);
        spin_unlock_irq_restore(&process->lock, irq);
    }
    do {
        uint64_t irq = spin_lock_irq_save(&process->lock);

        unstarted = atomic_load(&process->state) == PROCESS_NEW;
        if (unstarted)
            atomic_store(&process->state, PROCESS_ENDING);
        for (unsigned i = 0; i < batch && (thread = next_thread(process, except)) != NULL; i++) {
            thread->killed = true;
            list_remove(&thread->process_link);
            list_push_back(&process->threads, &thread->process_link);
            thread_post(&thread->thread, WORK_KILL);
        }
        thread = planted("kill-first") ? NULL : next_thread(process, except);
        spin_unlock_irq_restore(&process->lock, irq);
        if (unstarted)
            reaper_queue(process);
    } while (thread != NULL);
}

// Claims and tells up to BATCH members. Returns false when none is left.
static bool end_some_members(struct box *box)
{
    struct process *batch[BATCH];
    unsigned count = 0;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    while (count < BATCH && !list_empty(&box->members)) {
        struct process *process = list_first(&box->members, struct process, member_link);

        claim_locked(process, -SIGKILL, "its box ended", ENDED_BY("kernel"));
        process_get(process);
        batch[count++] = process;
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    for (unsigned i = 0; i < count; i++) {
        process_kill_threads(batch[i], NULL);
        process_put(batch[i]);
    }
    return count != 0;
}

// Claims the heads of up to BATCH inner boxes and puts the boxes, counted, on the list. Returns
// false when none is left.
static bool claim_some_boxes(struct box *box, struct list *work)
{
    struct process *heads[BATCH];
    unsigned count = 0;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    while (count < BATCH && !list_empty(&box->boxes)) {
        struct box *inner = list_first(&box->boxes, struct box, box_link);

        claim_locked(inner->head, -SIGKILL, "the box around it ended", ENDED_BY("box around"));
        process_get(inner->head);
        heads[count++] = inner->head;
        box_get(inner);
        list_push_back(work, &inner->walk_link);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    for (unsigned i = 0; i < count; i++) {
        process_kill_threads(heads[i], NULL);
        process_put(heads[i]);
    }
    return count != 0;
}

// What walk_box did in the systems before this one: a call for each depth.
static void __attribute__((noinline)) walk_recursively(struct box *box)
{
    volatile char frame[800] = { 0 };
    struct list inner;

    list_init(&inner);
    while (end_some_members(box) || claim_some_boxes(box, &inner))
        thread_relax();
    while (!list_empty(&inner)) {
        struct box *next = list_first(&inner, struct box, walk_link);

        list_remove(&next->walk_link);
        walk_recursively(next);
        box_put(next);
    }
    frame[0] = frame[1]; // no call here is the last thing done
}

// Ends everything in a box that this thread has claimed.
static void walk_box(struct box *top)
{
    struct list work;

    if (planted("kill-recursive")) {
        walk_recursively(top);
        return;
    }
    list_init(&work);
    box_get(top);
    list_push_back(&work, &top->walk_link);
    while (!list_empty(&work)) {
        struct box *box = list_first(&work, struct box, walk_link);

        list_remove(&box->walk_link);
        while (end_some_members(box))
            thread_relax();
        while (claim_some_boxes(box, &work))
            thread_relax();
        box_put(box);
    }
}

bool process_end(struct process *process, int64_t status, const char *reason, struct ender by)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool first = claim_locked(process, status, reason, by);

    spin_unlock_irq_restore(&tree_lock, irq);
    if (!first)
        return false;
    process_kill_threads(process, NULL);
    if (process->head && !planted("orphans-live"))
        walk_box(process->box);
    return true;
}

void box_kill(struct box *box, int64_t status, const char *reason, const char *by)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct process *head = box->head;

    if (head != NULL && !refcount_get_try(&head->ref))
        head = NULL;
    spin_unlock_irq_restore(&tree_lock, irq);
    if (head == NULL)
        return;
    process_end(head, status, reason, ENDED_BY(by));
    process_put(head);
}

// Whoever has closed a door tells every thread behind it before it is done.
void process_await_own_end(void)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool ending = (atomic_load(&self->flags) & PROCESS_DYING) || box_is_dying(self->box);
    int error = 0;

    spin_unlock_irq_restore(&tree_lock, irq);
    while (ending && error == 0) {
        thread_block_prepare();
        error = thread_block(WAIT_KILLABLE, NSEC_NEVER);
    }
}

struct ender ender_current(const struct process *process)
{
    struct process *self = process_current();

    if (thread_current()->process == NULL)
        return ENDED_BY("kernel");
    if (self->box != process->box && self->box != process->box->outer &&
        process_number(self, process->box->outer) == 0)
        return ENDED_BY("box around");
    return (struct ender){ .pid = self->pid };
}

// What a kill did wrong to its caller in the systems before this one.
static void fail_as_planted(struct process *process)
{
    struct record *record = process->record;

    if (process == process_current())
        return;
    if (planted("kill-tables"))
        thread_set_space(NULL);
    // The caller's reference on the process keeps it from being done.
    if (planted("kill-waits") && WAIT_EVENT(&record->waiters, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                                            atomic_load(&record->done)) != 0)
        return;
}

void process_kill(struct process *process, int64_t status)
{
    process_end(process, status, NULL, ender_current(process));
    fail_as_planted(process);
}

void process_kill_reason(struct process *process, int64_t status, const char *reason, ...)
{
    char text[RECORD_REASON_SIZE];
    va_list arguments;

    va_start(arguments, reason);
    fmt_vprint(text, sizeof(text), reason, arguments);
    va_end(arguments);
    process_end(process, status, text, ender_current(process));
}

void process_exit(struct process *process, enum process_end kind, int exit_code)
{
    if (kind == PROCESS_FINISHED)
        process_kill(process, exit_code & 0xff);
    else if (kind == PROCESS_FAILURE)
        process_kill(process, exit_code < 0 && exit_code >= -SIGNAL_COUNT ? exit_code : -SIGSEGV);
    else
        process_kill(process, exit_code < 0 ? exit_code : -SIGKILL);
}

void process_current_exit(int exit_code)
{
    kill_point(KILL_AT_EXIT, process_current());
    process_exit(process_current(), PROCESS_FINISHED, exit_code);
    uthread_exit_current(exit_code);
}
