// SPDX-License-Identifier: MIT
// file.c - regular files in memory: their bytes are the pages of a pager, which maps share.
//
// Locking: writes and changes of size are under node.lock; reads take no lock but the pager's, so
// that a read beside a write may see a part of it, as on Linux. The size moves after the bytes are
// there and before pages are taken away.

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "kernel/fs/ramfs/private.h"
#include "kernel/mem/frame.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/iobuf.h"

#define SIZE_LIMIT INT64_MAX
#define PAGES_BETWEEN_LOOKS 1024

static struct ramfs_node *file_of(struct pager *pager)
{
    return container_of(pager, struct ramfs_node, pager);
}

static void pager_get(struct pager *pager)
{
    node_get(&file_of(pager)->node);
}

static void pager_put(struct pager *pager)
{
    node_put(&file_of(pager)->node);
}

static const struct pager_ops file_pager_ops = { .get = pager_get, .put = pager_put };

void ramfs_file_init(struct ramfs_node *file, struct account *account)
{
    pager_init(&file->pager, &file_pager_ops, account);
    file->node.pager = &file->pager;
    file->node.handle_ops = &ramfs_file_handle_ops;
}

// One piece within a page, in either direction. Errors: -ENOMEM, -EFAULT.
static int read_piece(struct ramfs_node *file, struct iobuf *buffer, off_t position, size_t size)
{
    struct frame *frame;
    int error = pager_page(&file->pager, (uint64_t)position >> PAGE_SHIFT, false, &frame);

    if (error != 0)
        return error;
    if (frame == NULL)
        return iobuf_zero(buffer, size);
    error = iobuf_put(buffer, (char *)frame_ptr(frame) + (position & PAGE_MASK), size);
    frame_put(frame);
    return error;
}

// A copy that failed may have left bytes behind the end of the file, where zeros must be.
static void clear_past_end(const struct ramfs_node *file, char *page, off_t start, off_t end)
{
    off_t from = MAX(start, (off_t)file->node.size);

    if (from < end)
        memset(page + ((uint64_t)from & PAGE_MASK), 0, (size_t)(end - from));
}

static int write_piece(struct ramfs_node *file, struct iobuf *buffer, off_t position, size_t size)
{
    size_t before = buffer->left;
    struct frame *frame;
    int error = pager_page(&file->pager, (uint64_t)position >> PAGE_SHIFT, true, &frame);

    if (error != 0)
        return error;
    error = iobuf_get(buffer, (char *)frame_ptr(frame) + (position & PAGE_MASK), size);
    if (error != 0)
        clear_past_end(file, frame_ptr(frame), position + (off_t)(before - buffer->left),
                       position + (off_t)size);
    frame_put(frame);
    return error;
}

typedef int piece_fn(struct ramfs_node *file, struct iobuf *buffer, off_t position, size_t size);

// Moves size bytes in pieces. Returns how many; an error only if none.
static ssize_t move(struct ramfs_node *file, struct iobuf *buffer, off_t position, size_t size,
                    piece_fn *piece)
{
    size_t before = buffer->left;
    size_t pages = 0;
    int error = 0;

    while (before - buffer->left < size && error == 0) {
        size_t done = before - buffer->left;
        off_t at = position + (off_t)done;

        error = piece(file, buffer, at, MIN(size - done, PAGE_SIZE - ((uint64_t)at & PAGE_MASK)));
        if (++pages % PAGES_BETWEEN_LOOKS == 0 && thread_relax())
            break;
    }
    return before != buffer->left ? (ssize_t)(before - buffer->left) : error;
}

static ssize_t file_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct ramfs_node *file = ramfs_node_of(handle->node);
    off_t size = (off_t)file->node.size;
    ssize_t result;

    if (*position >= size || buffer->left == 0)
        return 0;
    result =
        move(file, buffer, *position, MIN(buffer->left, (size_t)(size - *position)), read_piece);
    if (result > 0)
        *position += result;
    if ((handle_flags(handle) & O_NOATIME) == 0)
        node_accessed(&file->node);
    return result;
}

static void set_size(struct ramfs_node *file, uint64_t size)
{
    if (size > file->node.size) {
        pager_resize(&file->pager, size);
        file->node.size = size;
    } else {
        file->node.size = size;
        pager_resize(&file->pager, size);
    }
}

ssize_t ramfs_file_write(struct ramfs_node *file, struct iobuf *buffer, off_t position,
                         uint64_t limit)
{
    size_t size = (uint64_t)position < limit ? MIN(buffer->left, limit - (uint64_t)position) : 0;
    ssize_t result;

    if (buffer->left == 0)
        return 0;
    if (size == 0)
        return -EFBIG;
    result = move(file, buffer, position, size, write_piece);
    if (result > 0) {
        if ((uint64_t)position + (uint64_t)result > file->node.size)
            set_size(file, (uint64_t)position + (uint64_t)result);
        node_touch(&file->node);
        file->node.mode &= ~(mode_t)(S_ISUID | ((file->node.mode & 0010) != 0 ? S_ISGID : 0));
    }
    return result == -ENOMEM ? -ENOSPC : result;
}

