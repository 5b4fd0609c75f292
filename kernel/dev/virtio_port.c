// SPDX-License-Identifier: MIT
// virtio_port.c - one port of a virtio console: a stream of bytes each way.

#include "kernel/dev/virtio_port.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/dev/virtio.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/mem/frame.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/fmt.h"

#define DEVICE_MAJOR 241 // of the range that Linux leaves to local use


static int buffer_init(struct port_buffer *buffer)
{
    struct frame *frame;

    if (frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame) != 0)
        return -ENOMEM;
    list_init(&buffer->link);
    buffer->data = frame_ptr(frame);
    buffer->address = frame_paddr(frame);
    return 0;
}

// Gives the host a buffer to fill. There are fewer buffers than descriptors, so there is room. Locks: port->lock held.
static void give(struct virtio_port *port, struct port_buffer *buffer)
{
    buffer->offset = 0;
    if (virtq_add(&port->in, buffer->address, PAGE_SIZE, true, buffer))
        virtq_notify(&port->in);
}

int virtio_port_init(struct virtio_port *port, struct virtio_device *device, unsigned first_queue)
{
    int error;

    spin_init(&port->lock, RANK_DEVICE);
    list_init(&port->filled);
    list_init(&port->free);
    waitq_init(&port->readers);
    waitq_init(&port->writers);
    error = virtq_init(&port->in, device, first_queue);
    if (error == 0)
        error = virtq_init(&port->out, device, first_queue + 1);
    return error;
}

// The device must be ready (2.1.2), so this is not part of virtio_port_init.
int virtio_port_start(struct virtio_port *port)
{
    int error = 0;
    uint64_t state;

    for (unsigned i = 0; i < PORT_BUFFERS && error == 0; i++) {
        error = buffer_init(&port->in_buffers[i]);
        if (error == 0)
            error = buffer_init(&port->out_buffers[i]);
        if (error != 0)
            break;
        state = spin_lock_irq_save(&port->lock);
        give(port, &port->in_buffers[i]);
        list_push_back(&port->free, &port->out_buffers[i].link);
        atomic_fetch_add(&port->free_count, 1);
        spin_unlock_irq_restore(&port->lock, state);
    }
    return error;
}

// Returns: whether anything came.
static bool collect_filled(struct virtio_port *port)
{
    struct port_buffer *buffer;
    bool any = false;
    uint32_t size;

    while ((buffer = virtq_take(&port->in, &size)) != NULL) {
        buffer->size = MIN(size, (uint32_t)PAGE_SIZE);
        list_push_back(&port->filled, &buffer->link);
        atomic_fetch_add(&port->filled_count, 1);
        any = true;
    }
    return any;
}

static bool collect_free(struct virtio_port *port)
{
    struct port_buffer *buffer;
    bool any = false;
    uint32_t size;

    while ((buffer = virtq_take(&port->out, &size)) != NULL) {
        list_push_back(&port->free, &buffer->link);
        atomic_fetch_add(&port->free_count, 1);
        any = true;
    }
    return any;
}

void virtio_port_interrupt(struct virtio_port *port)
{
    uint64_t state = spin_lock_irq_save(&port->lock);
    bool filled = collect_filled(port);
    bool free = collect_free(port);

    spin_unlock_irq_restore(&port->lock, state);
    if (filled)
        waitq_wake(&port->readers, WAKE_ALL, POLLIN | POLLRDNORM);
    if (free)
        waitq_wake(&port->writers, WAKE_ALL, POLLOUT | POLLWRNORM);
}

void virtio_port_host_changed(struct virtio_port *port, bool open)
{
    // The host filled the last buffers before it said so: they are taken first.
    virtio_port_interrupt(port);
    atomic_store(&port->host_closed, !open);
    waitq_wake(&port->readers, WAKE_ALL, POLLIN | POLLHUP);
    waitq_wake(&port->writers, WAKE_ALL, POLLOUT | POLLERR);
}

