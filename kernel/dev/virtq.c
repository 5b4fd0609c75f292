// SPDX-License-Identifier: MIT
// virtq.c - a split virtqueue: buffers handed to a device, and handed back.
//
// A buffer is one descriptor. The device reads an entry of the available ring after it saw the
// ring's index move, and we an entry of the used ring likewise: hence the release stores and
// acquire loads. x86 keeps device writes in order too.

#include "kernel/dev/virtq.h"

#include <stdatomic.h>

#include "abi/errors.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem/frame.h"
#include "lib/base/assert.h"

#define DESCRIPTOR_WRITE 2 // the device writes it
#define USED_NO_NOTIFY 1

struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next; // not read by the device, as no buffer has a second part; our chain of free ones
};

struct used_entry {
    uint32_t descriptor;
    uint32_t size;
};

// In one page: descriptors at 0, aligned to 16; then the two rings, aligned to 2 and 4.
struct virtq_rings {
    struct descriptor descriptors[VIRTQ_SIZE];
    struct {
        uint16_t flags;
        _Atomic uint16_t index;
        uint16_t ring[VIRTQ_SIZE];
        uint16_t used_event;
    } available;
    struct ALIGNED(4) {
        _Atomic uint16_t flags;
        _Atomic uint16_t index;
        struct used_entry ring[VIRTQ_SIZE];
        uint16_t available_event;
    } used;
};
_Static_assert(sizeof(struct virtq_rings) <= PAGE_SIZE, "a queue fits one page");

int virtq_init(struct virtq *queue, struct virtio_device *device, unsigned index)
{
    struct frame *frame;

    if (frame_alloc(NULL, FRAME_KERNEL, 0, FRAME_ZERO, &frame) != 0)
        return -ENOMEM;
    queue->device = device;
    queue->index = index;
    queue->rings = frame_ptr(frame);
    queue->address = frame_paddr(frame);
    queue->free_head = 0;
    queue->free_count = VIRTQ_SIZE;
    queue->used_seen = 0;
    for (uint16_t i = 0; i < VIRTQ_SIZE; i++)
        queue->rings->descriptors[i].next = (uint16_t)(i + 1);
    if (!device->transport->set_queue(device, queue)) {
        frame_put(frame);
        return -ENODEV;
    }
    return 0;
}

bool virtq_add(struct virtq *queue, paddr_t address, uint32_t size, bool device_writes, void *token)
{
    struct virtq_rings *rings = queue->rings;
    uint16_t at = queue->free_head;
    uint16_t index = atomic_load_explicit(&rings->available.index, memory_order_relaxed);

    if (queue->free_count == 0)
        return false;
    queue->free_head = rings->descriptors[at].next;
    queue->free_count--;
    queue->tokens[at] = token;
    rings->descriptors[at].address = address;
    rings->descriptors[at].size = size;
    rings->descriptors[at].flags = device_writes ? DESCRIPTOR_WRITE : 0;
    rings->available.ring[index % VIRTQ_SIZE] = at;
    atomic_store_explicit(&rings->available.index, (uint16_t)(index + 1), memory_order_release);
    return true;
}

void virtq_notify(struct virtq *queue)
{
    // The device sets the flag, then looks at the index again; we moved the index and now look at
    // the flag (2.7.13.4).
    atomic_thread_fence(memory_order_seq_cst);
    if ((atomic_load_explicit(&queue->rings->used.flags, memory_order_relaxed) & USED_NO_NOTIFY) ==
        0)
        queue->device->transport->notify(queue->device, queue);
}

void *virtq_take(struct virtq *queue, uint32_t *size)
{
    struct virtq_rings *rings = queue->rings;
    const struct used_entry *entry;
    uint16_t at;

    if (atomic_load_explicit(&rings->used.index, memory_order_acquire) == queue->used_seen)
        return NULL;
    entry = &rings->used.ring[queue->used_seen++ % VIRTQ_SIZE];
    assert(entry->descriptor < VIRTQ_SIZE);
    at = (uint16_t)entry->descriptor;
    *size = entry->size;
    rings->descriptors[at].next = queue->free_head;
    queue->free_head = at;
    queue->free_count++;
    return queue->tokens[at];
}

bool virtq_has_used(const struct virtq *queue)
{
    return atomic_load_explicit(&queue->rings->used.index, memory_order_acquire) !=
           __atomic_load_n(&queue->used_seen, __ATOMIC_RELAXED);
}

paddr_t virtq_descriptors(const struct virtq *queue)
{
    return queue->address + offsetof(struct virtq_rings, descriptors);
}

paddr_t virtq_available(const struct virtq *queue)
{
    return queue->address + offsetof(struct virtq_rings, available);
}

paddr_t virtq_used(const struct virtq *queue)
{
    return queue->address + offsetof(struct virtq_rings, used);
}
