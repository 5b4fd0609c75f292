// SPDX-License-Identifier: MIT
// zap.c - taking pages out of a space's tables, changing their rights, moving them.
//
// All go through the tables in batches: a batch under table_lock, then the flush without it.
#include "kernel/mem/zap.h"

#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/thread.h"

#define BATCHES_TO_RELAX 16
#define GROUPS_A_BATCH 64 // where no frames are gathered

static void gather_entry(struct tlb_gather *gather, vaddr_t at, pte_t entry, bool vdso)
{
    struct frame *frame;

    tlb_gather_page(gather, at);
    if (vdso)
        return;
    frame = frame_of(arch_pte_address(entry));
    if (frame == frame_zero)
        return;
    gather->resident++;
    if (frame->use == FRAME_CACHE)
        gather->shared++;
    tlb_gather_frame(gather, frame);
}

static void zap_group(struct pagetable_walk *walk, struct tlb_gather *gather, bool vdso)
{
    vaddr_t first = walk->at;
    pte_t *entry = walk->entry;

    for (; walk->at < walk->stop; entry++, walk->at += PAGE_SIZE) {
        pte_t value = *entry;

        if (value == 0)
            continue;
        __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
        walk->table->used--;
        gather_entry(gather, walk->at, value, vdso);
    }
    if (walk->stop - first == PAGETABLE_GROUP)
        walk->table->groups &=
            ~(UINT64_C(1) << (arch_pt_index(first, 0) / PAGETABLE_GROUP_ENTRIES));
    if (walk->table->used == 0) {
        pagetable_prune(walk->root, first, gather);
        walk->at = walk->table_end;
    }
}

void zap_into(struct tlb_gather *gather, struct region *region, vaddr_t start, vaddr_t end,
              bool relax)
{
    struct space *space = region->space;
    bool vdso = region_is_vdso(region);
    unsigned batches = 0;

    while (start < end) {
        struct pagetable_walk walk = { .root = space->root, .at = start, .end = end };

        spin_lock(&space->table_lock);
        while (!tlb_gather_full(gather) && pagetable_walk(&walk))
            zap_group(&walk, gather, vdso);
        spin_unlock(&space->table_lock);
        start = walk.at;
        if (!tlb_gather_full(gather))
            break;
        tlb_gather_flush(gather);
        if (relax && ++batches % BATCHES_TO_RELAX == 0)
            (void)thread_relax(); // a killed thread goes on: pages go faster than they came
    }
}

void zap(struct region *region, vaddr_t start, vaddr_t end, bool relax)
{
    struct tlb_gather gather;

    tlb_gather_init(&gather, region->space);
    zap_into(&gather, region, start, end, relax);
    tlb_gather_flush(&gather);
}

// What an entry becomes. Rights are only taken away here, or given back to one that had none; write
// comes with a fault.
static pte_t narrowed(pte_t entry, unsigned flags)
{
    paddr_t address = arch_pte_address(entry);
    bool writable = arch_pte_present(entry) && arch_pte_writable(entry) && (flags & REGION_WRITE);

    entry = arch_pte_page(address, region_page_prot(flags, writable));
    return flags & REGION_PROT ? entry : arch_pte_hide(entry);
}

void zap_rights(struct region *region, unsigned old_flags)
{
    struct space *space = region->space;
    bool lost = (old_flags & ~region->flags & REGION_PROT) != 0;
    vaddr_t at = region->start;
    struct tlb_gather gather;

    tlb_gather_init(&gather, space);
    while (at < region->end) {
        struct pagetable_walk walk = { .root = space->root, .at = at, .end = region->end };
        unsigned groups = 0;

        spin_lock(&space->table_lock);
        while (groups++ < GROUPS_A_BATCH && pagetable_walk(&walk)) {
            for (; walk.at < walk.stop; walk.at += PAGE_SIZE, walk.entry++) {
                if (*walk.entry == 0)
                    continue;
                pagetable_set(walk.entry, narrowed(*walk.entry, region->flags));
                if (lost)
                    tlb_gather_page(&gather, walk.at);
            }
        }
        spin_unlock(&space->table_lock);
        at = walk.at;
        if (groups <= GROUPS_A_BATCH)
            break;
        (void)thread_relax();
    }
    tlb_gather_flush(&gather);
}

