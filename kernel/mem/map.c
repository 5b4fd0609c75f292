// SPDX-License-Identifier: MIT
// map.c - mapping, unmapping and changing ranges of an address space.
//
// Each call checks its arguments, takes space->lock, reserves what may fail, and then changes the
// tree and the tables. Regions that are left over are released after the lock: the last reference
// to a file may lead anywhere.
#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/fault.h"
#include "kernel/mem/region.h"
#include "kernel/mem/zap.h"
#include "kernel/sched/thread.h"

#define WX (REGION_WRITE | REGION_EXECUTE)
#define REGION_MAY_ALL ((unsigned)REGION_MAY_WRITE | REGION_MAY_EXECUTE) // of anonymous memory

// Rounds size up. Errors: -EINVAL, -ENOMEM.
static int check_range(vaddr_t start, size_t *size)
{
    if (start % PAGE_SIZE != 0 || *size == 0)
        return -EINVAL;
    if (*size > USER_END)
        return -ENOMEM;
    *size = ALIGN_UP(*size, PAGE_SIZE);
    if (start > USER_END - *size)
        return -ENOMEM;
    return start < USER_MIN && !planted("page-zero") ? -EINVAL : 0;
}

static bool breaks_wx(const struct space *space, unsigned flags)
{
    return (flags & WX) == WX && !space->write_execute;
}

int map_clear_range(struct space *space, vaddr_t start, vaddr_t end, struct list *dead)
{
    struct region *region = region_find(space, start);

    if (region != NULL && region->start < start && region->end > end) {
        int error = region_split(region, end);

        if (error != 0)
            return error;
    }
    while (region != NULL && region->start < end) {
        struct region *next = region_next(region);
        vaddr_t from = MAX(start, region->start);
        vaddr_t to = MIN(end, region->end);

        zap(region, from, to, true);
        if (from > region->start)
            region_set_bounds(region, region->start, from);
        else if (to < region->end)
            region_set_bounds(region, to, region->end);
        else
            region_remove(region, dead);
        region = next;
    }
    return 0;
}

// Chooses where request goes, and clears the place if it is fixed.
static int place(struct space *space, const struct map_request *request, size_t size,
                 vaddr_t *start, struct list *dead)
{
    vaddr_t hint = ALIGN_DOWN(request->address, PAGE_SIZE);
    vaddr_t limit = request->low ? MAP_LOW_END : USER_END;
    const struct region *there;

    if (request->fixed_noreplace) {
        there = region_find(space, request->address);
        *start = request->address;
        if (planted("overlap-start"))
            size = PAGE_SIZE;
        return there != NULL && there->start < *start + size ? -EEXIST : 0;
    }
    if (request->fixed) {
        *start = request->address;
        return map_clear_range(space, *start, *start + size, dead);
    }
    if (hint >= REGION_LOWEST && size <= limit && hint <= limit - size &&
        region_is_free(space, hint, hint + size)) {
        *start = hint;
        return 0;
    }
    *start = region_find_hole(space, size, MIN(space->map_top, limit));
    if (*start == 0 && !request->low)
        *start = region_find_hole(space, size, USER_END);
    return *start != 0 ? 0 : -ENOMEM;
}

static int add(struct space *space, const struct map_request *request, vaddr_t start, vaddr_t end,
               struct region *region, struct list *dead)
{
    int error;

    if (region != NULL) {
        region->start = start;
        region->end = end;
        region_insert(region, NULL);
        error = 0;
    } else {
        error = region_add_anonymous(space, start, end, request->flags | REGION_MAY_ALL);
    }
    if (error == 0 && request->pager == NULL)
        region_join(space, start, end, dead);
    return error;
}

// Brings pages in as far as they come.
static void populate(struct space *space, vaddr_t start, vaddr_t end, unsigned flags)
{
    enum fault_access access = flags & REGION_WRITE ? FAULT_WRITE : FAULT_READ;
    enum fault_reason reason;

    if (!(flags & REGION_PROT))
        return;
    for (vaddr_t at = start; at < end; at += PAGE_SIZE) {
        if (space_fault(space, at, access, &reason) != 0 || thread_relax())
            return;
    }
}

