// SPDX-License-Identifier: MIT
// pagetable.h - the page tables of a space's user half.
//
// A table's frame counts the entries in use in frame->used, so that an empty one is seen and freed
// at once; bit n of frame->groups is set if any of the entries 8n to 8n+7 may be in use, so that
// walks need not look at the others.
// Locking: the space's table_lock, for everything. A pointer to an entry is good until the lock is
// released.
#pragma once

#include "kernel/mem/frame.h"

struct account;
struct tlb_gather;

#define PAGETABLE_SPAN (PAGE_SIZE * PT_ENTRIES) // what a table of the last level covers
#define PAGETABLE_GROUP_ENTRIES 8U
#define PAGETABLE_GROUP (PAGE_SIZE * PAGETABLE_GROUP_ENTRIES)

// Makes a root table. Errors: -ENOMEM.
int pagetable_create(struct account *account, paddr_t *root) MUST_CHECK;
// No CPU has it loaded. Frees it and what tables are left. Context: any.
void pagetable_destroy(paddr_t root);
// Gives this CPU's spare root tables back.
void pagetable_trim(void);

// The entry for the page at address. NULL: there is no table for it.
pte_t *pagetable_find(paddr_t root, vaddr_t address);
// The same, making tables. NULL: no memory.
pte_t *pagetable_make(paddr_t root, vaddr_t address, struct account *account);

// A walk over the entries in use between two addresses, a group at a time.
// Sequence: fill in root, at and end, the rest 0; while (pagetable_walk(&walk)) look at the entries
// of at up to stop, set at to stop.
struct pagetable_walk {
    paddr_t root;
    vaddr_t at, end;
    vaddr_t stop;        // where the group, or the range, ends
    pte_t *entry;        // of the page at at
    struct frame *table; // in which it stands
    vaddr_t table_end;   // what that covers; 0: look for it anew
};
bool pagetable_walk(struct pagetable_walk *walk);
// The same by tables of the last level, empty ones too: walk->table is the one at walk->at; set at
// to table_end.
bool pagetable_walk_tables(struct pagetable_walk *walk);

// Added to frame->used of a table that must stay although nothing is in it yet.
#define PAGETABLE_PINNED (UINT64_C(1) << 32)

// Changes an entry. The counts follow.
static inline void pagetable_set(pte_t *entry, pte_t value)
{
    struct frame *table = frame_of(direct_paddr(entry));

    table->used += (uint64_t)(value != 0) - (uint64_t)(*entry != 0);
    if (value != 0)
        table->groups |= UINT64_C(1) << ((uintptr_t)entry / sizeof(pte_t) % PT_ENTRIES /
                                         PAGETABLE_GROUP_ENTRIES);
    // One store: page walks of other CPUs see the old entry or the new one. Release: a table is
    // zeroed before it is seen.
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

// Takes the empty tables that address lies in out of the tree, and gives them to gather.
void pagetable_prune(paddr_t root, vaddr_t address, struct tlb_gather *gather);
