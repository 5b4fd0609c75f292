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
#define PAGES_A_BATCH 512 // where no frames are gathered

static void gather_entry(struct tlb_gather *gather, vaddr_t at, pte_t entry, bool device)
{
    struct frame *frame;

    tlb_gather_page(gather, at);
    if (device)
        return;
    frame = frame_of(arch_pte_address(entry));
    if (frame == frame_zero)
        return;
    gather->resident++;
    if (frame->use == FRAME_CACHE)
        gather->shared++;
    tlb_gather_frame(gather, frame);
}

// Empties what is in one table, from *at on, until gather is full.
static void zap_table(pte_t *entry, vaddr_t *at, vaddr_t end, struct tlb_gather *gather, bool device)
{
    vaddr_t stop = MIN(end, ALIGN_DOWN(*at, PAGETABLE_SPAN) + PAGETABLE_SPAN);

    for (; *at < stop && !tlb_gather_full(gather); entry++, *at += PAGE_SIZE) {
        pte_t value = *entry;

        if (value == 0)
            continue;
        pagetable_set(entry, 0);
        gather_entry(gather, *at, value, device);
    }
}

void zap(struct region *region, vaddr_t start, vaddr_t end, bool relax)
{
    struct space *space = region->space;
    bool device = region_is_device(region);
    struct tlb_gather gather;
    unsigned batches = 0;

    tlb_gather_init(&gather, space);
    for (vaddr_t at = start; at < end;) {
        spin_lock(&space->table_lock);
        while (!tlb_gather_full(&gather)) {
            pte_t *entry = pagetable_next(space->root, &at, end);
            vaddr_t first = at;

            if (entry == NULL) {
                at = end;
                break;
            }
            zap_table(entry, &at, end, &gather, device);
            pagetable_prune(space->root, first, &gather);
        }
        spin_unlock(&space->table_lock);
        tlb_gather_flush(&gather);
        if (relax && ++batches % BATCHES_TO_RELAX == 0)
            (void)thread_relax(); // a killed thread goes on: pages go faster than they came
    }
}

// What an entry becomes. Rights are only taken away here, or given back to one that had none; write comes with a fault.
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
    struct tlb_gather gather;

    tlb_gather_init(&gather, space);
    for (vaddr_t at = region->start; at < region->end;) {
        unsigned count = 0;
        pte_t *entry;

        spin_lock(&space->table_lock);
        entry = pagetable_next(space->root, &at, region->end);
        if (entry == NULL)
            at = region->end;
        for (; entry != NULL && at < region->end && count < PAGES_A_BATCH; at += PAGE_SIZE, entry++) {
            count++;
            if (*entry != 0) {
                pagetable_set(entry, narrowed(*entry, region->flags));
                if (lost)
                    tlb_gather_page(&gather, at);
            }
            if ((at + PAGE_SIZE) % PAGETABLE_SPAN == 0)
                count = PAGES_A_BATCH; // the table ends here
        }
        spin_unlock(&space->table_lock);
        (void)thread_relax();
    }
    tlb_gather_flush(&gather);
}

// Both tables of a move: for each page in use below from there is an entry below to.
int zap_prepare_move(struct region *region, vaddr_t to, vaddr_t from, size_t size)
{
    struct space *space = region->space;
    vaddr_t end = from + size;
    unsigned done = 0;
    int error = 0;

    spin_lock(&space->table_lock);
    for (vaddr_t at = from; error == 0 && at < end; at += PAGE_SIZE) {
        const pte_t *entry = pagetable_next(space->root, &at, end);

        if (entry == NULL)
            break;
        if (*entry != 0 && pagetable_make(space->root, to + (at - from), space->account) == NULL)
            error = -ENOMEM;
        if (++done % PAGES_A_BATCH == 0) {
            spin_unlock(&space->table_lock);
            (void)thread_relax();
            spin_lock(&space->table_lock);
        }
    }
    spin_unlock(&space->table_lock);
    return error;
}

void zap_move(struct region *region, vaddr_t to, vaddr_t from, size_t size)
{
    struct space *space = region->space;
    vaddr_t end = from + size;
    struct tlb_gather gather;

    tlb_gather_init(&gather, space);
    for (vaddr_t at = from; at < end;) {
        spin_lock(&space->table_lock);
        for (unsigned count = 0; at < end && count < PAGES_A_BATCH && !tlb_gather_full(&gather); count++) {
            pte_t *entry = pagetable_next(space->root, &at, end);

            if (entry == NULL) {
                at = end;
                break;
            }
            if (*entry != 0) {
                pagetable_set(pagetable_find(space->root, to + (at - from)), *entry);
                pagetable_set(entry, 0);
                tlb_gather_page(&gather, at);
                pagetable_prune(space->root, at, &gather);
            }
            at += PAGE_SIZE;
        }
        spin_unlock(&space->table_lock);
        tlb_gather_flush(&gather);
        (void)thread_relax();
    }
}