// What is mapped over something else may not fail once that is gone, so its region is made before.
// Other anonymous memory widens a neighbour if it can.
static int prepare(struct space *space, const struct map_request *request, struct region **region)
{
    const struct region like = {
        .flags = request->flags | (request->pager == NULL ? REGION_MAY_ALL : 0U),
        .pager = request->pager,
        .page_offset = request->offset >> PAGE_SHIFT,
        .handle = request->handle,
    };

    *region = NULL;
    if (request->pager == NULL && (!request->fixed || request->fixed_noreplace))
        return 0;
    *region = region_create(space, &like);
    return *region != NULL ? 0 : -ENOMEM;
}

int space_map(struct space *space, const struct map_request *request, vaddr_t *address)
{
    struct list dead = LIST_INIT(dead);
    size_t size = request->size;
    bool fixed = request->fixed || request->fixed_noreplace;
    struct region *region;
    vaddr_t start;
    int error = check_range(fixed ? request->address : USER_MIN, &size);

    if (error != 0)
        return error;
    if (request->offset % PAGE_SIZE != 0 || request->offset + size < size)
        return -EINVAL;
    if (request->pager != NULL && request->flags & REGION_GROWS_DOWN)
        return -EINVAL; // below the first of a file's pages there is none to grow by
    if (breaks_wx(space, request->flags))
        return -EACCES;
    error = prepare(space, request, &region);
    if (error != 0)
        return error;
    mutex_lock(&space->lock);
    error = place(space, request, size, &start, &dead);
    if (error == 0)
        error = add(space, request, start, start + size, region, &dead);
    if (error != 0 && region != NULL)
        list_push_back(&dead, &region->pager_link);
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    if (error != 0)
        return error;
    if (request->populate)
        populate(space, start, start + size, request->flags);
    *address = start;
    return 0;
}

int space_map_vdso(struct space *space)
{
    const struct region like = {
        .start = space->vdso - PAGE_SIZE,
        .end = space->vdso + PAGE_SIZE,
        .flags = REGION_READ | REGION_EXECUTE | REGION_VDSO,
    };
    struct region *region = region_create(space, &like);
    struct list dead = LIST_INIT(dead);

    if (region == NULL)
        return -ENOMEM;
    mutex_lock(&space->lock);
    if (region_is_free(space, like.start, like.end)) {
        region_insert(region, NULL);
    } else {
        space->vdso = 0;
        list_push_back(&dead, &region->pager_link);
    }
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    return 0;
}

int space_unmap(struct space *space, vaddr_t start, size_t size)
{
    struct list dead = LIST_INIT(dead);
    int error = check_range(start, &size);

    if (error != 0)
        return -EINVAL;
    mutex_lock(&space->lock);
    error = map_clear_range(space, start, start + size, &dead);
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    return error;
}

int region_check_covered(const struct space *space, vaddr_t start, vaddr_t end)
{
    const struct region *region = region_find(space, start);

    for (vaddr_t at = start; at < end; region = region_next(region)) {
        if (region == NULL || region->start > at)
            return -ENOMEM;
        at = region->end;
    }
    return 0;
}

static int check_protect(const struct space *space, vaddr_t start, vaddr_t end, unsigned prot)
{
    int error = region_check_covered(space, start, end);
    const struct region *region = region_find(space, start);

    if (error != 0)
        return error;
    for (; region != NULL && region->start < end; region = region_next(region)) {
        if ((prot & REGION_WRITE && !(region->flags & REGION_MAY_WRITE)) ||
            (prot & REGION_EXECUTE && !(region->flags & REGION_MAY_EXECUTE)) ||
            region->flags & REGION_VDSO)
            return -EACCES;
    }
    return 0;
}

int map_split_at(struct space *space, vaddr_t at)
{
    struct region *region = region_find(space, at);

    return region != NULL && region->start < at ? region_split(region, at) : 0;
}

static void set_prot(struct region *region, unsigned prot)
{
    unsigned old = region->flags;

    if ((old & REGION_PROT) == prot)
        return;
    region->flags = (old & ~(unsigned)REGION_PROT) | prot;
    zap_rights(region, old);
}

