// SPDX-License-Identifier: MIT
// futex_pi.c - futex words that name their owner: 0 is free, else the owner's number, with
// FUTEX_WAITERS while somebody waits here and FUTEX_OWNER_DIED after an owner ended without
// unlocking.
//
// Programs take and release a free word themselves; with FUTEX_WAITERS set they come here.
// Unlocking makes the first waiter the owner while the bucket is locked, so nobody can take the
// word in between. All changes of a word are made by compare-and-exchange against what user space
// may do at the same time. Threads share the CPU by weight, so a waiter cannot be kept out by a
// busy one, and no priority is lent.
#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/futex_private.h"
#include "kernel/proc/thread.h"

static atomic_uint awaiting_owners; // waiters of kind FUTEX_FOR_LOCK, and those that may become so

bool futex_owners_awaited(void)
{
    return atomic_load(&awaiting_owners) != 0;
}

static uint32_t own_number(void)
{
    return (uint32_t)uthread_current()->tid;
}

static struct futex_waiter *first_waiter(struct futex_bucket *bucket, const struct futex_key *key,
                                         const struct futex_waiter *not_this)
{
    struct futex_waiter *waiter;

    list_for_each(waiter, &bucket->waiters, link) {
        if (waiter->kind == FUTEX_FOR_LOCK && futex_key_equal(&waiter->key, key) &&
            waiter != not_this)
            return waiter;
    }
    return NULL;
}

// Whether the owner that word names is a thread that lives.
static bool owner_lives(uint32_t word)
{
    struct uthread *owner = uthread_find((pid_t)(word & FUTEX_TID_MASK), true);

    if (owner == NULL)
        return false;
    uthread_put(owner);
    return true;
}

// Tries to make tid the owner, else marks the word as waited for. *word: what it was.
// Returns: 1 owned, 0 not; -EAGAIN touch and repeat, -EFAULT, -EDEADLK.
static int take_locked(struct futex_bucket *bucket, const struct futex_key *key, vaddr_t address,
                       uint32_t tid, uint32_t *word)
{
    int error = arch_user_load_u32(address, word);

    while (error == 0) {
        uint32_t old = *word;
        uint32_t desired = old | FUTEX_WAITERS;

        if ((old & FUTEX_TID_MASK) == tid)
            return -EDEADLK;
        if ((old & FUTEX_TID_MASK) == 0) {
            desired = tid | (old & FUTEX_OWNER_DIED);
            if (first_waiter(bucket, key, NULL) != NULL)
                desired |= FUTEX_WAITERS;
        }
        error = arch_user_cmpxchg_u32(address, old, desired, word);
        if (error == 0 && *word == old)
            return (old & FUTEX_TID_MASK) == 0;
    }
    return error;
}

// After an attempt: makes the page present if it was not.
static int recover(int error, vaddr_t address)
{
    return error == -EAGAIN ? futex_touch(address, true) : error;
}

int64_t futex_lock_pi(const struct futex_request *request, bool only_try)
{
    struct futex_waiter waiter;
    struct futex_key key;
    uint32_t checked = 0; // the owner that was found to live
    uint32_t dead = 0;    // the owner that was not; it may have unlocked the word before it left
    int error = futex_key_of(request->address, request->private, &key);

    if (error != 0)
        return error;
    futex_waiter_init(&waiter, FUTEX_FOR_LOCK, &key);
    waiter.tid = own_number();
    waiter.address = request->address;
    while (error == 0) {
        struct futex_bucket *bucket = futex_bucket_of(&key);
        uint64_t state = spin_lock_irq_save(&bucket->lock);
        uint32_t word;
        int taken = take_locked(bucket, &key, request->address, waiter.tid, &word);

        if (taken == 0 && !only_try && (word & FUTEX_TID_MASK) == checked) {
            atomic_fetch_add(&awaiting_owners, 1);
            waiter.owner = checked;
            futex_enqueue(bucket, &waiter);
            thread_block_prepare();
            spin_unlock_irq_restore(&bucket->lock, state);
            error = futex_wait_for(&waiter, request->deadline_ns);
            atomic_fetch_sub(&awaiting_owners, 1);
            return error;
        }
        spin_unlock_irq_restore(&bucket->lock, state);
        if (taken == 1)
            return 0;
        if (taken == 0 && (word & FUTEX_TID_MASK) == dead)
            return -ESRCH;
        error = recover(taken, request->address);
        if (taken != 0)
            continue;
        if (!owner_lives(word))
            dead = word & FUTEX_TID_MASK;
        else if (only_try)
            return -EAGAIN;
        else
            checked = word & FUTEX_TID_MASK;
    }
    return error;
}

