// SPDX-License-Identifier: MIT
// devfs.c - the trees of devices: the machine's whole one, and the default one that boxes get.
//
// Both are made at start and only grow; their nodes are never freed. Nobody makes or removes
// entries by system calls, and mode, owner and times stand still, since all boxes share the nodes.

#include "kernel/fs/devfs/devfs.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "kernel/arch/arch.h"
#include "kernel/fs/devfs/builtin.h"
#include "kernel/log/log.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/entries.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"

#define NAME_SIZE 64

// Fields: I set once
struct dev_node {
    struct node node;
    struct entries entries;                      // of a directory
    int (*open)(struct node *, struct handle *); // I  of a device
    void *private;                               // I
    const char *target;                          // I  of a symlink
};

static SLAB_CACHE(dev_cache, "dev node", struct dev_node);
static struct tree machine_tree, default_tree;
static const struct node_ops directory_ops, device_ops, link_ops;

// Devices that every box may have, since they let nobody see or touch anything of others.
static const char *const default_names[] = { "null",    "zero", "full", "random",
                                             "urandom", "tty",  "ptmx", "pts" };

static struct dev_node *dev_node_of(const struct node *node)
{
    return container_of(node, struct dev_node, node);
}

static int directory_lookup(struct node *directory, const char *name, size_t length,
                            struct node **child)
{
    return entries_find(&dev_node_of(directory)->entries, name, length, child);
}

static int directory_readdir(struct node *directory, off_t *position, readdir_emit_fn *emit,
                             void *context)
{
    entries_list(directory, &dev_node_of(directory)->entries, position, emit, context);
    return 0;
}

static int device_open(struct node *node, struct handle *handle)
{
    struct dev_node *device = dev_node_of(node);

    return device->open != NULL ? device->open(node, handle) : 0;
}

static ssize_t link_readlink(struct node *node, char *to, size_t size)
{
    size_t length = MIN(size, node->size);

    memcpy(to, dev_node_of(node)->target, length);
    return (ssize_t)length;
}

static int refuse_attributes(struct node *node)
{
    (void)node;
    return -EPERM;
}

static void never_free(struct node *node)
{
    panic("the last reference on device node %lu is gone", (unsigned long)node->ino);
}

static const struct node_ops directory_ops = {
    .lookup = directory_lookup,
    .readdir = directory_readdir,
    .set_attributes = refuse_attributes,
    .free = never_free,
};
static const struct node_ops device_ops = {
    .open = device_open,
    .set_attributes = refuse_attributes,
    .free = never_free,
};
static const struct node_ops link_ops = {
    .readlink = link_readlink,
    .set_attributes = refuse_attributes,
    .free = never_free,
};

static struct dev_node *create(struct tree *tree, const struct node_ops *ops, mode_t mode)
{
    struct dev_node *made = slab_alloc(&dev_cache, NULL);

    if (made == NULL)
        return NULL;
    node_init(&made->node, tree, ops, mode, NULL);
    if (S_ISDIR(mode)) {
        entries_init(&made->entries);
        made->node.nlink = 2;
        made->node.handle_ops = &directory_handle_ops;
    }
    return made;
}

// Puts a new node into a directory, which keeps it from now on.
static int add(struct node *directory, const char *name, size_t length, struct dev_node *made)
{
    struct entry *entry = entry_create(name, length, NULL);
    int error;

    if (entry == NULL)
        return -ENOMEM;
    mutex_lock(&directory->lock);
    if (node_is_directory(&made->node)) {
        made->node.parent = directory;
        directory->nlink++;
    }
    error = entries_add(directory, &dev_node_of(directory)->entries, entry, &made->node);
    mutex_unlock(&directory->lock);
    if (error != 0)
        kfree(entry);
    return error;
}

static int find_or_make_directory(struct node *parent, const char *name, size_t length,
                                  struct node **directory)
{
    struct dev_node *made;

