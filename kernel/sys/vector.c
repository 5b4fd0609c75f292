// SPDX-License-Identifier: MIT
// vector.c - the iovec argument of a call.
#include "kernel/sys/vector.h"

#include "abi/uio.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/user.h"

_Static_assert(sizeof(struct iobuf_segment) == sizeof(struct linux_iovec) &&
                   offsetof(struct iobuf_segment, size) == offsetof(struct linux_iovec, iov_len),
               "iovecs are read straight into segments");

// Checks the sizes and cuts the sum.
static int check_sizes(struct iobuf_segment *segments, unsigned count)
{
    size_t sum = 0;

    for (unsigned i = 0; i < count; i++) {
        if (segments[i].size > INT64_MAX - sum)
            return -EINVAL;
        if (segments[i].size > USER_END || segments[i].address > USER_END - segments[i].size)
            return -EFAULT;
        sum += segments[i].size;
    }
    sum = 0;
    for (unsigned i = 0; i < count; i++) {
        segments[i].size = MIN(segments[i].size, MAX_RW_COUNT - sum);
        sum += segments[i].size;
    }
    return 0;
}

int vector_load(struct vector *vector, vaddr_t from, int count)
{
    size_t size = (size_t)count * sizeof(struct iobuf_segment);
    int error;

    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    vector->segments = vector->few;
    if (count > VECTOR_INLINE) {
        vector->segments = kmalloc(size, account_current());
        if (vector->segments == NULL)
            return -ENOMEM;
    }
    error = count == 0 ? 0 : arch_copy_from_user(vector->segments, from, size);
    if (error == 0)
        error = check_sizes(vector->segments, (unsigned)count);
    if (error != 0) {
        vector_free(vector);
        return error;
    }
    iobuf_user_vector(&vector->buffer, vector->segments, (unsigned)count);
    return 0;
}

void vector_free(struct vector *vector)
{
    if (vector->segments != vector->few)
        kfree(vector->segments);
}
