// SPDX-License-Identifier: MIT
// virtio_console.c - the virtio console with several ports: its control queues, which say what
// ports there are.
//
// The device announces each port (PORT_ADD); we say that we are ready for it (PORT_READY) and that
// our end is open (PORT_OPEN); it tells the port's name (PORT_NAME) and whether the host's end is
// open. A kernel thread handles its messages; start-up waits until every port that was announced
// has its name.
// Source: VirtIO 1.2, 5.3.

#include "kernel/dev/virtio_console.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/dev/virtio.h"
#include "kernel/dev/virtio_port.h"
#include "kernel/log/log.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/slab.h"

#define PORT_MAX 16
#define FEATURE_MULTIPORT (UINT64_C(1) << 1)
#define CONFIG_MAX_PORTS 4
#define CONTROL_IN 2
#define CONTROL_OUT 3
#define CONTROL_BUFFERS 32
#define CONTROL_BUFFER_SIZE 128
#define SETTLE_NS (200 * NSEC_PER_MSEC) // a device that says nothing has no ports

enum control_event {
    CONTROL_DEVICE_READY = 0,
    CONTROL_PORT_ADD = 1,
    CONTROL_PORT_REMOVE = 2,
    CONTROL_PORT_READY = 3,
    CONTROL_CONSOLE_PORT = 4,
    CONTROL_RESIZE = 5,
    CONTROL_PORT_OPEN = 6,
    CONTROL_PORT_NAME = 7,
};

struct control {
    uint32_t port;
    uint16_t event;
    uint16_t value;
    char name[CONTROL_BUFFER_SIZE - 8]; // of PORT_NAME; not closed by a NUL
};
_Static_assert(sizeof(struct control) * CONTROL_BUFFERS <= PAGE_SIZE,
               "control buffers fit one page");

// Fields: I set once · c under lock · t by the control thread
struct console {
    struct virtio_device *device;        // I
    unsigned port_count;                 // I  how many there can be
    struct spinlock lock;                // rank DEVICE
    struct virtq control_in;             // c
    struct virtq control_out;            // c
    paddr_t in_address;                  // I  of CONTROL_BUFFERS struct control
    paddr_t out_address;                 // I
    struct control *out_messages;        // c  by a counter; the device reads each at once
    unsigned out_next;                   // c
    struct waitq events;                 // the control thread, and start-up
    struct virtio_port *ports[PORT_MAX]; // I  NULL: no memory for it
    atomic_uint unnamed;                 // t  announced, and no name yet
    atomic_bool announced;               // t  at least one
};

static void control_send(struct console *console, unsigned port, enum control_event event,
                         uint16_t value)
{
    uint64_t state = spin_lock_irq_save(&console->lock);
    unsigned slot = console->out_next++ % CONTROL_BUFFERS;
    struct control *message = &console->out_messages[slot];
    uint32_t size;

    while (virtq_take(&console->control_out, &size) != NULL)
        continue;
    message->port = port;
    message->event = event;
    message->value = value;
    if (virtq_add(&console->control_out, console->out_address + slot * sizeof(*message), 8, false,
                  message))
        virtq_notify(&console->control_out);
    spin_unlock_irq_restore(&console->lock, state);
}

static void control_give(struct console *console, struct control *message)
{
    paddr_t address =
        console->in_address + ((paddr_t)message - (paddr_t)direct_ptr(console->in_address));
    uint64_t state = spin_lock_irq_save(&console->lock);

    if (virtq_add(&console->control_in, address, sizeof(*message), true, message))
        virtq_notify(&console->control_in);
    spin_unlock_irq_restore(&console->lock, state);
}

static void port_added(struct console *console, unsigned number, struct virtio_port *port)
{
    if (virtio_port_start(port) != 0) {
        log_error("virtio: no memory for port %u", number);
        control_send(console, number, CONTROL_PORT_READY, 0);
        return;
    }
    atomic_fetch_add(&console->unnamed, 1);
    atomic_store(&console->announced, true);
    control_send(console, number, CONTROL_PORT_READY, 1);
    control_send(console, number, CONTROL_PORT_OPEN, 1);
}

static void port_named(struct console *console, unsigned number, struct virtio_port *port,
                       const char *name, size_t length)
{
    int error;

    if (port->name[0] != '\0')
        return;
    memcpy(port->name, name, MIN(length, sizeof(port->name) - 1));
    if (strcmp(port->name, "ping") == 0)
        error = thread_create_kernel("ping", virtio_port_echo, port);
    else if (strcmp(port->name, "tty") == 0)
        error = virtio_tty_add(port, number);
    else
        error = virtio_port_add_device(port, number);
    if (error != 0)
        log_error("virtio: port %s is not there: error %d", port->name, -error);
    atomic_fetch_sub(&console->unnamed, 1);
}

