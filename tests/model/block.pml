// SPDX-License-Identifier: MIT
// block.pml - waiting and waking, as kernel/sched/block.c and waitq.c do it.
//
// Five threads wait, each in one queue of its own, so queue and waiter share a number. What is left
// out: that a waker waits for the thread to be off its CPU, timeouts, and other CPUs seeing stores
// late (the kernel's accesses here are seq_cst).

#define H 0         // the head's thread, in its queue child_events
#define WAITER 3    // outside, in the queue of the head's record
#define REAPER 4    // in its queue events
#define THREADS 5

bool woken[THREADS] = true; // thread->woken
bool blocked[THREADS];      // thread->state is THREAD_BLOCKED
bool work_kill[THREADS];    // WORK_KILL in thread->work
bool queued[THREADS];       // its waiter is in the queue
bool queue_lock[THREADS];   // waitq->lock

// resume: the claim is a compare-and-exchange.
#define RESUME(t) \
    atomic { assert(!stack_freed[t]); blocked[t] = false }

// waitq_wake, and thread_wake of the one waiter.
#define WAKE(t) \
    if \
    :: queued[t] -> /* waitq_active, with no lock */ \
        atomic { !queue_lock[t] -> queue_lock[t] = true }; \
        if \
        :: queued[t] && !woken[t] -> \
            woken[t] = true; \
            RESUME(t) \
        :: else \
        fi; \
        queue_lock[t] = false \
    :: else \
    fi

// thread_post with WORK_KILL.
#define POST_KILL(t) \
    work_kill[t] = true; \
    RESUME(t)

// WAIT_EVENT. LOOK evaluates the condition into found. The label stands where the thread is off
// its CPU: spin calls that a valid end only where the label begins with "end".
#if FAULT == 3
#define PREPARE_AND_LOOK(t, LOOK) LOOK; woken[t] = false
#else
#define PREPARE_AND_LOOK(t, LOOK) woken[t] = false /* thread_block_prepare */; LOOK
#endif

#define WAIT_EVENT(label, t, LOOK, interruptible) \
    LOOK; \
    if \
    :: found \
    :: else -> \
        atomic { !queue_lock[t] -> queued[t] = true }; /* waitq_add */ \
        do \
        :: PREPARE_AND_LOOK(t, LOOK); \
            if \
            :: found -> break \
            :: else \
            fi; \
            blocked[t] = true; /* wait_once */ \
            if \
            :: woken[t] || (interruptible && work_kill[t]) -> blocked[t] = false /* claim */ \
            :: else -> REACHED(1) \
            fi; \
label:      !blocked[t]; /* sched_switch_off, until another claims it */ \
            if \
            :: !woken[t] && interruptible && work_kill[t] -> LOOK; break /* -EINTR */ \
            :: else \
            fi \
        od; \
        woken[t] = true; /* thread_block_cancel */ \
        atomic { !queue_lock[t] -> queued[t] = false } /* waitq_remove */ \
    fi
