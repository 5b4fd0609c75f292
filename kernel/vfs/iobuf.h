// SPDX-License-Identifier: MIT
// iobuf.h - where bytes of a read go, and bytes of a write come from: kernel memory or a user's
// iovecs.
//
// A cursor over up to IOBUF_SEGMENTS segments. Copies may fault and sleep when the memory is a
// user's, so they are made with no spin lock held.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct iobuf_segment {
    uint64_t address; // user address, or kernel pointer
    size_t size;
};

// What one call asks of a transfer beside its bytes.
#define IOBUF_NOWAIT 1U // as if the handle were O_NONBLOCK
#define IOBUF_APPEND 2U // as if it were O_APPEND

struct iobuf {
    const struct iobuf_segment *segments;
    unsigned count;
    unsigned index; // of the current segment
    size_t offset;  // within it
    size_t left;    // bytes left in all
    bool kernel;
    unsigned flags; // IOBUF_*; none unless the caller sets them
    struct iobuf_segment single; // used by the one-segment constructors
};

void iobuf_kernel(struct iobuf *buffer, void *data, size_t size);
void iobuf_user(struct iobuf *buffer, vaddr_t address, size_t size);
// segments stay the caller's.
void iobuf_user_vector(struct iobuf *buffer, const struct iobuf_segment *segments, unsigned count);

// Moves size bytes (at most buffer->left) and the cursor. Errors: -EFAULT: the cursor stands behind
// what was copied.
int iobuf_put(struct iobuf *buffer, const void *from,
              size_t size) MUST_CHECK;                                 // into the buffer: a read
int iobuf_get(struct iobuf *buffer, void *to, size_t size) MUST_CHECK; // out of it: a write
int iobuf_zero(struct iobuf *buffer, size_t size) MUST_CHECK;
// Touches user pages of the next size bytes so that a copy is likely not to fault; -EFAULT.
int iobuf_touch(struct iobuf *buffer, size_t size, bool write) MUST_CHECK;
