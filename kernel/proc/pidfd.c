// SPDX-License-Identifier: MIT
// pidfd.c - a handle on a process: it holds the record, and is readable once the process has ended.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "kernel/mem/account.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"

static unsigned pidfd_poll(struct handle *handle, struct poll_table *table)
{
    struct record *record = handle->private;

    poll_wait(table, &record->waiters);
    return atomic_load_explicit(&record->done, memory_order_acquire) ? POLLIN : 0;
}

static void pidfd_close(struct handle *handle)
{
    record_put(handle->private);
}

static const struct handle_ops pidfd_ops = { .poll = pidfd_poll, .close = pidfd_close };

int pidfd_create(struct record *record, unsigned flags, struct handle **handle)
{
    int error;

    record_get(record);
    error = handle_create_anonymous("[pidfd]", 0600, &pidfd_ops, record, O_RDWR | flags,
                                    account_current(), handle);
    if (error != 0)
        record_put(record);
    return error;
}

struct record *pidfd_record(struct handle *handle)
{
    return handle->ops == &pidfd_ops ? handle->private : NULL;
}
