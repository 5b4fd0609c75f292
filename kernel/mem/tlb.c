// SPDX-License-Identifier: MIT
// tlb.c - gathers what leaves a space's page tables, and frees it once no CPU can reach it any
// more.
#include "kernel/mem/tlb.h"

#include "kernel/mem/frame.h"
#include "kernel/mem/space.h"

static void reset(struct tlb_gather *gather)
{
    gather->start = UINT64_MAX;
    gather->end = 0;
    gather->resident = 0;
    gather->shared = 0;
    gather->count = 0;
}

void tlb_gather_init(struct tlb_gather *gather, struct space *space)
{
    gather->space = space;
    reset(gather);
}

void tlb_gather_flush(struct tlb_gather *gather)
{
    struct space *space = gather->space;

    if (gather->start < gather->end) {
        uint64_t cpus;

        // The entries are written before the set is read. A CPU that loads the space sets its bit,
        // by a locked operation, before it loads the root: either its bit is seen here, or it sees
        // the new entries.
        atomic_thread_fence(memory_order_seq_cst);
        cpus = atomic_load_explicit(&space->cpus, memory_order_relaxed);
        if (cpus != 0)
            arch_tlb_shootdown(cpus, gather->start, (gather->end - gather->start) >> PAGE_SHIFT);
    }
    if (gather->resident != 0)
        atomic_fetch_sub_explicit(&space->pages_resident, gather->resident, memory_order_relaxed);
    if (gather->shared != 0)
        atomic_fetch_sub_explicit(&space->pages_shared, gather->shared, memory_order_relaxed);
    for (unsigned i = 0; i < gather->count; i++) {
        if (gather->frames[i]->use == FRAME_TABLE)
            frame_put_zeroed(gather->frames[i]); // it was emptied before
        else
            frame_put(gather->frames[i]);
    }
    reset(gather);
}
