// SPDX-License-Identifier: MIT
// fd.c - /proc/PID/fd: a link for each open fd.
//
// Reading one tells what it is, opening one gives at most its rights, removing one closes the fd.

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/mem/account.h"
#include "kernel/proc/box.h"
#include "kernel/proc/fdtab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/walk.h"
#include "lib/base/fmt.h"

static const struct node_ops fd_ops;

static const struct proc_entry fd_entry = {
    .mode = S_IFLNK | 0700,
    .right = RIGHT_EXECUTE,
    .ops = &fd_ops,
};

// Errors: -ENOENT for what is no number.
static int parse_fd(const char *name, size_t length, int *fd)
{
    uint64_t number;

    if ((name[0] == '0' && length != 1) || fmt_parse_u64(name, length, INT32_MAX, &number) != 0)
        return -ENOENT;
    *fd = (int)number;
    return 0;
}

// The handle behind an fd of the directory's or link's process, counted. Errors: -ESRCH, -ENOENT.
static int handle_of(struct proc_node *node, int fd, struct handle **handle)
{
    struct subject subject;
    struct fdtab *table;
    int error = subject_get_trusted(node, &subject);

    if (error != 0)
        return error;
    error = process_fds(subject.process, &table);
    if (error == 0) {
        error = fdtab_find(table, fd, handle) == 0 ? 0 : -ENOENT;
        fdtab_put(table);
    }
    subject_put(&subject);
    return error;
}

static int fd_find(struct proc_node *directory, const char *name, size_t length,
                   struct node **child)
{
    struct proc_make make = { .entry = &fd_entry,
                              .record = directory->record,
                              .number = directory->number };
    struct handle *handle;
    int error, fd;

    error = parse_fd(name, length, &fd);
    if (error == 0)
        error = handle_of(directory, fd, &handle);
    if (error != 0)
        return error;
    make.key = (uint64_t)fd;
    error = proc_node_create(directory, &make, child);
    if (error == 0)
        (*child)->mode = S_IFLNK | ((handle->rights & RIGHT_READ) != 0 ? 0500U : 0U) |
                         ((handle->rights & RIGHT_WRITE) != 0 ? 0300U : 0U);
    handle_put(handle);
    return error;
}

static int fd_list(struct proc_node *directory, off_t *position, readdir_emit_fn *emit,
                   void *context)
{
    struct subject subject;
    struct fdtab *table;
    int error = subject_get_trusted(directory, &subject);
    int fd;

    if (error != 0)
        return error;
    error = process_fds(subject.process, &table);
    if (error != 0) {
        subject_put(&subject);
        return error;
    }
    while ((fd = fdtab_next(table, (int)(*position - LIST_FIRST))) >= 0) {
        char name[16];
        int length = fmt_print(name, sizeof(name), "%d", fd);

        if (!emit(context, name, (size_t)length,
                  proc_ino(directory->record, &fd_entry, (uint64_t)fd), DT_LNK,
                  LIST_FIRST + fd + 1))
            break;
        *position = LIST_FIRST + fd + 1;
    }
    fdtab_put(table);
    subject_put(&subject);
    return 0;
}

static int fd_remove(struct node *directory, const char *name, size_t length, bool remove_directory)
{
    struct subject subject;
    int error, fd;

    error = parse_fd(name, length, &fd);
    if (error == 0)
        error = subject_get_trusted(proc_node_of(directory), &subject);
    if (error != 0)
        return error;
    if (remove_directory)
        error = -ENOTDIR;
    else
        error = process_close_fd(subject.process, fd) == 0 ? 0 : -ENOENT;
    subject_put(&subject);
    return error;
}

static ssize_t fd_readlink(struct node *link, char *to, size_t size)
{
    struct handle *handle;
    size_t length;
    int error = handle_of(proc_node_of(link), (int)proc_node_of(link)->key, &handle);

    if (error != 0)
        return error;
    length = handle_describe(handle, box_current()->names, to, size);
    handle_put(handle);
    return (ssize_t)length;
}

// What may be reached through handle when it is opened again: beneath a directory as its grant
// says, a file as it was opened.
static int grant_of_handle(struct handle *handle, struct grant **grant)
{
    struct grant *from = handle->grant;
    int error;

    if (node_is_directory(handle->node) || (handle_flags(handle) & O_PATH) != 0 ||
        (from->rights & ~handle->rights) == 0) {
        grant_get(from);
        *grant = from;
        return 0;
    }
    error = grant_create(from, from->top, handle->rights, account_current(), grant);
    if (error == 0)
        (*grant)->handed_over = from->handed_over;
    return error;
}

static int fd_follow(struct node *link, struct place *place)
{
    struct handle *handle;
    int error = handle_of(proc_node_of(link), (int)proc_node_of(link)->key, &handle);

    if (error != 0)
        return error;
    error = grant_of_handle(handle, &place->grant);
    if (error == 0) {
        place->node = handle->node;
        node_get(place->node);
    }
    handle_put(handle);
    return error;
}

static const struct node_ops fd_ops = {
    .readlink = fd_readlink,
    .follow = fd_follow,
    .permit = proc_permit,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

const struct proc_directory fd_directory = { NULL, 0, fd_find, fd_list };

const struct node_ops fd_directory_ops = {
    .lookup = proc_lookup,
    .remove = fd_remove,
    .readdir = proc_readdir,
    .permit = proc_permit,
    .open = proc_open,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
