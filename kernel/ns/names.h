// SPDX-License-Identifier: MIT
// names.h - the names of a box: which tree it sees under which first path component.
//
// The name "" is the root tree. "/" is a directory of its own kind (names->root): it lists the
// names, then the root tree's entries that no name hides. Locking: names->lock (rank NAMES) guards
// the table. Nothing that can block is done under it.
#pragma once

#include "kernel/ns/grant.h"
#include "kernel/sync/rwlock.h"

struct account;
struct node;
struct node_ops;

struct name {
    struct list link;
    struct grant *grant; // counted
    size_t length;
    char text[]; // without slashes, at most 255 bytes
};

// Fields: n under lock · I set once
struct names {
    struct refcount ref;  // a
    struct rwlock lock;   // rank NAMES
    struct list list;     // n  of struct name, in the order they were bound
    unsigned count;       // n
    // n  of the name "", the root tree; not counted beside it; may be compared without the lock.
    struct grant *tree;
    // I  counted; on the "/" node itself: all rights, since a step from it leads into another grant.
    struct grant *root;
    struct account *account; // I
};

int names_create(struct account *account, struct names **names) MUST_CHECK;
void names_get(struct names *names);
void names_put(struct names *names);

// Adds a name; takes a reference on grant. Errors: -EEXIST, -EINVAL (a slash, ".", "..", over 255
// bytes), -ENOTDIR ("" is no directory), -ENOMEM, -ENOSPC (4,096 names are there).
int names_add(struct names *names, const char *name, struct grant *grant) MUST_CHECK;
// Errors: -ENOENT.
int names_remove(struct names *names, const char *name) MUST_CHECK;
// A reference is taken for the caller. Errors: -ENOENT.
int names_find(struct names *names, const char *name, size_t length,
               struct grant **grant) MUST_CHECK;
// Calls visit for each name with the lock not held (a copy of name, a counted grant for the call).
// Other than 0 ends and is returned.
int names_walk(struct names *names, int (*visit)(const char *name, struct grant *, void *),
               void *argument);
// Copies all names of from into the empty to, each grant derived. Errors: -EBUSY to has names,
// -ENOMEM (then to is empty).
int names_inherit(struct names *from, struct names *to) MUST_CHECK;
// A step down from "/": the grant of the name (*is_name set), else that of the root tree, counted;
// NULL: neither.
struct grant *names_step(struct names *names, const char *name, size_t length, bool *is_name);
// Whether a name of this spelling is bound: it hides the root tree's entry.
bool names_has(struct names *names, const char *name, size_t length);
// Writes the name (with a NUL) whose grant has node as its top; grant: it must be this very one
// (NULL: any).
bool names_find_top(struct names *names, const struct node *node, const struct grant *grant,
                    char name[256]);
// The names whose "/" node this is, counted; NULL if it is another node or the names are gone.
struct names *names_of_root(struct node *node);
// The root tree's grant, counted; NULL if there is none.
struct grant *names_tree(struct names *names);
// The operations of every box's "/", by which it is told from other nodes.
extern const struct node_ops names_root_ops;
// Empties the table (death). Never fails.
void names_clear(struct names *names);