// The first buffer that is to be read; it is the caller's. NULL: none.
static struct port_buffer *take_filled(struct virtio_port *port)
{
    uint64_t state = spin_lock_irq_save(&port->lock);
    struct port_buffer *buffer = NULL;

    if (!list_empty(&port->filled)) {
        buffer = list_first(&port->filled, struct port_buffer, link);
        list_remove(&buffer->link);
        atomic_fetch_sub(&port->filled_count, 1);
    }
    spin_unlock_irq_restore(&port->lock, state);
    return buffer;
}

// Puts what is left of it back to be read first, or gives it to the host.
static void return_filled(struct virtio_port *port, struct port_buffer *buffer)
{
    uint64_t state = spin_lock_irq_save(&port->lock);

    if (buffer->offset < buffer->size) {
        list_push_front(&port->filled, &buffer->link);
        atomic_fetch_add(&port->filled_count, 1);
    } else {
        give(port, buffer);
    }
    spin_unlock_irq_restore(&port->lock, state);
}

// Copies from one buffer, if there is one. Errors: -EFAULT, if nothing was copied.
static ssize_t read_some(struct virtio_port *port, struct iobuf *to)
{
    struct port_buffer *buffer = take_filled(port);
    size_t before = to->left;
    int error;

    if (buffer == NULL)
        return 0;
    error = iobuf_put(to, buffer->data + buffer->offset, MIN(to->left, (size_t)buffer->size - buffer->offset));
    buffer->offset += (uint32_t)(before - to->left);
    return_filled(port, buffer);
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
        bool closed = atomic_load(&port->host_closed); // before the look for bytes: none comes after it

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

static struct port_buffer *take_free(struct virtio_port *port)
{
    uint64_t state = spin_lock_irq_save(&port->lock);
    struct port_buffer *buffer = NULL;

    if (!list_empty(&port->free)) {
        buffer = list_first(&port->free, struct port_buffer, link);
        list_remove(&buffer->link);
        atomic_fetch_sub(&port->free_count, 1);
    }
    spin_unlock_irq_restore(&port->lock, state);
    return buffer;
}

// Hands size bytes of a buffer to the host, or (size 0) makes it free again.
static void send(struct virtio_port *port, struct port_buffer *buffer, uint32_t size)
{
    uint64_t state = spin_lock_irq_save(&port->lock);

    if (size != 0 && virtq_add(&port->out, buffer->address, size, false, buffer)) {
        virtq_notify(&port->out);
    } else {
        list_push_front(&port->free, &buffer->link);
        atomic_fetch_add(&port->free_count, 1);
    }
    spin_unlock_irq_restore(&port->lock, state);
}

// Fills one free buffer, if there is one, and sends it. Returns: bytes, 0 if there is no room. Errors: -EFAULT.
static ssize_t write_some(struct virtio_port *port, struct iobuf *from)
{
    struct port_buffer *buffer = take_free(port);
    size_t size = MIN(from->left, (size_t)PAGE_SIZE);
    int error;

    if (buffer == NULL)
        return 0;
    error = iobuf_get(from, buffer->data, size);
    send(port, buffer, error == 0 ? (uint32_t)size : 0);
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
    return devfs_add(path, S_IFCHR | 0600, DEVICE_MAJOR << 8 | number, &port_handle_ops, port_open, port);
}

void virtio_port_echo(void *argument)
{
    struct virtio_port *port = argument;

    for (;;) {
        struct port_buffer *in = take_filled(port);
        struct port_buffer *out = in != NULL ? take_free(port) : NULL;

        if (out != NULL) {
            memcpy(out->data, in->data + in->offset, in->size - in->offset);
            send(port, out, in->size - in->offset);
        }
        // With no room the host does not read, so it is not waiting for an answer.
        if (in != NULL) {
            in->offset = in->size;
            return_filled(port, in);
        }
        if (WAIT_EVENT(&port->readers, WAIT_KILLABLE, NSEC_NEVER, atomic_load(&port->filled_count) != 0) != 0)
            return;
    }
}
