// SPDX-License-Identifier: MIT
// virtio_mmio.c - virtio devices at fixed addresses, as QEMU's microvm has them.
//
// microvm has slots of 512 bytes from 0xfeb00000 on: 24 with a second IOAPIC, whose inputs begin at
// 24, else 8; slot n interrupts on the n-th input of the second IOAPIC, or on 16+n. Its ACPI names
// them in AML alone, so the slots are probed.
// Sources: VirtIO 1.2, 4.2.2; QEMU 7.2 hw/i386/microvm.c, and trying both machines.

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem/slab.h"

#define SLOTS_BASE UINT64_C(0xfeb00000)
#define SLOT_SIZE 0x200
#define SLOT_COUNT 24
#define FIRST_GSI_TWO_IOAPICS 24
#define FIRST_GSI 16

#define MAGIC 0x74726976
#define VERSION 2 // 1 is the legacy layout: QEMU needs -global virtio-mmio.force-legacy=false

enum mmio_register {
    MMIO_MAGIC = 0x000,
    MMIO_VERSION = 0x004,
    MMIO_DEVICE_ID = 0x008,
    MMIO_DEVICE_FEATURES = 0x010,
    MMIO_DEVICE_FEATURES_SELECT = 0x014,
    MMIO_DRIVER_FEATURES = 0x020,
    MMIO_DRIVER_FEATURES_SELECT = 0x024,
    MMIO_QUEUE_SELECT = 0x030,
    MMIO_QUEUE_SIZE_MAX = 0x034,
    MMIO_QUEUE_SIZE = 0x038,
    MMIO_QUEUE_READY = 0x044,
    MMIO_QUEUE_NOTIFY = 0x050,
    MMIO_INTERRUPT_STATUS = 0x060,
    MMIO_INTERRUPT_ACK = 0x064,
    MMIO_STATUS = 0x070,
    MMIO_QUEUE_DESCRIPTORS = 0x080, // each low half, then high half
    MMIO_QUEUE_DRIVER = 0x090,
    MMIO_QUEUE_DEVICE = 0x0a0,
    MMIO_CONFIG = 0x100,
};

static uint32_t mmio_read(const struct virtio_device *device, unsigned at)
{
    return *(volatile uint32_t *)((char *)device->registers[0] + at);
}

static void mmio_write(const struct virtio_device *device, unsigned at, uint32_t value)
{
    *(volatile uint32_t *)((char *)device->registers[0] + at) = value;
}

static void write_address(const struct virtio_device *device, unsigned at, paddr_t address)
{
    mmio_write(device, at, (uint32_t)address);
    mmio_write(device, at + 4, (uint32_t)(address >> 32));
}

static uint8_t get_status(struct virtio_device *device)
{
    return (uint8_t)mmio_read(device, MMIO_STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    mmio_write(device, MMIO_STATUS, status);
}

static uint64_t get_features(struct virtio_device *device)
{
    uint64_t features;

    mmio_write(device, MMIO_DEVICE_FEATURES_SELECT, 1);
    features = (uint64_t)mmio_read(device, MMIO_DEVICE_FEATURES) << 32;
    mmio_write(device, MMIO_DEVICE_FEATURES_SELECT, 0);
    return features | mmio_read(device, MMIO_DEVICE_FEATURES);
}

static void set_features(struct virtio_device *device, uint64_t features)
{
    mmio_write(device, MMIO_DRIVER_FEATURES_SELECT, 0);
    mmio_write(device, MMIO_DRIVER_FEATURES, (uint32_t)features);
    mmio_write(device, MMIO_DRIVER_FEATURES_SELECT, 1);
    mmio_write(device, MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static bool set_queue(struct virtio_device *device, struct virtq *queue)
{
    mmio_write(device, MMIO_QUEUE_SELECT, queue->index);
    if (mmio_read(device, MMIO_QUEUE_SIZE_MAX) < VIRTQ_SIZE)
        return false;
    mmio_write(device, MMIO_QUEUE_SIZE, VIRTQ_SIZE);
    write_address(device, MMIO_QUEUE_DESCRIPTORS, virtq_descriptors(queue));
    write_address(device, MMIO_QUEUE_DRIVER, virtq_available(queue));
    write_address(device, MMIO_QUEUE_DEVICE, virtq_used(queue));
    mmio_write(device, MMIO_QUEUE_READY, 1);
    return true;
}

static void notify(struct virtio_device *device, struct virtq *queue)
{
    mmio_write(device, MMIO_QUEUE_NOTIFY, queue->index);
}

static bool acknowledge(struct virtio_device *device)
{
    uint32_t status = mmio_read(device, MMIO_INTERRUPT_STATUS);

    if (status != 0)
        mmio_write(device, MMIO_INTERRUPT_ACK, status);
    return status != 0;
}

static uint32_t read_config(struct virtio_device *device, unsigned offset)
{
    return mmio_read(device, MMIO_CONFIG + offset);
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

static void found(void *registers, enum virtio_type type, unsigned gsi)
{
    struct virtio_device *device = kmalloc(sizeof(*device), NULL);

    if (device == NULL)
        return;
    device->transport = &transport;
    device->type = type;
    device->gsi = gsi;
    device->registers[0] = registers;
    virtio_device_found(device);
}

void virtio_mmio_find(void)
{
    unsigned first_gsi = arch_irq_exists(FIRST_GSI_TWO_IOAPICS) ? FIRST_GSI_TWO_IOAPICS : FIRST_GSI;
    char *slots = arch_map_device(SLOTS_BASE, SLOT_COUNT * SLOT_SIZE);

    if (slots == NULL)
        return;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        struct virtio_device probe = { .registers = { slots + slot * SLOT_SIZE } };

        if (mmio_read(&probe, MMIO_MAGIC) == MAGIC && mmio_read(&probe, MMIO_VERSION) == VERSION &&
            mmio_read(&probe, MMIO_DEVICE_ID) != 0)
            found(probe.registers[0], (enum virtio_type)mmio_read(&probe, MMIO_DEVICE_ID),
                  first_gsi + slot);
    }
}
