// SPDX-License-Identifier: MIT
// slab.h - caches of objects of one size, and memory of any size on top.
//
// Every object remembers the account that pays for it, so freeing needs no account.
#pragma once

#include <stdatomic.h>

#include "kernel/sync/spinlock.h"
#include "lib/base/compiler.h"
#include "lib/base/list.h"

struct account;

struct slab_cache {
    const char *name; // I  its line in the ledger
    size_t size;      // I
    size_t align;     // I
    // I  objects come as they are, not zeroed: for those that are filled at once
    bool raw;
    _Atomic(struct slab_cache_state *) state; // made at first use
};

// Defines a cache; it is registered at its first allocation. One line of the ledger each.
#define SLAB_CACHE(cache_name, text, type)                                                         \
    struct slab_cache cache_name = { .name = (text), .size = sizeof(type), .align = _Alignof(type) }

// Takes an object; its bytes are zero, unless the cache is raw. account NULL: the root's.
// Returns: NULL when memory or quota is exhausted (the caller's error is ENOMEM). Context: any.
void *slab_alloc(struct slab_cache *cache, struct account *account) MUST_CHECK;
// Gives it back. NULL is allowed.
void slab_free(struct slab_cache *cache, void *object);

// Memory of any size, zeroed, 16-byte aligned (page-aligned from one page on), counted in the
// ledger line "buffer".
void *kmalloc(size_t size, struct account *account) MUST_CHECK;
// The same, not zeroed.
void *kmalloc_raw(size_t size, struct account *account) MUST_CHECK;
void kfree(void *memory); // NULL is allowed