// All who wait for the word wait for another owner now.
static void set_owner(struct futex_bucket *bucket, const struct futex_key *key, uint32_t owner)
{
    struct futex_waiter *waiter;

    list_for_each(waiter, &bucket->waiters, link) {
        if (waiter->kind == FUTEX_FOR_LOCK && futex_key_equal(&waiter->key, key))
            waiter->owner = owner;
    }
}

int futex_pass_on_locked(struct futex_bucket *bucket, const struct futex_key *key, vaddr_t address,
                         uint32_t word, bool died)
{
    struct futex_waiter *next = first_waiter(bucket, key, NULL);
    uint32_t desired = died ? FUTEX_OWNER_DIED : 0;
    uint32_t old;
    int error;

    if (next != NULL) {
        desired |= next->tid;
        if (first_waiter(bucket, key, next) != NULL)
            desired |= FUTEX_WAITERS;
    }
    error = arch_user_cmpxchg_u32(address, word, desired, &old);
    if (error != 0)
        return error;
    if (old != word)
        return -EAGAIN;
    if (next != NULL) {
        next->owns = true;
        futex_wake_waiter(next);
        set_owner(bucket, key, next->tid);
    }
    return 0;
}

int64_t futex_unlock_pi(const struct futex_request *request)
{
    uint32_t tid = own_number();
    struct futex_key key;
    int error = futex_key_of(request->address, request->private, &key);

    if (error != 0)
        return error;
    for (;;) {
        struct futex_bucket *bucket = futex_bucket_of(&key);
        uint64_t state = spin_lock_irq_save(&bucket->lock);
        uint32_t word = 0;

        error = arch_user_load_u32(request->address, &word);
        if (error == 0 && (word & FUTEX_TID_MASK) != tid)
            error = -EPERM;
        if (error == 0)
            error = futex_pass_on_locked(bucket, &key, request->address, word, false);
        spin_unlock_irq_restore(&bucket->lock, state);
        if (error != -EAGAIN)
            return error;
        error = futex_touch(request->address, true);
        if (error != 0)
            return error;
    }
}

// Both keys, and both words there.
static int requeue_keys(const struct futex_request *request, struct futex_key *from,
                        struct futex_key *to)
{
    int error = futex_key_of(request->address, request->private, from);

    if (error == 0)
        error = futex_key_of(request->address2, request->private, to);
    if (error == 0 && futex_key_equal(from, to))
        return -EINVAL;
    return error;
}

// Enqueues the waiter if the word is as expected. Errors: -EAGAIN differs; -EFAULT, -EINVAL.
static int enqueue_if_equal(struct futex_waiter *waiter, vaddr_t address, uint32_t value)
{
    for (;;) {
        struct futex_bucket *bucket = futex_bucket_of(&waiter->key);
        uint64_t state = spin_lock_irq_save(&bucket->lock);
        uint32_t word;
        int error = arch_user_load_u32(address, &word);

        if (error == 0 && word == value) {
            futex_enqueue(bucket, waiter);
            thread_block_prepare();
        }
        spin_unlock_irq_restore(&bucket->lock, state);
        if (error == 0)
            return word == value ? 0 : -EAGAIN;
        if (error != -EAGAIN || (error = futex_touch(address, false)) != 0)
            return error;
    }
}

int64_t futex_wait_requeue_pi(const struct futex_request *request)
{
    struct futex_waiter waiter;
    struct futex_key from, to;
    int error = requeue_keys(request, &from, &to);

    if (error != 0)
        return error;
    futex_waiter_init(&waiter, FUTEX_FOR_REQUEUE, &from);
    waiter.target = to;
    waiter.tid = own_number();
    waiter.address = request->address2;
    atomic_fetch_add(&awaiting_owners, 1);
    error = enqueue_if_equal(&waiter, request->address, request->value);
    if (error == 0) {
        error = futex_wait_for(&waiter, request->deadline_ns);
        // A signal after the move: the lock must not be waited for again as if nothing had been
        // moved.
        if (error == -EINTR && waiter.moved)
            error = -EAGAIN;
    }
    atomic_fetch_sub(&awaiting_owners, 1);
    return error;
}

// Gives the second word to waiter, or lets it wait for it. Errors: as take_locked.
static int move_locked(struct futex_waiter *waiter, struct futex_bucket *to_bucket,
                       const struct futex_key *to, vaddr_t address)
{
    uint32_t word;
    int taken = take_locked(to_bucket, to, address, waiter->tid, &word);

    if (taken < 0)
        return taken;
    waiter->moved = true;
    if (taken == 1) {
        waiter->owns = true;
        futex_wake_waiter(waiter);
        return 0;
    }
    futex_dequeue(waiter);
    waiter->kind = FUTEX_FOR_LOCK;
    waiter->owner = word & FUTEX_TID_MASK;
    waiter->key = *to;
    futex_enqueue(to_bucket, waiter);
    return 0;
}

