// SPDX-License-Identifier: MIT
// walk.c - the path walk; see walk.h and walking.h.
//
// A step down asks the directory for its entry. A step up goes by the parent links, never above the
// top of the grant, and is checked under the tree's rename lock, so that no move can happen between
// the look and the check: a directory that was moved out from under its top has no parent for us
// (ENOENT).
// Symlinks: each text under way is a link_text on a stack; when it is used up the walk goes on with
// the text outside. A link that was made in a box the walker is not in holds its text beneath the
// top of the grant it was made through, so nobody can lead those outside astray by it.
// References: the walk borrows the base and counts what it reaches; only the grant of a name and
// one node at a time.

#include "kernel/vfs/walk.h"

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/names.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walking.h"
#include "lib/path/path.h"

// A symlink's text under way.
struct link_text {
    struct link_text *outer;
    const char *outer_rest; // where the text outside goes on
    struct hold hold;       // tree NULL: none
    char text[];
};

// Whether node is some box's "/".
static bool is_root(const struct node *node)
{
    return node->ops == &names_root_ops;
}

static void stand_at(struct walking *walking, struct node *node, bool counted)
{
    if (walking->node_counted)
        node_put(walking->node);
    walking->node = node;
    walking->node_counted = counted;
}

// Takes over the references of place.
static void stand_at_place(struct walking *walking, const struct place *place)
{
    struct grant *before = walking->grant_counted ? walking->grant : NULL;

    stand_at(walking, place->node, true);
    walking->grant = place->grant;
    walking->grant_counted = true;
    grant_put(before);
}

static void stand_at_root(struct walking *walking)
{
    struct grant *before = walking->grant_counted ? walking->grant : NULL;

    walking->grant_counted = false;
    walking->grant = walking->walker->names->root;
    stand_at(walking, walking->grant->top, false);
    grant_put(before);
}

// Calls visit for each hold in force; the first result other than 0 is returned.
static int for_each_hold(const struct walking *walking,
                         int (*visit)(const struct walking *, const struct hold *))
{
    int result = walking->beneath.tree != NULL ? visit(walking, &walking->beneath) : 0;

    for (struct link_text *link = walking->links; link != NULL && result == 0; link = link->outer)
        if (link->hold.tree != NULL)
            result = visit(walking, &link->hold);
    return result;
}

static int hold_leaves(const struct walking *walking, const struct hold *hold)
{
    (void)walking;
    return hold->error;
}

static int hold_at_top(const struct walking *walking, const struct hold *hold)
{
    const struct node *node = walking->node;

    return node->tree == hold->tree && node->ino == hold->top_ino ? hold->error : 0;
}

static int hold_contains(const struct walking *walking, const struct hold *hold)
{
    return node_is_beneath_locked(walking->node, hold->tree, hold->top_ino) ? 0 : hold->error;
}

// Going to "/", by an absolute path or from the top of a name.
static int leave_to_root(struct walking *walking)
{
    int error = for_each_hold(walking, hold_leaves);

    if (error != 0)
        return error;
    if ((walking->flags & WALK_NO_XDEV) != 0 && walking->grant != walking->walker->names->root)
        return -EXDEV;
    stand_at_root(walking);
    return 0;
}

static int check_beneath(struct walking *walking)
{
    struct node *top = walking->grant->top;

    // A tree's root has everything beneath it that has a parent at all.
    if (top != top->tree->root && !node_is_beneath_locked(walking->node, top->tree, top->ino))
        return -ENOENT;
    return for_each_hold(walking, hold_contains);
}

static int step_to_parent(struct walking *walking)
{
    struct tree *tree = walking->node->tree;
    struct node *parent;
    int error = -ENOENT;

    mutex_lock(&tree->rename_lock);
    parent = node_parent_locked(walking->node);
    if (parent != NULL)
        error = check_beneath(walking);
    mutex_unlock(&tree->rename_lock);
    if (parent == NULL)
        return error;
    if (error != 0) {
        node_put(parent);
        return error;
    }
    stand_at(walking, parent, true);
    // The root tree's top is seen as "/", where the names are too.
    if (parent == walking->grant->top && walking->grant == walking->walker->names->tree)
        stand_at_root(walking);
    return 0;
}

static int step_up(struct walking *walking)
{
    int error = for_each_hold(walking, hold_at_top);

    if (error != 0)
        return error;
    // The check of a step is as long as the tree is deep.
    if (thread_relax())
        return -EINTR;
    if (walking->node == walking->grant->top) {
        if (walking->grant->handed_over || is_root(walking->node))
            return 0;
        return leave_to_root(walking);
    }
    return step_to_parent(walking);
}

