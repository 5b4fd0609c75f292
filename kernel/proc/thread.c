// SPDX-License-Identifier: MIT
// thread.c - threads of a process: making, numbering, finding and freeing them.

#include "kernel/proc/thread.h"

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/sync/spinlock.h"

static SLAB_CACHE(uthread_cache, "thread", struct uthread);

// Where every thread begins, on its own kernel stack; its frame has been filled in by whoever made
// it.
static void uthread_begin(void *argument)
{
    struct uthread *thread = argument;
    int32_t tid = thread->tid;

    kill_point(KILL_AT_THREAD_BEGIN, thread->process);
    if (thread->set_child_tid != 0 &&
        arch_copy_to_user(thread->set_child_tid, &tid, sizeof(tid)) != 0)
        thread->set_child_tid = 0; // as Linux, a bad address is nobody's loss
    arch_enter_user();
}

int uthread_create(struct process *process, struct uthread **thread)
{
    struct account *account = process->box->account;
    struct uthread *made;
    int error = account_charge(account, RESOURCE_THREADS, 1, NULL);

    if (error != 0)
        return error;
    error = -ENOMEM;
    made = slab_alloc(&uthread_cache, account);
    if (made == NULL)
        goto uncharge;
    error = thread_init(&made->thread, process->name, uthread_begin, made, account,
                        &account->group, process->priority);
    if (error != 0)
        goto free;
    refcount_init(&made->ref, 1);
    made->thread.process = process;
    made->thread.space = process->space;
    made->process = process;
    made->altstack.ss_flags = SS_DISABLE;
    list_init(&made->process_link);
    list_init(&made->queue);
    process_get(process);
    *thread = made;
    return 0;

free:
    slab_free(&uthread_cache, made);
uncharge:
    account_uncharge(account, RESOURCE_THREADS, 1);
    return error;
}

void uthread_destroy(struct uthread *thread)
{
    thread_fini(&thread->thread);
    uthread_put(thread);
}

void uthread_get(struct uthread *thread)
{
    refcount_get(&thread->ref);
}

void uthread_put(struct uthread *thread)
{
    struct process *process = thread->process;

    if (!refcount_put(&thread->ref))
        return;
    signal_flush_thread(thread); // what came after it left
    slab_free(&uthread_cache, thread);
    account_uncharge(process->box->account, RESOURCE_THREADS, 1);
    process_put(process);
}

int uthread_link_locked(struct uthread *thread, bool first)
{
    struct process *process = thread->process;
    uint64_t irq = spin_lock_irq_save(&process->lock);
    int error = 0;

    spin_assert_held(&tree_lock);

    if ((atomic_load(&process->flags) & PROCESS_DYING) || box_door_closed(process->box) ||
        atomic_load(&process->state) >= PROCESS_ENDING)
        error = -ESRCH;
    else if (!first && atomic_load(&process->state) == PROCESS_NEW)
        error = -EINVAL;
    else if (process->exec_thread != NULL)
        error = -EAGAIN;
    else if (!first)
        error = pid_allocate(&process->box->pids, &thread->pid, PID_THREAD);
    if (error == 0) {
        thread->tid = first ? process->pid : thread->pid.number;
        list_push_front(&process->threads, &thread->process_link);
        process->thread_count++;
        atomic_store(&process->state, PROCESS_RUNNING);
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return error;
}

int uthread_link(struct uthread *thread, bool first)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    int error = uthread_link_locked(thread, first);

    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

int64_t process_new_thread(struct process *process, vaddr_t entry, vaddr_t sp,
                           const struct clone_request *clone)
{
    struct uthread *made;
    pid_t number;
    int error = uthread_create(process, &made);

    if (error != 0)
        return error;
    if (clone != NULL)
        clone_set_up_thread(made, clone);
    else
        arch_frame_init(arch_thread_frame(&made->thread), entry, sp);
    kill_point(KILL_AT_THREAD_LINK, process);
    error = uthread_link(made, false);
    if (error != 0) {
        uthread_destroy(made);
        return error;
    }
    number = made->tid;
    if (clone != NULL)
        clone_tell_number(clone, number);
    thread_post(&made->thread, WORK_PARK); // a suspension may have begun before it was linked
    kill_point(KILL_AT_THREAD_START, process);
    thread_start(&made->thread);
    return number;
}

struct uthread *uthread_find(pid_t tid, bool other)
{
    struct process *self = process_current();
    struct uthread *thread = pid_find_thread(self->box, tid);

    // A number may also be that of the head of an inner box, whose threads nobody outside
    // addresses.
    if (thread != NULL && (thread->process->box != self->box ||
                           (!other && thread->process != self))) {
        uthread_put(thread);
        thread = NULL;
    }
    return thread;
}

bool process_has_thread(struct process *process, pid_t tid)
{
    struct uthread *thread = pid_find_thread(process->box, tid);
    bool found = thread != NULL && thread->process == process;

    if (thread != NULL)
        uthread_put(thread);
    return found;
}

pid_t process_next_thread(struct process *process, pid_t tid)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct uthread *thread;
    pid_t next = 0;

    list_for_each(thread, &process->threads, process_link) {
        if (thread->tid > tid && (next == 0 || thread->tid < next))
            next = thread->tid;
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return next;
}

// Of a head, for who is outside its box: the whole box.
static bool means_box(const struct process *process)
{
    return process->head && process->box != box_current();
}

unsigned process_priority(const struct process *process)
{
    return means_box(process) ? atomic_load(&process->box->priority)
                              : __atomic_load_n(&process->priority, __ATOMIC_RELAXED);
}

void process_set_priority(struct process *process, unsigned priority)
{
    struct uthread *thread;
    uint64_t irq;

    priority = MIN(priority, (unsigned)PRIORITY_USER_MOST);
    if (means_box(process)) {
        box_set_priority(process->box, priority);
        if (atomic_load(&process->box->started))
            return;
    }
    irq = spin_lock_irq_save(&process->lock);
    __atomic_store_n(&process->priority, priority, __ATOMIC_RELAXED);
    list_for_each(thread, &process->threads, process_link)
        thread_set_priority(&thread->thread, process->priority);
    spin_unlock_irq_restore(&process->lock, irq);
}

static char letter_of(struct uthread *thread)
{
    if (thread->parked)
        return 'T';
    return atomic_load(&thread->thread.state) == THREAD_BLOCKED ? 'S' : 'R';
}

char process_state_letter(struct process *process, unsigned *threads)
{
    struct uthread *thread;
    char letter = 'S';
    uint64_t irq;

    irq = spin_lock_irq_save(&process->lock);
    *threads = process->thread_count;
    list_for_each(thread, &process->threads, process_link) {
        if (letter_of(thread) == 'R')
            letter = 'R';
    }
    spin_unlock_irq_restore(&process->lock, irq);
    if (atomic_load(&process->state) >= PROCESS_ENDING && *threads == 0)
        return 'Z';
    if ((atomic_load(&process->flags) & PROCESS_STOPPED) || process_is_suspended(process))
        return 'T';
    return letter;
}
