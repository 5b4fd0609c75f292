// SPDX-License-Identifier: MIT
// grant.h - the object behind a name and a handle: a node as its top, and rights.
//
// States: live -> revoked. A grant is made by bind, by the walk's root, or by a handle entering a
// box, and never edited.
// Invariants: I1 a grant's rights are a subset of those of the grant it came from. I2 a handle and
// a region hold the grant they came through.
#pragma once

#include <stdatomic.h>

#include "kernel/sync/refcount.h"
#include "lib/base/compiler.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

struct account;
struct node;

enum rights {
    RIGHT_READ = 1,    // r  read, list, stat, walk
    RIGHT_WRITE = 2,   // w  content, size, times, connecting to a socket node
    RIGHT_EXECUTE = 4, // x  execve and PROT_EXEC
    RIGHT_CREATE = 8,  // c  create, remove, rename
    RIGHT_ALL = 15,
};

// Fields: I set once · a atomic · g under grant_lock
struct grant {
    struct refcount ref;      // a
    struct node *top;         // I  counted
    unsigned rights;          // I
    struct account *account;  // I  of the box it was made for
    struct grant *from;       // g  counted; NULL for a root
    struct list derived;      // g  of derived_link
    struct list derived_link; // g
    atomic_bool revoked;      // a
    bool handed_over; // I  made for a handle that entered a box: ".." at its top stays there
};

// Makes a grant on top (a reference is taken) below from (may be NULL) with rights & from's rights.
// Errors: -ENOMEM.
int grant_create(struct grant *from, struct node *top, unsigned rights, struct account *account,
                 struct grant **grant) MUST_CHECK;
static inline bool grant_is_revoked(const struct grant *grant)
{
    return atomic_load_explicit(&grant->revoked, memory_order_acquire);
}
void grant_get(struct grant *grant);
void grant_put(struct grant *grant);

// "rwxc" in any order, at least one letter, none twice. Errors: -EINVAL.
int rights_parse(const char *text, size_t length, unsigned *rights) MUST_CHECK;
// Writes at most 5 bytes: the letters in the order r w x c, and a NUL.
void rights_print(unsigned rights, char text[5]);
