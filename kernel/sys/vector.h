// SPDX-License-Identifier: MIT
// vector.h - the iovec argument of a call.
#pragma once

#include "kernel/vfs/iobuf.h"

#define VECTOR_INLINE 8

struct vector {
    struct iobuf buffer;
    struct iobuf_segment *segments; // few, or allocated
    struct iobuf_segment few[VECTOR_INLINE];
};

// Reads count iovecs. The sum is cut at MAX_RW_COUNT.
// Errors: -EINVAL (count over IOV_MAX, a sum over SSIZE_MAX), -EFAULT, -ENOMEM; nothing is held
// then.
int vector_load(struct vector *vector, vaddr_t from, int count) MUST_CHECK;
void vector_free(struct vector *vector);
