// SPDX-License-Identifier: MIT
// figures.c - gathers what stat, statm and status tell, each part under its own lock.

#include "kernel/fs/procfs/figures.h"

#include <string.h>

#include "abi/signal.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/mem/space.h"
#include "kernel/proc/note.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

// Whether the node shows a head as the box around knows it.
static bool seen_from_outside(const struct proc_node *node)
{
    return node->record->head && node->number == node->record->outer_pid;
}

static pid_t parent_locked(const struct proc_node *node)
{
    const struct process *parent = node->record->parent;

    if (parent == NULL || (node->record->head && !seen_from_outside(node)))
        return 0;
    return parent->pid;
}

pid_t figures_parent(const struct proc_node *node)
{
    uint64_t state = spin_lock_irq_save(&tree_lock);
    pid_t parent = parent_locked(node);

    spin_unlock_irq_restore(&tree_lock, state);
    return parent;
}

// From outside a box looks like one process, which leads its own group and session.
static void get_numbers(const struct proc_node *node, struct figures *figures)
{
    const struct record *record = node->record;
    uint64_t state = spin_lock_irq_save(&tree_lock);
    bool outside = seen_from_outside(node);

    figures->pid = node->number;
    figures->parent = parent_locked(node);
    figures->group = outside ? node->number : record->group_id;
    figures->session = outside ? node->number : record->session_id;
    figures->foreground = -1;
    if (!outside && record->group != NULL && record->group->session->terminal != NULL)
        figures->foreground = record->group->session->foreground;
    figures->exit_signal = record->exit_signal;
    figures->children = record->children;
    spin_unlock_irq_restore(&tree_lock, state);
}

static int add_region(const struct region *region, void *argument)
{
    struct space_figures *figures = argument;
    uint64_t size = region->end - region->start;

    if ((region->flags & REGION_EXECUTE) != 0)
        figures->text += size;
    else if ((region->flags & REGION_STACK) != 0)
        figures->stack += size;
    else if ((region->flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE)
        figures->data += size;
    figures->mapped += size;
    return 0;
}

static void get_space(struct process *process, struct space_figures *figures)
{
    struct space *space;

    if (process_space(process, &space) != 0)
        return;
    (void)space_walk(space, add_region, figures);
    figures->resident = (uint64_t)atomic_load(&space->pages_resident) * PAGE_SIZE;
    figures->shared = (uint64_t)atomic_load(&space->pages_shared) * PAGE_SIZE;
    mutex_lock(&space->lock);
    figures->mapped_peak = space->pages_mapped_peak * PAGE_SIZE;
    figures->arg_start = space->arg_start;
    figures->arg_end = space->arg_end;
    figures->env_start = space->env_start;
    figures->env_end = space->env_end;
    figures->brk_start = space->brk_start;
    figures->stack_top = space->stack_top;
    mutex_unlock(&space->lock);
    space_put(space);
}

static void get_signals(struct process *process, const struct uthread *thread,
                        struct signal_figures *figures)
{
    struct signals *signals = process->signals;
    uint64_t state, inner;

    if (signals == NULL)
        return;
    state = spin_lock_irq_save(&signals->lock);
    figures->pending = signals->pending;
    figures->queued = signals->slots;
    if (thread != NULL) {
        figures->thread_pending = thread->pending;
        figures->blocked = thread->blocked;
    }
    inner = spin_lock_irq_save(&signals->actions->lock);
    for (unsigned number = 1; number <= SIGNAL_COUNT; number++) {
        uint64_t handler = signals->actions->actions[number].handler;

        if (handler == SIG_IGN)
            figures->ignored |= SIGNAL_BIT(number);
        else if (handler != SIG_DFL)
            figures->caught |= SIGNAL_BIT(number);
    }
    spin_unlock_irq_restore(&signals->actions->lock, inner);
    spin_unlock_irq_restore(&signals->lock, state);
}

// The thread that the node is about, or the process's first; counted; NULL: none.
static struct uthread *thread_of(const struct subject *subject)
{
    struct process *process = subject->process;
    pid_t tid = subject->node->key != 0 ? (pid_t)subject->node->key : process->pid;
    uint64_t state = spin_lock_irq_save(&process->lock);
    struct uthread *thread, *found = NULL;

    list_for_each(thread, &process->threads, process_link)
        if (thread->tid == tid && refcount_get_try(&thread->ref)) {
            found = thread;
            break;
        }
    spin_unlock_irq_restore(&process->lock, state);
    return found;
}

// A thread by itself: one that runs or waits.
static char thread_letter(const struct uthread *thread)
{
    if (thread->parked)
        return 'T';
    return atomic_load(&thread->thread.state) == THREAD_RUNNABLE ? 'R' : 'S';
}

static void get_thread(const struct uthread *thread, struct figures *figures)
{
    figures->tid = thread->tid;
    figures->state = thread_letter(thread);
    figures->start_ns = thread->thread.start_ns;
    uthread_usage(thread, &figures->usage);
    memcpy(figures->name, thread->thread.name, sizeof(figures->name));
}

void figures_get(const struct subject *subject, struct figures *figures)
{
    struct process *process = subject->process;
    struct uthread *thread = thread_of(subject);
    uint64_t state;

    memset(figures, 0, sizeof(*figures));
    get_numbers(subject->node, figures);
    state = spin_lock_irq_save(&process->lock);
    memcpy(figures->name, process->name, sizeof(figures->name));
    figures->priority = process_priority(process);
    spin_unlock_irq_restore(&process->lock, state);
    figures->start_ns = process->start_ns;
    figures->state = process_state_letter(process, &figures->threads);
    process_usage_total(process, &figures->usage);
    get_space(process, &figures->space);
    get_signals(process, thread, &figures->signals);
    if (thread == NULL)
        return;
    figures->cpu = thread->thread.cpu;
    if (subject->node->key != 0)
        get_thread(thread, figures);
    uthread_put(thread);
}
