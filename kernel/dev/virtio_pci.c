// SPDX-License-Identifier: MIT
// virtio_pci.c - virtio devices on the PCI bus, by their modern interface.
//
// A device has vendor-specific capabilities that say in which memory window and where its four
// groups of registers lie.
// Source: VirtIO 1.2, 4.1.

#include "kernel/arch/arch.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/virtio.h"
#include "kernel/log/log.h"
#include "kernel/mem/slab.h"

#define VENDOR 0x1af4
#define ID_MODERN 0x1040       // + type
#define ID_TRANSITIONAL 0x1000 // the type is then the subsystem's id
#define CONFIG_SUBSYSTEM_ID 0x2e
#define CAPABILITY_VENDOR 9
#define CAPABILITIES_MAX 48 // as many as fit 256 bytes; a longer chain goes round in a circle

// Offsets in a capability, and what it may describe (4.1.4).
#define CAPABILITY_KIND 3
#define CAPABILITY_BAR 4
#define CAPABILITY_OFFSET 8
#define CAPABILITY_LENGTH 12
#define CAPABILITY_NOTIFY_MULTIPLIER 16
enum { KIND_COMMON = 1, KIND_NOTIFY = 2, KIND_INTERRUPT = 3, KIND_DEVICE = 4 };

// device->registers, by kind - 1.
enum { COMMON, NOTIFY, INTERRUPT, DEVICE };

// The common group (4.1.4.3).
struct common {
    uint32_t device_feature_select;
    uint32_t device_feature;
    uint32_t driver_feature_select;
    uint32_t driver_feature;
    uint16_t msix_config;
    uint16_t num_queues;
    uint8_t device_status;
    uint8_t config_generation;
    uint16_t queue_select;
    uint16_t queue_size;
    uint16_t queue_msix_vector;
    uint16_t queue_enable;
    uint16_t queue_notify_off;
    uint32_t queue_desc[2];
    uint32_t queue_driver[2];
    uint32_t queue_device[2];
};
_Static_assert(sizeof(struct common) == 56, "the common group");

static volatile struct common *common_of(struct virtio_device *device)
{
    return device->registers[COMMON];
}

static uint8_t get_status(struct virtio_device *device)
{
    return common_of(device)->device_status;
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    common_of(device)->device_status = status;
    // A reset is done when the status reads 0 (4.1.4.3.2).
    while (status == 0 && common_of(device)->device_status != 0)
        arch_relax();
}

static uint64_t get_features(struct virtio_device *device)
{
    volatile struct common *common = common_of(device);
    uint64_t features;

    common->device_feature_select = 1;
    features = (uint64_t)common->device_feature << 32;
    common->device_feature_select = 0;
    return features | common->device_feature;
}

static void set_features(struct virtio_device *device, uint64_t features)
{
    volatile struct common *common = common_of(device);

    common->driver_feature_select = 0;
    common->driver_feature = (uint32_t)features;
    common->driver_feature_select = 1;
    common->driver_feature = (uint32_t)(features >> 32);
}

static void write_address(volatile uint32_t *at, paddr_t address)
{
    at[0] = (uint32_t)address;
    at[1] = (uint32_t)(address >> 32);
}

static bool set_queue(struct virtio_device *device, struct virtq *queue)
{
    volatile struct common *common = common_of(device);

    if (queue->index >= common->num_queues)
        return false;
    common->queue_select = (uint16_t)queue->index;
    if (common->queue_size < VIRTQ_SIZE)
        return false;
    common->queue_size = VIRTQ_SIZE;
    write_address(common->queue_desc, virtq_descriptors(queue));
    write_address(common->queue_driver, virtq_available(queue));
    write_address(common->queue_device, virtq_used(queue));
    queue->registers = (char *)device->registers[NOTIFY] +
                       (size_t)common->queue_notify_off * device->notify_multiplier;
    common->queue_enable = 1;
    return true;
}

static void notify(struct virtio_device *device, struct virtq *queue)
{
    (void)device;
    *(volatile uint16_t *)queue->registers = (uint16_t)queue->index;
}

// Reading the register clears it (4.1.4.5).
static bool acknowledge(struct virtio_device *device)
{
    return *(volatile uint8_t *)device->registers[INTERRUPT] != 0;
}

static uint32_t read_config(struct virtio_device *device, unsigned offset)
{
    return *(volatile uint32_t *)((char *)device->registers[DEVICE] + offset);
}

static const struct virtio_transport transport = {
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .set_queue = set_queue,
    .notify = notify,
    .acknowledge = acknowledge,
    .read_config = read_config,
};

static void map_group(struct virtio_device *device, const struct pci_function *function,
                      unsigned at)
{
    unsigned kind = pci_read8(function, at + CAPABILITY_KIND);
    size_t length = pci_read32(function, at + CAPABILITY_LENGTH);
    paddr_t window;

    if (kind < KIND_COMMON || kind > KIND_DEVICE || device->registers[kind - 1] != NULL ||
        length == 0 || !pci_window(function, pci_read8(function, at + CAPABILITY_BAR), &window))
        return;
    device->registers[kind - 1] =
        arch_map_device(window + pci_read32(function, at + CAPABILITY_OFFSET), length);
    if (kind == KIND_NOTIFY)
        device->notify_multiplier = pci_read32(function, at + CAPABILITY_NOTIFY_MULTIPLIER);
}

// Returns: whether all groups are there that every device has.
static bool map_groups(struct virtio_device *device, const struct pci_function *function)
{
    unsigned at = pci_next_capability(function, 0);

    for (unsigned i = 0; at != 0 && i < CAPABILITIES_MAX; i++) {
        if (pci_read8(function, at) == CAPABILITY_VENDOR)
            map_group(device, function, at);
        at = pci_next_capability(function, at);
    }
    for (unsigned i = 0; i < DEVICE; i++) {
        if (device->registers[i] == NULL)
            return false;
    }
    return true;
}

static void look_at(const struct pci_function *function)
{
    struct virtio_device *device;

    if (function->vendor != VENDOR || function->id < ID_TRANSITIONAL ||
        function->id > ID_MODERN + 0x3f)
        return;
    device = kmalloc(sizeof(*device), NULL);
    if (device == NULL)
        return;
    device->transport = &transport;
    device->type =
        (enum virtio_type)(function->id >= ID_MODERN ? function->id - ID_MODERN
                                                     : pci_read16(function, CONFIG_SUBSYSTEM_ID));
    pci_enable(function);
    if (!map_groups(device, function) || !pci_interrupt(function, &device->gsi)) {
        log_warning("virtio: the device at PCI %u:%u.%u has no modern interface or no interrupt",
                    function->bus, function->device, function->function);
        kfree(device);
        return;
    }
    virtio_device_found(device);
}

void virtio_pci_find(void)
{
    pci_for_each(look_at);
}
