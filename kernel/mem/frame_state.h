// SPDX-License-Identifier: MIT
// frame_state.h - what the frame allocator shows to the ledger's walk.
#pragma once

#include "kernel/mem/frame.h"

#define FRAME_SPANS_MAX 80
#define FRAME_LISTED 0x8000 // flags of a free frame: heads a block on a free list

// The RAM that the allocator knows of, by address.
extern struct boot_range frame_spans[FRAME_SPANS_MAX];
extern unsigned frame_span_count;

unsigned frames_cached(unsigned cpu); // single frames in a CPU's cache
uint64_t frames_listed(void);         // frames on the free lists
uint64_t frames_changes(void);        // moves with every change of a count
void frames_drain_cpu(void);          // empties the calling CPU's cache
