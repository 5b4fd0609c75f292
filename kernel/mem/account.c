// SPDX-License-Identifier: MIT
// account.c - what a box uses and may use: counters and limits that are charged up the chain.
//
// A charge adds to each account from the box's own to the root's, or, where a limit would be
// passed, takes back what it has added so far. So beside a charge that fails another may fail that
// would have fitted; a limit is never passed.
// The struct lives while names is not 0: it counts the very amounts that are charged to the account
// directly, so whoever gives back the last byte, thread or fd of a closed account frees it. The
// struct itself is an object charged to the parent, so a chain of closed accounts stays whole while
// anything is charged to its innermost.
#include "kernel/mem/account.h"

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/thread.h"
#include "lib/base/assert.h"

static SLAB_CACHE(account_cache, "account", struct account);

struct spinlock accounts_lock = SPINLOCK_INIT(RANK_ACCOUNT);
struct list account_list = { &account_root.link, &account_root.link };

struct account account_root = {
    .counters = {
        [RESOURCE_MEMORY] = { .limit = LIMIT_NONE },
        [RESOURCE_PROCESSES] = { .limit = LIMIT_NONE },
        [RESOURCE_THREADS] = { .limit = LIMIT_NONE },
        [RESOURCE_FDS] = { .limit = LIMIT_NONE },
    },
    .names = 1,
    .link = { &account_list, &account_list },
};

// Accounts whose last name is gone, to be freed on this CPU. Freeing one takes its parent's last
// name perhaps, and so on up a chain of any depth: a list instead of recursion.
static DEFINE_PERCPU(struct account *, gone);
static DEFINE_PERCPU(bool, freeing);

int account_create(struct account *parent, pid_t box_number, struct account **account)
{
    struct account *made = slab_alloc(&account_cache, parent);
    uint64_t state;
    int error;

    if (made == NULL)
        return -ENOMEM;
    made->parent = parent;
    made->depth = parent->depth + 1;
    made->box_number = box_number;
    atomic_init(&made->names, 1);
    for (unsigned i = 0; i < RESOURCE_COUNT; i++)
        atomic_init(&made->counters[i].limit, LIMIT_NONE);
    error = sched_group_init(&made->group, &parent->group, parent);
    if (error != 0) {
        slab_free(&account_cache, made);
        return error;
    }
    state = spin_lock_irq_save(&accounts_lock);
    list_push_back(&account_list, &made->link);
    spin_unlock_irq_restore(&accounts_lock, state);
    *account = made;
    return 0;
}

static NOINLINE void last_name_gone(struct account *account)
{
    uint64_t state = spin_lock_irq_save(&accounts_lock);

    list_remove(&account->link);
    spin_unlock(&accounts_lock);
    // Nothing follows its parent link any more: it links the list.
    account->parent = this_cpu(gone);
    this_cpu(gone) = account;
    if (!this_cpu(freeing)) {
        this_cpu(freeing) = true;
        while ((account = this_cpu(gone)) != NULL) {
            this_cpu(gone) = account->parent;
            slab_free(&account_cache, account);
        }
        this_cpu(freeing) = false;
    }
    arch_irq_restore(state);
}

static inline void drop_names(struct account *account, int64_t count)
{
    long before = atomic_fetch_sub_explicit(&account->names, count, memory_order_acq_rel);

    assert(before >= count);
    if (unlikely(before == count))
        last_name_gone(account);
}

void account_close(struct account *account)
{
    sched_group_fini(&account->group);
    for (unsigned i = 0; i < RESOURCE_COUNT; i++)
        // what outlives it is limited by those around it
        account_set_limit(account, (enum resource)i, LIMIT_NONE);
    atomic_store(&account->closed, true);
    drop_names(account, 1);
}

void account_get(struct account *account)
{
    atomic_fetch_add_explicit(&account->names, 1, memory_order_relaxed);
}

void account_put(struct account *account)
{
    drop_names(account, 1);
}

static inline void raise_peak(struct counter *counter, long used)
{
    long peak = atomic_load_explicit(&counter->peak, memory_order_relaxed);

    while (unlikely(used > peak)) {
        if (atomic_compare_exchange_weak_explicit(&counter->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed))
            return;
    }
}

static inline void take_back(struct account *from, const struct account *until,
                             enum resource resource, int64_t amount)
{
    for (struct account *a = from; a != until; a = a->parent)
        atomic_fetch_sub_explicit(&a->counters[resource].used, amount, memory_order_relaxed);
}

int account_charge(struct account *account, enum resource resource, int64_t amount,
                   struct account **full)
{
    if (account == NULL)
        account = &account_root;
    for (struct account *a = account; a != NULL; a = a->parent) {
        struct counter *counter = &a->counters[resource];
        long used =
            atomic_fetch_add_explicit(&counter->used, amount, memory_order_relaxed) + amount;

        if (unlikely(used > atomic_load_explicit(&counter->limit, memory_order_relaxed)) &&
            !planted("quota-off")) {
            take_back(account, a->parent, resource, amount);
            if (full != NULL)
                *full = a;
            return resource == RESOURCE_MEMORY ? -ENOMEM : -EAGAIN;
        }
        raise_peak(counter, used);
    }
    atomic_fetch_add_explicit(&account->names, amount, memory_order_relaxed);
    return 0;
}

void account_uncharge(struct account *account, enum resource resource, int64_t amount)
{
    if (account == NULL)
        account = &account_root;
    take_back(account, NULL, resource, amount);
    drop_names(account, amount);
}

void account_set_limit(struct account *account, enum resource resource, int64_t limit)
{
    atomic_store_explicit(&account->counters[resource].limit, limit, memory_order_relaxed);
}

uint64_t account_memory_limit(const struct account *account)
{
    uint64_t limit = frames_total() * PAGE_SIZE;

    for (; account != NULL; account = account->parent)
        limit = MIN(limit, (uint64_t)atomic_load(&account->counters[RESOURCE_MEMORY].limit));
    return limit;
}

uint64_t account_memory_left(const struct account *account)
{
    uint64_t used = (uint64_t)atomic_load(&account->counters[RESOURCE_MEMORY].used);
    uint64_t limit = account_memory_limit(account);

    if (account->parent == NULL)
        return frames_free() * PAGE_SIZE;
    return limit - MIN(used, limit);
}

struct account *account_current(void)
{
    struct thread *thread = thread_current();

    return thread != NULL && thread->account != NULL ? thread->account : &account_root;
}

void account_note_full(struct account *full)
{
    struct thread *thread = thread_current();

    if (thread != NULL)
        thread->full = full;
}

struct account *account_last_full(void)
{
    struct thread *thread = thread_current();

    return thread != NULL && thread->full != NULL ? thread->full : &account_root;
}
