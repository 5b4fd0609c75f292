// SPDX-License-Identifier: MIT
// unpack.c - the boot archive: cpio archives become files in memory.

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/ramfs/private.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/log/log.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/walk.h"
#include "lib/cpio/cpio.h"
#include "lib/path/path.h"

// A file of an archive that has more names than one: the others are made as links to the first. The
// data comes with any one of them.
struct known_link {
    struct known_link *next;
    uint32_t ino, device;
    struct node *node; // counted
};

struct unpacking {
    struct node *root;
    struct cpio_reader reader;
    struct known_link *links; // of the archive being read
    unsigned number;          // of that archive
};

static int create(struct node *directory, const char *name, size_t length, mode_t mode,
                  const struct symlink_text *symlink, struct node **made)
{
    int error;

    mutex_lock(&directory->lock);
    error = directory->ops->create(directory, name, length, mode, symlink, 0, 0, made);
    mutex_unlock(&directory->lock);
    return error;
}

static int find_or_make_directory(struct node *parent, const char *name, size_t length,
                                  struct node **child)
{
    int error = parent->ops->lookup(parent, name, length, child);

    if (error == -ENOENT)
        error = create(parent, name, length, S_IFDIR | 0755, NULL, child);
    if (error == 0 && !node_is_directory(*child)) {
        node_put(*child);
        error = -ENOTDIR;
    }
    return error;
}

// The directory of the last component, made where it is missing; counted. *length 0: the path is
// the root itself.
// Errors: -EINVAL a "..", or a name that is too long; -ENOTDIR, -ENOMEM.
static int find_directory(struct unpacking *unpacking, const char *path, struct node **directory,
                          const char **last, size_t *length)
{
    struct node *node = unpacking->root;
    const char *name;
    size_t name_length;

    node_get(node);
    *length = 0;
    while (path_next(&path, &name, &name_length)) {
        struct node *child;
        int error = 0;

        if (path_is_dot(name, name_length))
            continue;
        if (!path_name_is_valid(name, name_length))
            error = -EINVAL;
        else if (*length != 0)
            error = find_or_make_directory(node, *last, *length, &child);
        if (error != 0) {
            node_put(node);
            return error;
        }
        if (*length != 0) {
            node_put(node);
            node = child;
        }
        *last = name;
        *length = name_length;
    }
    *directory = node;
    return 0;
}

static int write_content(struct node *node, const struct cpio_entry *entry)
{
    struct iobuf buffer;
    ssize_t written;

    if (entry->size == 0)
        return 0;
    iobuf_kernel(&buffer, (void *)entry->data, entry->size);
    mutex_lock(&node->lock);
    written = ramfs_file_write(ramfs_node_of(node), &buffer, 0, entry->size);
    mutex_unlock(&node->lock);
    return written == (ssize_t)entry->size ? 0 : -ENOMEM;
}

static void set_attributes(struct node *node, const struct cpio_entry *entry)
{
    mutex_lock(&node->lock);
    node->mode = (node->mode & S_IFMT) | (entry->mode & 07777);
    node->uid = entry->uid;
    node->gid = entry->gid;
    node->mtime = (nsec_t)entry->mtime * NSEC_PER_SEC;
    mutex_unlock(&node->lock);
}

// A later archive overrides: what is in the way goes, unless it is a directory that is to stay one.
static int clear_way(struct node *directory, const char *name, size_t length, mode_t mode,
                     struct node **kept)
{
    struct node *old;
    int error;

    *kept = NULL;
    if (directory->ops->lookup(directory, name, length, &old) != 0)
        return 0;
    if (node_is_directory(old) && S_ISDIR(mode)) {
        *kept = old;
        return 0;
    }
    mutex_lock(&directory->tree->rename_lock);
    mutex_lock(&directory->lock);
    error = directory->ops->remove(directory, name, length, node_is_directory(old));
    mutex_unlock(&directory->lock);
    mutex_unlock(&directory->tree->rename_lock);
    node_put(old);
    return error;
}

