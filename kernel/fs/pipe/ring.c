// SPDX-License-Identifier: MIT
// ring.c - the bytes of a pipe; see ring.h.

#include "kernel/fs/pipe/ring.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/iobuf.h"

void ring_init(struct ring *ring, struct account *account)
{
    ring->account = account;
    ring->slots = ring->own_slots;
    ring->page_count = RING_DEFAULT_PAGES;
    ring->head = 0;
    ring->tail = 0;
    atomic_init(&ring->used, 0);
}

static void free_slots(struct ring *ring)
{
    for (unsigned i = 0; i < ring->page_count; i++) {
        if (ring->slots[i] != NULL)
            frame_put(ring->slots[i]);
        ring->slots[i] = NULL;
    }
    if (ring->slots != ring->own_slots)
        kfree(ring->slots);
}

void ring_fini(struct ring *ring)
{
    free_slots(ring);
}

static struct frame **slot_of(struct ring *ring, uint64_t position)
{
    return &ring->slots[(position >> PAGE_SHIFT) & (ring->page_count - 1)];
}

// Moves one piece, within a page, at position. Returns: how many bytes it moved, fewer than size
// after a fault.
static size_t move_piece(struct ring *ring, struct iobuf *buffer, uint64_t position, size_t size,
                         bool in)
{
    char *bytes = (char *)frame_ptr(*slot_of(ring, position)) + (position & PAGE_MASK);
    size_t before = buffer->left;
    int error = in ? iobuf_get(buffer, bytes, size) : iobuf_put(buffer, bytes, size);

    (void)error; // the cursor says what was moved
    return before - buffer->left;
}

ssize_t ring_write(struct ring *ring, struct iobuf *from, size_t size)
{
    size_t done = 0;

    size = MIN(size, ring_capacity(ring) - (ring->head - ring->tail));
    while (done < size) {
        struct frame **slot = slot_of(ring, ring->head);
        size_t piece = MIN(size - done, PAGE_SIZE - (ring->head & PAGE_MASK));
        size_t moved;

        if (*slot == NULL && frame_alloc(ring->account, FRAME_KERNEL, 0, 0, slot) != 0) {
            *slot = NULL;
            return done != 0 ? (ssize_t)done : -ENOMEM;
        }
        moved = move_piece(ring, from, ring->head, piece, true);
        ring->head += moved;
        done += moved;
        atomic_store(&ring->used, (unsigned)(ring->head - ring->tail));
        if (moved < piece)
            return done != 0 ? (ssize_t)done : -EFAULT;
    }
    return (ssize_t)done;
}

// The page before tail is used up: frees it, unless the writer has come round to it.
static void free_page_before_tail(struct ring *ring)
{
    uint64_t page = (ring->tail >> PAGE_SHIFT) - 1;
    struct frame **slot = slot_of(ring, page << PAGE_SHIFT);

    if (ring->head > (page + ring->page_count) << PAGE_SHIFT)
        return;
    frame_put(*slot);
    *slot = NULL;
}

ssize_t ring_read(struct ring *ring, struct iobuf *to, size_t size)
{
    size_t done = 0;
    bool fault = false;

    size = MIN(size, ring->head - ring->tail);
    while (done < size && !fault) {
        size_t piece = MIN(size - done, PAGE_SIZE - (ring->tail & PAGE_MASK));
        size_t moved = move_piece(ring, to, ring->tail, piece, false);

        ring->tail += moved;
        done += moved;
        fault = moved < piece;
        if (moved != 0 && (ring->tail & PAGE_MASK) == 0)
            free_page_before_tail(ring);
    }
    // An empty ring begins its page anew, so that a small exchange stays on one page and in few
    // cache lines.
    if (ring->head == ring->tail)
        ring->head = ring->tail = ring->head & ~PAGE_MASK;
    atomic_store(&ring->used, (unsigned)(ring->head - ring->tail));
    return done != 0 || !fault ? (ssize_t)done : -EFAULT;
}

// Copies all bytes of from to the start of the empty to. Errors: -ENOMEM.
static int copy_bytes(struct ring *to, struct ring *from)
{
    uint64_t position = from->tail;

    while (position < from->head) {
        size_t piece = MIN(from->head - position, PAGE_SIZE - (position & PAGE_MASK));
        char *bytes = (char *)frame_ptr(*slot_of(from, position)) + (position & PAGE_MASK);
        struct iobuf buffer;
        ssize_t moved;

        iobuf_kernel(&buffer, bytes, piece);
        moved = ring_write(to, &buffer, piece);
        if (moved <= 0)
            return -ENOMEM;
        position += (size_t)moved;
    }
    return 0;
}

int ring_resize(struct ring *ring, unsigned page_count)
{
    struct ring grown = { .account = ring->account, .page_count = page_count };

    if (ring->head - ring->tail > (uint64_t)page_count << PAGE_SHIFT)
        return -EBUSY;
    grown.slots = kmalloc(page_count * sizeof(*grown.slots), ring->account);
    if (grown.slots == NULL)
        return -ENOMEM;
    if (copy_bytes(&grown, ring) != 0) {
        free_slots(&grown);
        return -ENOMEM;
    }
    free_slots(ring);
    ring->slots = grown.slots;
    ring->page_count = page_count;
    ring->head = grown.head;
    ring->tail = grown.tail;
    return 0;
}