// A name of the box, or an entry of its root tree.
static int find_in_root(struct names *names, const char *name, size_t length, struct place *child)
{
    bool is_name;
    struct grant *grant = names_step(names, name, length, &is_name);
    int error = 0;

    if (grant == NULL)
        return -ENOENT;
    child->grant = grant;
    child->node = grant->top;
    if (is_name)
        node_get(child->node);
    else if ((grant->rights & RIGHT_READ) == 0)
        error = -EACCES;
    else if (grant_is_revoked(grant))
        error = -EIO;
    else
        error = grant->top->ops->lookup(grant->top, name, length, &child->node);
    if (error != 0)
        grant_put(grant);
    return error;
}

// From "/". That of another box can be stepped through only by its own grant (a link of /proc leads
// there): a handle on it that was handed over shows the names, but its rights are not theirs.
static int child_of_root(struct walking *walking, const char *name, size_t length,
                         struct place *child)
{
    struct names *names = walking->walker->names;
    int error;

    if (walking->node == names->root->top)
        return find_in_root(names, name, length, child);
    names = names_of_root(walking->node);
    if (names == NULL)
        return -ENOENT;
    error = names->root == walking->grant ? find_in_root(names, name, length, child) : -EACCES;
    names_put(names);
    return error;
}

static void put_child(const struct walking *walking, const struct place *child)
{
    node_put(child->node);
    if (child->grant != walking->grant)
        grant_put(child->grant);
}

static int look_up(struct walking *walking, const char *name, size_t length, struct place *child)
{
    const struct node_ops *ops = walking->node->ops;

    child->grant = walking->grant;
    if (ops->lookup == NULL)
        return -ENOTDIR;
    if ((walking->grant->rights & RIGHT_READ) == 0)
        return -EACCES;
    if (grant_is_revoked(walking->grant))
        return -EIO;
    return ops->lookup(walking->node, name, length, &child->node);
}

// The entry of where the walk stands. child->grant is counted only where it differs from the
// walk's.
static int find_child(struct walking *walking, const char *name, size_t length, struct place *child)
{
    int error;

    if (is_root(walking->node))
        error = child_of_root(walking, name, length, child);
    else
        error = look_up(walking, name, length, child);
    if (error != 0 || child->node->ops->permit == NULL)
        return error;
    error = child->node->ops->permit(child->node, child->grant);
    if (error != 0)
        put_child(walking, child);
    return error;
}

// Moves down to the child found; takes over its references.
static int stand_at_child(struct walking *walking, const struct place *child)
{
    if (child->grant == walking->grant) {
        stand_at(walking, child->node, true);
        return 0;
    }
    stand_at_place(walking, child);
    return (walking->flags & WALK_NO_XDEV) != 0 ? -EXDEV : 0;
}

// Whether the walker is in the box whose thread made the link, or in one inside it.
static bool is_inside(const struct account *reader, const struct account *maker)
{
    for (; reader != NULL; reader = reader->parent)
        if (reader == maker)
            return true;
    return maker == NULL || maker == &account_root;
}

// Sets the hold that link's text is under for this walker.
static int hold_link(struct walking *walking, struct node *link, struct link_text *text)
{
    int error;

    if (link->held_ino == 0 || is_inside(walking->walker->account, link->account))
        return 0;
    text->hold = (struct hold){ link->tree, link->held_ino, -ELOOP };
    // It may have been moved to where that top does not reach.
    mutex_lock(&link->tree->rename_lock);
    error = hold_contains(walking, &text->hold);
    mutex_unlock(&link->tree->rename_lock);
    return error;
}

static int read_link(struct node *link, struct link_text **text)
{
    size_t size = link->size != 0 ? link->size : PATH_MAX_BYTES - 1;
    struct link_text *made;
    ssize_t length;

    if (link->ops->readlink == NULL)
        return -EINVAL;
    made = kmalloc(sizeof(*made) + size + 1, account_current());
    if (made == NULL)
        return -ENOMEM;
    length = link->ops->readlink(link, made->text, size);
    if (length <= 0) {
        kfree(made);
        return length == 0 ? -ENOENT : (int)length;
    }
    made->text[length] = '\0';
    *text = made;
    return 0;
}

// Continues with the text of a symlink, relative to where the walk stands.
static int enter_text(struct walking *walking, struct node *link)
{
    struct link_text *text = NULL;
    int error = read_link(link, &text);

    if (error != 0)
        return error;
    error = hold_link(walking, link, text);
    if (error != 0) {
        kfree(text);
        return error;
    }
    text->outer = walking->links;
    text->outer_rest = walking->rest;
    walking->links = text;
    walking->rest = text->text;
    return text->text[0] == '/' ? leave_to_root(walking) : 0;
}

