// SPDX-License-Identifier: MIT
// names.c - the names of a box: which tree it sees under which first path component; see names.h.

#include "kernel/ns/names.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/root.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/node.h"
#include "lib/path/name.h"
#include "lib/path/path.h"

#define NAMES_MAX 4096 // looking for one goes through all

static SLAB_CACHE(names_cache, "names", struct names);

int names_create(struct account *account, struct names **names)
{
    struct names *made = slab_alloc(&names_cache, account);
    int error;

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    rwlock_init(&made->lock, RANK_NAMES);
    list_init(&made->list);
    made->account = account;
    error = root_create(made, &made->root);
    if (error != 0) {
        slab_free(&names_cache, made);
        return error;
    }
    *names = made;
    return 0;
}

void names_get(struct names *names)
{
    refcount_get(&names->ref);
}

void names_put(struct names *names)
{
    if (!refcount_put(&names->ref))
        return;
    names_clear(names);
    root_orphan(names->root->top);
    grant_put(names->root);
    slab_free(&names_cache, names);
}

static struct name *find_locked(struct names *names, const char *text, size_t length)
{
    struct name *name;

    list_for_each(name, &names->list, link)
        if (name->length == length && (length == 0 || name_equal(name->text, text, length)))
            return name;
    return NULL;
}

static bool is_valid(const char *name, size_t length)
{
    return length == 0 || (length <= PATH_NAME_MAX && memchr(name, '/', length) == NULL &&
                           !path_is_dot(name, length) && !path_is_dotdot(name, length));
}

int names_add(struct names *names, const char *text, struct grant *grant)
{
    size_t length = strlen(text);
    struct name *name;
    int error = 0;

    if (!is_valid(text, length))
        return -EINVAL;
    if (length == 0 && !node_is_directory(grant->top))
        return -ENOTDIR;
    name = kmalloc(sizeof(*name) + length + 1, names->account);
    if (name == NULL)
        return -ENOMEM;
    name->grant = grant;
    name->length = length;
    memcpy(name->text, text, length + 1);
    rwlock_write_lock(&names->lock);
    if (find_locked(names, text, length) != NULL)
        error = -EEXIST;
    else if (names->count == NAMES_MAX)
        error = -ENOSPC;
    if (error == 0) {
        grant_get(grant);
        list_push_back(&names->list, &name->link);
        names->count++;
        if (length == 0)
            names->tree = grant;
    }
    rwlock_write_unlock(&names->lock);
    if (error != 0)
        kfree(name);
    return error;
}

static void remove_locked(struct names *names, struct name *name)
{
    list_remove(&name->link);
    names->count--;
    if (name->length == 0)
        names->tree = NULL;
}

int names_remove(struct names *names, const char *text)
{
    struct name *name;

    rwlock_write_lock(&names->lock);
    name = find_locked(names, text, strlen(text));
    if (name != NULL)
        remove_locked(names, name);
    rwlock_write_unlock(&names->lock);
    if (name == NULL)
        return -ENOENT;
    grant_put(name->grant);
    kfree(name);
    return 0;
}

int names_find(struct names *names, const char *text, size_t length, struct grant **grant)
{
    struct name *name;

    rwlock_read_lock(&names->lock);
    name = find_locked(names, text, length);
    if (name != NULL) {
        grant_get(name->grant);
        *grant = name->grant;
    }
    rwlock_read_unlock(&names->lock);
    return name != NULL ? 0 : -ENOENT;
}

struct grant *names_step(struct names *names, const char *text, size_t length, bool *is_name)
{
    struct grant *grant;
    struct name *name;

    rwlock_read_lock(&names->lock);
    name = find_locked(names, text, length);
    *is_name = name != NULL;
    grant = name != NULL ? name->grant : names->tree;
    if (grant != NULL)
        grant_get(grant);
    rwlock_read_unlock(&names->lock);
    return grant;
}

bool names_has(struct names *names, const char *text, size_t length)
{
    bool found;

    rwlock_read_lock(&names->lock);
    found = find_locked(names, text, length) != NULL;
    rwlock_read_unlock(&names->lock);
    return found;
}

bool names_find_top(struct names *names, const struct node *node, const struct grant *grant,
                    char text[256])
{
    struct name *name;
    bool found = false;

    rwlock_read_lock(&names->lock);
    list_for_each(name, &names->list, link) {
        found = name->grant->top == node && (grant == NULL || grant == name->grant);
        if (found) {
            memcpy(text, name->text, name->length + 1);
            break;
        }
    }
    rwlock_read_unlock(&names->lock);
    return found;
}

struct grant *names_tree(struct names *names)
{
    struct grant *tree;

    rwlock_read_lock(&names->lock);
    tree = names->tree;
    if (tree != NULL)
        grant_get(tree);
    rwlock_read_unlock(&names->lock);
    return tree;
}

// Copies the name at index; false past the end. Names are few, and a walk that lost its place would
// show one twice.
static bool copy_nth(struct names *names, unsigned index, char text[256], struct grant **grant)
{
    struct name *name;
    bool found = false;

    rwlock_read_lock(&names->lock);
    list_for_each(name, &names->list, link) {
        if (index-- == 0) {
            memcpy(text, name->text, name->length + 1);
            grant_get(name->grant);
            *grant = name->grant;
            found = true;
            break;
        }
    }
    rwlock_read_unlock(&names->lock);
    return found;
}

int names_walk(struct names *names, int (*visit)(const char *name, struct grant *, void *),
               void *argument)
{
    struct grant *grant;
    char text[256];
    int result = 0;

    for (unsigned i = 0; result == 0 && copy_nth(names, i, text, &grant); i++) {
        result = visit(text, grant, argument);
        grant_put(grant);
        if (result == 0 && thread_relax())
            result = -EINTR;
    }
    return result;
}

static int inherit_one(const char *text, struct grant *grant, void *argument)
{
    struct names *to = argument;
    struct grant *derived;
    int error = grant_create(grant, grant->top, RIGHT_ALL, to->account, &derived);

    if (error != 0)
        return error;
    error = names_add(to, text, derived);
    grant_put(derived);
    return error == -EEXIST ? -EBUSY : error;
}

int names_inherit(struct names *from, struct names *to)
{
    int error;

    if (to->count != 0)
        return -EBUSY;
    error = names_walk(from, inherit_one, to);
    if (error != 0)
        names_clear(to);
    return error;
}

void names_clear(struct names *names)
{
    for (;;) {
        struct name *name;

        rwlock_write_lock(&names->lock);
        name = list_first(&names->list, struct name, link);
        if (name != NULL)
            remove_locked(names, name);
        rwlock_write_unlock(&names->lock);
        if (name == NULL)
            return;
        grant_put(name->grant);
        kfree(name);
    }
}
