// SPDX-License-Identifier: MIT
// waitq.c - wait queues.
#include "kernel/sched/waitq.h"

#include "kernel/sched/perturb.h"

void waitq_init(struct waitq *queue)
{
    spin_init(&queue->lock, RANK_WAITQ);
    list_init(&queue->waiters);
}

void waitq_init_inner(struct waitq *queue)
{
    spin_init(&queue->lock, RANK_WAITQ_INNER);
    list_init(&queue->waiters);
}

static bool wake_thread(struct waiter *waiter, unsigned events)
{
    (void)events;
    return thread_wake(waiter->thread);
}

void waiter_init(struct waiter *waiter)
{
    list_init(&waiter->link);
    waiter->wake = wake_thread;
    waiter->thread = thread_current();
}

void waitq_add(struct waitq *queue, struct waiter *waiter)
{
    uint64_t state = spin_lock_irq_save(&queue->lock);

    list_push_back(&queue->waiters, &waiter->link);
    spin_unlock_irq_restore(&queue->lock, state);
}

void waitq_remove(struct waitq *queue, struct waiter *waiter)
{
    uint64_t state = spin_lock_irq_save(&queue->lock);

    list_remove(&waiter->link);
    spin_unlock_irq_restore(&queue->lock, state);
}

unsigned waitq_wake(struct waitq *queue, unsigned count, unsigned events)
{
    unsigned woken = 0;
    struct waiter *waiter, *following;
    uint64_t state;

    // A full barrier: the caller changed its condition before; a waiter adds itself before it looks
    // at it.
    atomic_thread_fence(memory_order_seq_cst);
    if (!waitq_active(queue))
        return 0;
    state = spin_lock_irq_save(&queue->lock);
    list_for_each_safe(waiter, following, &queue->waiters, link) {
        if (woken == count)
            break;
        if (waiter->wake(waiter, events))
            woken++;
    }
    spin_unlock_irq_restore(&queue->lock, state);
    perturb_point();
    return woken;
}

bool waitq_active(const struct waitq *queue)
{
    return __atomic_load_n(&queue->waiters.next, __ATOMIC_RELAXED) != &queue->waiters;
}
