// SPDX-License-Identifier: MIT
// fork.c - copying a space: regions at once, pages when one side writes.
//
// Only pages of its own (FRAME_USER) are shared; what is a pager's, or zeros, comes by a fault. A
// writable page loses its right to be written in both, and one shootdown at the end makes the
// parent's other CPUs know.
#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/region.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/thread.h"

#define GROUPS_A_BATCH 64 // under the locks

// Two locks of one rank: in the order of their addresses.
static LOCKS_NOT_CHECKED void lock_tables(struct space *a, struct space *b)
{
    spin_lock(a < b ? &a->table_lock : &b->table_lock);
    spin_lock(a < b ? &b->table_lock : &a->table_lock);
}

static LOCKS_NOT_CHECKED void unlock_tables(struct space *a, struct space *b)
{
    spin_unlock(&a->table_lock);
    spin_unlock(&b->table_lock);
}

static pte_t without_write(const struct region *region, pte_t entry)
{
    pte_t made = arch_pte_page(arch_pte_address(entry), region_page_prot(region->flags, false));

    return arch_pte_present(entry) ? made : arch_pte_hide(made);
}

// Shares a group of the parent's pages. Both table locks held. Errors: -ENOMEM.
static int share_group(const struct region *region, struct pagetable_walk *walk, struct space *to,
                       struct tlb_gather *gather)
{
    pte_t *copies = NULL;
    long shared = 0;

    for (; walk->at < walk->stop; walk->entry++, walk->at += PAGE_SIZE) {
        pte_t entry = *walk->entry;
        struct frame *frame = entry != 0 ? frame_of(arch_pte_address(entry)) : NULL;

        if (frame == NULL || frame->use != FRAME_USER)
            continue;
        if (copies == NULL) {
            copies = pagetable_make(to->root, ALIGN_DOWN(walk->at, PAGETABLE_SPAN), to->account);
            if (copies == NULL)
                return -ENOMEM;
        }
        if (arch_pte_present(entry) && arch_pte_writable(entry)) {
            tlb_gather_page(gather, walk->at);
            pagetable_set(walk->entry, without_write(region, entry));
        }
        frame_get(frame);
        pagetable_set(&copies[arch_pt_index(walk->at, 0)], without_write(region, entry));
        shared++;
    }
    atomic_fetch_add_explicit(&to->pages_resident, shared, memory_order_relaxed);
    return 0;
}

static int share_pages(const struct region *region, struct space *to, struct tlb_gather *gather)
{
    struct space *from = region->space;
    vaddr_t at = region->start;
    int error = 0;

    while (error == 0 && at < region->end) {
        struct pagetable_walk walk = { .root = from->root, .at = at, .end = region->end };
        unsigned groups = 0;

        lock_tables(from, to);
        while (error == 0 && groups++ < GROUPS_A_BATCH && pagetable_walk(&walk))
            error = share_group(region, &walk, to, gather);
        unlock_tables(from, to);
        at = walk.at;
        if (groups <= GROUPS_A_BATCH)
            break;
        if (thread_relax())
            error = -EINTR;
    }
    return error;
}

static bool has_own_pages(const struct region *region)
{
    if (region_is_vdso(region))
        return false;
    return region->pager == NULL || (region->flags & REGION_COPIED);
}

static int copy_region(struct region *region, struct space *to, struct tlb_gather *gather)
{
    struct region *copy;

    if (region->flags & REGION_DONTFORK)
        return 0;
    copy = region_create(to, region);
    if (copy == NULL)
        return -ENOMEM;
    region_insert(copy, region);
    if (region->flags & REGION_WIPEONFORK)
        return 0;
    return has_own_pages(region) ? share_pages(region, to, gather) : 0;
}

static void copy_layout(const struct space *from, struct space *to)
{
    to->brk_start = from->brk_start;
    to->brk_end = from->brk_end;
    to->map_top = from->map_top;
    to->stack_top = from->stack_top;
    to->stack_limit = from->stack_limit;
    to->write_execute = from->write_execute;
    atomic_store(&to->barriers, atomic_load(&from->barriers));
    to->arg_start = from->arg_start;
    to->arg_end = from->arg_end;
    to->env_start = from->env_start;
    to->env_end = from->env_end;
    to->vdso = from->vdso;
}

int space_fork(struct space *from, struct space *to)
{
    struct tlb_gather gather;
    struct region *region;
    int error = 0;

    tlb_gather_init(&gather, from);
    mutex_lock(&from->lock);
    mutex_lock_nested(&to->lock);
    for (region = region_find(from, 0); region != NULL && error == 0; region = region_next(region))
        error = copy_region(region, to, &gather);
    copy_layout(from, to);
    // Before anybody can write in the child what another CPU could still write in the parent.
    tlb_gather_flush(&gather);
    mutex_unlock(&to->lock);
    mutex_unlock(&from->lock);
    if (error != 0)
        space_clear(to);
    return error;
}
