// SPDX-License-Identifier: MIT
// peek.c - a space seen from outside: reading, writing, which pages are there, what a futex stands
// on.
#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/fault.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/sched/thread.h"

// The frame behind a page, brought in for access, with a reference.
static int hold_page(struct space *space, vaddr_t page, enum fault_access access, bool force,
                     struct frame **frame)
{
    struct fault fault = { .space = space, .page = page, .access = access, .force = force };
    const pte_t *entry;
    int error;

    *frame = NULL;
    mutex_lock(&space->lock);
    do {
        error = fault_bring_in(&fault);
        if (error != 0)
            break;
        if (region_is_vdso(fault.region)) {
            error = -EFAULT;
            break;
        }
        spin_lock(&space->table_lock);
        entry = pagetable_find(space->root, page);
        // A truncation may have taken it away again: then the next round fails.
        if (entry != NULL && *entry != 0) {
            *frame = frame_of(arch_pte_address(*entry));
            frame_get(*frame);
        }
        spin_unlock(&space->table_lock);
    } while (*frame == NULL);
    mutex_unlock(&space->lock);
    return error;
}

static int copy(struct space *space, vaddr_t at, char *buffer, size_t size, bool write, bool force)
{
    if (size > USER_END || at > USER_END - size)
        return -EFAULT;
    while (size > 0) {
        size_t offset = at % PAGE_SIZE;
        size_t part = MIN(size, PAGE_SIZE - offset);
        struct frame *frame;
        int error = hold_page(space, at - offset, write ? FAULT_WRITE : FAULT_READ, force, &frame);

        if (error != 0)
            return -EFAULT;
        if (write)
            memcpy((char *)frame_ptr(frame) + offset, buffer, part);
        else
            memcpy(buffer, (char *)frame_ptr(frame) + offset, part);
        frame_put(frame);
        if (thread_relax() && size > part)
            return -EFAULT;
        at += part;
        buffer += part;
        size -= part;
    }
    return 0;
}

int space_read(struct space *space, vaddr_t from, void *to, size_t size)
{
    return copy(space, from, to, size, false, false);
}

int space_write(struct space *space, vaddr_t to, const void *from, size_t size, bool force)
{
    return copy(space, to, (char *)from, size, true, force);
}

static bool is_resident(const struct space *space, vaddr_t page)
{
    const pte_t *entry = pagetable_find(space->root, page);

    return entry != NULL && *entry != 0;
}

int space_resident(struct space *space, vaddr_t start, size_t size, uint8_t *resident)
{
    vaddr_t end = start + size;
    int error;

    if (start % PAGE_SIZE != 0 || size > USER_END || start > USER_END - size)
        return -EINVAL;
    mutex_lock(&space->lock);
    error = region_check_covered(space, start, end);
    for (vaddr_t at = start; error == 0 && resident != NULL && at < end; at += PAGE_SIZE) {
        spin_lock(&space->table_lock);
        *resident++ = is_resident(space, at);
        spin_unlock(&space->table_lock);
    }
    mutex_unlock(&space->lock);
    return error;
}

int space_futex_key(struct space *space, vaddr_t address, bool shared, uint64_t key[3])
{
    const struct region *region;
    int error = 0;

    key[0] = (uintptr_t)space;
    key[1] = address;
    key[2] = 0;
    if (address >= USER_END)
        return -EFAULT;
    if (!shared)
        return 0;
    mutex_lock(&space->lock);
    region = region_find(space, address);
    if (region == NULL || region->start > address) {
        error = -EFAULT;
    } else if (region->pager != NULL && region->flags & REGION_SHARED) {
        // Not its address: who waits on a file that has gone must not be taken for one of another's.
        key[0] = region->pager->id;
        key[1] = region_page_index(region, ALIGN_DOWN(address, PAGE_SIZE));
        key[2] = address % PAGE_SIZE + 1; // never as a private one
    }
    mutex_unlock(&space->lock);
    return error;
}
