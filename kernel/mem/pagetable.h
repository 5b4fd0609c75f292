// SPDX-License-Identifier: MIT
// pagetable.h - the page tables of a space's user half.
//
// A table's frame counts the entries in use in frame->index, so that an empty one is seen and freed at once.
// Locking: the space's table_lock, for everything. A pointer to an entry is good until the lock is released.
#pragma once

#include "kernel/arch/arch.h"

struct account;
struct tlb_gather;

#define PAGETABLE_SPAN (PAGE_SIZE * PT_ENTRIES) // what a table of the last level covers

// Makes a root table. Errors: -ENOMEM.
int pagetable_create(struct account *account, paddr_t *root) MUST_CHECK;
// No CPU has it loaded. Frees it and what tables are left. Context: any.
void pagetable_destroy(paddr_t root);

// The entry for the page at address. NULL: there is no table for it.
pte_t *pagetable_find(paddr_t root, vaddr_t address);
// The same, making tables. NULL: no memory.
pte_t *pagetable_make(paddr_t root, vaddr_t address, struct account *account);
// The first entry at or after *address, below end, that there is a table for; *address becomes its page. NULL: none.
pte_t *pagetable_next(paddr_t root, vaddr_t *address, vaddr_t end);

// Changes an entry. The counts follow.
void pagetable_set(pte_t *entry, pte_t value);
// Takes the empty tables that address lies in out of the tree, and gives them to gather.
void pagetable_prune(paddr_t root, vaddr_t address, struct tlb_gather *gather);
