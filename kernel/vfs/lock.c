// SPDX-License-Identifier: MIT
// lock.c - advisory locks on files.
//
// Locks are hashed by node. A lock holds no reference on it: its owner, an fd table or a handle,
// has the node open, and gives the locks up when it closes it. Records of one owner on one node
// never overlap; those that touch and are alike are one.
// Locking: a bucket's lock (rank FILE_LOCKS) guards its list. Who waits for a record has an entry in
// the global list of waits (rank LOCK_WAITERS), by which a circle of owners waiting for each other
// is found. An entry names a holder under both locks, and loses it under both when that owner's
// locks on the node change; whoever waits then looks again, and looks for a circle again.
// Invariants: I1 records of different owners that overlap are both shared. I2 lock_count counts the
// locks of all buckets. I3 the holder that an entry names is in the way of its owner.
#include "kernel/vfs/lock.h"

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/waitq.h"
#include "kernel/vfs/handle.h"

#define BUCKETS 128
#define CIRCLE_MAX 64 // owners in a circle; a longer one is not found, and ends at a signal

struct lock {
    struct list link;
    struct node *node;
    struct lock_request is;
};

struct bucket {
    struct spinlock lock;
    struct list locks;
    unsigned waits;       // entries of the list of waits for nodes of this bucket
    struct waitq waiters; // woken whenever a lock of the bucket goes or shrinks
};

// Who waits for whom; on the stack of the waiting thread.
struct lock_wait {
    struct list link;
    const struct node *node;
    const void *owner;
    const void *holder; // NULL: it is about to look again
};

static SLAB_CACHE(lock_cache, "file lock", struct lock);
static struct bucket buckets[BUCKETS];
static struct spinlock waits_lock = SPINLOCK_INIT(RANK_LOCK_WAITERS);
static struct list waits = LIST_INIT(waits);
atomic_long lock_count;

void lock_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, RANK_FILE_LOCKS);
        list_init(&buckets[i].locks);
        waitq_init(&buckets[i].waiters);
    }
}

static struct bucket *bucket_of(const struct node *node)
{
    return &buckets[((uintptr_t)node >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 57];
}

static bool same_owner(const struct lock_request *a, const struct lock_request *b)
{
    return a->kind == b->kind && a->owner == b->owner;
}

static bool overlap(const struct lock_request *a, const struct lock_request *b)
{
    return a->start <= b->end && b->start <= a->end;
}

static struct lock *find_conflict_locked(struct bucket *bucket, const struct node *node,
                                         const struct lock_request *request)
{
    struct lock *lock;

    list_for_each(lock, &bucket->locks, link) {
        if (lock->node == node && lock->is.kind == request->kind &&
            !same_owner(&lock->is, request) && overlap(&lock->is, request) &&
            (lock->is.exclusive || request->exclusive))
            return lock;
    }
    return NULL;
}

static void free_lock_locked(struct lock *lock)
{
    list_remove(&lock->link);
    slab_free(&lock_cache, lock);
    atomic_fetch_sub_explicit(&lock_count, 1, memory_order_relaxed);
}

static void add_locked(struct bucket *bucket, struct lock **spare, struct node *node,
                       const struct lock_request *is)
{
    struct lock *lock = *spare;

    *spare = NULL;
    lock->node = node;
    lock->is = *is;
    list_push_back(&bucket->locks, &lock->link);
    atomic_fetch_add_explicit(&lock_count, 1, memory_order_relaxed);
}

// Takes the range out of the owner's locks. rest: made into the upper part of a lock that is cut in
// two.
static void cut_locked(struct bucket *bucket, struct node *node, const struct lock_request *range,
                       struct lock **rest)
{
    struct lock *lock, *following;

    list_for_each_safe(lock, following, &bucket->locks, link) {
        if (lock->node != node || !same_owner(&lock->is, range) || !overlap(&lock->is, range))
            continue;
        if (lock->is.start < range->start && lock->is.end > range->end) {
            struct lock_request upper = lock->is;

            upper.start = range->end + 1;
            lock->is.end = range->start - 1;
            add_locked(bucket, rest, node, &upper);
            return; // no other lock of the owner can lie in the range
        }
        if (lock->is.start < range->start)
            lock->is.end = range->start - 1;
        else if (lock->is.end > range->end)
            lock->is.start = range->end + 1;
        else
            free_lock_locked(lock);
    }
}

// Joins what the owner has beside the range, if alike, to the request.
static void join_neighbours_locked(struct bucket *bucket, const struct node *node,
                                   struct lock_request *request)
{
    struct lock *lock, *following;

