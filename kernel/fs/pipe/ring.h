// SPDX-License-Identifier: MIT
// ring.h - the bytes of a pipe: a ring over pages that are there only where bytes are.
//
// head and tail count bytes for ever; page p of the count is in slot p mod capacity. When the bytes
// begin in the middle of a page and the ring is full, its first and last byte share a slot.
// Locking: the owner's mutex guards all but used, which may be read without it.
#pragma once

#include <stdatomic.h>

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct frame;
struct iobuf;

#define RING_DEFAULT_PAGES 16

struct ring {
    struct account *account; // pays for the pages
    struct frame **slots;    // own_slots, or allocated
    unsigned page_count;     // a power of two
    uint64_t head;           // bytes written
    uint64_t tail;           // bytes read
    atomic_uint used;        // head - tail, for those who look without the lock
    struct frame *own_slots[RING_DEFAULT_PAGES];
};

void ring_init(struct ring *ring, struct account *account);
void ring_fini(struct ring *ring);

static inline size_t ring_used(const struct ring *ring)
{
    return atomic_load(&ring->used);
}

static inline size_t ring_capacity(const struct ring *ring)
{
    return (size_t)ring->page_count * 4096;
}

// Moves up to size bytes (at most what there is room for, or what is there). Returns how many; an
// error only if none.
// Errors: -EFAULT, -ENOMEM.
ssize_t ring_write(struct ring *ring, struct iobuf *from, size_t size) MUST_CHECK;
ssize_t ring_read(struct ring *ring, struct iobuf *to, size_t size) MUST_CHECK;

// Errors: -EBUSY more bytes are in it, -ENOMEM; unchanged then.
int ring_resize(struct ring *ring, unsigned page_count) MUST_CHECK;
