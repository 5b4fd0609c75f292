// SPDX-License-Identifier: MIT
// refcount.h - counted references.
#pragma once

#include <stdatomic.h>

#include "lib/base/assert.h"
#include "lib/base/types.h"

struct refcount {
    atomic_uint count;
};

static inline void refcount_init(struct refcount *ref, unsigned count)
{
    atomic_init(&ref->count, count);
}

// The caller already has a reference.
static inline void refcount_get(struct refcount *ref)
{
    unsigned before = atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed);

    assert(before != 0 && before < UINT32_MAX / 2);
}

// Takes a reference unless the object is already on its way out.
// Returns: whether a reference was taken.
static inline bool refcount_get_try(struct refcount *ref)
{
    unsigned before = atomic_load_explicit(&ref->count, memory_order_relaxed);

    while (before != 0) {
        if (atomic_compare_exchange_weak_explicit(&ref->count, &before, before + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

// Gives a reference back. Returns: true if it was the last, and the caller now frees the object.
static inline bool refcount_put(struct refcount *ref)
{
    unsigned before = atomic_fetch_sub_explicit(&ref->count, 1, memory_order_acq_rel);

    assert(before != 0);
    return before == 1;
}
