// SPDX-License-Identifier: MIT
// handle_io.c - what is done through handles: each call checks rights, mode and revocation, then
// asks the operations.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/mem/space.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

typedef ssize_t transfer_fn(struct handle *handle, struct iobuf *buffer, off_t *position);

static int check(const struct handle *handle, unsigned right)
{
    if ((handle->rights & right) == 0)
        return -EBADF;
    return grant_is_revoked(handle->grant) ? -EIO : 0;
}

// For calls that need no right, but a handle that is open.
static int check_not_path(const struct handle *handle)
{
    if ((handle_flags(handle) & O_PATH) != 0)
        return -EBADF;
    return grant_is_revoked(handle->grant) ? -EIO : 0;
}

// The handle whose position counts.
static struct handle *position_owner(struct handle *handle)
{
    return handle->origin != NULL ? handle->origin : handle;
}

static ssize_t transfer(struct handle *handle, struct iobuf *buffer, unsigned right,
                        transfer_fn *operation)
{
    struct handle *owner = position_owner(handle);
    int error = check(handle, right);
    off_t position = 0;
    ssize_t result;

    if (error != 0)
        return error;
    if (operation == NULL)
        return -EINVAL;
    if (!handle->ops->seekable)
        return operation(handle, buffer, &position);
    mutex_lock(&owner->position_lock);
    position = owner->position;
    result = operation(handle, buffer, &position);
    owner->position = position;
    mutex_unlock(&owner->position_lock);
    return result;
}

static ssize_t transfer_at(struct handle *handle, struct iobuf *buffer, off_t position,
                           unsigned right, transfer_fn *operation)
{
    int error = check(handle, right);

    if (error != 0)
        return error;
    if (!handle->ops->seekable && !handle->ops->stateless)
        return -ESPIPE;
    if (position < 0 || buffer->left > (uint64_t)(INT64_MAX - position) || operation == NULL)
        return -EINVAL;
    return operation(handle, buffer, &position);
}

ssize_t handle_read(struct handle *handle, struct iobuf *buffer)
{
    return transfer(handle, buffer, RIGHT_READ, handle->ops->read);
}

ssize_t handle_write(struct handle *handle, struct iobuf *buffer)
{
    return transfer(handle, buffer, RIGHT_WRITE, handle->ops->write);
}

ssize_t handle_read_at(struct handle *handle, struct iobuf *buffer, off_t position)
{
    return transfer_at(handle, buffer, position, RIGHT_READ, handle->ops->read);
}

ssize_t handle_write_at(struct handle *handle, struct iobuf *buffer, off_t position)
{
    return transfer_at(handle, buffer, position, RIGHT_WRITE, handle->ops->write);
}

// Where the next data, or the next hole, is. Where nobody knows better the whole file counts as
// data, and a hole begins at its end, as Linux says. Errors: -ENXIO (past the end, or no more data).
static off_t seek_data(struct node *node, off_t offset, bool hole)
{
    off_t size = (off_t)node->size;

    if (offset < 0 || offset >= size)
        return -ENXIO;
    if (node->ops->seek_data != NULL)
        return node->ops->seek_data(node, offset, hole);
    return hole ? size : offset;
}

// Where whence and offset lead. Errors: -EINVAL, -EOVERFLOW, -ENXIO.
static off_t seek_target(struct node *node, off_t offset, int whence, off_t position)
{
    off_t base = 0;
    off_t target;

    if (whence == SEEK_DATA || whence == SEEK_HOLE)
        return seek_data(node, offset, whence == SEEK_HOLE);
    if (whence == SEEK_CUR)
        base = position;
    else if (whence == SEEK_END)
        base = (off_t)node->size;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (__builtin_add_overflow(base, offset, &target))
        return -EOVERFLOW;
    return target < 0 ? -EINVAL : target;
}

off_t handle_seek(struct handle *handle, off_t offset, int whence)
{
    struct handle *owner = position_owner(handle);
    int error = check_not_path(handle);
    off_t target;

    if (error != 0)
        return error;
    if (handle->ops->seek != NULL)
        return handle->ops->seek(handle, offset, whence);
    if (!handle->ops->seekable)
        return -ESPIPE;
    mutex_lock(&owner->position_lock);
    target = seek_target(handle->node, offset, whence, owner->position);
    if (target >= 0)
        owner->position = target;
    mutex_unlock(&owner->position_lock);
    return target;
}