static int create_symlink(struct node *directory, const char *name, size_t length,
                          const struct cpio_entry *entry, struct node **made)
{
    struct symlink_text symlink = { 0 };
    char *target;
    int error;

    if (entry->size == 0 || entry->size >= PATH_MAX_BYTES ||
        memchr(entry->data, '\0', entry->size) != NULL)
        return -EINVAL;
    target = kmalloc(entry->size + 1, NULL);
    if (target == NULL)
        return -ENOMEM;
    memcpy(target, entry->data, entry->size);
    symlink.target = target;
    error = create(directory, name, length, S_IFLNK | 0777, &symlink, made);
    kfree(target);
    return error;
}

static struct node *find_link(const struct unpacking *unpacking, const struct cpio_entry *entry)
{
    for (struct known_link *link = unpacking->links; link != NULL; link = link->next)
        if (link->ino == entry->ino && link->device == entry->device)
            return link->node;
    return NULL;
}

static int remember_link(struct unpacking *unpacking, const struct cpio_entry *entry,
                         struct node *node)
{
    struct known_link *link = kmalloc(sizeof(*link), NULL);

    if (link == NULL)
        return -ENOMEM;
    *link = (struct known_link){ unpacking->links, entry->ino, entry->device, node };
    node_get(node);
    unpacking->links = link;
    return 0;
}

// Inode numbers mean something within one archive only.
static void forget_links(struct unpacking *unpacking)
{
    while (unpacking->links != NULL) {
        struct known_link *link = unpacking->links;

        unpacking->links = link->next;
        node_put(link->node);
        kfree(link);
    }
}

static int create_regular(struct unpacking *unpacking, struct node *directory, const char *name,
                          size_t length, const struct cpio_entry *entry, struct node **made)
{
    bool linked = entry->nlink > 1;
    struct node *first = linked ? find_link(unpacking, entry) : NULL;
    int error;

    if (first != NULL) {
        mutex_lock(&directory->lock);
        error = directory->ops->link(directory, name, length, first);
        mutex_unlock(&directory->lock);
        node_get(first);
        *made = first;
    } else {
        error = create(directory, name, length, S_IFREG | 0644, NULL, made);
        if (error == 0 && linked)
            error = remember_link(unpacking, entry, *made);
        else if (error != 0)
            return error;
    }
    if (error == 0)
        error = write_content(*made, entry);
    if (error != 0)
        node_put(*made);
    return error;
}

// Returns: 0 with *made NULL for what is left out.
static int create_entry(struct unpacking *unpacking, struct node *directory, const char *name,
                        size_t length, const struct cpio_entry *entry, struct node **made)
{
    *made = NULL;
    switch (entry->mode & S_IFMT) {
    case S_IFDIR:
    case S_IFIFO:
        return create(directory, name, length, entry->mode & (S_IFMT | 07777), NULL, made);
    case S_IFREG:
        return create_regular(unpacking, directory, name, length, entry, made);
    case S_IFLNK:
        return create_symlink(directory, name, length, entry, made);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFSOCK:
        return 0;
    default:
        return -EINVAL;
    }
}

static int unpack_entry(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    struct node *directory;
    struct node *made;
    const char *name = "";
    size_t length;
    int error = find_directory(unpacking, entry->name, &directory, &name, &length);

    if (error != 0)
        return error;
    if (length == 0) {
        set_attributes(directory, entry);
        node_put(directory);
        return 0;
    }
    error = clear_way(directory, name, length, entry->mode, &made);
    if (error == 0 && made == NULL)
        error = create_entry(unpacking, directory, name, length, entry, &made);
    if (error == 0 && made != NULL) {
        set_attributes(made, entry);
        node_put(made);
    }
    node_put(directory);
    return error;
}

int ramfs_unpack(struct node *root, const void *archive, size_t size)
{
    struct unpacking unpacking = { .root = root };
    struct cpio_entry entry;
    int result;

    cpio_begin(&unpacking.reader, archive, size);
    while ((result = cpio_next(&unpacking.reader, &entry)) == 1) {
        if (unpacking.number != unpacking.reader.number)
            forget_links(&unpacking);
        unpacking.number = unpacking.reader.number;
        result = unpack_entry(&unpacking, &entry);
        if (result != 0) {
            log_error("boot archive: %s: error %d", entry.name, -result);
            break;
        }
    }
    forget_links(&unpacking);
    return result;
}
