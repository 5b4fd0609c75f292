// SPDX-License-Identifier: MIT
// waitq.h - wait queues: threads and callbacks that wait for an event.
//
// A waiter is on the stack of the thread that waits, or inside a poll set. A wake-up calls each
// waiter's wake function under the queue's lock, so it must be short and may take only locks that
// rank after WAITQ. There are no lost wake-ups: WAIT_EVENT marks the thread as blocked before it
// looks at the condition, and a wake-up after that makes thread_block return at once.
#pragma once

#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/list.h"

struct waitq {
    struct spinlock lock; // rank WAITQ (WAITQ_INNER for a poll set's own)
    struct list waiters;  // of struct waiter, under lock
};

struct waiter;

// Called with the queue's lock held, in any context. events: POLL* bits of abi/poll.h, or 0.
// Returns: true if it used up one of the wake-ups that the caller counts (exclusive waiters).
typedef bool waiter_wake_fn(struct waiter *waiter, unsigned events);

struct waiter {
    struct list link;
    waiter_wake_fn *wake;
    struct thread *thread;
};

#define WAITQ_INIT(queue)                                                                          \
    {                                                                                              \
        .lock = SPINLOCK_INIT(RANK_WAITQ), .waiters = LIST_INIT((queue).waiters)                   \
    }
#define WAKE_ALL UINT32_MAX

void waitq_init(struct waitq *queue);
// As waitq_init, for a queue that is woken from another queue's wake-up.
void waitq_init_inner(struct waitq *queue);

// Fills in a waiter that wakes the calling thread.
void waiter_init(struct waiter *waiter);

// Both take the queue's lock. Removing a waiter that is on no queue is allowed.
void waitq_add(struct waitq *queue, struct waiter *waiter);
void waitq_remove(struct waitq *queue, struct waiter *waiter);

// Wakes waiters from the front until count of them say that they used a wake-up.
// Returns: how many did. Context: any, with interrupts on or off.
unsigned waitq_wake(struct waitq *queue, unsigned count, unsigned events);

// Whether somebody waits; without the lock, so exact only where the caller orders it.
bool waitq_active(const struct waitq *queue);

// Waits until condition holds. condition is evaluated again after each wake-up, with no lock held,
// and may take spin locks.
// Value: 0, or what thread_block says (-EINTR, -ETIMEDOUT).
#define WAIT_EVENT(queue, mode, deadline_ns, condition)                                            \
    ({                                                                                             \
        struct waiter wait_waiter;                                                                 \
        int wait_error = 0;                                                                        \
        if (!(condition)) {                                                                        \
            waiter_init(&wait_waiter);                                                             \
            waitq_add((queue), &wait_waiter);                                                      \
            for (;;) {                                                                             \
                thread_block_prepare();                                                            \
                if (condition)                                                                     \
                    break;                                                                         \
                wait_error = thread_block((mode), (deadline_ns));                                  \
                /* A wake-up that came with the end is not lost. */                                \
                if (wait_error != 0 && (condition))                                                \
                    wait_error = 0;                                                                \
                else if (wait_error == 0)                                                          \
                    continue;                                                                      \
                break;                                                                             \
            }                                                                                      \
            thread_block_cancel();                                                                 \
            waitq_remove((queue), &wait_waiter);                                                   \
        }                                                                                          \
        wait_error;                                                                                \
    })
