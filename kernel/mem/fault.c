// SPDX-License-Identifier: MIT
// fault.c - page faults.
//
// A page of a region is, in this order of its life: absent -> a reader's view (the frame of zeros,
// or the pager's page, read-only) -> its own (FRAME_USER, writable). After fork its own may be
// shared, read-only, until one side writes; the last one keeps it.
// A page of a shared region is the pager's page. Pages whose region lost all rights stay in the
// table, hidden.
//
// A pager's page is mapped with pager->lock held, so truncation comes wholly before (the fault
// fails) or after (it unmaps). A copy of one is made without locks; so it is put in only if the
// pager's epoch is what it was when the page was read.
#include "kernel/mem/fault.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/ledger.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/thread.h"

#define AROUND_PAGES 16 // of a file's cached pages, mapped by one fault

static int fail(struct fault *fault, enum fault_reason reason)
{
    fault->reason = reason;
    return -EFAULT;
}

// --- Which region, and may it ---

static enum fault_reason outside_reason(const struct fault *fault, const struct region *above)
{
    const struct space *space = fault->space;

    if (fault->page < USER_MIN)
        return FAULT_NULL;
    if (above != NULL && above->flags & REGION_GROWS_DOWN &&
        above->end - fault->page <= space->stack_limit + STACK_GUARD)
        return FAULT_STACK;
    return FAULT_UNMAPPED;
}

static bool grow_stack(struct fault *fault, struct region *stack)
{
    const struct region *below = region_prev(stack);

    if (!(stack->flags & REGION_GROWS_DOWN) || fault->page < USER_MIN ||
        stack->end - fault->page > fault->space->stack_limit)
        return false;
    if (below != NULL && fault->page < below->end + STACK_GUARD)
        return false;
    region_set_bounds(stack, fault->page, stack->end);
    return true;
}

static int check_rights(struct fault *fault)
{
    unsigned flags = fault->region->flags;

    if (region_is_revoked(fault->region))
        return fail(fault, FAULT_REVOKED);
    if (fault->force) {
        if (!(flags & REGION_WRITE) && (flags & REGION_SHARED || !(flags & REGION_MAY_WRITE)))
            return fail(fault, FAULT_READ_ONLY);
        return 0;
    }
    if (fault->access == FAULT_WRITE && !(flags & REGION_WRITE))
        return fail(fault, FAULT_READ_ONLY);
    if (fault->access == FAULT_EXECUTE && !(flags & REGION_EXECUTE))
        return fail(fault, FAULT_NO_EXECUTE);
    return flags & REGION_PROT ? 0 : fail(fault, FAULT_NO_READ);
}

int fault_find_region(struct fault *fault)
{
    struct region *region = region_find(fault->space, fault->page);

    if (region == NULL || (region->start > fault->page && !grow_stack(fault, region)))
        return fail(fault, outside_reason(fault, region));
    fault->region = region;
    return check_rights(fault);
}

// --- Changing the table ---

static void count_pages(struct space *space, long resident, long shared)
{
    if (resident != 0)
        atomic_fetch_add_explicit(&space->pages_resident, resident, memory_order_relaxed);
    if (shared != 0)
        atomic_fetch_add_explicit(&space->pages_shared, shared, memory_order_relaxed);
}

static pte_t page_entry(const struct fault *fault, paddr_t address, bool writable)
{
    unsigned flags = fault->region->flags;
    pte_t entry =
        arch_pte_page(address, region_page_prot(flags, writable && (flags & REGION_WRITE)));

    return flags & REGION_PROT ? entry : arch_pte_hide(entry);
}

