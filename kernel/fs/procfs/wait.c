// SPDX-License-Identifier: MIT
// wait.c - /proc/PID/wait: blocks until the process has ended; then its status.
//
// By then all that it held is free. The text is `%lld`, without a line's end. Reading reaps
// nothing. A handle gives the text once and then says that it is at the end, so that cat ends;
// lseek to 0 begins again.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/fmt.h"

// No mutex is held while a reader blocks, so the position is kept here and not in the handle.
struct wait_file {
    atomic_uint position;
};

static SLAB_CACHE(wait_file_cache, "proc wait", struct wait_file);

static int wait_open(struct node *node, struct handle *handle)
{
    int error = proc_open(node, handle);

    if (error != 0)
        return error;
    handle->private = slab_alloc(&wait_file_cache, account_current());
    return handle->private != NULL ? 0 : -ENOMEM;
}

static void wait_close(struct handle *handle)
{
    slab_free(&wait_file_cache, handle->private);
}

static ssize_t wait_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct wait_file *file = handle->private;
    unsigned at = atomic_load(&file->position);
    char text[24];
    int64_t status;
    size_t size;
    int error;

    (void)position;
    error = process_wait(proc_node_of(handle->node)->record, &status, !handle_nonblocking(handle));
    if (error != 0)
        return error;
    size = (size_t)fmt_print(text, sizeof(text), "%lld", (long long)status);
    size = at < size ? MIN(size - at, buffer->left) : 0;
    error = iobuf_put(buffer, text + at, size);
    if (error != 0)
        return error;
    atomic_fetch_add(&file->position, (unsigned)size);
    return (ssize_t)size;
}

static off_t wait_seek(struct handle *handle, off_t offset, int whence)
{
    struct wait_file *file = handle->private;

    if (whence != SEEK_SET || offset != 0)
        return whence == SEEK_CUR && offset == 0 ? (off_t)atomic_load(&file->position) : -EINVAL;
    atomic_store(&file->position, 0);
    return 0;
}

static unsigned wait_poll(struct handle *handle, struct poll_table *table)
{
    struct record *record = proc_node_of(handle->node)->record;

    poll_wait(table, &record->waiters);
    return atomic_load(&record->done) ? POLLIN | POLLRDNORM : 0;
}

const struct handle_ops wait_handle_ops = {
    .read = wait_read,
    .seek = wait_seek,
    .poll = wait_poll,
    .close = wait_close,
};

const struct node_ops wait_node_ops = {
    .permit = proc_permit,
    .open = wait_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
