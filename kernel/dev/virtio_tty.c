// SPDX-License-Identifier: MIT
// virtio_tty.c - a port of a virtio console as a terminal.
//
// A thread hands what comes to the line discipline, and waits while that has no room, so nothing is
// lost and the host is held up. Output goes out in the writer's call, and echo in the thread's, a
// buffer for all of it: there are few buffers, and the host's answers are not heard meanwhile.

#include <string.h>

#include "abi/errors.h"
#include "kernel/dev/tty.h"
#include "kernel/dev/virtio_port.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "lib/base/fmt.h"

// Fields: I set once · a atomic · t under tty.lock
struct virtio_tty {
    struct tty tty;
    struct port_buffer *open; // t  written to, and not sent yet; NULL outside of tty.lock
    uint32_t open_size;       // t  bytes in it
    struct virtio_port *port; // I
    atomic_bool has_room;     // a  the line discipline may take input again
    struct waitq room;        // the thread, for has_room
};

static struct virtio_tty *virtio_tty_of(const struct tty *tty)
{
    return container_of(tty, struct virtio_tty, tty);
}

static size_t terminal_room(const struct tty *tty)
{
    const struct virtio_tty *terminal = virtio_tty_of(tty);
    size_t left = terminal->open != NULL ? PAGE_SIZE - terminal->open_size : 0;

    if (atomic_load(&terminal->port->host_closed))
        return PAGE_SIZE; // to be dropped
    return left + atomic_load(&terminal->port->free_count) * PAGE_SIZE;
}

static void terminal_push(struct tty *tty)
{
    struct virtio_tty *terminal = virtio_tty_of(tty);

    if (terminal->open != NULL)
        virtio_port_send(terminal->port, terminal->open, terminal->open_size);
    terminal->open = NULL;
}

static bool has_open(struct virtio_tty *terminal)
{
    if (terminal->open == NULL) {
        terminal->open = virtio_port_take_free(terminal->port);
        terminal->open_size = 0;
    }
    return terminal->open != NULL;
}

static size_t terminal_write(struct tty *tty, const uint8_t *bytes, size_t count)
{
    struct virtio_tty *terminal = virtio_tty_of(tty);
    size_t taken = 0;

    while (taken < count && has_open(terminal)) {
        uint32_t size = (uint32_t)MIN(count - taken, (size_t)PAGE_SIZE - terminal->open_size);

        memcpy(terminal->open->data + terminal->open_size, bytes + taken, size);
        terminal->open_size += size;
        taken += size;
        if (terminal->open_size == PAGE_SIZE)
            terminal_push(tty);
    }
    return atomic_load(&terminal->port->host_closed) ? count : taken;
}

// In whole buffers: what a buffer holds is not kept.
static size_t terminal_pending(const struct tty *tty)
{
    struct virtio_port *port = virtio_tty_of(tty)->port;

    return atomic_load(&port->host_closed) ? 0 : PORT_BUFFERS - atomic_load(&port->free_count);
}

// What the host has is the host's.
static void terminal_flush(struct tty *tty)
{
    (void)tty;
}

static void terminal_input_room(struct tty *tty)
{
    struct virtio_tty *terminal = virtio_tty_of(tty);

    atomic_store(&terminal->has_room, true);
    waitq_wake(&terminal->room, WAKE_ALL, 0);
}

static const struct tty_driver driver = {
    .write = terminal_write,
    .push = terminal_push,
    .room = terminal_room,
    .pending = terminal_pending,
    .flush = terminal_flush,
    .input_room = terminal_input_room,
};

static void freed(struct virtio_port *port)
{
    struct virtio_tty *terminal = port->owner;

    tty_writable(&terminal->tty);
}

// Hands in one buffer, or what there is room for.
static int hand_in(struct virtio_tty *terminal, struct port_buffer *buffer)
{
    size_t left = buffer->size - buffer->offset;
    size_t taken;

    atomic_store(&terminal->has_room, false);
    taken = tty_receive(&terminal->tty, (const uint8_t *)buffer->data + buffer->offset, left);
    buffer->offset += (uint32_t)taken;
    virtio_port_return_filled(terminal->port, buffer);
    return taken != 0 ? 0
                      : WAIT_EVENT(&terminal->room, WAIT_KILLABLE, NSEC_NEVER,
                                   atomic_load(&terminal->has_room));
}

static void receive_thread(void *argument)
{
    struct virtio_tty *terminal = argument;
    struct virtio_port *port = terminal->port;
    int error = 0;

    while (error == 0) {
        struct port_buffer *buffer = virtio_port_take_filled(port);

        if (buffer != NULL)
            error = hand_in(terminal, buffer);
        else
            error = WAIT_EVENT(&port->readers, WAIT_KILLABLE, NSEC_NEVER,
                               atomic_load(&port->filled_count) != 0);
    }
}

int virtio_tty_add(struct virtio_port *port, unsigned number)
{
    struct virtio_tty *terminal = kmalloc(sizeof(*terminal), NULL);
    char path[PORT_NAME_SIZE + 16];
    int error;

    if (terminal == NULL)
        return -ENOMEM;
    tty_init(&terminal->tty, &driver, VIRTIO_PORT_MAJOR << 8 | number, &account_root);
    tty_hold_input(&terminal->tty);
    waitq_init(&terminal->room);
    terminal->open = NULL;
    terminal->port = port;
    port->owner = terminal;
    port->freed = freed;
    fmt_print(path, sizeof(path), "virtio-ports/%s", port->name);
    error = tty_add_device(path, &terminal->tty);
    if (error == 0)
        error = thread_create_kernel("tty", receive_thread, terminal);
    return error;
}
