// SPDX-License-Identifier: MIT
// virtio.h - virtio devices: finding them, agreeing on features, their queues and interrupts.
//
// A transport (virtio_mmio.c, virtio_pci.c) finds a device and calls virtio_device_found; the
// driver of its type sets it up: virtio_begin, virtq_init for each queue, virtio_ready. Devices
// stay for ever.
// Sources: VirtIO 1.2, chapters 2 (queues), 3 (initialization), 4.1 (PCI), 4.2 (MMIO).
#pragma once

#include "kernel/dev/virtq.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct virtio_device;

enum virtio_type { VIRTIO_CONSOLE = 3 };

#define VIRTIO_FEATURE_VERSION_1 (UINT64_C(1) << 32)

struct virtio_transport {
    uint8_t (*get_status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device,
                       uint8_t status); // 0: reset, done when it returns
    uint64_t (*get_features)(struct virtio_device *device);
    void (*set_features)(struct virtio_device *device, uint64_t features);
    // Tells the device where a queue lies. Returns: false if it has no such queue, or not that
    // long.
    bool (*set_queue)(struct virtio_device *device, struct virtq *queue);
    void (*notify)(struct virtio_device *device, struct virtq *queue);
    bool (*acknowledge)(struct virtio_device *device); // whether it asked for the interrupt
    uint32_t (*read_config)(struct virtio_device *device, unsigned offset);
};

// Fields: I set once
struct virtio_device {
    const struct virtio_transport *transport;        // I
    enum virtio_type type;                           // I
    unsigned gsi;                                    // I  its interrupt
    void *registers[4];                              // I  of the transport
    uint32_t notify_multiplier;                      // I  PCI
    void (*interrupt)(struct virtio_device *device); // I  of the driver: interrupts off
    struct virtio_device *next;                      // I  with the same interrupt
    void *driver;                                    // I
};

// Finds all devices and starts their drivers. Context: thread, after devfs_init.
void virtio_init_devices(void);

// For transports: a device of the type is there; device lives for ever.
void virtio_device_found(struct virtio_device *device);
void virtio_mmio_find(void);
void virtio_pci_find(void);

// For drivers. Resets the device and agrees on features: all of wanted that it has. Errors: -ENODEV
// it does not go along.
int virtio_begin(struct virtio_device *device, uint64_t wanted, uint64_t *agreed) MUST_CHECK;
// Queues are set: the device may work, and interrupts come. Errors: -EBUSY or -EINVAL, the
// interrupt cannot be had.
int virtio_ready(struct virtio_device *device,
                 void (*interrupt)(struct virtio_device *device)) MUST_CHECK;