static ssize_t file_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct ramfs_node *file = ramfs_node_of(handle->node);
    uint64_t limit = MIN(process_rlimit(RLIMIT_FSIZE), (uint64_t)SIZE_LIMIT);
    ssize_t result;

    mutex_lock(&file->node.lock);
    if ((handle_flags(handle) & O_APPEND) != 0 || (buffer->flags & IOBUF_APPEND) != 0)
        *position = (off_t)file->node.size;
    result = ramfs_file_write(file, buffer, *position, limit);
    mutex_unlock(&file->node.lock);
    if (result > 0)
        *position += result;
    else if (result == -EFBIG && (uint64_t)*position < SIZE_LIMIT)
        signal_send_self(SIGXFSZ);
    return result;
}

int ramfs_file_truncate(struct node *node, off_t size)
{
    if ((uint64_t)size != node->size)
        set_size(ramfs_node_of(node), (uint64_t)size);
    return 0;
}

// Makes the pages of a range. Errors: -ENOSPC, -EINTR (killed).
static int fill(struct ramfs_node *file, uint64_t first, uint64_t end)
{
    if (end - first > frames_free())
        return -ENOSPC;
    for (uint64_t index = first; index < end; index++) {
        struct frame *frame;

        if (pager_page(&file->pager, index, true, &frame) != 0)
            return -ENOSPC;
        frame_put(frame);
        if ((index - first) % PAGES_BETWEEN_LOOKS == PAGES_BETWEEN_LOOKS - 1 && thread_relax())
            return -EINTR;
    }
    return 0;
}

// A hole reads as zeros: the pages that are there are cleared.
static int clear(struct ramfs_node *file, uint64_t start, uint64_t end)
{
    uint64_t pages = 0, index = start >> PAGE_SHIFT;
    struct frame *frame;

    // From page to page: a sparse file is mostly nothing, and others wait for its lock.
    end = MIN(end, ALIGN_UP(file->node.size, PAGE_SIZE));
    while (start < end && (frame = pager_next(&file->pager, &index)) != NULL) {
        start = MAX(start, index << PAGE_SHIFT);
        if (start < end)
            memset((char *)frame_ptr(frame) + (start & PAGE_MASK), 0,
                   MIN(end - start, PAGE_SIZE - (start & PAGE_MASK)));
        frame_put(frame);
        start = ++index << PAGE_SHIFT;
        if (++pages % PAGES_BETWEEN_LOOKS == 0 && thread_relax())
            return -EINTR;
    }
    return 0;
}

int ramfs_file_allocate(struct node *node, unsigned mode, off_t offset, off_t size)
{
    struct ramfs_node *file = ramfs_node_of(node);
    uint64_t end = (uint64_t)offset + (uint64_t)size;
    int error;

    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
        return clear(file, (uint64_t)offset, end);
    error = fill(file, (uint64_t)offset >> PAGE_SHIFT, ALIGN_UP(end, PAGE_SIZE) >> PAGE_SHIFT);
    if (error == 0 && (mode & FALLOC_FL_KEEP_SIZE) == 0 && end > node->size)
        set_size(file, end);
    return error;
}

// The index of the next page from index on that is there; end: none before it.
static uint64_t next_page(struct ramfs_node *file, uint64_t index, uint64_t end)
{
    struct frame *frame = pager_next(&file->pager, &index);

    if (frame == NULL)
        return end;
    frame_put(frame);
    return MIN(index, end);
}

off_t ramfs_file_seek_data(struct node *node, off_t offset, bool hole)
{
    struct ramfs_node *file = ramfs_node_of(node);
    uint64_t size = node->size;
    uint64_t end = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
    uint64_t index = (uint64_t)offset >> PAGE_SHIFT;
    uint64_t looked = 0;
    off_t found;

    if (hole) {
        while (index < end && next_page(file, index, end) == index) {
            index++;
            if (++looked % PAGES_BETWEEN_LOOKS == 0 && thread_relax())
                return -EINTR;
        }
    } else {
        index = next_page(file, index, end);
        if (index == end)
            return -ENXIO;
    }
    found = MAX(offset, (off_t)(index << PAGE_SHIFT));
    return MIN(found, (off_t)size);
}

static int64_t file_ioctl(struct handle *handle, unsigned command, uint64_t argument)
{
    int64_t left = (int64_t)handle->node->size - handle->position;
    int answer = (int)MIN(left, (int64_t)INT32_MAX);

    if (command != FIONREAD)
        return -ENOTTY;
    return arch_copy_to_user(argument, &answer, sizeof(answer));
}

const struct handle_ops ramfs_file_handle_ops = {
    .read = file_read,
    .write = file_write,
    .ioctl = file_ioctl,
    .seekable = true,
};

const struct node_ops ramfs_file_ops = {
    .truncate = ramfs_file_truncate,
    .allocate = ramfs_file_allocate,
    .seek_data = ramfs_file_seek_data,
    .free = ramfs_free,
};