    list_for_each_safe(lock, following, &bucket->locks, link) {
        if (lock->node != node || !same_owner(&lock->is, request) ||
            lock->is.exclusive != request->exclusive)
            continue;
        if (lock->is.end + 1 == request->start)
            request->start = lock->is.start;
        else if (request->end + 1 == lock->is.start)
            request->end = lock->is.end;
        else
            continue;
        free_lock_locked(lock);
    }
}

static int alloc_spares(struct lock *spares[2])
{
    for (unsigned i = 0; i < 2; i++)
        spares[i] = slab_alloc(&lock_cache, account_current());
    return spares[0] != NULL && spares[1] != NULL ? 0 : -ENOMEM;
}

static void free_spares(struct lock *spares[2])
{
    slab_free(&lock_cache, spares[0]);
    slab_free(&lock_cache, spares[1]);
}

// The owner's locks on the node have changed: who waits for them looks again.
static void forget_holder_locked(struct bucket *bucket, const struct node *node, const void *owner)
{
    struct lock_wait *wait;

    if (bucket->waits == 0)
        return;
    spin_lock(&waits_lock);
    list_for_each(wait, &waits, link) {
        if (wait->node == node && wait->holder == owner)
            wait->holder = NULL;
    }
    spin_unlock(&waits_lock);
}

static const void *awaited_locked(const void *owner)
{
    struct lock_wait *wait;

    list_for_each(wait, &waits, link) {
        if (wait->owner == owner && wait->holder != NULL)
            return wait->holder;
    }
    return NULL;
}

// Notes whom the wait is for. Returns: -EAGAIN, or -EDEADLK if the holder waits, through others or
// not, for the wait's own owner.
static int name_holder_locked(struct bucket *bucket, struct lock_wait *wait, const void *holder)
{
    const void *owner = holder;
    unsigned steps = 0;

    spin_lock(&waits_lock);
    while (owner != NULL && owner != wait->owner && steps++ < CIRCLE_MAX)
        owner = awaited_locked(owner);
    if (list_empty(&wait->link)) {
        list_push_back(&waits, &wait->link);
        bucket->waits++;
    }
    wait->holder = owner == wait->owner ? NULL : holder;
    spin_unlock(&waits_lock);
    return owner == wait->owner ? -EDEADLK : -EAGAIN;
}

// Takes the lock. wait: NULL, or where to note who is in the way. Returns: 0, -EAGAIN another's is,
// -EDEADLK that one waits for this owner.
static int take_now(struct node *node, const struct lock_request *request, struct lock *spares[2],
                    struct lock_wait *wait)
{
    struct bucket *bucket = bucket_of(node);
    struct lock_request whole = *request;
    struct lock *conflict;
    int error = 0;

    spin_lock(&bucket->lock);
    conflict = find_conflict_locked(bucket, node, request);
    if (conflict == NULL) {
        cut_locked(bucket, node, request, &spares[0]);
        join_neighbours_locked(bucket, node, &whole);
        add_locked(bucket, &spares[1], node, &whole);
        forget_holder_locked(bucket, node, request->owner); // exclusive may have become shared
    } else {
        error = wait == NULL ? -EAGAIN : name_holder_locked(bucket, wait, conflict->is.owner);
    }
    spin_unlock(&bucket->lock);
    if (error == 0 && waitq_active(&bucket->waiters))
        waitq_wake(&bucket->waiters, WAKE_ALL, 0);
    return error;
}

static void end_wait(struct bucket *bucket, struct lock_wait *wait)
{
    spin_lock(&bucket->lock);
    if (!list_empty(&wait->link)) {
        spin_lock(&waits_lock);
        list_remove(&wait->link);
        spin_unlock(&waits_lock);
        bucket->waits--;
    }
    spin_unlock(&bucket->lock);
}

static int wait_for_lock(struct node *node, const struct lock_request *request,
                         struct lock *spares[2])
{
    struct lock_wait wait = { .node = node, .owner = request->owner };
    struct bucket *bucket = bucket_of(node);
    bool record = request->kind == LOCK_RECORD;
    int taken, error;

    list_init(&wait.link);
    error = WAIT_EVENT(&bucket->waiters, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                       (taken = take_now(node, request, spares, record ? &wait : NULL)) !=
                           -EAGAIN);
    end_wait(bucket, &wait);
    return error != 0 ? error : taken;
}

int lock_take(struct handle *handle, const struct lock_request *request, bool wait_for)
{
    struct lock *spares[2];
    int error = alloc_spares(spares);

    if (error == 0)
        error = wait_for ? wait_for_lock(handle->node, request, spares)
                         : take_now(handle->node, request, spares, NULL);
    free_spares(spares);
    return error;
}

int lock_drop(struct handle *handle, const struct lock_request *request)
{
    struct bucket *bucket = bucket_of(handle->node);
    struct lock *spares[2];
    int error = alloc_spares(spares);

    if (error == 0) {
        spin_lock(&bucket->lock);
        cut_locked(bucket, handle->node, request, &spares[0]);
        forget_holder_locked(bucket, handle->node, request->owner);
        spin_unlock(&bucket->lock);
        waitq_wake(&bucket->waiters, WAKE_ALL, 0);
    }
    free_spares(spares);
    return error;
}

bool lock_find(struct handle *handle, const struct lock_request *request,
               struct lock_request *found)
{
    struct bucket *bucket = bucket_of(handle->node);
    struct lock *lock;

    spin_lock(&bucket->lock);
    lock = find_conflict_locked(bucket, handle->node, request);
    if (lock != NULL)
        *found = lock->is;
    spin_unlock(&bucket->lock);
    return lock != NULL;
}

void lock_owner_leaves(const void *owner, struct node *node)
{
    struct bucket *bucket = bucket_of(node);
    struct lock *lock, *following;
    bool any = false;

    spin_lock(&bucket->lock);
    list_for_each_safe(lock, following, &bucket->locks, link) {
        if (lock->node == node && lock->is.owner == owner) {
            free_lock_locked(lock);
            any = true;
        }
    }
    forget_holder_locked(bucket, node, owner);
    spin_unlock(&bucket->lock);
    if (any)
        waitq_wake(&bucket->waiters, WAKE_ALL, 0);
}
