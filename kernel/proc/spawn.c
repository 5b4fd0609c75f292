// SPDX-License-Identifier: MIT
// spawn.c - making the head of a new box, and starting it.

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

// What an empty process has: a space without regions, an empty table of fds, default actions.
static int add_parts(struct process *process)
{
    struct account *account = process->box->account;
    int error = signals_create(account, &process->signals);

    if (error == 0)
        error = fdtab_create(account, &process->fds);
    if (error == 0)
        error = directory_create(account, &process->directory);
    if (error == 0)
        error = space_create(account, &process->space);
    if (error == 0) {
        process->space->write_execute = process->box->write_execute;
        space_lay_out(process->space, process->rlimits[RLIMIT_STACK][0]);
    }
    return error;
}

// Links the head into the tree and gives it a session of its own, which it leads. Errors: -ESRCH a
// door is closed.
static int link_head(struct process *process, struct process *parent, struct session *session,
                     struct process_group *group)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    int error = 0;

    if ((atomic_load(&parent->flags) & PROCESS_DYING) || box_door_closed(process->box))
        error = -ESRCH;
    if (error == 0)
        error = tree_link_head(process, parent == process_get_kernel() ? NULL : parent);
    if (error == 0) {
        process->box->account->box_number = process->outer_pid;
        group_start(group, session, process->record);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

int process_new_in(struct box *box, struct process *parent, unsigned priority,
                   struct process **process)
{
    struct account *around = box->outer == NULL ? box->account : box->outer->account;
    struct session *session = session_alloc(box->account);
    struct process_group *group = group_alloc(box->account);
    struct process *made = NULL;
    int error = session == NULL || group == NULL ? -ENOMEM : 0;

    if (error == 0)
        error = process_alloc(box, around, &made);
    if (error == 0) {
        process_get(made); // for the caller, before others can find and end it
        made->head = true;
        made->adopts = true;
        made->priority = MIN(priority, (unsigned)PRIORITY_USER_MOST);
        box_set_priority(box, made->priority);
        error = add_parts(made);
    }
    kill_point(KILL_AT_NEW_LINK, parent);
    if (error == 0)
        error = link_head(made, parent, session, group);
    kill_point(KILL_AT_NEW_LINKED, parent);
    if (error == 0) {
        *process = made;
        return 0;
    }
    if (made != NULL) {
        process_release_parts(made);
        process_put(made);
        process_put(made);
    }
    session_free(session);
    group_free(group);
    return error;
}

int process_new(struct process *parent, unsigned priority, struct process **process)
{
    struct process *made;
    struct box *box;
    int error = box_create(parent->box, &box);

    if (error != 0)
        return error;
    error = process_new_in(box, parent, priority, &made);
    if (error != 0) {
        box_destroy_unlinked(box);
        if (parent == process_current())
            process_await_own_end(); // that may be why
        return error;
    }
    box_put(box); // the process has its own reference
    *process = made;
    return 0;
}

// Where the new process begins: at its image's entry, or at entry with a new stack. Sets up the
// thread's frame.
static int set_up_begin(struct process *process, struct uthread *thread, vaddr_t entry)
{
    vaddr_t sp;
    int error;

    if (!exec_image_take_new(process, &entry, &sp)) {
        if (entry == 0)
            return -ENOEXEC;
        error = exec_stack_map(process->space, 0, &sp);
        if (error != 0)
            return error;
    }
    thread->thread.space = process->space;
    memcpy(thread->thread.name, process->name, sizeof(thread->thread.name));
    arch_frame_init(arch_thread_frame(&thread->thread), entry, sp);
    return 0;
}

static int start_new(struct process *process, vaddr_t entry)
{
    struct uthread *thread;
    int error = uthread_create(process, &thread);

    if (error != 0)
        return error;
    error = set_up_begin(process, thread, entry);
    kill_point(KILL_AT_START_LINK, process);
    if (error == 0)
        error = uthread_link(thread, true);
    if (error != 0) {
        uthread_destroy(thread);
        return error;
    }
    if (process->head)
        box_started(process->box);
    thread_post(&thread->thread, WORK_PARK); // it looks whether it is to be held
    thread_start(&thread->thread);
    kill_point(KILL_AT_START_DONE, process);
    return 0;
}

int process_start(struct process *process, vaddr_t entry)
{
    int error = 0;

    if (atomic_load(&process->flags) & PROCESS_DYING)
        return -ESRCH;
    mutex_lock(&process->exec_lock);
    if (atomic_load(&process->state) == PROCESS_NEW)
        error = start_new(process, entry);
    if (error == 0)
        process_resume(process, process->head && process_current()->box != process->box);
    mutex_unlock(&process->exec_lock);
    return error;
}
