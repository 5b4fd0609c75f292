// SPDX-License-Identifier: MIT
// place.c - places: a node and the grant it was reached through; their paths and rights.

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/names.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walk.h"

void place_get(const struct place *place)
{
    grant_get(place->grant);
    node_get(place->node);
}

void place_put(struct place *place)
{
    struct node *node = place->node;
    struct grant *grant = place->grant;

    place->node = NULL;
    place->grant = NULL;
    if (node != NULL)
        node_put(node);
    grant_put(grant);
}

int place_require(const struct place *place, unsigned rights)
{
    if ((place->grant->rights & rights) != rights)
        return -EACCES;
    return grant_is_revoked(place->grant) ? -EIO : 0;
}

int place_grant(const struct place *place, unsigned rights, struct account *account,
                struct grant **grant)
{
    struct names *names = names_of_root(place->node);
    struct grant *from = place->grant;
    int error;

    if (names != NULL) {
        from = names_tree(names);
        names_put(names);
        if (from == NULL)
            return -EXDEV;
    }
    if (grant_is_revoked(from))
        error = -EIO;
    else
        error = grant_create(from, names != NULL ? from->top : place->node, rights, account, grant);
    if (names != NULL)
        grant_put(from);
    return error;
}

// A path written from its end, since a walk to the top finds the last component first.
struct path_writer {
    struct names *names;
    const struct grant *grant; // only its name will do; NULL: any name
    char *buffer;
    size_t size;
    size_t at; // where the text so far begins
    char name[NAME_MAX_BYTES + 1];
};

static int prepend(struct path_writer *writer, size_t length)
{
    if (writer->at < length + 1)
        return -ERANGE;
    writer->at -= length + 1;
    writer->buffer[writer->at] = '/';
    memcpy(writer->buffer + writer->at + 1, writer->name, length);
    return 0;
}

// The text so far is below the root tree's top: whether a name hides its first component.
static bool is_hidden(const struct path_writer *writer)
{
    const char *first = writer->buffer + writer->at + 1;
    size_t left = writer->size - writer->at;
    const char *slash;

    if (left == 0)
        return false;
    slash = memchr(first, '/', left - 1);
    return names_has(writer->names, first, slash != NULL ? (size_t)(slash - first) : left - 1);
}

// Whether node is the top of a name, which then goes before the text.
static bool at_name(struct path_writer *writer, const struct node *node)
{
    return names_find_top(writer->names, node, writer->grant, writer->name);
}

static int finish(struct path_writer *writer)
{
    size_t length = strlen(writer->name);

    if (length == 0 && is_hidden(writer))
        return -ENOENT;
    return length != 0 || writer->at == writer->size ? prepend(writer, length) : 0;
}

// From a directory up to a name. The parents stand still and stay allocated while the lock is held.
static int write_directories(struct path_writer *writer, struct node *node)
{
    struct tree *tree = node->tree;
    int error = 0;

    mutex_lock(&tree->rename_lock);
    while (node != NULL && error == 0 && !at_name(writer, node)) {
        ssize_t length = node_locate(node, NULL, writer->name);

        error = length < 0 ? -ENOENT : prepend(writer, (size_t)length);
        node = node->parent;
    }
    mutex_unlock(&tree->rename_lock);
    if (error != 0)
        return error;
    return node == NULL ? -ENOENT : finish(writer);
}

static int write_path(struct path_writer *writer, struct node *node)
{
    struct node *directory;
    ssize_t length;
    int error;

    writer->at = writer->size;
    if (node_is_directory(node))
        return write_directories(writer, node);
    if (at_name(writer, node))
        return finish(writer);
    length = node_locate(node, &directory, writer->name);
    if (length < 0)
        return -ENOENT;
    error = prepend(writer, (size_t)length);
    if (error == 0)
        error = write_directories(writer, directory);
    node_put(directory);
    return error;
}

ssize_t place_path(const struct place *place, struct names *names, char *to, size_t size)
{
    struct path_writer writer = {
        .names = names, .grant = place->grant, .buffer = to, .size = size
    };
    int error = 0;

    if (place->node == names->root->top) {
        writer.at = size;
        error = prepend(&writer, 0);
    } else {
        error = write_path(&writer, place->node);
        writer.grant = NULL;
        if (error == -ENOENT)
            error = write_path(&writer, place->node);
    }
    if (error != 0)
        return error;
    memmove(to, to + writer.at, size - writer.at);
    return (ssize_t)(size - writer.at);
}