// Puts a page of its own where what (NULL: nothing) is mapped, and takes over the reference on
// made.
// Errors: -EAGAIN: something else is there now, or the pager was truncated; -ENOMEM. made is given
// back.
static int replace(struct fault *fault, const struct frame *what, struct frame *made,
                   const uint64_t *epoch)
{
    struct space *space = fault->space;
    struct tlb_gather gather;
    int error = 0;
    pte_t *entry;

    tlb_gather_init(&gather, space);
    spin_lock(&space->table_lock);
    entry = pagetable_make(space->root, fault->page, space->account);
    if (entry == NULL)
        error = -ENOMEM;
    else if (what == NULL ? *entry != 0 : *entry == 0 || frame_of(arch_pte_address(*entry)) != what)
        error = -EAGAIN;
    else if (epoch != NULL &&
             __atomic_load_n(&fault->region->pager->epoch, __ATOMIC_ACQUIRE) != *epoch)
        error = -EAGAIN;
    if (error != 0) {
        spin_unlock(&space->table_lock);
        frame_put(made);
        return error;
    }
    if (what != NULL) {
        tlb_gather_page(&gather, fault->page);
        if (what != frame_zero) {
            gather.resident = 1;
            gather.shared = what->use == FRAME_CACHE;
            tlb_gather_frame(&gather, frame_of(arch_pte_address(*entry)));
        }
    }
    pagetable_set(entry, page_entry(fault, frame_paddr(made), true));
    spin_unlock(&space->table_lock);
    count_pages(space, 1, 0);
    tlb_gather_flush(&gather);
    return 0;
}

// --- Memory of its own ---

// In place of the frame of zeros.
static int make_zeroed(struct fault *fault)
{
    struct frame *made;
    int error = frame_alloc(fault->space->account, FRAME_USER, 0, FRAME_ZERO, &made);

    return error != 0 ? error : replace(fault, frame_zero, made, NULL);
}

// from is held by the caller.
static int make_copy(struct fault *fault, const struct frame *what, const struct frame *from,
                     const uint64_t *epoch)
{
    struct frame *made;
    int error = frame_alloc(fault->space->account, FRAME_USER, 0, 0, &made);

    if (error != 0)
        return error;
    memcpy(frame_ptr(made), frame_ptr(from), PAGE_SIZE);
    if (fault->region->pager != NULL)
        fault->region->flags |= REGION_COPIED;
    return replace(fault, what, made, epoch);
}

// Untouched anonymous memory: the commonest fault. table_lock held.
static int fill_locked(struct fault *fault, pte_t *entry)
{
    struct space *space = fault->space;
    struct frame *frame;
    int error;

    if (fault->access != FAULT_WRITE) {
        pagetable_set(entry, page_entry(fault, frame_paddr(frame_zero), false));
        return 0;
    }
    error = frame_alloc(space->account, FRAME_USER, 0, FRAME_ZERO, &frame);
    if (error != 0)
        return error;
    pagetable_set(entry, page_entry(fault, frame_paddr(frame), true));
    count_pages(space, 1, 0);
    return 0;
}

// --- Something is there already ---

enum present {
    PRESENT_NOT,
    PRESENT_DONE,
    // the page must be copied first; *frame is what is there, with a reference (not on frame_zero)
    PRESENT_COPY,
};

static enum present look_locked(struct fault *fault, pte_t *entry, struct frame **out)
{
    bool writes = fault->access == FAULT_WRITE;
    struct frame *frame;

    if (*entry == 0)
        return PRESENT_NOT;
    if (fault->region->flags & REGION_SHARED) {
        pagetable_set(entry, page_entry(fault, arch_pte_address(*entry), true));
        return PRESENT_DONE;
    }
    frame = frame_of(arch_pte_address(*entry));
    // Its own if no other space has it; nobody can take a reference on it but through this table.
    if (!writes || (frame->use == FRAME_USER && atomic_load(&frame->refs) == 1)) {
        bool writable = writes || (arch_pte_present(*entry) && arch_pte_writable(*entry));

        pagetable_set(entry, page_entry(fault, frame_paddr(frame), writable));
        return PRESENT_DONE;
    }
    if (frame != frame_zero)
        frame_get(frame);
    *out = frame;
    return PRESENT_COPY;
}

static int copy_present(struct fault *fault, struct frame *frame)
{
    int error;

    if (frame == frame_zero)
        return make_zeroed(fault);
    error = make_copy(fault, frame, frame, NULL);
    frame_put(frame);
    return error;
}

