// SPDX-License-Identifier: MIT
// env.c - /proc/PID/env: a directory with a file a variable.
//
// Variables are made, written, read and deleted as files are. What they hold is what the next
// program start hands over. A file keeps the name, not the value.
// Locking: variable_lock is held from reading a value to setting the changed one, so that no write
// is lost.

#include "kernel/proc/env.h"

#include <string.h>

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/variable.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

#define VALUE_MAX (128 * 1024)
#define NAME_SIZE 256
#define NAMES_BETWEEN_LOOKS 1024

static const struct node_ops variable_ops;
static struct mutex variable_lock; // rank PROCFS_CHANGE

static const struct proc_entry variable_entry = {
    .mode = S_IFREG | 0600,
    .right = RIGHT_EXECUTE,
    .ops = &variable_ops,
    .handle_ops = &variable_handle_ops,
};

void variable_init(void)
{
    mutex_init(&variable_lock, RANK_PROCFS_CHANGE);
}

static int make_node(struct proc_node *directory, const char *name, size_t length,
                     struct node **child)
{
    struct proc_make make = {
        .entry = &variable_entry,
        .record = directory->record,
        .number = directory->number,
        .key = proc_key_of_name(name, length),
        .name = name,
        .name_length = length,
    };

    return proc_node_create(directory, &make, child);
}

static int copy_name(const char *name, size_t length, char to[NAME_SIZE])
{
    if (length >= NAME_SIZE)
        return -ENAMETOOLONG;
    memcpy(to, name, length);
    to[length] = '\0';
    return 0;
}

static int env_find(struct proc_node *directory, const char *name, size_t length,
                    struct node **child)
{
    char text[NAME_SIZE];
    struct subject subject;
    ssize_t size;
    int error = copy_name(name, length, text);

    if (error == 0)
        error = subject_get_trusted(directory, &subject);
    if (error != 0)
        return error;
    size = env_get(subject.process->env, text, 0, NULL, 0);
    subject_put(&subject);
    return size < 0 ? (int)size : make_node(directory, name, length, child);
}

// A listing under way.
struct listing {
    struct proc_node *directory;
    off_t *position;
    readdir_emit_fn *emit;
    void *context;
};

static bool list_variable(void *listing_pointer, const char *name, size_t length)
{
    struct listing *listing = listing_pointer;
    uint64_t ino =
        proc_ino(listing->directory->record, &variable_entry, proc_key_of_name(name, length));

    if (!listing->emit(listing->context, name, length, ino, DT_REG, *listing->position + 1))
        return false;
    return ++*listing->position % NAMES_BETWEEN_LOOKS != 0 || !thread_relax();
}

static int env_list_directory(struct proc_node *directory, off_t *position, readdir_emit_fn *emit,
                              void *context)
{
    struct listing listing = { directory, position, emit, context };
    struct subject subject;
    int error = subject_get_trusted(directory, &subject);

    if (error != 0)
        return error;
    env_names(subject.process->env, (size_t)(*position - LIST_FIRST), list_variable, &listing);
    subject_put(&subject);
    return 0;
}

static int env_create_file(struct node *directory, const char *name, size_t length, mode_t mode,
                           const struct symlink_text *symlink, uid_t uid, gid_t gid,
                           struct node **child)
{
    char text[NAME_SIZE];
    struct subject subject;
    int error = copy_name(name, length, text);

    (void)symlink;
    (void)uid;
    (void)gid;
    if (!S_ISREG(mode))
        return -EPERM;
    if (error == 0)
        error = subject_get_trusted(proc_node_of(directory), &subject);
    if (error != 0)
        return error;
    if (env_get(subject.process->env, text, 0, NULL, 0) >= 0)
        error = -EEXIST;
    else
        error = env_set(subject.process->env, text, "", 0);
    subject_put(&subject);
    return error != 0 ? error : make_node(proc_node_of(directory), name, length, child);
}

static int env_remove_file(struct node *directory, const char *name, size_t length,
                           bool remove_directory)
{
    char text[NAME_SIZE];
    struct subject subject;
    int error = copy_name(name, length, text);

    if (error == 0)
        error = subject_get_trusted(proc_node_of(directory), &subject);
    if (error != 0)
        return error;
    error = remove_directory ? -ENOTDIR : env_remove(subject.process->env, text);
    subject_put(&subject);
    return error;
}

