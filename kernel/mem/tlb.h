// SPDX-License-Identifier: MIT
// tlb.h - gathers what leaves a space's page tables, and frees it once no CPU can reach it any
// more.
//
// Sequence: tlb_gather_init; (table_lock; take entries out, tlb_gather_page, tlb_gather_frame;
// unlock; tlb_gather_flush) again and again.
#pragma once

#include "kernel/arch/arch.h"

struct frame;
struct space;

#define TLB_GATHER_FRAMES 48
#define TLB_GATHER_ROOM (8 + PT_LEVELS - 1) // a group of pages, and the tables that go with it

struct tlb_gather {
    struct space *space;
    vaddr_t start, end;    // entries in here have changed; start >= end: none
    long resident, shared; // pages that are gone, and how many were a pager's
    unsigned count;
    struct frame *frames[TLB_GATHER_FRAMES];
};

void tlb_gather_init(struct tlb_gather *gather, struct space *space);

// The entry of the page at address was changed.
static inline void tlb_gather_page(struct tlb_gather *gather, vaddr_t address)
{
    gather->start = MIN(gather->start, address);
    gather->end = MAX(gather->end, address + PAGE_SIZE);
}

// A reference that is given back by the flush. There is room for a group of pages and its tables
// while tlb_gather_full is false.
static inline void tlb_gather_frame(struct tlb_gather *gather, struct frame *frame)
{
    gather->frames[gather->count++] = frame;
}

static inline bool tlb_gather_full(const struct tlb_gather *gather)
{
    return gather->count > TLB_GATHER_FRAMES - TLB_GATHER_ROOM;
}

// Makes the CPUs that have the space loaded forget the entries, then gives the frames back.
// Context: interrupts on, no IRQ lock held; not under table_lock.
void tlb_gather_flush(struct tlb_gather *gather);
