// SPDX-License-Identifier: MIT
// rank.c - names of lock ranks; in debug builds the spin locks that each CPU holds, and how often
// locks were waited for.
//
// Spin locks are counted by CPU, not by thread: their holder never sleeps, and the one lock that is
// held across a switch of threads, the run queue's, is released on the CPU that took it. An
// interrupt's locks lie on top of those of what it interrupted, and are gone when it returns.

#include "kernel/sync/rank.h"

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"

static const char *const names[RANK_COUNT] = {
    [RANK_NONE] = "NONE",
#define MUTEX_RANK(name) [RANK_##name] = #name,
#define SPIN_RANK(name) [RANK_##name] = #name,
#define IRQ_RANK(name) [RANK_##name] = #name,
#include "kernel/sync/rank.def"
#undef MUTEX_RANK
#undef SPIN_RANK
#undef IRQ_RANK
};

const char *rank_name(enum lock_rank rank)
{
    return rank < RANK_COUNT ? names[rank] : "?";
}

#ifdef BOXWORK_DEBUG

#define HELD_MAX 16

struct held_lock {
    const void *lock;
    enum lock_rank rank;
};

struct held {
    struct held_lock locks[HELD_MAX];
    unsigned count;
};
static DEFINE_PERCPU(struct held, held);

static const uint8_t irq_ranks[RANK_COUNT] = {
#define MUTEX_RANK(name)
#define SPIN_RANK(name)
#define IRQ_RANK(name) [RANK_##name] = 1,
#include "kernel/sync/rank.def"
#undef MUTEX_RANK
#undef SPIN_RANK
#undef IRQ_RANK
};

static atomic_ulong contended[RANK_COUNT];

void rank_note_contended(enum lock_rank rank)
{
    atomic_fetch_add_explicit(&contended[rank], 1, memory_order_relaxed);
}

unsigned long rank_contended(enum lock_rank rank)
{
    return atomic_load_explicit(&contended[rank], memory_order_relaxed);
}

static void (*release_hook)(void);

void rank_set_release_hook(void (*hook)(void))
{
    release_hook = hook;
}

void rank_released(void)
{
    if (release_hook != NULL)
        release_hook();
}

// The lock of the highest rank that this CPU holds; NULL if none.
static const struct held_lock *highest(const struct held *mine)
{
    const struct held_lock *found = NULL;

    for (unsigned i = 0; i < mine->count; i++) {
        if (found == NULL || mine->locks[i].rank >= found->rank)
            found = &mine->locks[i];
    }
    return found;
}

// Where in mine the lock stands, the count if it does not.
static unsigned find(const struct held *mine, const void *lock)
{
    unsigned i = 0;

    while (i < mine->count && mine->locks[i].lock != lock)
        i++;
    return i;
}

void rank_check(const void *lock, enum lock_rank rank)
{
    const struct held *mine = &this_cpu(held);
    const struct held_lock *top = highest(mine);

    if (irq_ranks[rank] && arch_irq_enabled())
        panic("lock %s (%p) taken with interrupts on", rank_name(rank), lock);
    if (find(mine, lock) != mine->count)
        panic("lock %s (%p) taken twice", rank_name(rank), lock);
    if (top == NULL || top->rank < rank)
        return;
    // Two locks of one rank: only in the order of their addresses, or as spin_try found them free.
    if (top->rank == rank && (uintptr_t)top->lock < (uintptr_t)lock)
        return;
    panic("lock order: %s (%p) taken while %s (%p) is held", rank_name(rank), lock,
          rank_name(top->rank), top->lock);
}

void rank_push(const void *lock, enum lock_rank rank)
{
    uint64_t state = arch_irq_save();
    struct held *mine = &this_cpu(held);

    if (mine->count == HELD_MAX)
        panic("more than %u spin locks held", HELD_MAX);
    mine->locks[mine->count++] = (struct held_lock){ lock, rank };
    arch_irq_restore(state);
}

void rank_pop(const void *lock, enum lock_rank rank)
{
    uint64_t state = arch_irq_save();
    struct held *mine = &this_cpu(held);
    unsigned i = find(mine, lock);

    if (i == mine->count)
        panic("lock %s (%p) released by another CPU than its holder", rank_name(rank), lock);
    for (mine->count--; i < mine->count; i++)
        mine->locks[i] = mine->locks[i + 1];
    arch_irq_restore(state);
}

unsigned spin_held(void)
{
    return this_cpu(held).count;
}

#else

unsigned spin_held(void)
{
    return 0;
}

#endif
