// SPDX-License-Identifier: MIT
// virtio_port_file.c - a port as a file in /dev: its bytes as they are.

#include <string.h>

#include "abi/errors.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/dev/virtio_port.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/fmt.h"

// Copies from one buffer, if there is one. Errors: -EFAULT, if nothing was copied.
static ssize_t read_some(struct virtio_port *port, struct iobuf *to)
{
    struct port_buffer *buffer = virtio_port_take_filled(port);
    size_t before = to->left;
    int error;

    if (buffer == NULL)
        return 0;
    error = iobuf_put(to, buffer->data + buffer->offset,
                      MIN(to->left, (size_t)buffer->size - buffer->offset));
    buffer->offset += (uint32_t)(before - to->left);
    virtio_port_return_filled(port, buffer);
    return before != to->left ? (ssize_t)(before - to->left) : error;
}

static bool is_readable(const struct virtio_port *port)
{
    return atomic_load(&port->host_closed) || atomic_load(&port->filled_count) != 0;
}

static ssize_t port_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct virtio_port *port = handle->private;
    ssize_t result = 0;

    (void)position;
    while (buffer->left != 0 && result == 0) {
        bool closed =
            atomic_load(&port->host_closed); // before the look for bytes: none comes after it

        result = read_some(port, buffer);
        if (result == 0 && closed)
            break;
        if (result == 0 && handle_nonblocking(handle))
            result = -EAGAIN;
        if (result == 0)
            result = WAIT_EVENT(&port->readers, WAIT_INTERRUPTIBLE, NSEC_NEVER, is_readable(port));
    }
    return result;
}

// Fills one free buffer, if there is one, and sends it. Returns: bytes, 0 if there is no room.
// Errors: -EFAULT.
static ssize_t write_some(struct virtio_port *port, struct iobuf *from)
{
    struct port_buffer *buffer = virtio_port_take_free(port);
    size_t size = MIN(from->left, (size_t)PAGE_SIZE);
    int error;

    if (buffer == NULL)
        return 0;
    error = iobuf_get(from, buffer->data, size);
    virtio_port_send(port, buffer, error == 0 ? (uint32_t)size : 0);
    return error == 0 ? (ssize_t)size : error;
}

static bool is_writable(const struct virtio_port *port)
{
    return atomic_load(&port->host_closed) || atomic_load(&port->free_count) != 0;
}

static ssize_t port_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct virtio_port *port = handle->private;
    ssize_t done = 0;
    ssize_t result = 0;

    (void)position;
    while (buffer->left != 0 && result >= 0) {
        if (atomic_load(&port->host_closed)) {
            result = -EPIPE;
            break;
        }
        result = write_some(port, buffer);
        done += MAX(result, (ssize_t)0);
        if (result == 0 && handle_nonblocking(handle))
            result = -EAGAIN;
        if (result == 0)
            result = WAIT_EVENT(&port->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, is_writable(port));
    }
    return done != 0 ? done : result;
}

static bool is_drained(const struct virtio_port *port)
{
    return atomic_load(&port->host_closed) || atomic_load(&port->free_count) == PORT_BUFFERS;
}

// Waits until the host has taken every byte written.
static int port_sync(struct handle *handle)
{
    struct virtio_port *port = handle->private;

    return WAIT_EVENT(&port->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, is_drained(port));
}

static unsigned port_poll(struct handle *handle, struct poll_table *table)
{
    struct virtio_port *port = handle->private;
    unsigned events = 0;

    poll_wait(table, &port->readers);
    poll_wait(table, &port->writers);
    if (is_readable(port))
        events |= POLLIN | POLLRDNORM;
    if (is_writable(port))
        events |= POLLOUT | POLLWRNORM;
    if (atomic_load(&port->host_closed))
        events |= POLLHUP;
    return events;
}

static const struct handle_ops port_handle_ops = {
    .read = port_read,
    .write = port_write,
    .poll = port_poll,
    .sync = port_sync,
};

static int port_open(struct node *node, struct handle *handle)
{
    handle->private = devfs_private(node);
    return 0;
}

int virtio_port_add_device(struct virtio_port *port, unsigned number)
{
    char path[PORT_NAME_SIZE + 16];

    fmt_print(path, sizeof(path), "virtio-ports/%s", port->name);
    return devfs_add(path, S_IFCHR | 0600, VIRTIO_PORT_MAJOR << 8 | number, &port_handle_ops,
                     port_open, port);
}
