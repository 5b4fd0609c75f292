// SPDX-License-Identifier: MIT
// unit: kernel/vfs/iobuf.c
// test_ring.c - the ring of a pipe against a plain queue, with growing and shrinking.
#include "tests/unit/fake_vfs.h"

#define frame_ptr fake_frame_ptr
#define frame_put fake_frame_put
#include "kernel/fs/pipe/ring.c"
#undef frame_ptr
#undef frame_put

#include "tests/unit/tap.h"

#define STEPS 200000
#define QUEUE_MAX (1 << 20)

static unsigned char queue[QUEUE_MAX];
static size_t queue_size;
static uint64_t random_state = 1;
static unsigned char next_byte;

static unsigned pick(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(random_state >> 33) % below;
}

static bool write_step(struct ring *ring)
{
    unsigned char bytes[10000];
    size_t size = pick(2) != 0 ? pick(10) : pick(sizeof(bytes));
    size_t room = ring_capacity(ring) - ring_used(ring);
    struct iobuf buffer;
    ssize_t written;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(next_byte + i);
    iobuf_kernel(&buffer, bytes, size);
    written = ring_write(ring, &buffer, size);
    if (written != (ssize_t)MIN(size, room))
        return false;
    memcpy(queue + queue_size, bytes, (size_t)written);
    queue_size += (size_t)written;
    next_byte = (unsigned char)(next_byte + written);
    return true;
}

static bool read_step(struct ring *ring)
{
    unsigned char bytes[12000];
    size_t size = pick(2) != 0 ? pick(10) : pick(sizeof(bytes));
    struct iobuf buffer;
    ssize_t got;

    iobuf_kernel(&buffer, bytes, size);
    got = ring_read(ring, &buffer, size);
    if (got != (ssize_t)MIN(size, queue_size) || memcmp(bytes, queue, (size_t)got) != 0)
        return false;
    queue_size -= (size_t)got;
    memmove(queue, queue + got, queue_size);
    return ring_used(ring) == queue_size;
}

static bool resize_step(struct ring *ring)
{
    unsigned pages = 1U << pick(7);
    int expected = queue_size > pages * 4096 ? -EBUSY : 0;

    return ring_resize(ring, pages) == expected;
}

int main(void)
{
    struct ring ring = { 0 };
    unsigned wrong = 0, full = 0, empty = 0, resized = 0;
    long before = live_objects;

    ring_init(&ring, NULL);
    for (unsigned i = 0; i < STEPS && wrong == 0; i++) {
        unsigned what = pick(200);

        wrong += !(what == 0    ? resize_step(&ring)
                   : what < 100 ? write_step(&ring)
                                : read_step(&ring));
        resized += what == 0;
        full += queue_size == ring_capacity(&ring);
        empty += queue_size == 0;
    }
    ok(wrong == 0, "%d random writes, reads and changes of size agree with a queue (seed 1)",
       STEPS);
    ok(full > 100 && empty > 100 && resized > 100, "full %u, empty %u, resized %u times", full,
       empty, resized);
    ring_fini(&ring);
    ok(live_objects == before, "nothing is left");
    ring_init(&ring, NULL);
    fail_at = 1;
    ok(!write_step(&ring) && ring_used(&ring) == 0, "without memory nothing is written");
    ring_fini(&ring);
    return done_testing();
}
