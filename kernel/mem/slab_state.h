// SPDX-License-Identifier: MIT
// slab_state.h - the inside of slab caches, for slab.c and the ledger's walk.
#pragma once

#include "kernel/mem/slab.h"

#define SLAB_CACHES_MAX 128

struct account;

// At the start of a slab's block of frames. Fields: I set once · l under state->lock · o by who has
// the object
struct slab {
    struct slab_cache *cache; // I
    struct list link;         // l  partial or full
    uint16_t first_free;      // l
    // l  objects not free in this slab (those in magazines count as used)
    uint16_t used;
    struct account *owners[]; // o  of each object; NULL: not live
};

struct slab_cache_state {
    struct slab_cache *cache; // I
    struct spinlock lock;     // rank SLAB
    struct list partial;      // l  slabs with a free object, empty ones included
    struct list full;         // l
    unsigned empty;           // l  of partial, how many have no used object: at most 1 is kept
    unsigned number;          // I
    unsigned order;           // I  of a slab's block
    unsigned capacity;        // I  objects a slab
    size_t stride;            // I  the cache's size
    size_t first_offset;      // I  of the first object
    // I  2^32 / size, so that finding an object's number needs no division
    uint64_t reciprocal;
};

unsigned slab_cache_count(void);
struct slab_cache_state *slab_cache_at(unsigned number);
int64_t slab_live(const struct slab_cache_state *state);
unsigned slab_cached(const struct slab_cache_state *state); // free objects in magazines
// moves with every object taken or given
uint64_t slab_changes(void);
uint64_t slab_free_slots(struct slab_cache_state *state); // free objects in slabs
void slab_drain_cpu(void);                                // empties the calling CPU's magazines
void slab_drop_empty(struct slab_cache_state *state);     // gives an empty slab back
