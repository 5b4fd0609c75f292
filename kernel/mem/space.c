// SPDX-License-Identifier: MIT
// space.c - address spaces: their life, and which CPU runs on which.
//
// States:  alive (users > 0) -> empty (no regions, the tables below the root gone) -> gone.
// holds is 1 while it is alive plus 1 for each CPU that has its root loaded. Who takes it to 0
// frees the root and the struct: the last user, or the switch code of the last CPU that was still
// on it, on its way out of a thread that has ended.
#include "kernel/mem/space.h"

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/region.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/tlb.h"
#include "kernel/mem/zap.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/random.h"

// Stack and mappings lie together, so that a small program needs few tables for both; how far from
// the end of the first 512 GiB is random, and a little how far from each other. The vDSO lies at random
// between the stack's top and the end of what the last table of the stack reaches.
#define STACK_SPREAD (UINT64_C(1) << 24)   // pages: 64 GiB
#define MAPPING_SPREAD (UINT64_C(1) << 13) // pages: 32 MiB
#define STACK_LIMIT_DEFAULT (UINT64_C(8) << 20)
#define STACK_REACH_MAX (UINT64_C(64) << 30)

static SLAB_CACHE(space_cache, "space", struct space);

// --- Life ---

// Takes a number below limit off what is random.
static uint64_t draw(uint64_t *random, uint64_t limit)
{
    uint64_t number = *random % limit;

    *random /= limit;
    return number;
}

static void lay_out(struct space *space, uint64_t stack_limit, uint64_t random)
{
    uint64_t reach =
        ALIGN_UP(MIN(MAX(stack_limit, STACK_LIMIT_DEFAULT), STACK_REACH_MAX), PAGE_SIZE);
    vaddr_t top = USER_SLOT_END - PAGE_SIZE - (draw(&random, STACK_SPREAD) << PAGE_SHIFT);
    uint64_t room = (ALIGN_UP(top, PAGETABLE_SPAN) - top) >> PAGE_SHIFT;

    space->stack_limit = stack_limit;
    space->stack_top = top;
    space->map_top = top - reach - STACK_GUARD - (draw(&random, MAPPING_SPREAD) << PAGE_SHIFT);
    // A page is left between, and the clock's is below the code.
    room = room > 2 ? room - 2 : 1;
    space->vdso = top + ((2 + draw(&random, room)) << PAGE_SHIFT);
}

void space_lay_out(struct space *space, uint64_t stack_limit)
{
    uint64_t random;

    random_bytes(&random, sizeof(random));
    if (planted("layout-fixed"))
        random = 0;
    lay_out(space, stack_limit, random);
}

int space_create(struct account *account, struct space **space)
{
    struct space *made = slab_alloc(&space_cache, account);

    if (made == NULL)
        return -ENOMEM;
    if (pagetable_create(account, &made->root) != 0) {
        slab_free(&space_cache, made);
        return -ENOMEM;
    }
    refcount_init(&made->users, 1);
    mutex_init(&made->lock, RANK_SPACE);
    spin_init(&made->table_lock, RANK_PAGE_TABLE);
    made->account = account;
    atomic_init(&made->holds, 1);
    lay_out(made, STACK_LIMIT_DEFAULT, 0);
    *space = made;
    return 0;
}

void space_get(struct space *space)
{
    refcount_get(&space->users);
}

static void drop_hold(struct space *space)
{
    if (atomic_fetch_sub_explicit(&space->holds, 1, memory_order_acq_rel) != 1)
        return;
    pagetable_destroy(space->root);
    slab_free(&space_cache, space);
}

// One page that nobody will ever free: the ledger must show it.
static void leak_page(struct space *space)
{
    struct frame *frame;

    if (planted("leak-page") && frame_alloc(space->account, FRAME_USER, 0, 0, &frame) == 0)
        frame->owner = NULL;
}

void space_clear(struct space *space)
{
    struct list dead = LIST_INIT(dead);
    struct tlb_gather gather;
    struct region *region;

    tlb_gather_init(&gather, space);
    mutex_lock(&space->lock);
    for (region = region_find(space, 0); region != NULL; region = region_next(region))
        zap_into(&gather, region, region->start, region->end, true);
    tlb_gather_flush(&gather);
    region_remove_all(space, &dead);
    space->brk_start = 0;
    space->brk_end = 0;
    mutex_unlock(&space->lock);
    region_release_all(&dead);
}

void space_put(struct space *space)
{
    if (!refcount_put(&space->users))
        return;
    if (thread_current()->space == space)
        thread_set_space(NULL);
    leak_page(space);
    space_clear(space);
    drop_hold(space);
}

void space_switch(struct space *from, struct space *to)
{
    unsigned long bit = 1UL << arch_cpu();

    if (to != NULL) {
        atomic_fetch_add_explicit(&to->holds, 1, memory_order_relaxed);
        // Before the root is loaded, and sequentially consistent: see tlb_gather_flush.
        atomic_fetch_or(&to->cpus, bit);
        arch_root_load(to->root);
    } else {
        arch_root_load(arch_kernel_root());
    }
    if (from != NULL) {
        // Only now: loading another root has dropped what this CPU had of from.
        atomic_fetch_and(&from->cpus, ~bit);
        drop_hold(from);
    }
}

// --- Looking ---

struct region *space_find_locked(struct space *space, vaddr_t address)
{
    return region_find(space, address);
}

int space_walk(struct space *space, int (*visit)(const struct region *, void *), void *argument)
{
    struct region *region;
    int result = 0;

    mutex_lock(&space->lock);
    for (region = region_find(space, 0); region != NULL && result == 0;
         region = region_next(region))
        result = visit(region, argument);
    mutex_unlock(&space->lock);
    return result;
}

const char *fault_reason_text(enum fault_reason reason)
{
    static const char *const texts[] = {
        [FAULT_NULL] = "null pointer",
        [FAULT_UNMAPPED] = "unmapped address",
        [FAULT_READ_ONLY] = "write to read-only page",
        [FAULT_NO_EXECUTE] = "execute of a page without execute right",
        [FAULT_NO_READ] = "access to a page without read right",
        [FAULT_PAST_END] = "past the end of the file",
        [FAULT_STACK] = "stack overflow",
        [FAULT_REVOKED] = "the file was revoked",
        [FAULT_QUOTA] = "memory quota is full",
        [FAULT_KERNEL_ADDRESS] = "kernel address",
    };

    return reason < ARRAY_LEN(texts) ? texts[reason] : "?";
}
