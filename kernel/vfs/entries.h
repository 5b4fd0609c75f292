// SPDX-License-Identifier: MIT
// entries.h - the entries of a directory that lies in memory: name to node, and a listing that
// stands still.
//
// Two trees over the same entries: by hash and name for searching, by cookie for listing. A cookie
// is the entry's number in the order of making; it is never used again, so a listing that goes on
// from a cookie misses nothing that was there all the time and repeats nothing, whatever is made
// and removed meanwhile.
// Locking: changes are made under the directory's node->lock and, inside it, entries->lock (rank
// ENTRIES); a search takes entries->lock to read, a listing node->lock alone. Each node knows the
// entries that name it (node->links, under tree->links_lock), so that a path can be told from a
// node.
#pragma once

#include "kernel/sync/rwlock.h"
#include "kernel/vfs/node.h"
#include "lib/base/rbtree.h"

struct account;

// Fields: I set once · e under entries->lock · l under tree->links_lock
struct entry {
    struct rb_node by_name;   // e
    struct rb_node by_cookie; // e
    struct list link;         // l  in node->links
    struct node *node;        // e  counted
    struct node *directory;   // l  not counted: the entry goes before it
    uint64_t cookie;          // I
    uint32_t hash;            // I
    uint32_t length;          // I
    char name[];              // without a NUL
};

struct entries {
    struct rwlock lock;       // rank ENTRIES
    struct rb_root by_name;   // e
    struct rb_root by_cookie; // e
    uint64_t next_cookie;     // e
    uint64_t count;           // e
};

void entries_init(struct entries *entries);

// A reference on *child is taken. Errors: -ENOENT.
int entries_find(struct entries *entries, const char *name, size_t length,
                 struct node **child) MUST_CHECK;

// An entry for entries_add; NULL: no memory. Without entries_add it is freed by kfree.
struct entry *entry_create(const char *name, size_t length, struct account *account) MUST_CHECK;

// Keeps entry and takes a reference on child. Errors: -EEXIST (entry stays the caller's).
// Locks: directory->lock held.
int entries_add(struct node *directory, struct entries *entries, struct entry *entry,
                struct node *child) MUST_CHECK;

// Takes an entry out and frees it; its reference on the node goes to the caller. NULL: no such
// entry.
// Locks: directory->lock held.
struct node *entries_remove(struct node *directory, struct entries *entries, const char *name,
                            size_t length);

// Makes an entry name child instead; takes a reference on child, gives the one on the old node to
// the caller. The entry must be there. Locks: directory->lock held.
struct node *entries_replace(struct node *directory, struct entries *entries, const char *name,
                             size_t length, struct node *child);

// Takes any one entry out, for emptying: as entries_remove. NULL: none left.
struct node *entries_take_any(struct node *directory, struct entries *entries);

// Lists: ".", "..", then the entries from *position on. Locks: takes directory->lock; emit may
// fault on user memory.
void entries_list(struct node *directory, struct entries *entries, off_t *position,
                  readdir_emit_fn *emit, void *context);

// See node_locate. Errors: -ENOENT no entry names it.
ssize_t entries_locate(struct node *node, struct node **directory, char name[256]) MUST_CHECK;