int space_protect(struct space *space, vaddr_t start, size_t size, unsigned prot)
{
    struct list dead = LIST_INIT(dead);
    int error = check_range(start, &size);
    vaddr_t end = start + size;

    if (error != 0)
        return error;
    if (prot & ~(unsigned)REGION_PROT)
        return -EINVAL;
    if (breaks_wx(space, prot))
        return -EACCES;
    mutex_lock(&space->lock);
    error = check_protect(space, start, end, prot);
    if (error == 0)
        error = map_split_at(space, start);
    if (error == 0)
        error = map_split_at(space, end);
    if (error == 0) {
        struct region *region = region_find(space, start);

        for (; region != NULL && region->start < end; region = region_next(region))
            set_prot(region, prot);
    }
    region_join(space, start, end, &dead);
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    return error;
}

static int grow_heap(struct space *space, vaddr_t from, vaddr_t to)
{
    if (to > USER_END || !region_is_free(space, from, to))
        return -ENOMEM;
    return region_add_anonymous(space, from, to,
                                REGION_READ | REGION_WRITE | REGION_MAY_WRITE | REGION_MAY_EXECUTE |
                                    REGION_HEAP);
}

vaddr_t space_brk(struct space *space, vaddr_t end)
{
    struct list dead = LIST_INIT(dead);
    int error = 0;

    mutex_lock(&space->lock);
    if (end >= space->brk_start && space->brk_start != 0 && end < USER_END) {
        vaddr_t old_top = ALIGN_UP(space->brk_end, PAGE_SIZE);
        vaddr_t new_top = ALIGN_UP(end, PAGE_SIZE);

        if (new_top > old_top)
            error = grow_heap(space, old_top, new_top);
        else if (new_top < old_top)
            error = map_clear_range(space, new_top, old_top, &dead);
        if (error == 0)
            space->brk_end = end;
    }
    end = space->brk_end;
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    return end;
}

// Whether all is mapped, and if asked for, is private memory that is no file's.
static int check_covered(const struct space *space, vaddr_t start, vaddr_t end, bool anonymous)
{
    const struct region *region = region_find(space, start);
    int error = region_check_covered(space, start, end);

    for (; error == 0 && anonymous && region != NULL && region->start < end;
         region = region_next(region)) {
        if (region->pager != NULL)
            error = -EINVAL;
    }
    return error;
}

int space_mark(struct space *space, vaddr_t start, size_t size, unsigned set, unsigned clear)
{
    struct list dead = LIST_INIT(dead);
    int error = check_range(start, &size);
    vaddr_t end = start + size;

    if (error != 0)
        return error;
    mutex_lock(&space->lock);
    error = check_covered(space, start, end, (set & REGION_WIPEONFORK) != 0);
    if (error == 0)
        error = map_split_at(space, start);
    if (error == 0)
        error = map_split_at(space, end);
    if (error == 0) {
        struct region *region = region_find(space, start);

        for (; region != NULL && region->start < end; region = region_next(region))
            region->flags = (region->flags & ~clear) | set;
    }
    region_join(space, start, end, &dead);
    mutex_unlock(&space->lock);
    region_release_all(&dead);
    return error;
}

static int populate_error(enum fault_reason reason)
{
    switch (reason) {
    case FAULT_READ_ONLY:
    case FAULT_NO_EXECUTE:
    case FAULT_NO_READ:
        return -EINVAL;
    case FAULT_PAST_END:
    case FAULT_REVOKED:
        return -EFAULT;
    default:
        return -ENOMEM;
    }
}

int space_populate(struct space *space, vaddr_t start, size_t size, enum fault_access access)
{
    enum fault_reason reason;
    int error = check_range(start, &size);

    for (vaddr_t at = start; error == 0 && at < start + size; at += PAGE_SIZE) {
        if (space_fault(space, at, access, &reason) != 0)
            error = populate_error(reason);
        else if (thread_relax())
            error = -EINTR;
    }
    return error;
}

int space_discard(struct space *space, vaddr_t start, size_t size, bool anonymous)
{
    int error = check_range(start, &size);
    vaddr_t end = start + size;

    if (error != 0)
        return error;
    mutex_lock(&space->lock);
    error = check_covered(space, start, end, anonymous);
    if (error == 0) {
        struct region *region = region_find(space, start);

        for (; region != NULL && region->start < end; region = region_next(region))
            zap(region, MAX(start, region->start), MIN(end, region->end), true);
    }
    mutex_unlock(&space->lock);
    return error;
}
