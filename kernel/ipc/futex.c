// SPDX-License-Identifier: MIT
// futex.c - wait, wake, requeue and wake_op on words of user memory.
//
// The word is read under the bucket's lock, which every waker takes after the word was changed: so
// a waiter that saw the old value is on the list before the waker looks. Reading under the lock
// cannot page in; where the page is away, the lock is dropped, the page touched, and all begins
// again.
#include "kernel/ipc/futex.h"

#include "abi/errors.h"
#include "abi/time.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/futex_private.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"

#define BUCKETS_PER_CPU 64

static struct futex_bucket *buckets;
static unsigned bucket_count; // a power of two

void futex_init(void)
{
    bucket_count = BUCKETS_PER_CPU;
    while (bucket_count < BUCKETS_PER_CPU * arch_cpu_count())
        bucket_count *= 2;
    buckets = kmalloc(bucket_count * sizeof(struct futex_bucket), NULL);
    if (buckets == NULL)
        panic("no memory for futex buckets");
    for (unsigned i = 0; i < bucket_count; i++) {
        spin_init(&buckets[i].lock, RANK_FUTEX);
        list_init(&buckets[i].waiters);
    }
}

int futex_key_of(vaddr_t address, bool private, struct futex_key *key)
{
    struct space *space = thread_current()->space;

    if (address % sizeof(uint32_t) != 0)
        return -EINVAL;
    if (address < USER_MIN || address >= USER_END)
        return -EFAULT;
    if (!private)
        return space_futex_key(space, address, true, key->part);
    *key = (struct futex_key){ { (uint64_t)space, address, 0 } };
    return 0;
}

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->part[0] == b->part[0] && a->part[1] == b->part[1] && a->part[2] == b->part[2];
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    uint64_t mix = key->part[0] ^ key->part[1] * UINT64_C(0x9e3779b97f4a7c15) ^ key->part[2] << 17;

    mix ^= mix >> 32;
    mix *= UINT64_C(0xbf58476d1ce4e5b9);
    return &buckets[mix >> 40 & (bucket_count - 1)];
}

void futex_for_each_bucket(void (*visit)(struct futex_bucket *bucket, uint32_t tid), uint32_t tid)
{
    for (unsigned i = 0; i < bucket_count; i++)
        visit(&buckets[i], tid);
}

int futex_touch(vaddr_t address, bool write)
{
    enum fault_reason reason;

    return space_fault(thread_current()->space, address, write ? FAULT_WRITE : FAULT_READ, &reason);
}

void futex_waiter_init(struct futex_waiter *waiter, enum futex_kind kind,
                       const struct futex_key *key)
{
    waiter->kind = kind;
    waiter->key = *key;
    waiter->bitset = FUTEX_BITSET_MATCH_ANY;
    waiter->thread = thread_current();
    waiter->moved = false;
    waiter->owns = false;
}

void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
    atomic_store_explicit(&waiter->bucket, bucket, memory_order_relaxed);
    atomic_store_explicit(&waiter->state, FUTEX_QUEUED, memory_order_relaxed);
    list_push_back(&bucket->waiters, &waiter->link);
}

void futex_dequeue(struct futex_waiter *waiter)
{
    list_remove(&waiter->link);
    atomic_store_explicit(&waiter->state, FUTEX_DONE, memory_order_relaxed);
}

void futex_wake_waiter(struct futex_waiter *waiter)
{
    list_remove(&waiter->link);
    atomic_store_explicit(&waiter->state, FUTEX_WAKING, memory_order_relaxed);
    (void)thread_wake(waiter->thread);
    // Release: the waiter finds what was written into it.
    atomic_store_explicit(&waiter->state, FUTEX_DONE, memory_order_release);
}