// All that needs no pager. Errors: -ENOMEM, -EAGAIN, -ENOENT: the pager must be asked.
static int resolve_in_table(struct fault *fault)
{
    struct space *space = fault->space;
    bool anonymous = fault->region->pager == NULL;
    enum present found = PRESENT_NOT;
    struct frame *frame = NULL;
    pte_t *entry;
    int error = 0;

    spin_lock(&space->table_lock);
    entry = anonymous ? pagetable_make(space->root, fault->page, space->account)
                      : pagetable_find(space->root, fault->page);
    if (entry != NULL)
        found = look_locked(fault, entry, &frame);
    if (found == PRESENT_NOT && !anonymous)
        error = -ENOENT;
    else if (found == PRESENT_NOT)
        error = entry != NULL ? fill_locked(fault, entry) : -ENOMEM;
    spin_unlock(&space->table_lock);
    return found == PRESENT_COPY ? copy_present(fault, frame) : error;
}

// --- A pager's pages ---

// Maps what the cache has of the pages from start to end; nothing that is there is touched. first:
// the entry of start. Both locks held.
// Returns: whether fault->page is mapped.
static bool map_cached_locked(struct fault *fault, pte_t *first, vaddr_t start, vaddr_t end)
{
    struct region *region = fault->region;
    const pte_t rights = page_entry(fault, 0, region->flags & REGION_SHARED);
    uint64_t index = region_page_index(region, start);
    void *const *run = NULL;
    long mapped = 0;
    bool found = false;

    for (vaddr_t at = start; at < end; at += PAGE_SIZE, first++, index++) {
        struct frame *frame;

        if (at == start || index % RADIX_RUN == 0)
            run = radix_run(&region->pager->pages, index);
        frame = run != NULL ? run[index % RADIX_RUN] : NULL;
        if (frame == NULL || *first != 0)
            continue;
        frame_get(frame);
        pagetable_set(first, arch_pte_move(rights, frame_paddr(frame)));
        mapped++;
        found |= at == fault->page;
    }
    count_pages(fault->space, mapped, mapped);
    return found;
}

// Errors: -EFAULT past the end, -ENOENT not in the cache, -ENOMEM.
static int map_cached(struct fault *fault)
{
    struct region *region = fault->region;
    struct pager *pager = region->pager;
    vaddr_t window = ALIGN_DOWN(fault->page, AROUND_PAGES * PAGE_SIZE);
    vaddr_t start = MAX(window, region->start);
    vaddr_t end = MIN(window + AROUND_PAGES * PAGE_SIZE, region->end);
    pte_t *first;
    int error = 0;

    rwlock_read_lock(&pager->lock);
    if (region_page_index(region, fault->page) >= pager_pages(pager)) {
        rwlock_read_unlock(&pager->lock);
        return fail(fault, FAULT_PAST_END);
    }
    spin_lock(&fault->space->table_lock);
    // The window lies in one table of the last level.
    first = pagetable_make(fault->space->root, start, fault->space->account);
    if (first == NULL)
        error = -ENOMEM;
    else if (!map_cached_locked(fault, first, start, end))
        error = -ENOENT;
    spin_unlock(&fault->space->table_lock);
    rwlock_read_unlock(&pager->lock);
    return error;
}

static int map_shared(struct fault *fault)
{
    struct pager *pager = fault->region->pager;
    int error = map_cached(fault);
    struct frame *frame;

    if (error != -ENOENT)
        return error;
    error = pager_make_page(pager, region_page_index(fault->region, fault->page), &frame, NULL);
    if (error != 0)
        return error;
    frame_put(frame);
    return map_cached(fault) == -ENOENT ? -EAGAIN : 0;
}

static int copy_from_pager(struct fault *fault)
{
    struct pager *pager = fault->region->pager;
    struct frame *frame;
    uint64_t epoch;
    int error =
        pager_make_page(pager, region_page_index(fault->region, fault->page), &frame, &epoch);

    if (error != 0)
        return error;
    error = make_copy(fault, NULL, frame, &epoch);
    frame_put(frame);
    return error;
}

