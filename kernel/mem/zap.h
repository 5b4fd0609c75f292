// SPDX-License-Identifier: MIT
// zap.h - taking pages out of a space's tables, and changing their rights.
#pragma once

#include "kernel/mem/region.h"

struct tlb_gather;

// Takes the pages of region between start and end away. Context: interrupts on, no table lock held.
// relax: between batches others may run (no spin lock is held).
void zap(struct region *region, vaddr_t start, vaddr_t end, bool relax);

// The same, leaving the last flush to the caller: for several regions one after another.
void zap_into(struct tlb_gather *gather, struct region *region, vaddr_t start, vaddr_t end,
              bool relax);

// The region's flags have changed from old_flags: its pages get the rights that they may have now.
void zap_rights(struct region *region, unsigned old_flags);

// Moves the pages of [from, from + size) to to. The tables there have been made by
// zap_prepare_move; after that comes either zap_move or zap_give_up_move.
int zap_prepare_move(struct region *region, vaddr_t to, vaddr_t from, size_t size) MUST_CHECK;
void zap_give_up_move(struct region *region, vaddr_t to, size_t size);
void zap_move(struct region *region, vaddr_t to, vaddr_t from, size_t size);