// Locks the bucket that the waiter is in now: a requeue may move it meanwhile.
LOCKS_NOT_CHECKED
static struct futex_bucket *lock_bucket_of(struct futex_waiter *waiter, uint64_t *state)
{
    for (;;) {
        struct futex_bucket *bucket = atomic_load_explicit(&waiter->bucket, memory_order_relaxed);

        *state = spin_lock_irq_save(&bucket->lock);
        if (atomic_load_explicit(&waiter->bucket, memory_order_relaxed) == bucket)
            return bucket;
        spin_unlock_irq_restore(&bucket->lock, *state);
    }
}

LOCKS_NOT_CHECKED
// Whether the waiter was woken. Waits for a waker that is at it.
static bool was_woken(const struct futex_waiter *waiter)
{
    int state;

    // Acquire: with what the waker wrote. It has interrupts off, so this is short.
    while ((state = atomic_load_explicit(&waiter->state, memory_order_acquire)) == FUTEX_WAKING)
        arch_relax();
    return state == FUTEX_DONE;
}

// Takes a waiter whose wait ends without a wake-up off its bucket. Returns: false if a waker came
// first.
LOCKS_NOT_CHECKED
static bool give_up(struct futex_waiter *waiter)
{
    uint64_t state;
    struct futex_bucket *bucket = lock_bucket_of(waiter, &state);
    bool queued = atomic_load_explicit(&waiter->state, memory_order_relaxed) == FUTEX_QUEUED;

    if (queued)
        futex_dequeue(waiter);
    spin_unlock_irq_restore(&bucket->lock, state);
    return queued;
}

int futex_wait_for(struct futex_waiter *waiter, nsec_t deadline_ns)
{
    int error;

    do {
        error = thread_block(WAIT_INTERRUPTIBLE, deadline_ns);
        if (was_woken(waiter) || (error != 0 && !give_up(waiter)))
            error = 0;
        else if (error == 0)
            thread_block_prepare(); // woken by something else; a waker from here on is not missed
        else
            break;
    } while (error == 0 && !was_woken(waiter));
    thread_block_cancel();
    return error;
}

static int64_t wait(const struct futex_request *request, uint32_t bitset)
{
    struct futex_waiter waiter;
    struct futex_key key;
    int error = futex_key_of(request->address, request->private, &key);

    if (error != 0)
        return error;
    if (bitset == 0)
        return -EINVAL;
    futex_waiter_init(&waiter, FUTEX_PLAIN, &key);
    waiter.bitset = bitset;
    for (;;) {
        struct futex_bucket *bucket = futex_bucket_of(&key);
        uint64_t state = spin_lock_irq_save(&bucket->lock);
        uint32_t word;

        error = arch_user_load_u32(request->address, &word);
        if (planted("race-futex")) { // what happens between the look and the queue is missed
            spin_unlock_irq_restore(&bucket->lock, state);
            state = spin_lock_irq_save(&bucket->lock);
        }
        if (error == 0 && word == request->value) {
            futex_enqueue(bucket, &waiter);
            thread_block_prepare();
            spin_unlock_irq_restore(&bucket->lock, state);
            return futex_wait_for(&waiter, request->deadline_ns);
        }
        spin_unlock_irq_restore(&bucket->lock, state);
        if (error == 0)
            return -EAGAIN;
        if (error != -EAGAIN || (error = futex_touch(request->address, false)) != 0)
            return error;
    }
}

// Wakes up to count plain waiters of key. Returns how many. Errors: -EINVAL a waiter waits to own
// the word.
static int64_t wake_locked(struct futex_bucket *bucket, const struct futex_key *key, uint32_t count,
                           uint32_t bitset)
{
    struct futex_waiter *waiter, *following;
    int64_t woken = 0;

    list_for_each_safe(waiter, following, &bucket->waiters, link) {
        if (!futex_key_equal(&waiter->key, key))
            continue;
        if (waiter->kind != FUTEX_PLAIN)
            return -EINVAL;
        if (!(waiter->bitset & bitset))
            continue;
        futex_wake_waiter(waiter);
        if (++woken >= count) // a count of 0 wakes one, as in Linux
            break;
    }
    return woken;
}

