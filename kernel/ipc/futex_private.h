// SPDX-License-Identifier: MIT
// futex_private.h - within the futex code: buckets and waiters.
//
// A waiter stands on its thread's stack and in the bucket of its key. A waker takes it off and
// wakes the thread under the bucket's lock. States of a waiter: queued -> waking -> done, by the
// waker, or queued -> done, by its own thread, under the lock. The thread goes on only when it is
// done: then the waker has touched waiter and thread for the last time.
#pragma once

#include "kernel/ipc/futex.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/list.h"

struct futex_bucket {
    struct spinlock lock; // rank FUTEX; two in the order of their addresses
    struct list waiters;  // of struct futex_waiter, in the order of arrival
};

struct futex_key {
    uint64_t part[3];
};

enum futex_state {
    FUTEX_DONE,
    FUTEX_QUEUED,
    FUTEX_WAKING,
};

enum futex_kind {
    FUTEX_PLAIN,
    FUTEX_FOR_LOCK,    // waits to own the word
    FUTEX_FOR_REQUEUE, // of wait_requeue_pi, not yet moved
};

// Fields: I set once · b under the bucket's lock
struct futex_waiter {
    struct list link;                      // b
    _Atomic(struct futex_bucket *) bucket; // b  where it is, or was last
    atomic_int state;                      // b  enum futex_state; read without
    struct futex_key key;                  // b
    struct futex_key target;               // I  FUTEX_FOR_REQUEUE: where it may be moved to
    vaddr_t address;                       // b  of the word it waits to own, in its space
    uint32_t bitset;                       // I
    uint32_t tid;                          // I  of a kind that owns
    uint32_t owner;                        // b  FUTEX_FOR_LOCK: the owner that it waits for
    enum futex_kind kind;                  // b
    bool moved;                            // b  wait_requeue_pi: it waits for the lock now
    bool owns;                             // b  the word was made its own
    struct thread *thread;                 // I
};

int futex_key_of(vaddr_t address, bool private, struct futex_key *key) MUST_CHECK;
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
// Makes the page of a futex word present, for writing if write. May sleep. Errors: -EFAULT.
int futex_touch(vaddr_t address, bool write) MUST_CHECK;

void futex_waiter_init(struct futex_waiter *waiter, enum futex_kind kind,
                       const struct futex_key *key);
// The three below: the bucket's lock is held.
void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *waiter);
void futex_dequeue(struct futex_waiter *waiter);
void futex_wake_waiter(struct futex_waiter *waiter);
// Waits until the waiter is off its bucket, and takes it off if the wait ends otherwise.
// Returns: 0 woken; -EINTR, -ETIMEDOUT.
int futex_wait_for(struct futex_waiter *waiter, nsec_t deadline_ns) MUST_CHECK;

// Two buckets (they may be the same).
uint64_t futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b, uint64_t state);

// --- futex_pi.c ---

int64_t futex_lock_pi(const struct futex_request *request, bool only_try);
int64_t futex_unlock_pi(const struct futex_request *request);
int64_t futex_wait_requeue_pi(const struct futex_request *request);
int64_t futex_cmp_requeue_pi(const struct futex_request *request);
// Passes a word that its owner tid leaves, dying, to who waits for it. Errors: -EAGAIN touch and
// repeat, -EFAULT.
int futex_pass_on_locked(struct futex_bucket *bucket, const struct futex_key *key, vaddr_t address,
                         uint32_t word, bool died) MUST_CHECK;
// The same for a word of a robust list. Returns: whether somebody waited for it and owns it now.
bool futex_pass_on_dead(vaddr_t address, uint32_t word);
// Whether anybody waits to own a word.
bool futex_owners_awaited(void);
// Passes on the words that others wait for and tid owns, without a robust list.
void futex_owner_exit(uint32_t tid);
void futex_for_each_bucket(void (*visit)(struct futex_bucket *bucket, uint32_t tid), uint32_t tid);
