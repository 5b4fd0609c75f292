// SPDX-License-Identifier: MIT
// fork.c - copying a space: regions at once, pages when one side writes.
//
// Only pages of its own (FRAME_USER) are shared; what is a pager's, or zeros, comes by a fault. A writable page loses its right
// to be written in both, and one shootdown at the end makes the parent's other CPUs know.
#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/region.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/thread.h"

// Two locks of one rank: in the order of their addresses.
static void lock_tables(struct space *a, struct space *b)
{
    spin_lock(a < b ? &a->table_lock : &b->table_lock);
    spin_lock(a < b ? &b->table_lock : &a->table_lock);
}

static void unlock_tables(struct space *a, struct space *b)
{
    spin_unlock(&a->table_lock);
    spin_unlock(&b->table_lock);
}

static pte_t without_write(const struct region *region, pte_t entry)
{
    pte_t made = arch_pte_page(arch_pte_address(entry), region_page_prot(region->flags, false));

    return arch_pte_present(entry) ? made : arch_pte_hide(made);
}

// Shares what one table of the parent's holds, from *at on. Both table locks held. Errors: -ENOMEM.
static int share_table(const struct region *region, pte_t *entry, struct space *to, vaddr_t *at, vaddr_t end,
                       struct tlb_gather *gather)
{
    vaddr_t stop = MIN(end, ALIGN_DOWN(*at, PAGETABLE_SPAN) + PAGETABLE_SPAN);
    pte_t *copies = NULL;
    long shared = 0;
    int error = 0;

    for (; *at < stop; entry++, *at += PAGE_SIZE) {
        struct frame *frame;

        if (*entry == 0)
            continue;
        frame = frame_of(arch_pte_address(*entry));
        if (frame->use != FRAME_USER)
            continue;
        if (copies == NULL) {
            copies = pagetable_make(to->root, ALIGN_DOWN(*at, PAGETABLE_SPAN), to->account);
            if (copies == NULL) {
                error = -ENOMEM;
                break;
            }
        }
        if (arch_pte_present(*entry) && arch_pte_writable(*entry)) {
            tlb_gather_page(gather, *at);
            pagetable_set(entry, without_write(region, *entry));
        }
        frame_get(frame);
        pagetable_set(&copies[arch_pt_index(*at, 0)], without_write(region, *entry));
        shared++;
    }
    atomic_fetch_add_explicit(&to->pages_resident, shared, memory_order_relaxed);
    return error;
}

static int share_pages(const struct region *region, struct space *to, struct tlb_gather *gather)
{
    struct space *from = region->space;
    int error = 0;

    for (vaddr_t at = region->start; error == 0 && at < region->end;) {
        pte_t *entry;

        lock_tables(from, to);
        entry = pagetable_next(from->root, &at, region->end);
        if (entry == NULL)
            at = region->end;
        else
            error = share_table(region, entry, to, &at, region->end, gather);
        unlock_tables(from, to);
        if (thread_relax() && error == 0)
            error = -EINTR;
    }
    return error;
}

static bool has_own_pages(const struct region *region)
{
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
