// SPDX-License-Identifier: MIT
// region.c - the regions of a space: the tree, its holes, splitting and joining.
//
// Regions are in a red-black tree by start. Each knows the hole below it, and each subtree its
// widest hole, so a place for a mapping is found from the top down in O(log n). Below a growing
// stack STACK_GUARD is not part of the hole.
#include "kernel/mem/region.h"

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "lib/base/assert.h"

static SLAB_CACHE(region_cache, "region", struct region);
static const struct region_file_ops *file_ops;

void space_set_file_ops(const struct region_file_ops *ops)
{
    assert(file_ops == NULL);
    file_ops = ops;
}

bool region_is_revoked(const struct region *region)
{
    return region->grant != NULL && !(region->flags & REGION_IMAGE) &&
           file_ops->revoked(region->grant);
}

// --- The tree ---

static struct region *of(const struct rb_node *node)
{
    return node != NULL ? rb_entry(node, struct region, node) : NULL;
}

static void augment(struct rb_node *node)
{
    struct region *region = of(node);
    uint64_t gap = region->hole;

    if (node->left != NULL)
        gap = MAX(gap, of(node->left)->gap);
    if (node->right != NULL)
        gap = MAX(gap, of(node->right)->gap);
    region->gap = gap;
}

struct region *region_find(const struct space *space, vaddr_t address)
{
    struct rb_node *node = space->regions.top;
    struct region *found = NULL;

