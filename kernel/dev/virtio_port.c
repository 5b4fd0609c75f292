// SPDX-License-Identifier: MIT
// virtio_port.c - one port of a virtio console: a stream of bytes each way.

#include "kernel/dev/virtio_port.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/poll.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem/frame.h"

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

// Gives the host a buffer to fill. There are fewer buffers than descriptors, so there is room.
// Locks: port->lock held.
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
    if (free && port->freed != NULL)
        port->freed(port);
}

void virtio_port_host_changed(struct virtio_port *port, bool open)
{
    // The host filled the last buffers before it said so: they are taken first.
    virtio_port_interrupt(port);
    atomic_store(&port->host_closed, !open);
    waitq_wake(&port->readers, WAKE_ALL, POLLIN | POLLHUP);
    waitq_wake(&port->writers, WAKE_ALL, POLLOUT | POLLERR);
}

struct port_buffer *virtio_port_take_filled(struct virtio_port *port)
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

void virtio_port_return_filled(struct virtio_port *port, struct port_buffer *buffer)
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

struct port_buffer *virtio_port_take_free(struct virtio_port *port)
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

void virtio_port_send(struct virtio_port *port, struct port_buffer *buffer, uint32_t size)
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

void virtio_port_echo(void *argument)
{
    struct virtio_port *port = argument;

    for (;;) {
        struct port_buffer *in = virtio_port_take_filled(port);
        struct port_buffer *out = in != NULL ? virtio_port_take_free(port) : NULL;

        if (out != NULL) {
            memcpy(out->data, in->data + in->offset, in->size - in->offset);
            virtio_port_send(port, out, in->size - in->offset);
        }
        // With no room the host does not read, so it is not waiting for an answer.
        if (in != NULL) {
            in->offset = in->size;
            virtio_port_return_filled(port, in);
        }
        if (WAIT_EVENT(&port->readers, WAIT_KILLABLE, NSEC_NEVER,
                       atomic_load(&port->filled_count) != 0) != 0)
            return;
    }
}