static int64_t wake(const struct futex_request *request, uint32_t bitset)
{
    struct futex_key key;
    struct futex_bucket *bucket;
    uint64_t state;
    int64_t woken;
    int error = futex_key_of(request->address, request->private, &key);

    if (error != 0)
        return error;
    if (bitset == 0)
        return -EINVAL;
    bucket = futex_bucket_of(&key);
    state = spin_lock_irq_save(&bucket->lock);
    woken = wake_locked(bucket, &key, request->value, bitset);
    spin_unlock_irq_restore(&bucket->lock, state);
    return woken;
}

void futex_wake_address(vaddr_t address)
{
    struct futex_request request = { .address = address, .value = 1 };

    // Nobody is told of a bad address.
    if (wake(&request, FUTEX_BITSET_MATCH_ANY) < 0)
        return;
}

LOCKS_NOT_CHECKED
uint64_t futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    uint64_t state = spin_lock_irq_save(&MIN(a, b)->lock);

    if (a != b)
        spin_lock(&MAX(a, b)->lock);
    return state;
}

LOCKS_NOT_CHECKED
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b, uint64_t state)
{
    if (a != b)
        spin_unlock(&MAX(a, b)->lock);
    spin_unlock_irq_restore(&MIN(a, b)->lock, state);
}

// Both keys of a request on two words.
static int two_keys(const struct futex_request *request, struct futex_key *from,
                    struct futex_key *to)
{
    int error = futex_key_of(request->address, request->private, from);

    return error != 0 ? error : futex_key_of(request->address2, request->private, to);
}

// Moves up to move waiters after waking the first few. Returns how many were woken or moved.
static int64_t requeue_locked(struct futex_bucket *from_bucket, const struct futex_key *from,
                              struct futex_bucket *to_bucket, const struct futex_key *to,
                              uint32_t wake_count, uint32_t move_count)
{
    struct futex_waiter *waiter, *following;
    int64_t done = 0;
    uint32_t moved = 0;

    list_for_each_safe(waiter, following, &from_bucket->waiters, link) {
        if (!futex_key_equal(&waiter->key, from))
            continue;
        if (waiter->kind != FUTEX_PLAIN)
            return -EINVAL;
        if (done < wake_count) {
            futex_wake_waiter(waiter);
        } else if (moved < move_count && !futex_key_equal(from, to)) {
            futex_dequeue(waiter);
            waiter->key = *to;
            futex_enqueue(to_bucket, waiter);
            moved++;
        } else {
            break;
        }
        done++;
    }
    return done;
}

static int64_t requeue(const struct futex_request *request, bool compare)
{
    struct futex_key from, to;
    int error = two_keys(request, &from, &to);

    if (error != 0)
        return error;
    if ((int32_t)request->value < 0 || (int32_t)request->value2 < 0)
        return -EINVAL;
    for (;;) {
        struct futex_bucket *from_bucket = futex_bucket_of(&from);
        struct futex_bucket *to_bucket = futex_bucket_of(&to);
        uint64_t state = futex_lock_two(from_bucket, to_bucket);
        uint32_t word = request->value3;
        int64_t result = -EAGAIN;

        error = compare ? arch_user_load_u32(request->address, &word) : 0;
        if (error == 0 && word == request->value3)
            result =
                requeue_locked(from_bucket, &from, to_bucket, &to, request->value, request->value2);
        futex_unlock_two(from_bucket, to_bucket, state);
        if (error == 0)
            return result;
        if (error != -EAGAIN || (error = futex_touch(request->address, false)) != 0)
            return error;
    }
}