// Makes the tables for one group of pages to be moved, and pins them: other pages in them may go
// meanwhile, by a truncation.
static int prepare_group(struct pagetable_walk *walk, struct space *space, uint64_t distance)
{
    for (; walk->at < walk->stop; walk->at += PAGE_SIZE, walk->entry++) {
        pte_t *entry;
        struct frame *table;

        if (*walk->entry == 0)
            continue;
        entry = pagetable_make(space->root, walk->at + distance, space->account);
        if (entry == NULL)
            return -ENOMEM;
        table = frame_of(direct_paddr(entry));
        if (table->used < PAGETABLE_PINNED)
            table->used += PAGETABLE_PINNED;
    }
    return 0;
}

// After a move, or one that failed: takes the pins off the tables of a range, and frees those that
// are empty.
static void settle_tables(struct space *space, vaddr_t start, vaddr_t end)
{
    struct tlb_gather gather;

    tlb_gather_init(&gather, space);
    while (start < end) {
        struct pagetable_walk walk = { .root = space->root, .at = start, .end = end };
        unsigned tables = 0;

        spin_lock(&space->table_lock);
        while (tables++ < GROUPS_A_BATCH && !tlb_gather_full(&gather) &&
               pagetable_walk_tables(&walk)) {
            if (walk.table->used >= PAGETABLE_PINNED)
                walk.table->used -= PAGETABLE_PINNED;
            pagetable_prune(space->root, walk.at, &gather);
            walk.at = walk.table_end;
        }
        spin_unlock(&space->table_lock);
        start = walk.at;
        tlb_gather_flush(&gather);
        (void)thread_relax();
    }
}

static int prepare_tables(struct space *space, vaddr_t from, vaddr_t end, uint64_t distance)
{
    int error = 0;

    while (error == 0 && from < end) {
        struct pagetable_walk walk = { .root = space->root, .at = from, .end = end };
        unsigned groups = 0;

        spin_lock(&space->table_lock);
        while (error == 0 && groups++ < GROUPS_A_BATCH && pagetable_walk(&walk))
            error = prepare_group(&walk, space, distance);
        spin_unlock(&space->table_lock);
        from = walk.at;
        if (groups <= GROUPS_A_BATCH)
            break;
        (void)thread_relax();
    }
    return error;
}

int zap_prepare_move(struct region *region, vaddr_t to, vaddr_t from, size_t size)
{
    int error = prepare_tables(region->space, from, from + size, to - from);

    if (error != 0)
        settle_tables(region->space, to, to + size);
    return error;
}

void zap_give_up_move(struct region *region, vaddr_t to, size_t size)
{
    settle_tables(region->space, to, to + size);
}

static void move_group(struct pagetable_walk *walk, struct tlb_gather *gather, uint64_t distance)
{
    for (; walk->at < walk->stop; walk->at += PAGE_SIZE, walk->entry++) {
        if (*walk->entry == 0)
            continue;
        pagetable_set(pagetable_find(walk->root, walk->at + distance), *walk->entry);
        pagetable_set(walk->entry, 0);
        tlb_gather_page(gather, walk->at);
    }
}

void zap_move(struct region *region, vaddr_t to, vaddr_t from, size_t size)
{
    struct space *space = region->space;
    vaddr_t at = from, end = from + size;
    struct tlb_gather gather;

    tlb_gather_init(&gather, space);
    while (at < end) {
        struct pagetable_walk walk = { .root = space->root, .at = at, .end = end };
        unsigned groups = 0;

        spin_lock(&space->table_lock);
        while (groups++ < GROUPS_A_BATCH && pagetable_walk(&walk))
            move_group(&walk, &gather, to - from);
        spin_unlock(&space->table_lock);
        at = walk.at;
        tlb_gather_flush(&gather);
        if (groups <= GROUPS_A_BATCH)
            break;
        (void)thread_relax();
    }
    // Only now: a table that the source has left may be one that the target needs.
    settle_tables(space, from, end);
    settle_tables(space, to, to + size);
}
