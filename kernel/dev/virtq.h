// SPDX-License-Identifier: MIT
// virtq.h - a split virtqueue: buffers handed to a device, and handed back.
//
// Locking: one caller at a time, by the driver's lock.
// Source: VirtIO 1.2, 2.7.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

#define VIRTQ_SIZE                                                                                 \
    32 // descriptors: what the shortest queue in use has (QEMU: the control queues of a console)

struct virtio_device;
struct virtq_rings;

// Fields: I set once · q under the driver's lock
struct virtq {
    struct virtio_device *device; // I
    unsigned index;               // I  its number in the device
    struct virtq_rings *rings;    // I  shared with the device
    paddr_t address;              // I  of rings
    void *registers;              // I  where the transport notifies
    uint16_t free_head;           // q  chain of free descriptors
    uint16_t free_count;          // q
    uint16_t used_seen;           // q  how far the used ring is read
    void *tokens[VIRTQ_SIZE];     // q  by descriptor
};

// Allocates the rings and tells the device. Errors: -ENOMEM; -ENODEV no such queue.
int virtq_init(struct virtq *queue, struct virtio_device *device, unsigned index) MUST_CHECK;

// Hands one buffer to the device, to be read or (device_writes) written by it. Returns: false if
// the queue is full.
bool virtq_add(struct virtq *queue, paddr_t address, uint32_t size, bool device_writes,
               void *token) MUST_CHECK;

// Tells the device that there are buffers, unless it asked not to be told.
void virtq_notify(struct virtq *queue);

// Takes back one buffer that the device is done with. Returns: its token, NULL if there is none;
// *size: bytes written.
void *virtq_take(struct virtq *queue, uint32_t *size);

// Whether there is a buffer to take back; may be asked without the driver's lock, and is then a
// hint.
bool virtq_has_used(const struct virtq *queue);

// Physical addresses of the three parts, for transports.
paddr_t virtq_descriptors(const struct virtq *queue);
paddr_t virtq_available(const struct virtq *queue);
paddr_t virtq_used(const struct virtq *queue);
