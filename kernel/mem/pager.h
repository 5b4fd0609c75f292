// SPDX-License-Identifier: MIT
// pager.h - what fills the pages of a region that are not private: one page cache a file.
//
// A pager is embedded in its owner (a file's node, a device, shared memory) and keeps the owner's
// pages, which read, write and maps all share. It also knows the regions that map it, so that
// truncation reaches every mapping.
// Locking: pager->lock (rank CACHE) guards pages, size and regions; who only looks a page up, reads.
// A fault takes a page under it and maps it under the space's table lock after checking that epoch
// has not moved; truncation moves epoch first, then unmaps.
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/mem/radix.h"
#include "kernel/sync/rwlock.h"
#include "lib/base/list.h"

struct account;
struct frame;
struct pager;
struct region;

struct pager_ops {
    // Fills page index into a new frame, when the cache has none. NULL: zero-filled (ram). May
    // sleep; no lock held.
    int (*page_in)(struct pager *pager, uint64_t index, struct frame *frame);
    // Keeps the owner alive while a region maps the pager.
    void (*get)(struct pager *pager);
    void (*put)(struct pager *pager);
};

// Fields: I set once · c under lock
struct pager {
    const struct pager_ops *ops; // I
    struct account *account;     // I  who pays for the pages
    uint64_t id;                 // I  of no other pager, ever
    struct rwlock lock;          // rank CACHE
    struct radix pages;          // c  of struct frame, by index
    uint64_t page_count;         // c
    uint64_t size_bytes;         // c  of the file; pages past its end fault
    uint64_t epoch;              // c  moves when pages are taken away
    struct list regions;         // c  of struct region.pager_link
};

void pager_init(struct pager *pager, const struct pager_ops *ops, struct account *account);
// Frees all pages. No region maps it any more.
void pager_fini(struct pager *pager);

// The page at index, made (zeroed, or by page_in) if absent and create is set. A reference is taken
// for the caller.
// Returns 0; *frame NULL where absent and create is not set (a hole reads as zeros). With page_in a
// page is always made.
// Errors: -ENOMEM, and what page_in says (-EIO).
int pager_page(struct pager *pager, uint64_t index, bool create, struct frame **frame) MUST_CHECK;

// The calls below on one pager follow each other: the owner's lock sees to it (a file's
// node->lock).

// Changes the size. Shrinking frees pages past the end, zeroes the tail of the last, and unmaps
// them everywhere (shootdown).
// Context: thread, no spin lock held.
void pager_resize(struct pager *pager, uint64_t size_bytes);
// Takes count pages from index on away from the cache and from every mapping; they read as zeros,
// or are filled anew.
void pager_discard(struct pager *pager, uint64_t index, uint64_t count);
// Takes the pages of one revoked mapping of the pager away: the regions for which match says so.
// They fault afterwards.
void pager_unmap(struct pager *pager, bool (*match)(const struct region *region, void *argument),
                 void *argument);

// The first page in the cache at or above *index, which becomes its index; with a reference. NULL: none.
struct frame *pager_next(struct pager *pager, uint64_t *index);
// For faults, space->lock held. The page that a region maps at index, made if it needs no page_in;
// a reference is taken. *epoch (may be NULL): what must still hold when a copy of it is mapped.
// Errors: -ENODATA past the end, -EAGAIN needs page_in, -ENOMEM.
int pager_make_page(struct pager *pager, uint64_t index, struct frame **frame,
                    uint64_t *epoch) MUST_CHECK;

// How many pages the size covers. The caller holds pager->lock.
static inline uint64_t pager_pages(const struct pager *pager)
{
    return (pager->size_bytes >> PAGE_SHIFT) + (pager->size_bytes % PAGE_SIZE != 0);
}
