// SPDX-License-Identifier: MIT
// iobuf.c - where bytes of a read go, and bytes of a write come from; see iobuf.h.

#include "kernel/vfs/iobuf.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/arch/arch.h"

enum move { MOVE_PUT, MOVE_GET, MOVE_ZERO };

void iobuf_kernel(struct iobuf *buffer, void *data, size_t size)
{
    buffer->single = (struct iobuf_segment){ (uint64_t)data, size };
    buffer->segments = &buffer->single;
    buffer->count = 1;
    buffer->index = 0;
    buffer->offset = 0;
    buffer->left = size;
    buffer->kernel = true;
    buffer->flags = 0;
}

void iobuf_user(struct iobuf *buffer, vaddr_t address, size_t size)
{
    iobuf_kernel(buffer, (void *)address, size);
    buffer->kernel = false;
}

void iobuf_user_vector(struct iobuf *buffer, const struct iobuf_segment *segments, unsigned count)
{
    buffer->segments = segments;
    buffer->count = count;
    buffer->index = 0;
    buffer->offset = 0;
    buffer->left = 0;
    buffer->kernel = false;
    buffer->flags = 0;
    for (unsigned i = 0; i < count; i++)
        buffer->left += segments[i].size;
}

static void advance(struct iobuf *buffer, size_t size)
{
    buffer->offset += size;
    buffer->left -= size;
}

static int move_kernel(enum move move, void *there, char *here, size_t size)
{
    if (move == MOVE_PUT)
        memcpy(there, here, size);
    else if (move == MOVE_GET)
        memcpy(here, there, size);
    else
        memset(there, 0, size);
    return 0;
}

static int move_user(enum move move, vaddr_t there, char *here, size_t size)
{
    if (move == MOVE_PUT)
        return arch_copy_to_user(there, here, size);
    if (move == MOVE_GET)
        return arch_copy_from_user(here, there, size);
    return arch_zero_user(there, size);
}

// A copy that failed as a whole may have a good part before the page that is missing: moves that,
// page by page.
static int move_pages(struct iobuf *buffer, enum move move, vaddr_t there, char *here, size_t size)
{
    while (size > 0) {
        size_t piece = MIN(size, PAGE_SIZE - (there & PAGE_MASK));
        int error = move_user(move, there, here, piece);

        if (error != 0)
            return error;
        advance(buffer, piece);
        there += piece;
        if (move != MOVE_ZERO)
            here += piece;
        size -= piece;
    }
    return 0;
}

static int move_piece(struct iobuf *buffer, enum move move, uint64_t there, char *here, size_t size)
{
    int error;

    if (buffer->kernel)
        error = move_kernel(move, (void *)there, here, size);
    else
        error = move_user(move, there, here, size);
    if (error == 0)
        advance(buffer, size);
    else if ((there & PAGE_MASK) + size > PAGE_SIZE)
        error = move_pages(buffer, move, there, here, size);
    return error;
}

static int iobuf_move(struct iobuf *buffer, enum move move, char *here, size_t size)
{
    while (size > 0) {
        const struct iobuf_segment *segment = &buffer->segments[buffer->index];
        size_t piece = MIN(size, segment->size - buffer->offset);
        int error;

        if (piece == 0) {
            buffer->index++;
            buffer->offset = 0;
            continue;
        }
        error = move_piece(buffer, move, segment->address + buffer->offset, here, piece);
        if (error != 0)
            return error;
        if (move != MOVE_ZERO)
            here += piece;
        size -= piece;
    }
    return 0;
}

// Where the next size bytes are, if they are a user's and in one piece, as they mostly are; 0 if
// not.
static inline vaddr_t user_piece(const struct iobuf *buffer, size_t size)
{
    const struct iobuf_segment *segment = &buffer->segments[buffer->index];

    if (buffer->kernel || size > segment->size - buffer->offset)
        return 0;
    return segment->address + buffer->offset;
}

int iobuf_put(struct iobuf *buffer, const void *from, size_t size)
{
    vaddr_t there = user_piece(buffer, size);

    if (likely(there != 0) && likely(arch_copy_to_user(there, from, size) == 0)) {
        advance(buffer, size);
        return 0;
    }
    return iobuf_move(buffer, MOVE_PUT, (char *)from, size);
}

int iobuf_get(struct iobuf *buffer, void *to, size_t size)
{
    vaddr_t there = user_piece(buffer, size);

    if (likely(there != 0) && likely(arch_copy_from_user(to, there, size) == 0)) {
        advance(buffer, size);
        return 0;
    }
    return iobuf_move(buffer, MOVE_GET, to, size);
}

int iobuf_zero(struct iobuf *buffer, size_t size)
{
    return iobuf_move(buffer, MOVE_ZERO, NULL, size);
}

// Reading one byte of a page brings it in. Writing the same byte back makes it writable; the race
// with another thread of the program writing that byte is avoided by an atomic OR of 0 on the
// aligned word around it.
static int touch_page(vaddr_t address, bool write)
{
    uint32_t old;
    uint8_t byte;
    int error = arch_copy_from_user(&byte, address, 1);

    if (error != 0 || !write)
        return error;
    error = arch_user_op_u32(address & ~(vaddr_t)3, USER_OP_OR, 0, &old);
    return error == -EAGAIN ? 0 : error;
}

static int touch_range(vaddr_t address, size_t size, bool write)
{
    vaddr_t end = address + size;

    for (; address < end; address = (address & ~(vaddr_t)PAGE_MASK) + PAGE_SIZE) {
        int error = touch_page(address, write);

        if (error != 0)
            return error;
    }
    return 0;
}

int iobuf_touch(struct iobuf *buffer, size_t size, bool write)
{
    unsigned index = buffer->index;
    size_t offset = buffer->offset;

    if (buffer->kernel)
        return 0;
    for (; size > 0; index++, offset = 0) {
        const struct iobuf_segment *segment = &buffer->segments[index];
        size_t piece = MIN(size, segment->size - offset);
        int error = touch_range(segment->address + offset, piece, write);

        if (error != 0)
            return error;
        size -= piece;
    }
    return 0;
}