const struct proc_directory env_directory = { NULL, 0, env_find, env_list_directory };

const struct node_ops env_directory_ops = {
    .lookup = proc_lookup,
    .create = env_create_file,
    .remove = env_remove_file,
    .readdir = proc_readdir,
    .permit = proc_permit,
    .open = proc_open,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

// --- A variable ---

static void variable_stat(struct node *node, struct linux_stat *stat)
{
    struct subject subject;
    ssize_t size;

    if (subject_get_trusted(proc_node_of(node), &subject) != 0)
        return;
    size = env_get(subject.process->env, proc_node_of(node)->name, 0, NULL, 0);
    stat->st_size = MAX(size, (ssize_t)0);
    subject_put(&subject);
}

// Makes the value size bytes long, and puts count bytes of data at position, as writing to a file
// would.
static int change(struct env *env, const char *name, size_t position, const char *data,
                  size_t count, size_t size)
{
    ssize_t present;
    char *value;
    int error;

    if (size > VALUE_MAX)
        return -EFBIG;
    value = kmalloc(size + 1, account_current());
    if (value == NULL)
        return -ENOMEM;
    memset(value, ' ', size); // a gap: a value has no NULs
    present = env_get(env, name, 0, value, size);
    error = present < 0 ? (int)present : 0;
    if (error == 0) {
        if (count != 0)
            memcpy(value + position, data, count);
        error = env_set(env, name, value, size);
    }
    kfree(value);
    return error;
}

static int variable_truncate(struct node *node, off_t size)
{
    struct subject subject;
    int error = subject_get_trusted(proc_node_of(node), &subject);

    if (error != 0)
        return error;
    mutex_lock(&variable_lock);
    error = size > VALUE_MAX
                ? -EFBIG
                : change(subject.process->env, proc_node_of(node)->name, 0, NULL, 0, (size_t)size);
    mutex_unlock(&variable_lock);
    subject_put(&subject);
    return error;
}

static ssize_t variable_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct proc_node *node = proc_node_of(handle->node);
    size_t most = MIN(buffer->left, (size_t)VALUE_MAX);
    struct subject subject;
    ssize_t length;
    char *value;
    int error = subject_get(node, handle->grant, &subject);

    if (error != 0)
        return error;
    value = kmalloc(most + 1, account_current());
    length = value != NULL
                 ? env_get(subject.process->env, node->name, (size_t)*position, value, most)
                 : -ENOMEM;
    subject_put(&subject);
    if (length >= 0) {
        length = *position < length ? MIN((ssize_t)most, length - (ssize_t)*position) : 0;
        error = iobuf_put(buffer, value, (size_t)length);
        if (error != 0)
            length = error;
    }
    kfree(value);
    if (length > 0)
        *position += length;
    return length;
}

static ssize_t write_value(struct handle *handle, const char *data, size_t count, off_t *position)
{
    const char *name = proc_node_of(handle->node)->name;
    struct subject subject;
    ssize_t present;
    int error = subject_get(proc_node_of(handle->node), handle->grant, &subject);

    if (error != 0)
        return error;
    mutex_lock(&variable_lock);
    present = env_get(subject.process->env, name, 0, NULL, 0);
    if (present >= 0 && (handle_flags(handle) & O_APPEND) != 0)
        *position = present;
    if (present < 0)
        error = (int)present;
    else if (*position > VALUE_MAX)
        error = -EFBIG;
    else
        error = change(subject.process->env, name, (size_t)*position, data, count,
                       MAX((size_t)present, (size_t)*position + count));
    mutex_unlock(&variable_lock);
    subject_put(&subject);
    return error != 0 ? error : (ssize_t)count;
}

static ssize_t variable_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t count = buffer->left;
    ssize_t result;
    char *data;

    if (count > VALUE_MAX)
        return -EFBIG;
    data = kmalloc(count + 1, account_current());
    if (data == NULL)
        return -ENOMEM;
    result = iobuf_get(buffer, data, count);
    if (result == 0)
        result = write_value(handle, data, count, position);
    kfree(data);
    if (result > 0)
        *position += result;
    return result;
}

const struct handle_ops variable_handle_ops = { .read = variable_read,
                                                .write = variable_write,
                                                .seekable = true };

static const struct node_ops variable_ops = {
    .permit = proc_permit,
    .open = proc_open,
    .stat = variable_stat,
    .truncate = variable_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
