// SPDX-License-Identifier: MIT
// builtin.c - the devices that are nothing but software: null zero full random urandom, and kmsg,
// the kernel's log.

#include "kernel/fs/devfs/builtin.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/log/log.h"
#include "kernel/mem/space.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/random.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

#define MEM_MAJOR 1
#define PIECE_SIZE (size_t)(1 << 20) // between two looks for a kill
#define LINE_SIZE 256

static ssize_t null_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    (void)handle;
    (void)buffer;
    (void)position;
    return 0;
}

static ssize_t null_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    (void)handle;
    (void)position;
    return (ssize_t)buffer->left;
}

static ssize_t full_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    (void)handle;
    (void)position;
    return buffer->left != 0 ? -ENOSPC : 0;
}

static ssize_t zero_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    int error = 0;

    (void)handle;
    (void)position;
    while (buffer->left != 0 && error == 0) {
        error = iobuf_zero(buffer, MIN(buffer->left, PIECE_SIZE));
        if (buffer->left != 0 && thread_relax())
            break;
    }
    return size != buffer->left ? (ssize_t)(size - buffer->left) : error;
}

// Private maps of zeros are anonymous memory. Shared ones would need a file of their own.
static int zero_map(struct handle *handle, struct map_request *request)
{
    (void)handle;
    if ((request->flags & REGION_SHARED) != 0)
        return -ENODEV;
    request->pager = NULL;
    request->handle = NULL;
    return 0;
}

static ssize_t random_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    char bytes[LINE_SIZE];
    int error = 0;

    (void)handle;
    (void)position;
    while (buffer->left != 0 && error == 0) {
        size_t piece = MIN(buffer->left, sizeof(bytes));

        random_bytes(bytes, piece);
        error = iobuf_put(buffer, bytes, piece);
        if (buffer->left % PIECE_SIZE < sizeof(bytes) && thread_relax())
            break;
    }
    return size != buffer->left ? (ssize_t)(size - buffer->left) : error;
}

static ssize_t random_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    char bytes[LINE_SIZE];

    (void)handle;
    (void)position;
    while (buffer->left != 0) {
        size_t piece = MIN(buffer->left, sizeof(bytes));
        int error = iobuf_get(buffer, bytes, piece);

        if (error != 0)
            return size != buffer->left ? (ssize_t)(size - buffer->left) : error;
        random_add(bytes, piece);
        if (thread_relax())
            break;
    }
    return (ssize_t)(size - buffer->left);
}

// What has no position says that it is at 0.
static off_t null_seek(struct handle *handle, off_t offset, int whence)
{
    (void)handle;
    (void)offset;
    (void)whence;
    return 0;
}

// The position is the log's own count of bytes; at the end there is nothing to wait for.
static ssize_t kmsg_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    uint64_t at = (uint64_t)*position;
    char text[LINE_SIZE];
    ssize_t done = 0;

    (void)handle;
    while (buffer->left != 0) {
        size_t size = log_read(&at, text, MIN(buffer->left, sizeof(text)));
        int error;

        if (size == 0)
            break;
        error = iobuf_put(buffer, text, size);
        if (error != 0)
            return done != 0 ? done : error;
        *position = (off_t)at;
        done += (ssize_t)size;
    }
    return done;
}

// One line, cut where it is too long for one.
static ssize_t kmsg_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    char text[LINE_SIZE];
    size_t length = MIN(size, sizeof(text) - 1);
    int error = iobuf_get(buffer, text, length);

    (void)handle;
    (void)position;
    if (error != 0)
        return error;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    log_info("%s", text);
    return (ssize_t)size;
}

static const struct handle_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .seek = null_seek,
    .stateless = true,
};
static const struct handle_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .seek = null_seek,
    .map = zero_map,
    .stateless = true,
};
static const struct handle_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .seek = null_seek,
    .stateless = true,
};
static const struct handle_ops random_ops = {
    .read = random_read,
    .write = random_write,
    .seek = null_seek,
    .stateless = true,
};
static const struct handle_ops kmsg_ops = { .read = kmsg_read,
                                            .write = kmsg_write,
                                            .seekable = true };

int builtin_devices_add(void)
{
    static const struct {
        const char *name;
        mode_t mode;
        unsigned minor;
        const struct handle_ops *ops;
    } devices[] = {
        { "null", 0666, 3, &null_ops },      { "zero", 0666, 5, &zero_ops },
        { "full", 0666, 7, &full_ops },      { "random", 0666, 8, &random_ops },
        { "urandom", 0666, 9, &random_ops }, { "kmsg", 0600, 11, &kmsg_ops },
    };
    int error = 0;

    for (size_t i = 0; i < ARRAY_LEN(devices) && error == 0; i++)
        error = devfs_add(devices[i].name, S_IFCHR | devices[i].mode,
                          linux_makedev(MEM_MAJOR, devices[i].minor), devices[i].ops, NULL, NULL);
    return error;
}
