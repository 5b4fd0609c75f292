// SPDX-License-Identifier: MIT
// virtio.c - virtio devices: agreeing on features, and their interrupts, which several devices may
// share.
//
// Sources: VirtIO 1.2, 2.1 (status), 3.1.1 (the order of initialization).

#include "kernel/dev/virtio.h"

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/virtio_console.h"
#include "kernel/log/log.h"

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED 128

#define GSI_MAX 128

static struct virtio_device *on_gsi[GSI_MAX]; // devices by interrupt; changed at start alone

static void interrupt(void *first)
{
    for (struct virtio_device *device = first; device != NULL; device = device->next) {
        if (device->transport->acknowledge(device))
            device->interrupt(device);
    }
}

static void add_status(struct virtio_device *device, uint8_t bit)
{
    device->transport->set_status(device, device->transport->get_status(device) | bit);
}

int virtio_begin(struct virtio_device *device, uint64_t wanted, uint64_t *agreed)
{
    uint64_t offered;

    device->transport->set_status(device, 0);
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    offered = device->transport->get_features(device);
    *agreed = offered & (wanted | VIRTIO_FEATURE_VERSION_1);
    if ((*agreed & VIRTIO_FEATURE_VERSION_1) != 0) {
        device->transport->set_features(device, *agreed);
        add_status(device, STATUS_FEATURES_OK);
        if ((device->transport->get_status(device) & STATUS_FEATURES_OK) != 0)
            return 0;
    }
    add_status(device, STATUS_FAILED);
    return -ENODEV;
}

// The handler gets the first device of its interrupt, so a later one is linked behind that.
static int connect(struct virtio_device *device)
{
    struct virtio_device *first = device->gsi < GSI_MAX ? on_gsi[device->gsi] : NULL;
    int error;

    if (device->gsi >= GSI_MAX)
        return -EINVAL;
    if (first != NULL) {
        device->next = first->next;
        __atomic_store_n(&first->next, device, __ATOMIC_RELEASE);
        return 0;
    }
    error = arch_irq_register(device->gsi, true, interrupt, device);
    if (error == 0)
        on_gsi[device->gsi] = device;
    return error;
}

int virtio_ready(struct virtio_device *device, void (*handler)(struct virtio_device *device))
{
    int error;

    device->interrupt = handler;
    error = connect(device);
    add_status(device, error == 0 ? STATUS_DRIVER_OK : STATUS_FAILED);
    return error;
}

void virtio_device_found(struct virtio_device *device)
{
    log_debug("virtio: device of type %d, interrupt %u", device->type, device->gsi);
    if (device->type == VIRTIO_CONSOLE)
        virtio_console_start(device);
}

void virtio_init_devices(void)
{
    // Where there is a PCI bus, its devices may lie at the addresses at which slots would be
    // probed.
    if (pci_present())
        virtio_pci_find();
    else
        virtio_mmio_find();
}