static int resolve_absent(struct fault *fault)
{
    const struct region *region = fault->region;
    int error;

    if (fault->access == FAULT_WRITE && !(region->flags & REGION_SHARED))
        error = copy_from_pager(fault);
    else
        error = map_shared(fault);
    return error == -ENODATA ? fail(fault, FAULT_PAST_END) : error;
}

// --- The vDSO ---

static int enter_vdso_page(const struct fault *fault, vaddr_t page, paddr_t address, unsigned prot)
{
    const struct region *region = fault->region;
    pte_t *entry;

    if (page < region->start || page >= region->end)
        return 0;
    entry = pagetable_make(fault->space->root, page, fault->space->account);
    if (entry == NULL)
        return -ENOMEM;
    pagetable_set(entry, arch_pte_page(address, PAGE_USER | PAGE_READ | prot));
    return 0;
}

// Both pages at once: who wants one wants the other next. A part may be unmapped.
static int map_vdso(struct fault *fault)
{
    struct space *space = fault->space;
    int error;

    if (fault->access == FAULT_EXECUTE && fault->page != space->vdso)
        return fail(fault, FAULT_NO_EXECUTE);
    spin_lock(&space->table_lock);
    error = enter_vdso_page(fault, space->vdso, arch_vdso_code(), PAGE_EXECUTE);
    if (error == 0)
        error = enter_vdso_page(fault, space->vdso - PAGE_SIZE, arch_vdso_data(), 0);
    spin_unlock(&space->table_lock);
    return error;
}

// --- The whole ---

int fault_resolve(struct fault *fault)
{
    int error;

    if (region_is_vdso(fault->region))
        return map_vdso(fault);
    error = resolve_in_table(fault);
    return error == -ENOENT ? resolve_absent(fault) : error;
}

LOCKS_NOT_CHECKED int fault_page_in(struct fault *fault)
{
    struct pager *pager = fault->region->pager;
    uint64_t index = region_page_index(fault->region, fault->page);
    struct frame *frame;
    int error;

    if (pager == NULL || pager->ops->page_in == NULL)
        return thread_killed() ? -EINTR : 0; // it was a race; once more
    if (pager->ops->get != NULL)
        pager->ops->get(pager);
    mutex_unlock(&fault->space->lock);
    error = pager_page(pager, index, true, &frame);
    if (error == 0 && frame != NULL)
        frame_put(frame);
    if (pager->ops->put != NULL)
        pager->ops->put(pager);
    thread_current()->faults_major++;
    mutex_lock(&fault->space->lock);
    return error == 0 && thread_killed() ? -EINTR : error;
}

static int reason_of(struct fault *fault, int error)
{
    return error == 0 || error == -EFAULT
               ? error
               : fail(fault, error == -ENOMEM ? FAULT_QUOTA : FAULT_PAST_END);
}

int fault_bring_in(struct fault *fault)
{
    int error;

    do {
        error = fault_find_region(fault);
        if (error == 0)
            error = fault_resolve(fault);
        if (error == -EAGAIN) {
            error = fault_page_in(fault);
            if (error == 0)
                error = -EAGAIN;
        }
    } while (error == -EAGAIN);
    return reason_of(fault, error);
}

static int try_fault(struct fault *fault)
{
    int error;

    mutex_lock(&fault->space->lock);
    error = fault_bring_in(fault);
    mutex_unlock(&fault->space->lock);
    return error;
}

int space_fault(struct space *space, vaddr_t address, enum fault_access access,
                enum fault_reason *reason)
{
    struct fault fault = { .space = space,
                           .page = ALIGN_DOWN(address, PAGE_SIZE),
                           .access = access };
    int error;

    if (address >= USER_END) {
        *reason = FAULT_KERNEL_ADDRESS;
        return -EFAULT;
    }
    error = try_fault(&fault);
    // Where the machine itself is full, what is kept for speed may be enough.
    if (error != 0 && fault.reason == FAULT_QUOTA && account_last_full() == &account_root) {
        ledger_drop_caches();
        error = try_fault(&fault);
    }
    thread_current()->faults_minor++;
    *reason = fault.reason;
    return error;
}
