// SPDX-License-Identifier: MIT
// text.c - files whose content is text made when they are read.
//
// The text is made at a read from the beginning and kept with the handle, so that reading on gives
// parts of one moment.
// Locking: file->lock (rank PROCFS) guards which snapshot a handle has; a snapshot is counted and
// never changes.

#include "kernel/fs/procfs/text.h"

#include <stdarg.h>
#include <string.h>

#include "abi/errors.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/fmt.h"

#define FIRST_CAPACITY 480
#define NUMBER_SIZE 21 // of 64 bits, and a blank
#define STORE_MAX 8192 // bytes of one write

struct snapshot {
    struct refcount ref;
    size_t length;
    char data[];
};

// What a handle on a text file has.
struct text_file {
    struct spinlock lock;
    struct snapshot *snapshot; // NULL until the first read
};

static SLAB_CACHE(text_file_cache, "proc text", struct text_file);

static void snapshot_put(struct snapshot *snapshot)
{
    if (snapshot != NULL && refcount_put(&snapshot->ref))
        kfree(snapshot);
}

char *text_reserve(struct text *text, size_t size)
{
    size_t used = text_length(text);
    size_t capacity = text->capacity != 0 ? text->capacity : FIRST_CAPACITY;
    struct snapshot *grown;

    if (text->error != 0)
        return NULL;
    if (text->snapshot != NULL && text->capacity - used >= size)
        return text->snapshot->data + used;
    while (capacity - used < size)
        capacity *= 2;
    grown = kmalloc(sizeof(*grown) + capacity, account_current());
    if (grown == NULL) {
        text->error = -ENOMEM;
        return NULL;
    }
    refcount_init(&grown->ref, 1);
    grown->length = used;
    if (used != 0)
        memcpy(grown->data, text->snapshot->data, used);
    snapshot_put(text->snapshot);
    text->snapshot = grown;
    text->capacity = capacity;
    return grown->data + used;
}

void text_added(struct text *text, size_t size)
{
    text->snapshot->length += size;
}

size_t text_length(const struct text *text)
{
    return text->snapshot != NULL ? text->snapshot->length : 0;
}

void text_add(struct text *text, const char *data, size_t size)
{
    char *to = text_reserve(text, size);

    if (to == NULL)
        return;
    memcpy(to, data, size);
    text_added(text, size);
}

void text_unsigned(struct text *text, uint64_t value)
{
    char *to = text_reserve(text, NUMBER_SIZE);
    char digits[NUMBER_SIZE];
    size_t length = 0;

    if (to == NULL)
        return;
    do
        digits[length++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    for (size_t i = 0; i < length; i++)
        to[i] = digits[length - 1 - i];
    to[length] = ' ';
    text_added(text, length + 1);
}

void text_number(struct text *text, int64_t value)
{
    if (value < 0)
        text_add(text, "-", 1);
    text_unsigned(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;
    char line[256];
    int length;
    char *to;

    va_start(arguments, format);
    length = fmt_vprint(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < (int)sizeof(line)) {
        text_add(text, line, (size_t)length);
        return;
    }
    to = text_reserve(text, (size_t)length + 1);
    if (to == NULL)
        return;
    va_start(arguments, format);
    fmt_vprint(to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text_added(text, (size_t)length);
}

void text_add_escaped(struct text *text, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\n\\", data[i]) != NULL)
            text_print(text, "\\%03o", (unsigned)(uint8_t)data[i]);
        else
            text_add(text, &data[i], 1);
    }
}

void text_add_line(struct text *text, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n')
            text_add(text, "\\n", 2);
        else if (data[i] == '\\')
            text_add(text, "\\\\", 2);
        else
            text_add(text, &data[i], 1);
    }
}

// Puts snapshot in the handle's file, for the reads that follow; the caller keeps its reference.
static void keep(struct text_file *file, struct snapshot *snapshot)
{
    struct snapshot *old;

    refcount_get(&snapshot->ref);
    spin_lock(&file->lock);
    old = file->snapshot;
    file->snapshot = snapshot;
    spin_unlock(&file->lock);
    snapshot_put(old);
}

static struct snapshot *kept(struct text_file *file)
{
    struct snapshot *snapshot;

    spin_lock(&file->lock);
    snapshot = file->snapshot;
    if (snapshot != NULL)
        refcount_get(&snapshot->ref);
    spin_unlock(&file->lock);
    return snapshot;
}

static int make(struct handle *handle, struct snapshot **snapshot)
{
    struct proc_node *node = proc_node_of(handle->node);
    struct text text = { 0 };
    struct subject subject;
    int error = subject_get(node, handle->grant, &subject);

    if (error != 0)
        return error;
    error = node->entry->show(&subject, &text);
    subject_put(&subject);
    if (error == 0 && text.snapshot == NULL)
        (void)text_reserve(&text, 1);
    if (error == 0)
        error = text.error;
    if (error != 0) {
        snapshot_put(text.snapshot);
        return error;
    }
    keep(handle->private, text.snapshot);
    *snapshot = text.snapshot;
    return 0;
}

static ssize_t text_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct snapshot *snapshot = *position != 0 ? kept(handle->private) : NULL;
    size_t size = 0;
    int error = 0;

    if (proc_node_of(handle->node)->entry->show == NULL)
        return -EINVAL;
    if (snapshot == NULL)
        error = make(handle, &snapshot);
    if (error != 0)
        return error;
    if ((size_t)*position < snapshot->length) {
        size = MIN(buffer->left, snapshot->length - (size_t)*position);
        error = iobuf_put(buffer, snapshot->data + *position, size);
    }
    snapshot_put(snapshot);
    if (error != 0)
        return error;
    *position += (off_t)size;
    return (ssize_t)size;
}

static int store(struct handle *handle, char *data, size_t size)
{
    struct proc_node *node = proc_node_of(handle->node);
    struct subject subject;
    int error = subject_get(node, handle->grant, &subject);

    if (error != 0)
        return error;
    if (size != 0 && data[size - 1] == '\n')
        size--;
    data[size] = '\0';
    error = node->entry->store(&subject, data, size);
    subject_put(&subject);
    return error;
}

// A write is complete in itself, wherever the position is.
static ssize_t text_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    char *data;
    int error;

    (void)position;
    if (proc_node_of(handle->node)->entry->store == NULL || size > STORE_MAX)
        return -EINVAL;
    data = kmalloc(size + 1, account_current());
    if (data == NULL)
        return -ENOMEM;
    error = iobuf_get(buffer, data, size);
    if (error == 0)
        error = store(handle, data, size);
    kfree(data);
    return error != 0 ? error : (ssize_t)size;
}

static int text_open(struct node *node, struct handle *handle)
{
    struct text_file *file;
    int error = proc_open(node, handle);

    if (error != 0)
        return error;
    file = slab_alloc(&text_file_cache, account_current());
    if (file == NULL)
        return -ENOMEM;
    spin_init(&file->lock, RANK_PROCFS);
    handle->private = file;
    return 0;
}

static void text_close(struct handle *handle)
{
    struct text_file *file = handle->private;

    snapshot_put(file->snapshot);
    slab_free(&text_file_cache, file);
}

const struct handle_ops text_handle_ops = {
    .read = text_read,
    .write = text_write,
    .close = text_close,
    .seekable = true,
};

const struct node_ops text_node_ops = {
    .permit = proc_permit,
    .open = text_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
