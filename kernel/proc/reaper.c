// SPDX-License-Identifier: MIT
// reaper.c - the kernel thread that does what has no thread of its own: takes down processes that
// were told to end before they were started, and ends boxes whose time is over. It is woken by
// those events, never by time.
//
// Both lists are under tree_lock; their entries hold a reference.

#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"

static struct list unstarted = LIST_INIT(unstarted);
static struct list expired = LIST_INIT(expired);
static struct waitq events = WAITQ_INIT(events);
static volatile size_t queued; // how many ever came to the list of the unstarted; for a planted fault

void reaper_queue(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    process_get(process);
    list_push_back(&unstarted, &process->reap_link);
    queued++;
    spin_unlock_irq_restore(&tree_lock, irq);
    waitq_wake(&events, WAKE_ALL, 0);
}

void reaper_expire(struct box *box)
{
    spin_assert_held(&tree_lock);
    if (list_empty(&box->deadline_link)) {
        box_get(box);
        list_push_back(&expired, &box->deadline_link);
    }
    waitq_wake(&events, WAKE_ALL, 0);
}

static struct process *next_unstarted(void)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct process *process = list_first(&unstarted, struct process, reap_link);

    if (process != NULL)
        list_remove(&process->reap_link);
    spin_unlock_irq_restore(&tree_lock, irq);
    return process;
}

static struct box *next_expired(unsigned *what)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct box *box = list_first(&expired, struct box, deadline_link);

    if (box != NULL) {
        list_remove(&box->deadline_link);
        *what = box->expired;
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return box;
}

static bool anything_to_do(void)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool any = !list_empty(&unstarted) || !list_empty(&expired);

    spin_unlock_irq_restore(&tree_lock, irq);
    return any;
}

// A process that was never started: what its thread would have done. Whoever found it new before it
// was told to end may still be setting up its start, and finds at the end that it cannot be linked.
static void take_down(struct process *process)
{
    mutex_lock(&process->exec_lock);
    mutex_unlock(&process->exec_lock);
    process_teardown(process);
    process_put(process); // the reference of being alive
    process_put(process); // the list's
}

static void end_expired(struct box *box, unsigned what)
{
#ifdef BOXWORK_DEBUG
    if (what & BOX_KILL_POINT)
        kill_point_strike(box);
#endif
    if (what & BOX_DEADLINE)
        box_kill(box, -SIGKILL, "deadline: its time was over", "deadline");
    else if (what & BOX_CPUTIME)
        box_kill(box, -SIGKILL, "cputime: its processor time was used up", "cputime");
    box_put(box);
}

// As if each new end put off the work by a fifth of a second.
static void put_off(void)
{
    size_t before;
    int error = 0;

    do {
        before = queued;
        error = thread_sleep_until(clock_now() + NSEC_PER_SEC / 5, WAIT_KILLABLE);
    } while (error == 0 && before != queued);
}

// By turns, so that a box that goes on making boxes does not keep its own end from coming.
static void do_work(void)
{
    struct process *process;
    struct box *box;
    unsigned what;

    do {
        process = next_unstarted();
        if (process != NULL)
            take_down(process);
        box = next_expired(&what);
        if (box != NULL)
            end_expired(box, what);
    } while (process != NULL || box != NULL);
}

static void reaper_run(void *argument)
{
    (void)argument;
    for (;;) {
        int error = WAIT_EVENT(&events, WAIT_MUTEX, NSEC_NEVER, anything_to_do());

        (void)error; // such a wait ends by its event alone
        if (planted("reap-postponed"))
            put_off();
        do_work();
    }
}

void process_reaper_init(void)
{
    thread_set_reaper(process_thread_reap);
    if (thread_create_kernel("reaper", reaper_run, NULL) != 0)
        panic("no memory for the reaper");
}