static int follow_magic(struct walking *walking, struct node *link)
{
    struct place place;
    int error;

    if ((walking->flags & WALK_NO_MAGIC) != 0)
        return -ELOOP;
    if ((walking->flags & (WALK_BENEATH | WALK_NO_XDEV)) != 0)
        return -EXDEV;
    error = for_each_hold(walking, hold_leaves);
    if (error == 0)
        error = link->ops->follow(link, &place);
    if (error == 0)
        stand_at_place(walking, &place);
    return error;
}

// Takes over child's references. *jumped: the walk stands at the target already; else it is to go
// on with the text.
static int follow(struct walking *walking, const struct place *child, bool *jumped)
{
    int error = 0;

    *jumped = child->node->ops->follow != NULL;
    if (++walking->link_count > SYMLINKS_MAX || (walking->flags & WALK_NO_SYMLINKS) != 0)
        error = -ELOOP;
    else if (*jumped)
        error = follow_magic(walking, child->node);
    // A link can be the root tree's entry: its text is relative to "/", where the walk still
    // stands.
    else
        error = enter_text(walking, child->node);
    node_put(child->node);
    return error;
}

static int follow_child(struct walking *walking, const struct place *child, bool *jumped)
{
    struct grant *other = child->grant != walking->grant ? child->grant : NULL;
    int error = follow(walking, child, jumped);

    grant_put(other);
    return error;
}

static void pop_text(struct walking *walking)
{
    struct link_text *text = walking->links;

    walking->rest = text->outer_rest;
    walking->links = text->outer;
    kfree(text);
}

// Whether nothing but slashes is left, in this text and in those outside.
static bool at_end(const struct walking *walking)
{
    const char *rest = walking->rest;

    if (rest[0] == '/' && rest[1] != '/' && rest[1] != '\0')
        return false;
    if (!path_at_end(walking->rest))
        return false;
    for (const struct link_text *text = walking->links; text != NULL; text = text->outer)
        if (!path_at_end(text->outer_rest))
            return false;
    return true;
}

static bool slash_follows(const struct walking *walking)
{
    if (*walking->rest == '/')
        return true;
    for (const struct link_text *text = walking->links; text != NULL; text = text->outer)
        if (*text->outer_rest == '/')
            return true;
    return false;
}

// One component that is not the last.
static int step(struct walking *walking, const char *name, size_t length)
{
    struct place child;
    bool jumped;
    int error;

    if (unlikely(name[0] == '.')) {
        if (path_is_dot(name, length))
            return 0;
        if (path_is_dotdot(name, length))
            return step_up(walking);
    }
    error = find_child(walking, name, length, &child);
    if (error != 0)
        return error;
    if (likely(node_is_directory(child.node)))
        return stand_at_child(walking, &child);
    if (node_is_link(child.node)) {
        error = follow_child(walking, &child, &jumped);
        return error != 0 || !jumped || node_is_directory(walking->node) ? error : -ENOTDIR;
    }
    put_child(walking, &child);
    return -ENOTDIR;
}

static void set_last(struct walking *walking, const char *name, size_t length)
{
    walking->last = name;
    walking->last_length = length;
    walking->trailing_slash = slash_follows(walking);
    if (likely(name[0] != '.'))
        walking->kind = LAST_NORMAL;
    else if (path_is_dot(name, length))
        walking->kind = LAST_DOT;
    else if (path_is_dotdot(name, length))
        walking->kind = LAST_DOTDOT;
    else
        walking->kind = LAST_NORMAL;
}

// Goes on until the last component is the next, or there is none.
static int walk_to_last(struct walking *walking)
{
    for (;;) {
        const char *name;
        size_t length;
        int error;

        if (!path_next(&walking->rest, &name, &length)) {
            // The text "/" of a link leaves the outer text to go on from the root.
            if (walking->links == NULL || at_end(walking)) {
                walking->kind = LAST_ROOT;
                walking->last_length = 0;
                return 0;
            }
            pop_text(walking);
            continue;
        }
        if (length > NAME_MAX_BYTES)
            return -ENAMETOOLONG;
        if (at_end(walking)) {
            set_last(walking, name, length);
            return 0;
        }
        error = step(walking, name, length);
        if (error != 0)
            return error;
    }
}