    while (node != NULL) {
        struct region *region = of(node);

        if (region->end > address) {
            found = region;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

struct region *region_next(const struct region *region)
{
    return of(rb_next(&region->node));
}

struct region *region_prev(const struct region *region)
{
    return of(rb_prev(&region->node));
}

static uint64_t hole_below(const struct region *region)
{
    const struct region *before = region_prev(region);
    vaddr_t floor = before != NULL ? before->end : REGION_LOWEST;

    if (region->flags & REGION_GROWS_DOWN)
        floor += STACK_GUARD;
    return region->start > floor ? region->start - floor : 0;
}

static void update_hole(struct region *region)
{
    if (region == NULL)
        return;
    region->hole = hole_below(region);
    rb_update(&region->node, augment);
}

static void link_tree(struct region *region)
{
    struct rb_root *root = &region->space->regions;
    struct rb_node **place = &root->top;
    struct rb_node *parent = NULL;

    while (*place != NULL) {
        parent = *place;
        place = region->start < of(parent)->start ? &parent->left : &parent->right;
    }
    rb_link(&region->node, parent, place);
    region->hole = hole_below(region);
    region->gap = region->hole;
    rb_insert(root, &region->node, augment);
    update_hole(region_next(region));
}

// --- Pagers ---

// A copy follows its original, with its mark: a truncation that has not come to the one yet comes
// to both.
static void link_pager(struct region *region, struct region *original)
{
    if (region->pager == NULL)
        return;
    rwlock_write_lock(&region->pager->lock);
    if (original == NULL) {
        list_push_back(&region->pager->regions, &region->pager_link);
    } else {
        region->zapped_epoch = original->zapped_epoch;
        list_push_front(&original->pager_link, &region->pager_link);
    }
    rwlock_write_unlock(&region->pager->lock);
}

static void unlink_pager(struct region *region)
{
    if (region->pager == NULL)
        return;
    rwlock_write_lock(&region->pager->lock);
    list_remove(&region->pager_link);
    rwlock_write_unlock(&region->pager->lock);
}

// --- Regions ---

struct region *region_create(struct space *space, const struct region *like)
{
    struct region *region = slab_alloc(&region_cache, space->account);

    if (region == NULL)
        return NULL;
    region->start = like->start;
    region->end = like->end;
    region->space = space;
    region->flags = like->flags;
    region->pager = like->pager;
    region->page_offset = like->page_offset;
    region->handle = like->handle;
    list_init(&region->pager_link);
    if (region->pager != NULL && region->pager->ops->get != NULL)
        region->pager->ops->get(region->pager);
    if (region->handle != NULL)
        region->grant = file_ops->hold(region->handle);
    return region;
}

static void release(struct region *region)
{
    if (region->pager != NULL && region->pager->ops->put != NULL)
        region->pager->ops->put(region->pager);
    if (region->handle != NULL)
        file_ops->release(region->handle, region->grant);
    slab_free(&region_cache, region);
}

void region_release_all(struct list *dead)
{
    while (!list_empty(dead)) {
        struct region *region = list_first(dead, struct region, pager_link);

        list_remove(&region->pager_link);
        release(region);
    }
}

static void count_mapped(struct space *space, uint64_t bytes)
{
    space->pages_mapped += bytes >> PAGE_SHIFT;
    space->pages_mapped_peak = MAX(space->pages_mapped_peak, space->pages_mapped);
}

void region_insert(struct region *region, struct region *original)
{
    link_tree(region);
    link_pager(region, original);
    count_mapped(region->space, region->end - region->start);
}

void region_remove(struct region *region, struct list *dead)
{
    struct space *space = region->space;
    struct region *next = region_next(region);

    rb_remove(&space->regions, &region->node, augment);
    update_hole(next);
    unlink_pager(region);
    list_push_back(dead, &region->pager_link);
    space->pages_mapped -= (region->end - region->start) >> PAGE_SHIFT;
}

void region_remove_all(struct space *space, struct list *dead)
{
    struct region *region, *next;

    // Nobody looks for a hole in between, so the tree is not kept in order.
    for (region = region_find(space, 0); region != NULL; region = next) {
        next = region_next(region);
        unlink_pager(region);
        list_push_back(dead, &region->pager_link);
    }
    space->regions.top = NULL;
    space->pages_mapped = 0;
}

static void store_bounds(struct region *region, vaddr_t start, vaddr_t end)
{
    region->page_offset += (start - region->start) >> PAGE_SHIFT;
    region->start = start;
    region->end = end;
}

void region_set_bounds(struct region *region, vaddr_t start, vaddr_t end)
{
    struct space *space = region->space;

    space->pages_mapped -= (region->end - region->start) >> PAGE_SHIFT;
    count_mapped(space, end - start);
    if (region->pager != NULL) {
        rwlock_write_lock(&region->pager->lock);
        store_bounds(region, start, end);
        rwlock_write_unlock(&region->pager->lock);
    } else {
        store_bounds(region, start, end);
        region->page_offset = 0;
    }
    update_hole(region);
    update_hole(region_next(region));
}

int region_split(struct region *region, vaddr_t at)
{
    struct region *upper = region_create(region->space, region);

    if (upper == NULL)
        return -ENOMEM;
    // Only the lowest part of a stack grows.
    upper->flags &= ~(unsigned)REGION_GROWS_DOWN;
    store_bounds(upper, at, region->end);
    if (region->pager == NULL) {
        upper->page_offset = 0;
        region->end = at;
    } else {
        rwlock_write_lock(&region->pager->lock);
        region->end = at;
        upper->zapped_epoch = region->zapped_epoch;
        list_push_front(&region->pager_link, &upper->pager_link);
        rwlock_write_unlock(&region->pager->lock);
    }
    link_tree(upper);
    return 0;
}

// --- Joining ---

static bool same_kind(const struct region *a, const struct region *b)
{
    return a->pager == NULL && b->pager == NULL && a->flags == b->flags &&
           !(a->flags & REGION_GROWS_DOWN);
}

void region_join(struct space *space, vaddr_t start, vaddr_t end, struct list *dead)
{
    struct region *region = region_find(space, start == 0 ? 0 : start - 1);

    while (region != NULL && region->start < end) {
        struct region *next = region_next(region);

        if (next == NULL || next->start > end)
            break;
        if (region->end == next->start && same_kind(region, next)) {
            vaddr_t joined = next->end;

            region_remove(next, dead);
            region_set_bounds(region, region->start, joined);
        } else {
            region = next;
        }
    }
}

int region_add_anonymous(struct space *space, vaddr_t start, vaddr_t end, unsigned flags)
{
    struct region wanted = { .start = start, .end = end, .flags = flags };
    struct region *next = region_find(space, start);
    struct region *before = next != NULL ? region_prev(next) : of(rb_last(&space->regions));
    struct region *region;

    if (before != NULL && before->end == start && same_kind(before, &wanted)) {
        region_set_bounds(before, before->start, end);
        return 0;
    }
    if (next != NULL && next->start == end && same_kind(next, &wanted)) {
        region_set_bounds(next, start, next->end);
        return 0;
    }
    region = region_create(space, &wanted);
    if (region == NULL)
        return -ENOMEM;
    region_insert(region, NULL);
    return 0;
}

// --- Holes ---

// The last region at or before this one in the tree whose hole is at least size; NULL: none.
static struct region *wide_hole_before(struct region *from, size_t size)
{
    struct rb_node *node = &from->node;

    for (;;) {
        if (of(node)->hole >= size)
            return of(node);
        if (node->left != NULL && of(node->left)->gap >= size) {
            node = node->left;
            while (node->right != NULL && of(node->right)->gap >= size)
                node = node->right;
            continue;
        }
        while (rb_parent(node) != NULL && rb_parent(node)->left == node)
            node = rb_parent(node);
        node = rb_parent(node);
        if (node == NULL)
            return NULL;
    }
}

static vaddr_t top_of_hole(const struct region *region)
{
    vaddr_t guard = region->flags & REGION_GROWS_DOWN ? STACK_GUARD : 0;

    return region->start > guard ? region->start - guard : 0;
}

vaddr_t region_find_hole(const struct space *space, size_t size, vaddr_t limit)
{
    struct region *above = region_find(space, limit); // ends above limit
    struct region *below = above != NULL ? region_prev(above) : of(rb_last(&space->regions));
    vaddr_t floor = MAX(below != NULL ? below->end : REGION_LOWEST, REGION_LOWEST);
    vaddr_t top = above != NULL ? MIN(limit, top_of_hole(above)) : limit;

    // The hole that limit lies in, or the one right below the region that it lies in.
    if (top >= floor && top - floor >= size)
        return top - size;
    below = below != NULL ? wide_hole_before(below, size) : NULL;
    return below != NULL ? top_of_hole(below) - size : 0;
}

bool region_is_free(const struct space *space, vaddr_t start, vaddr_t end)
{
    const struct region *region = region_find(space, start);

    return region == NULL || top_of_hole(region) >= end;
}
