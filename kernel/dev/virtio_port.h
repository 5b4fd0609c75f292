// SPDX-License-Identifier: MIT
// virtio_port.h - one port of a virtio console: a stream of bytes each way.
//
// The host writes into buffers that it was given; a reader empties them and gives them back. A
// writer fills free buffers and hands them to the host, and does not wait for it: the host keeps
// them while it has no room, so a full host holds writers up.
#pragma once

#include "kernel/dev/virtq.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/compiler.h"
#include "lib/base/list.h"

#define PORT_BUFFERS 16 // each way
#define PORT_NAME_SIZE 32
#define VIRTIO_PORT_MAJOR                                                                          \
    241 // of the numbers of devices, in the range that Linux leaves to local use

// One page. States: free (out) -> filled -> with the host -> free; with the host (in) -> filled ->
// with the host.
struct port_buffer {
    struct list link;
    char *data;
    paddr_t address;
    uint32_t size;   // filled by the host
    uint32_t offset; // read already
};

// Fields: I set once · p under lock · a atomic
struct virtio_port {
    struct spinlock lock;                         // rank DEVICE
    struct virtq in, out;                         // p
    struct port_buffer in_buffers[PORT_BUFFERS];  // p
    struct port_buffer out_buffers[PORT_BUFFERS]; // p
    struct list filled;                           // p  in_buffers to be read
    struct list free;                             // p  out_buffers
    atomic_uint filled_count;                     // a  changed under lock
    atomic_uint free_count;                       // a  changed under lock
    atomic_bool host_closed; // a  the host has closed its end: no byte will come or go
    struct waitq readers, writers;
    void (*freed)(struct virtio_port
                      *port);  // I  a buffer has become free; in the interrupt. NULL: nobody asks
    void *owner;               // I  of the terminal, for freed
    char name[PORT_NAME_SIZE]; // I
};

// Sets up the port's queues, first_queue and the next. Errors: -ENOMEM, -ENODEV.
int virtio_port_init(struct virtio_port *port, struct virtio_device *device,
                     unsigned first_queue) MUST_CHECK;
// Gives the host buffers to fill, once the device is ready. Errors: -ENOMEM.
int virtio_port_start(struct virtio_port *port) MUST_CHECK;
// Takes what the host has filled and what it is done with. Context: interrupt.
void virtio_port_interrupt(struct virtio_port *port);
// What came before is still read. Context: thread.
void virtio_port_host_changed(struct virtio_port *port, bool open);
// The first buffer that is to be read; it is the caller's until it is returned. NULL: none.
struct port_buffer *virtio_port_take_filled(struct virtio_port *port);
// Puts it back to be read first, if its offset is not at its end; else gives it to the host.
void virtio_port_return_filled(struct virtio_port *port, struct port_buffer *buffer);
// A buffer to be filled; it is the caller's until it is sent. NULL: none.
struct port_buffer *virtio_port_take_free(struct virtio_port *port);
// Hands size bytes of it to the host, or (size 0) makes it free again.
void virtio_port_send(struct virtio_port *port, struct port_buffer *buffer, uint32_t size);

// Adds /dev/virtio-ports/NAME. Errors: -ENOMEM, -EEXIST.
int virtio_port_add_device(struct virtio_port *port, unsigned number) MUST_CHECK;
// Sends back what comes, for ever. Context: thread.
void virtio_port_echo(void *port);

// Makes the port a terminal, /dev/virtio-ports/NAME. Errors: -ENOMEM, -EEXIST.
int virtio_tty_add(struct virtio_port *port, unsigned number) MUST_CHECK;
