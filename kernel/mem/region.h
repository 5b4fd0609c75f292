// SPDX-License-Identifier: MIT
// region.h - the regions of a space: the tree, its holes, splitting and joining.
//
// All calls are made under space->lock. What has a pager is changed under pager->lock too, so that
// truncation sees whole regions.
#pragma once

#include "kernel/mem/space.h"

#define REGION_PROT (REGION_READ | REGION_WRITE | REGION_EXECUTE)
#define REGION_LOWEST UINT64_C(0x10000) // the kernel places nothing below
#define STACK_GUARD (256 * PAGE_SIZE)   // kept free below a growing stack

// Frees what space_unmap and its like took out of a space; called without the lock, since the last
// reference to a file may free more.
void region_release_all(struct list *dead);

// The region at address, or the next above. NULL: none.
struct region *region_find(const struct space *space, vaddr_t address);
struct region *region_next(const struct region *region);
struct region *region_prev(const struct region *region);

// A region outside of the tree, holding what it names. NULL: no memory.
struct region *region_create(struct space *space, const struct region *like);
// Puts it into the tree. Nothing may overlap. original: what it is a copy of, in the same or
// another space; else NULL.
void region_insert(struct region *region, struct region *original);
// Takes it out of the tree and puts it on dead.
void region_remove(struct region *region, struct list *dead);
// The same with all regions of a space, whose pages are gone.
void region_remove_all(struct space *space, struct list *dead);
// Moves the bounds; the page at an address that stays keeps its content.
void region_set_bounds(struct region *region, vaddr_t start, vaddr_t end);
// The lower part stays, the upper, from at on, becomes a region of its own. Errors: -ENOMEM.
int region_split(struct region *region, vaddr_t at) MUST_CHECK;
// Joins anonymous neighbours of one kind from the region before start up to the one that begins at
// end.
void region_join(struct space *space, vaddr_t start, vaddr_t end, struct list *dead);
// Maps anonymous memory where nothing is, by widening a neighbour if one is of this kind. Errors:
// -ENOMEM.
int region_add_anonymous(struct space *space, vaddr_t start, vaddr_t end,
                         unsigned flags) MUST_CHECK;

// The highest place for size bytes that ends at or below limit; 0: none.
vaddr_t region_find_hole(const struct space *space, size_t size, vaddr_t limit);
// Whether nothing is in the range, and no stack above needs it as its guard.
bool region_is_free(const struct space *space, vaddr_t start, vaddr_t end);

// Takes everything in the range out. Errors: -ENOMEM (the middle of a region), nothing changed.
int map_clear_range(struct space *space, vaddr_t start, vaddr_t end, struct list *dead) MUST_CHECK;
// Makes at the bound of two regions if it lies in one. Errors: -ENOMEM. Nobody can see a split.
int map_split_at(struct space *space, vaddr_t at) MUST_CHECK;

// Unmaps everything. The space is as it was made.
void space_clear(struct space *space);

// Errors: -ENOMEM: part of the range is not mapped.
int region_check_covered(const struct space *space, vaddr_t start, vaddr_t end) MUST_CHECK;

// The page that the pager has for address.
static inline uint64_t region_page_index(const struct region *region, vaddr_t address)
{
    return region->page_offset + ((address - region->start) >> PAGE_SHIFT);
}

// Whether its pages are the kernel's own: not counted, not held, never copied.
static inline bool region_is_vdso(const struct region *region)
{
    return (region->flags & REGION_VDSO) != 0;
}

// Whether the grant that its file came through was taken back.
bool region_is_revoked(const struct region *region);

// The rights that a page of the region has in the tables.
static inline unsigned region_page_prot(unsigned flags, bool writable)
{
    return PAGE_USER | PAGE_READ | (writable ? PAGE_WRITE : 0U) |
           (flags & REGION_EXECUTE ? PAGE_EXECUTE : 0U);
}