unsigned handle_poll(struct handle *handle, struct poll_table *table)
{
    if ((handle_flags(handle) & O_PATH) != 0)
        return POLLNVAL;
    if (grant_is_revoked(handle->grant))
        return POLLERR | POLLHUP | POLLIN | POLLOUT;
    if (handle->ops->poll == NULL)
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    return handle->ops->poll(handle, table);
}

int64_t handle_ioctl(struct handle *handle, unsigned command, uint64_t argument)
{
    int error = check_not_path(handle);

    if (error != 0)
        return error;
    return handle->ops->ioctl != NULL ? handle->ops->ioctl(handle, command, argument) : -ENOTTY;
}

// A shared writable mapping is a way to write, so the handle must be open for both; a private one
// only reads.
static int check_map(const struct handle *handle, const struct map_request *request)
{
    bool writes =
        (request->flags & (REGION_SHARED | REGION_WRITE)) == (REGION_SHARED | REGION_WRITE);
    int error = check_not_path(handle);

    if (error != 0)
        return error;
    if ((handle->rights & RIGHT_READ) == 0 || (writes && (handle->rights & RIGHT_WRITE) == 0))
        return -EACCES;
    if ((request->flags & REGION_EXECUTE) != 0 && (handle->rights & RIGHT_EXECUTE) == 0)
        return -EACCES;
    return 0;
}

int handle_map(struct handle *handle, struct map_request *request)
{
    int error = check_map(handle, request);

    if (error != 0)
        return error;
    if ((request->flags & REGION_SHARED) == 0 || (handle->rights & RIGHT_WRITE) != 0)
        request->flags |= REGION_MAY_WRITE;
    if ((handle->rights & RIGHT_EXECUTE) != 0)
        request->flags |= REGION_MAY_EXECUTE;
    request->handle = handle;
    if (handle->ops->map != NULL)
        return handle->ops->map(handle, request);
    request->pager = handle->node->pager;
    return request->pager != NULL ? 0 : -ENODEV;
}

int handle_readdir(struct handle *handle, readdir_emit_fn *emit, void *context)
{
    struct handle *owner = position_owner(handle);
    const struct node_ops *ops = handle->node->ops;
    int error = check(handle, RIGHT_READ);

    if (error != 0)
        return error;
    if (ops->readdir == NULL || !node_is_directory(handle->node))
        return -ENOTDIR;
    mutex_lock(&owner->position_lock);
    error = ops->readdir(handle->node, &owner->position, emit, context);
    mutex_unlock(&owner->position_lock);
    return error;
}

int handle_truncate(struct handle *handle, off_t size)
{
    int error = check_not_path(handle);

    if (error != 0)
        return error;
    if ((handle->rights & RIGHT_WRITE) == 0 || !node_is_regular(handle->node))
        return -EINVAL;
    return node_truncate(handle->node, size);
}

int handle_allocate(struct handle *handle, unsigned mode, off_t offset, off_t size)
{
    struct node *node = handle->node;
    int error = check(handle, RIGHT_WRITE);
    off_t end;

    if (error != 0)
        return error;
    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE &&
        mode != (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
        return -EOPNOTSUPP;
    if (S_ISFIFO(node->mode))
        return -ESPIPE;
    if (!node_is_regular(node))
        return -ENODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    if (node->ops->allocate == NULL)
        return -EOPNOTSUPP;
    mutex_lock(&node->lock);
    error = node->ops->allocate(node, mode, offset, size);
    if (error == 0)
        node_touch(node);
    mutex_unlock(&node->lock);
    return error;
}

int handle_sync(struct handle *handle)
{
    int error = check_not_path(handle);

    if (error != 0)
        return error;
    if (handle->ops->sync != NULL)
        return handle->ops->sync(handle);
    return node_is_regular(handle->node) || node_is_directory(handle->node) ? 0 : -EINVAL;
}

static ssize_t directory_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    (void)handle;
    (void)buffer;
    (void)position;
    return -EISDIR;
}

const struct handle_ops directory_handle_ops = { .read = directory_read, .seekable = true };
