// SPDX-License-Identifier: MIT
// remap.c - mremap: growing, shrinking and moving a range of one region.
//
// A move makes a copy of the region at the new place, moves the entries of the tables, and only
// then takes the old one out; the copy follows the old one in the pager's list, so a truncation
// meanwhile comes to both, in this order.
#include "abi/errors.h"
#include "kernel/mem/region.h"
#include "kernel/mem/zap.h"

#define MOVE_MAY 1   // MREMAP_MAYMOVE
#define MOVE_FIXED 2 // MREMAP_FIXED

struct move {
    struct space *space;
    vaddr_t old, new;
    size_t old_size, new_size;
    struct list dead;
};

static int check(const struct move *move, unsigned flags)
{
    if (move->old % PAGE_SIZE != 0 || move->old_size == 0 || move->new_size == 0)
        return -EINVAL;
    if (move->old_size > USER_END || move->old > USER_END - move->old_size)
        return -EFAULT;
    if (move->new_size > USER_END)
        return -ENOMEM;
    if (!(flags & MOVE_FIXED))
        return 0;
    if (!(flags & MOVE_MAY) || move->new % PAGE_SIZE != 0 || move->new < USER_MIN ||
        move->new > USER_END - move->new_size)
        return -EINVAL;
    return move->new < move->old + move->old_size && move->old < move->new + move->new_size
               ? -EINVAL
               : 0;
}

// The region that the old range lies in.
static struct region *find(const struct move *move)
{
    struct region *region = region_find(move->space, move->old);

    if (region == NULL || region->start > move->old || region->end < move->old + move->old_size)
        return NULL;
    return region;
}

static bool can_widen(const struct move *move, const struct region *region)
{
    vaddr_t end = move->old + move->old_size;

    return region->end == end && move->old <= USER_END - move->new_size &&
           region_is_free(move->space, end, move->old + move->new_size);
}

// Puts a copy of region at move->new and moves the pages there. Errors: -ENOMEM, nothing changed.
static int carry_over(struct move *move, struct region *region)
{
    size_t size = MIN(move->old_size, move->new_size);
    struct region *copy;

    if (zap_prepare_move(region, move->new, move->old, size) != 0)
        return -ENOMEM;
    copy = region_create(move->space, region);
    if (copy == NULL) {
        zap_give_up_move(region, move->new, size);
        return -ENOMEM;
    }
    copy->page_offset = region->pager != NULL ? region_page_index(region, move->old) : 0;
    copy->start = move->new;
    copy->end = move->new + move->new_size;
    copy->flags &= ~(unsigned)REGION_GROWS_DOWN;
    region_insert(copy, region);
    zap_move(region, move->new, move->old, size);
    return 0;
}

static int relocate(struct move *move, unsigned flags)
{
    struct space *space = move->space;
    uint64_t peak;
    int error;

    if (flags & MOVE_FIXED) {
        error = map_clear_range(space, move->new, move->new + move->new_size, &move->dead);
        if (error != 0)
            return error;
    } else {
        move->new = region_find_hole(space, move->new_size, space->map_top);
        if (move->new == 0)
            move->new = region_find_hole(space, move->new_size, USER_END);
        if (move->new == 0)
            return -ENOMEM;
    }
    // Taking the middle of a region out needs a split, which may fail: that is tried first.
    error = map_split_at(space, move->old + move->old_size);
    if (error == 0)
        error = map_split_at(space, move->old);
    peak = space->pages_mapped_peak;
    if (error == 0)
        error = carry_over(move, find(move));
    if (error == 0)
        error = map_clear_range(space, move->old, move->old + move->old_size, &move->dead);
    if (error == 0) // both places at once were nobody's
        space->pages_mapped_peak = MAX(peak, space->pages_mapped);
    return error;
}

static int remap_locked(struct move *move, unsigned flags)
{
    struct region *region = find(move);

    if (region == NULL)
        return -EFAULT;
    if (region->flags & REGION_VDSO)
        return -EINVAL;
    if (flags & MOVE_FIXED)
        return relocate(move, flags);
    move->new = move->old;
    if (move->new_size <= move->old_size) {
        return move->new_size == move->old_size
                   ? 0
                   : map_clear_range(move->space, move->old + move->new_size,
                                     move->old + move->old_size, &move->dead);
    }
    if (can_widen(move, region)) {
        region_set_bounds(region, region->start, move->old + move->new_size);
        return 0;
    }
    return flags & MOVE_MAY ? relocate(move, flags) : -ENOMEM;
}

int space_remap(struct space *space, vaddr_t old, size_t old_size, size_t new_size, unsigned flags,
                vaddr_t fixed, vaddr_t *address)
{
    struct move move = {
        .space = space,
        .old = old,
        .new = fixed,
        .old_size = ALIGN_UP(old_size, PAGE_SIZE),
        .new_size = ALIGN_UP(new_size, PAGE_SIZE),
    };
    int error;

    list_init(&move.dead);
    error = check(&move, flags);
    if (error != 0)
        return error;
    mutex_lock(&space->lock);
    error = remap_locked(&move, flags);
    if (error == 0)
        region_join(space, move.new, move.new + move.new_size, &move.dead);
    mutex_unlock(&space->lock);
    region_release_all(&move.dead);
    *address = move.new;
    return error;
}