static void control_handle(struct console *console, const struct control *message, size_t size)
{
    struct virtio_port *port;

    if (size < 8 || message->port >= console->port_count || console->ports[message->port] == NULL)
        return;
    port = console->ports[message->port];
    if (message->event == CONTROL_PORT_ADD)
        port_added(console, message->port, port);
    else if (message->event == CONTROL_PORT_OPEN)
        virtio_port_host_changed(port, message->value != 0);
    else if (message->event == CONTROL_PORT_NAME)
        port_named(console, message->port, port, message->name,
                   MIN(size - 8, sizeof(message->name)));
}

static struct control *control_take(struct console *console, uint32_t *size)
{
    uint64_t state = spin_lock_irq_save(&console->lock);
    struct control *message = virtq_take(&console->control_in, size);

    spin_unlock_irq_restore(&console->lock, state);
    return message;
}

static void control_thread(void *argument)
{
    struct console *console = argument;

    for (;;) {
        struct control *message;
        uint32_t size;

        while ((message = control_take(console, &size)) != NULL) {
            control_handle(console, message, size);
            control_give(console, message);
        }
        waitq_wake(&console->events, WAKE_ALL, 0);
        if (WAIT_EVENT(&console->events, WAIT_KILLABLE, NSEC_NEVER,
                       virtq_has_used(&console->control_in)) != 0)
            return;
    }
}

static void console_interrupt(struct virtio_device *device)
{
    struct console *console = device->driver;

    for (unsigned i = 0; i < console->port_count; i++) {
        if (console->ports[i] != NULL)
            virtio_port_interrupt(console->ports[i]);
    }
    if (virtq_has_used(&console->control_in))
        waitq_wake(&console->events, WAKE_ALL, 0);
}

// Port 0 has queues 0 and 1, the control queues are 2 and 3, port n has 2n+2 and 2n+3 (5.3.2).
static int init_ports(struct console *console)
{
    for (unsigned i = 0; i < console->port_count; i++) {
        struct virtio_port *port = kmalloc(sizeof(*port), NULL);
        int error = port == NULL ? -ENOMEM
                                 : virtio_port_init(port, console->device, i == 0 ? 0 : 2 * i + 2);

        if (error != 0)
            return error;
        console->ports[i] = port;
    }
    return 0;
}

static int init_control(struct console *console)
{
    struct frame *in, *out;
    int error = virtq_init(&console->control_in, console->device, CONTROL_IN);

    if (error == 0)
        error = virtq_init(&console->control_out, console->device, CONTROL_OUT);
    if (error == 0)
        error = frame_alloc(NULL, FRAME_KERNEL, 0, FRAME_ZERO, &in);
    if (error == 0)
        error = frame_alloc(NULL, FRAME_KERNEL, 0, FRAME_ZERO, &out);
    if (error != 0)
        return error;
    console->in_address = frame_paddr(in);
    console->out_address = frame_paddr(out);
    console->out_messages = frame_ptr(out);
    return 0;
}

static int console_init(struct console *console, struct virtio_device *device)
{
    uint64_t features;
    int error = virtio_begin(device, FEATURE_MULTIPORT, &features);

    spin_init(&console->lock, RANK_DEVICE);
    waitq_init(&console->events);
    console->device = device;
    device->driver = console;
    if (error == 0 && (features & FEATURE_MULTIPORT) == 0)
        error = -ENODEV;
    if (error != 0)
        return error;
    console->port_count =
        MIN(device->transport->read_config(device, CONFIG_MAX_PORTS), (uint32_t)PORT_MAX);
    error = init_control(console);
    if (error == 0)
        error = init_ports(console);
    if (error == 0)
        error = virtio_ready(device, console_interrupt);
    return error;
}

static bool is_settled(const struct console *console)
{
    return atomic_load(&console->announced) && atomic_load(&console->unnamed) == 0 &&
           !virtq_has_used(&console->control_in);
}

// A device that fails half-way keeps the memory that it may still write to.
void virtio_console_start(struct virtio_device *device)
{
    struct console *console = kmalloc(sizeof(*console), NULL);
    int error = console == NULL ? -ENOMEM : console_init(console, device);
    struct control *messages;

    if (error == 0)
        error = thread_create_kernel("virtio-console", control_thread, console);
    if (error != 0) {
        log_error("virtio: the console does not start: error %d", -error);
        return;
    }
    messages = direct_ptr(console->in_address);
    for (unsigned i = 0; i < CONTROL_BUFFERS; i++)
        control_give(console, &messages[i]);
    control_send(console, 0, CONTROL_DEVICE_READY, 1);
    error =
        WAIT_EVENT(&console->events, WAIT_KILLABLE, clock_now() + SETTLE_NS, is_settled(console));
    if (error != 0)
        log_warning("virtio: the console's ports have no names yet");
}