// The fields of wake_op's sixth argument.
static int decode_wake_op(uint32_t encoded, enum user_op *op, uint32_t *operand)
{
    static const enum user_op ops[] = { USER_OP_SET, USER_OP_ADD, USER_OP_OR, USER_OP_ANDN,
                                        USER_OP_XOR };
    unsigned code = encoded >> 28 & 7;

    if (code >= ARRAY_LEN(ops) || (encoded >> 24 & 15) > FUTEX_OP_CMP_GE)
        return -ENOSYS;
    *op = ops[code];
    *operand = (uint32_t)((int32_t)(encoded << 8) >> 20);
    if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
        *operand = UINT32_C(1) << (*operand & 31);
    return 0;
}

static bool compare_holds(uint32_t encoded, uint32_t old)
{
    int32_t value = (int32_t)old;
    int32_t with = (int32_t)(encoded << 20) >> 20;

    switch (encoded >> 24 & 15) {
    case FUTEX_OP_CMP_EQ:
        return value == with;
    case FUTEX_OP_CMP_NE:
        return value != with;
    case FUTEX_OP_CMP_LT:
        return value < with;
    case FUTEX_OP_CMP_LE:
        return value <= with;
    case FUTEX_OP_CMP_GT:
        return value > with;
    default:
        return value >= with;
    }
}

static int64_t wake_op(const struct futex_request *request)
{
    struct futex_key first, second;
    enum user_op op;
    uint32_t operand;
    int error = two_keys(request, &first, &second);

    if (error != 0)
        return error;
    error = decode_wake_op(request->value3, &op, &operand);
    while (error == 0) {
        struct futex_bucket *first_bucket = futex_bucket_of(&first);
        struct futex_bucket *second_bucket = futex_bucket_of(&second);
        uint64_t state = futex_lock_two(first_bucket, second_bucket);
        int64_t woken = 0, more = 0;
        uint32_t old = 0;

        error = arch_user_op_u32(request->address2, op, operand, &old);
        if (error == 0)
            woken = wake_locked(first_bucket, &first, request->value, FUTEX_BITSET_MATCH_ANY);
        if (error == 0 && woken >= 0 && compare_holds(request->value3, old))
            more = wake_locked(second_bucket, &second, request->value2, FUTEX_BITSET_MATCH_ANY);
        futex_unlock_two(first_bucket, second_bucket, state);
        if (error == 0)
            return woken < 0 ? woken : more < 0 ? more : woken + more;
        if (error == -EAGAIN)
            error = futex_touch(request->address2, true);
    }
    return error;
}

int futex_deadline(unsigned operation_flags, const struct linux_timespec *timeout,
                   nsec_t *deadline_ns)
{
    unsigned operation = operation_flags & FUTEX_CMD_MASK;
    bool realtime = (operation_flags & FUTEX_CLOCK_REALTIME) || operation == FUTEX_LOCK_PI;
    nsec_t now = clock_now();
    nsec_t time;

    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= (int64_t)NSEC_PER_SEC)
        return -EINVAL;
    // Beyond this the clock does not come.
    time =
        (nsec_t)MIN(timeout->tv_sec, INT64_C(4000000000)) * NSEC_PER_SEC + (nsec_t)timeout->tv_nsec;
    if (operation == FUTEX_WAIT) {
        *deadline_ns = now + time;
        return 0;
    }
    if (realtime) {
        nsec_t offset = clock_realtime() - now;

        time = time > offset ? time - offset : 0;
    }
    *deadline_ns = time;
    return 0;
}

int64_t futex_operate(const struct futex_request *request)
{
    switch (request->operation) {
    case FUTEX_WAIT:
        return wait(request, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return wait(request, request->value3);
    case FUTEX_WAKE:
        return wake(request, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return wake(request, request->value3);
    case FUTEX_REQUEUE:
        return requeue(request, false);
    case FUTEX_CMP_REQUEUE:
        return requeue(request, true);
    case FUTEX_WAKE_OP:
        return wake_op(request);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return futex_lock_pi(request, false);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(request, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(request);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(request);
    case FUTEX_CMP_REQUEUE_PI:
        return futex_cmp_requeue_pi(request);
    default:
        return -ENOSYS;
    }
}
