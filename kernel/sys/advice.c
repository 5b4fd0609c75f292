// SPDX-License-Identifier: MIT
// advice.c - what a program says and asks about its pages: madvise, msync, mincore, mlock.
//
// There is no swap: a page that is resident stays so until it is given back. So locking brings
// pages in and needs to remember nothing.
#include "abi/mman.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/process.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/memory.h"
#include "kernel/sys/user.h"

#define MINCORE_PAGES 1024

static int check_mapped(vaddr_t start, size_t size)
{
    int error = sys_check_range(start, size);

    if (error != 0 || size == 0)
        return error;
    return space_resident(sys_space(), start, ALIGN_UP(size, PAGE_SIZE), NULL);
}

// What changes nothing still says whether all is mapped.
static int64_t advise(vaddr_t start, size_t size, int advice)
{
    struct space *space = sys_space();

    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return check_mapped(start, size);
    case MADV_DONTNEED:
    case MADV_FREE:
        return space_discard(space, start, size, advice == MADV_FREE);
    case MADV_DONTFORK:
        return space_mark(space, start, size, REGION_DONTFORK, 0);
    case MADV_DOFORK:
        return space_mark(space, start, size, 0, REGION_DONTFORK);
    case MADV_WIPEONFORK:
        return space_mark(space, start, size, REGION_WIPEONFORK, 0);
    case MADV_KEEPONFORK:
        return space_mark(space, start, size, 0, REGION_WIPEONFORK);
    default:
        return restartable(space_populate(
            space, start, size, advice == MADV_POPULATE_WRITE ? FAULT_WRITE : FAULT_READ));
    }
}

// Not built: huge pages, merging, punching holes.
static bool is_advice(int advice)
{
    return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || advice == MADV_FREE ||
           advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_DONTDUMP ||
           (advice >= MADV_DODUMP && advice <= MADV_POPULATE_WRITE);
}

CALL3(madvise, vaddr_t, start, size_t, size, int, advice)
{
    size_t whole = ALIGN_UP(size, PAGE_SIZE);

    if (!is_advice(advice) || start & PAGE_MASK || whole < size || start + whole < start)
        return -EINVAL;
    return whole == 0 ? 0 : advise(start, whole, advice);
}

CALL3(msync, vaddr_t, start, size_t, size, unsigned, flags)
{
    if (flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    return check_mapped(start, size);
}

CALL3(mincore, vaddr_t, start, size_t, size, vaddr_t, to)
{
    size_t left = ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE;
    int error = sys_check_range(start, size);
    uint8_t *resident;

    if (error != 0 || size == 0)
        return error;
    resident = kmalloc(MINCORE_PAGES, account_current());
    if (resident == NULL)
        return -EAGAIN;
    while (error == 0 && left != 0) {
        size_t part = MIN(left, (size_t)MINCORE_PAGES);

        error = space_resident(sys_space(), start, part * PAGE_SIZE, resident);
        if (error == 0)
            error = arch_copy_to_user(to, resident, part);
        start += part * PAGE_SIZE;
        to += part;
        left -= part;
        if (error == 0 && left != 0 && thread_relax())
            error = -EINTR;
    }
    kfree(resident);
    return error;
}

static int64_t lock_range(vaddr_t start, size_t size)
{
    vaddr_t page = ALIGN_DOWN(start, PAGE_SIZE);
    int error;

    if (size + (start - page) < size)
        return -EINVAL;
    size += start - page;
    error = check_mapped(page, size);
    if (error == 0)
        error = probe_for_read(page, size);
    return error == -EFAULT ? -ENOMEM : restartable(error);
}

CALL2(mlock, vaddr_t, start, size_t, size)
{
    return lock_range(start, size);
}

CALL3(mlock2, vaddr_t, start, size_t, size, unsigned, flags)
{
    return flags & ~(unsigned)MLOCK_ONFAULT ? -EINVAL : lock_range(start, size);
}

CALL2(munlock, vaddr_t, start, size_t, size)
{
    vaddr_t page = ALIGN_DOWN(start, PAGE_SIZE);

    return size + (start - page) < size ? -EINVAL : check_mapped(page, size + (start - page));
}

CALL1(mlockall, unsigned, flags)
{
    return flags == 0 || flags == MCL_ONFAULT ||
                   flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)
               ? -EINVAL
               : 0;
}

CALL0(munlockall)
{
    return 0;
}
