// SPDX-License-Identifier: MIT
// picture.c - devices that are read as a text.
#include "kernel/dev/picture.h"

#include "abi/errors.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

struct picture {
    size_t size;
    char text[PICTURE_SIZE - sizeof(size_t)];
};

int picture_open(struct node *node, struct handle *handle)
{
    struct picture *picture = kmalloc(sizeof(*picture), handle->account);

    (void)node;
    if (picture == NULL)
        return -ENOMEM;
    handle->private = picture;
    return 0;
}

ssize_t picture_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    const struct picture_source *source = devfs_private(handle->node);
    struct picture *picture = handle->private;
    size_t count;
    int error;

    if (*position == 0)
        picture->size = source->print(picture->text, sizeof(picture->text));
    if (*position >= (off_t)picture->size)
        return 0;
    count = MIN(buffer->left, picture->size - (size_t)*position);
    error = iobuf_put(buffer, picture->text + *position, count);
    if (error != 0)
        return error;
    *position += (off_t)count;
    return (ssize_t)count;
}

void picture_close(struct handle *handle)
{
    kfree(handle->private);
}