int walking_begin(struct walking *walking, const struct walker *walker, const char *path,
                  unsigned flags)
{
    int error;

    walking->walker = walker;
    walking->flags = flags;
    walking->rest = path;
    walking->last = path;
    walking->last_length = 0;
    walking->grant = walker->base->grant;
    walking->node = walker->base->node;
    walking->grant_counted = false;
    walking->node_counted = false;
    walking->links = NULL;
    walking->link_count = 0;
    walking->beneath.tree = NULL;
    walking->trailing_slash = false;
    if (path[0] == '\0')
        return -ENOENT;
    if (path[0] == '/') {
        if ((flags & WALK_BENEATH) != 0)
            return -EXDEV;
        stand_at_root(walking);
    } else if (!node_is_directory(walking->node)) {
        return -ENOTDIR;
    } else if (walking->node->ops->permit != NULL) {
        error = walking->node->ops->permit(walking->node, walking->grant);
        if (error != 0)
            return error;
    }
    if ((flags & WALK_BENEATH) != 0)
        walking->beneath = (struct hold){ walking->node->tree, walking->node->ino, -EXDEV };
    error = walk_to_last(walking);
    if (error != 0)
        walking_end(walking);
    return error;
}

void walking_end(struct walking *walking)
{
    while (walking->links != NULL)
        pop_text(walking);
    stand_at(walking, NULL, false);
    if (walking->grant_counted)
        grant_put(walking->grant);
    walking->grant_counted = false;
}

// A counted copy of where the walk stands.
static void copy_place(const struct walking *walking, struct place *place)
{
    *place = (struct place){ walking->grant, walking->node };
    place_get(place);
}

// The child that is the result: its grant is counted too.
static int keep_child(const struct walking *walking, const struct place *found, struct place *child)
{
    if (found->grant == walking->grant)
        grant_get(found->grant);
    else if ((walking->flags & WALK_NO_XDEV) != 0)
        return put_child(walking, found), -EXDEV;
    *child = *found;
    return 0;
}

int walking_last(struct walking *walking, bool follow_link, struct place *child)
{
    for (;;) {
        struct place found;
        bool jumped;
        int error = 0;

        if (walking->kind == LAST_DOTDOT)
            error = step_up(walking);
        if (error == 0 && walking->kind != LAST_NORMAL)
            copy_place(walking, child);
        if (error != 0 || walking->kind != LAST_NORMAL)
            return error;
        error = find_child(walking, walking->last, walking->last_length, &found);
        walking->stopped_at_last = error != 0;
        if (error != 0)
            return error;
        if (!node_is_link(found.node) || !(follow_link || walking->trailing_slash))
            return keep_child(walking, &found, child);
        error = follow_child(walking, &found, &jumped);
        if (error == 0 && jumped)
            copy_place(walking, child);
        else if (error == 0)
            error = walk_to_last(walking);
        if (error != 0 || jumped)
            return error;
    }
}

int walking_directory(struct walking *walking, struct place *directory, int for_name)
{
    struct names *names;
    int error = 0;

    copy_place(walking, directory);
    names = names_of_root(walking->node);
    if (names == NULL)
        return 0;
    place_put(directory);
    if (walking->kind == LAST_NORMAL && names_has(names, walking->last, walking->last_length)) {
        error = for_name;
    } else if (walking->grant != names->root) {
        error = -EACCES;
    } else {
        directory->grant = names_tree(names);
        if (directory->grant == NULL)
            error = -EROFS;
        else
            directory->node = directory->grant->top;
    }
    if (error == 0)
        node_get(directory->node);
    names_put(names);
    return error;
}

int walk(const struct walker *walker, const char *path, unsigned flags, struct place *place)
{
    struct walking walking;
    int error;

    if (path[0] == '\0' && (flags & WALK_EMPTY) != 0) {
        *place = *walker->base;
        place_get(place);
        if ((flags & WALK_DIRECTORY) == 0 || node_is_directory(place->node))
            return 0;
        place_put(place);
        return -ENOTDIR;
    }
    error = walking_begin(&walking, walker, path, flags);
    if (error != 0)
        return error;
    error = walking_last(&walking, (flags & WALK_NOFOLLOW) == 0, place);
    if (error == 0 && (walking.trailing_slash || (flags & WALK_DIRECTORY) != 0) &&
        !node_is_directory(place->node)) {
        place_put(place);
        error = -ENOTDIR;
    }
    walking_end(&walking);
    return error;
}

// The last component is a part of path itself: a symlink in its place is not followed, and the
// texts of those before it are used up.
int walk_parent(const struct walker *walker, const char *path, struct place *parent,
                const char **last, size_t *length, bool *must_be_directory)
{
    struct walking walking;
    int error = walking_begin(&walking, walker, path, 0);

    if (error != 0)
        return error;
    copy_place(&walking, parent);
    *last = walking.last;
    *length = walking.last_length;
    *must_be_directory = walking.trailing_slash;
    walking_end(&walking);
    return 0;
}
