// SPDX-License-Identifier: MIT
// root.c - "/": the directory that a box's names make; see root.h.
//
// A walk does not come through here for its steps: walk.c asks names.c, since a step from "/" leads
// into another grant. Here is what a handle on "/" needs: listing it. Positions: 0 and 1 are "."
// and "..", then one a name, and from TREE_POSITION on those of the root tree.
// Locking: root->names is cleared under node.lock; who uses the names takes a reference first.

#include "kernel/ns/root.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/names.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"

#define FIRST_NAME 2
#define TREE_POSITION (INT64_C(1) << 32)
#define NAMES_MAGIC 0x42584e53 // "BXNS"

struct root {
    struct node node;
    struct names *names; // under node.lock; not counted
};

static SLAB_CACHE(root_cache, "names root", struct root);
static struct tree names_trees;
static atomic_bool tree_made;

static struct root *root_of(struct node *node)
{
    return container_of(node, struct root, node);
}

// All "/" are in one tree, which is made with the first (the outermost box's, before there is a
// second thread).
static struct tree *root_tree(void)
{
    if (!atomic_exchange(&tree_made, true)) {
        tree_init(&names_trees, "names", NAMES_MAGIC, NULL);
        refcount_get(&names_trees.ref);
    }
    return &names_trees;
}

int root_create(struct names *names, struct grant **grant)
{
    struct root *root = slab_alloc(&root_cache, names->account);
    int error;

    if (root == NULL)
        return -ENOMEM;
    node_init(&root->node, root_tree(), &names_root_ops, S_IFDIR | 0755, names->account);
    root->node.handle_ops = &directory_handle_ops;
    root->node.nlink = 2;
    root->names = names;
    error = grant_create(NULL, &root->node, RIGHT_ALL, names->account, grant);
    node_put(&root->node);
    return error;
}

void root_orphan(struct node *node)
{
    mutex_lock(&node->lock);
    root_of(node)->names = NULL;
    mutex_unlock(&node->lock);
}

struct names *names_of_root(struct node *node)
{
    struct names *names;

    if (node->ops != &names_root_ops)
        return NULL;
    mutex_lock(&node->lock);
    names = root_of(node)->names;
    if (names != NULL && !refcount_get_try(&names->ref))
        names = NULL;
    mutex_unlock(&node->lock);
    return names;
}

// A listing under way.
struct listing {
    struct names *names;
    off_t *position;
    off_t at; // the position of the name visited
    readdir_emit_fn *emit;
    void *context;
};

static int list_name(const char *name, struct grant *grant, void *argument)
{
    struct listing *listing = argument;
    off_t at = listing->at;

    if (name[0] == '\0')
        return 0;
    listing->at++;
    if (at < *listing->position)
        return 0;
    if (!listing->emit(listing->context, name, strlen(name), grant->top->ino,
                       mode_dt(grant->top->mode), at + 1))
        return 1;
    *listing->position = at + 1;
    return 0;
}

// Passes on the root tree's entries, but for its dots and what a name hides.
static bool list_tree_entry(void *context, const char *name, size_t length, uint64_t ino,
                            unsigned type, off_t next)
{
    struct listing *listing = context;
    bool dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));

    if (dots || names_has(listing->names, name, length))
        return true;
    return listing->emit(listing->context, name, length, ino, type, TREE_POSITION + next);
}

static int list_tree(struct listing *listing)
{
    struct grant *tree = names_tree(listing->names);
    off_t position = *listing->position - TREE_POSITION;
    int error = 0;

    if (tree != NULL) {
        if ((tree->rights & RIGHT_READ) != 0 && tree->top->ops->readdir != NULL &&
            !grant_is_revoked(tree))
            error = tree->top->ops->readdir(tree->top, &position, list_tree_entry, listing);
        grant_put(tree);
    }
    *listing->position = TREE_POSITION + position;
    return error;
}

static bool list_dots(struct node *node, off_t *position, readdir_emit_fn *emit, void *context)
{
    for (; *position < FIRST_NAME; ++*position)
        if (!emit(context, "..", (size_t)*position + 1, node->ino, mode_dt(node->mode),
                  *position + 1))
            return false;
    return true;
}

static int root_readdir(struct node *node, off_t *position, readdir_emit_fn *emit, void *context)
{
    struct listing listing = { names_of_root(node), position, FIRST_NAME, emit, context };
    int error = 0;

    if (list_dots(node, position, emit, context) && listing.names != NULL) {
        if (*position >= TREE_POSITION || names_walk(listing.names, list_name, &listing) == 0) {
            *position = MAX(*position, TREE_POSITION);
            error = list_tree(&listing);
        }
    }
    if (listing.names != NULL)
        names_put(listing.names);
    return error;
}

// A change of "/" itself would be one of the names.
static int root_set_attributes(struct node *node)
{
    (void)node;
    return -EROFS;
}

static void root_free(struct node *node)
{
    struct root *root = root_of(node);

    node_fini(node);
    slab_free(&root_cache, root);
}

const struct node_ops names_root_ops = {
    .readdir = root_readdir,
    .set_attributes = root_set_attributes,
    .free = root_free,
};