static int64_t requeue_pi_locked(const struct futex_request *request,
                                 struct futex_bucket *from_bucket, const struct futex_key *from,
                                 struct futex_bucket *to_bucket, const struct futex_key *to,
                                 uint32_t *done)
{
    struct futex_waiter *waiter, *following;
    uint32_t word;
    int error = arch_user_load_u32(request->address, &word);

    if (error != 0)
        return error;
    if (word != request->value3 && *done == 0)
        return -ESTALE; // not an error of this call: told apart from a missing page
    list_for_each_safe(waiter, following, &from_bucket->waiters, link) {
        if (!futex_key_equal(&waiter->key, from))
            continue;
        if (waiter->kind != FUTEX_FOR_REQUEUE || !futex_key_equal(&waiter->target, to))
            return -EINVAL;
        if (*done > request->value2) // one to wake, value2 to move
            break;
        error = move_locked(waiter, to_bucket, to, request->address2);
        if (error != 0)
            return error;
        ++*done;
    }
    return 0;
}

int64_t futex_cmp_requeue_pi(const struct futex_request *request)
{
    struct futex_key from, to;
    uint32_t done = 0;
    int64_t error = requeue_keys(request, &from, &to);

    if (error != 0)
        return error;
    if (request->value != 1 || (int32_t)request->value2 < 0)
        return -EINVAL;
    for (;;) {
        struct futex_bucket *from_bucket = futex_bucket_of(&from);
        struct futex_bucket *to_bucket = futex_bucket_of(&to);
        uint64_t state = futex_lock_two(from_bucket, to_bucket);

        error = requeue_pi_locked(request, from_bucket, &from, to_bucket, &to, &done);
        futex_unlock_two(from_bucket, to_bucket, state);
        if (error == 0)
            return done;
        if (error == -ESTALE)
            return -EAGAIN;
        if (error != -EAGAIN)
            return error;
        error = futex_touch(request->address, false);
        if (error == 0)
            error = futex_touch(request->address2, true);
        if (error != 0)
            return error;
    }
}

bool futex_pass_on_dead(vaddr_t address, uint32_t word)
{
    bool passed = false;

    // Its waiters may know it as private or as shared.
    for (unsigned private = 0; private < 2 && !passed; private ++) {
        struct futex_key key;
        struct futex_bucket *bucket;
        uint64_t state;

        if (futex_key_of(address, private, &key) != 0)
            continue;
        bucket = futex_bucket_of(&key);
        state = spin_lock_irq_save(&bucket->lock);
        if (first_waiter(bucket, &key, NULL) != NULL)
            passed = futex_pass_on_locked(bucket, &key, address, word, true) == 0;
        spin_unlock_irq_restore(&bucket->lock, state);
    }
    return passed;
}

// The owner that a waiter waits for has ended: passes the word on, unless somebody has taken it
// since. (The owner may have written 0 and OWNER_DIED itself, as C libraries do, and knows no way
// to wake who waits here.)
static void owner_gone_locked(struct futex_bucket *bucket, struct futex_waiter *waiter,
                              uint32_t tid)
{
    uint32_t word;
    int error = arch_user_load_u32(waiter->address, &word);

    while (error == 0) {
        uint32_t owner = word & FUTEX_TID_MASK;
        uint32_t old = word;

        if (owner == tid || owner == 0) {
            error = futex_pass_on_locked(bucket, &waiter->key, waiter->address, word, true);
            if (error != -EAGAIN)
                return;
            error = arch_user_load_u32(waiter->address, &word);
            if (word == old)
                return; // the page is gone
        } else {
            error = arch_user_cmpxchg_u32(waiter->address, old, old | FUTEX_WAITERS, &word);
            if (error == 0 && word == old) {
                set_owner(bucket, &waiter->key, owner);
                return;
            }
        }
    }
}

static void exit_bucket(struct futex_bucket *bucket, uint32_t tid)
{
    struct space *space = thread_current()->space;
    uint64_t state = spin_lock_irq_save(&bucket->lock);
    struct futex_waiter *waiter, *following;

    list_for_each_safe(waiter, following, &bucket->waiters, link) {
        if (waiter->kind == FUTEX_FOR_LOCK && waiter->owner == tid &&
            waiter->thread->space == space) {
            waiter->owner = 0; // looked at once, whatever comes of it
            owner_gone_locked(bucket, waiter, tid);
            // Some may have left the list: begin again.
            following = list_entry(bucket->waiters.next, struct futex_waiter, link);
        }
    }
    spin_unlock_irq_restore(&bucket->lock, state);
}

void futex_owner_exit(uint32_t tid)
{
    futex_for_each_bucket(exit_bucket, tid);
}