    if (directory_lookup(parent, name, length, directory) == 0)
        return 0;
    made = create(parent->tree, &directory_ops, S_IFDIR | 0755);
    if (made == NULL)
        return -ENOMEM;
    *directory = &made->node;
    return add(parent, name, length, made);
}

// NAME or DIR/NAME below a tree's root. A node that cannot be added is lost: this happens at start
// alone, where it ends in a panic.
static int add_path(struct tree *tree, const char *path, struct dev_node *made)
{
    const char *slash = strchr(path, '/');
    struct node *directory = tree->root;
    int error = 0;

    if (made == NULL)
        return -ENOMEM;
    if (slash != NULL)
        error = find_or_make_directory(tree->root, path, (size_t)(slash - path), &directory);
    if (error != 0)
        return error;
    path = slash != NULL ? slash + 1 : path;
    return add(directory, path, strlen(path), made);
}

static bool is_default(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(default_names); i++)
        if (strcmp(default_names[i], name) == 0)
            return true;
    return false;
}

static int add_device(struct tree *tree, const char *name, mode_t mode, dev_t device,
                      const struct handle_ops *ops, int (*open)(struct node *, struct handle *),
                      void *private)
{
    struct dev_node *made = create(tree, &device_ops, (mode & S_IFMT) != 0 ? mode : mode | S_IFCHR);

    if (made == NULL)
        return -ENOMEM;
    made->node.handle_ops = ops;
    made->node.rdev = device;
    made->open = open;
    made->private = private;
    return add_path(tree, name, made);
}

int devfs_add(const char *name, mode_t mode, dev_t device, const struct handle_ops *ops,
              int (*open)(struct node *, struct handle *), void *private)
{
    int error = add_device(&machine_tree, name, mode, device, ops, open, private);

    if (error == 0 && is_default(name))
        error = add_device(&default_tree, name, mode, device, ops, open, private);
    return error;
}

static int add_directory(struct tree *tree, const char *name, const struct node_ops *ops)
{
    struct dev_node *made = create(tree, ops, S_IFDIR | 0755);

    return add_path(tree, name, made);
}

int devfs_add_directory(const char *name, const struct node_ops *ops)
{
    int error = add_directory(&machine_tree, name, ops);

    return error == 0 && is_default(name) ? add_directory(&default_tree, name, ops) : error;
}

static int add_link(struct tree *tree, const char *name, const char *target)
{
    struct dev_node *made = create(tree, &link_ops, S_IFLNK | 0777);

    if (made == NULL)
        return -ENOMEM;
    made->target = target;
    made->node.size = strlen(target);
    return add_path(tree, name, made);
}

void *devfs_private(const struct node *node)
{
    return dev_node_of(node)->private;
}

struct node *devfs_machine_root(void)
{
    return machine_tree.root;
}

struct node *devfs_default_root(void)
{
    return default_tree.root;
}

static int devfs_statfs(struct tree *tree, struct linux_statfs *statfs)
{
    statfs->f_type = (int64_t)tree->magic;
    statfs->f_bsize = PAGE_SIZE;
    statfs->f_frsize = PAGE_SIZE;
    statfs->f_namelen = 255;
    return 0;
}

// The links lead where the reader's own names say. Shared memory by name lives in the reader's
// /tmp.
static int init_tree(struct tree *tree)
{
    static const char *const links[][2] = { { "fd", "/proc/self/fd" },
                                            { "stdin", "/proc/self/fd/0" },
                                            { "stdout", "/proc/self/fd/1" },
                                            { "stderr", "/proc/self/fd/2" },
                                            { "shm", "/tmp" } };
    int error = 0;

    tree_init(tree, "devtmpfs", TMPFS_MAGIC, NULL);
    tree->statfs = devfs_statfs;
    if (create(tree, &directory_ops, S_IFDIR | 0755) == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(links) && error == 0; i++)
        error = add_link(tree, links[i][0], links[i][1]);
    return error;
}

void devfs_init(void)
{
    if (init_tree(&machine_tree) != 0 || init_tree(&default_tree) != 0 ||
        builtin_devices_add() != 0)
        panic("no memory for /dev");
}
