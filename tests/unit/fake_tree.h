// SPDX-License-Identifier: MIT
// fake_tree.h - a ram tree and a walker over it, for one thread on the host: includes what of the
// kernel needs frames faked.
#pragma once

#include "tests/unit/fake_vfs.h"

#define frame_ptr fake_frame_ptr
#define frame_put fake_frame_put
#include "kernel/fs/ramfs/file.c"
#undef frame_ptr
#undef frame_put

#include "abi/stat.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/ns/names.h"
#include "kernel/proc/note.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/walk.h"

// FIFOs are not opened here.
int fifo_open(struct node *node, struct handle *handle, struct pipe **slot)
{
    (void)node, (void)handle, (void)slot;
    return -ENXIO;
}

// No limits, so no signal for a file that grows past one.
uint64_t process_rlimit(unsigned which)
{
    (void)which;
    return UINT64_MAX;
}

void signal_send_self(unsigned number)
{
    (void)number;
    abort();
}

static inline void must(int error)
{
    if (error != 0)
        abort();
}

// A box as far as paths go: names, and a walker whose base is "/".
struct fake_box {
    struct names *names;
    struct place root;
    struct walker walker;
};

static inline void box_begin(struct fake_box *box, struct account *account)
{
    must(names_create(account, &box->names));
    box->root = (struct place){ box->names->root, box->names->root->top };
    box->walker = (struct walker){ .names = box->names, .base = &box->root, .account = account };
}

static inline void box_end(struct fake_box *box)
{
    names_put(box->names);
}

static inline void box_bind(struct fake_box *box, const char *name, struct node *top,
                            unsigned rights)
{
    struct grant *grant;

    must(grant_create(NULL, top, rights, box->walker.account, &grant));
    must(names_add(box->names, name, grant));
    grant_put(grant);
}

// Binds what path names in from.
static inline int box_bind_path(struct fake_box *box, const char *name, struct fake_box *from,
                                const char *path, unsigned rights)
{
    struct place place;
    struct grant *grant;
    int error = walk(&from->walker, path, 0, &place);

    if (error != 0)
        return error;
    error = place_grant(&place, rights, box->walker.account, &grant);
    place_put(&place);
    if (error != 0)
        return error;
    error = names_add(box->names, name, grant);
    grant_put(grant);
    return error;
}

static inline int try_open(struct fake_box *box, const char *path, unsigned flags)
{
    struct handle *handle;
    int error = vfs_open(&box->walker, path, flags, 0644, 0, &handle);

    if (error == 0)
        handle_put(handle);
    return error;
}

static inline int try_stat(struct fake_box *box, const char *path)
{
    struct linux_stat stat;

    return vfs_stat(&box->walker, path, 0, &stat);
}

// The inode number; 0 if it cannot be told.
static inline uint64_t ino_of(struct fake_box *box, const char *path)
{
    struct linux_stat stat;

    return vfs_stat(&box->walker, path, WALK_NOFOLLOW, &stat) == 0 ? stat.st_ino : 0;
}

static inline unsigned nlink_of(struct fake_box *box, const char *path)
{
    struct linux_stat stat;

    return vfs_stat(&box->walker, path, WALK_NOFOLLOW, &stat) == 0 ? (unsigned)stat.st_nlink : 0;
}

// A listing as text: the names in their order, each with a blank behind it.
struct fake_listing {
    char text[8192];
    off_t next;
    unsigned most; // entries to take
};

static inline bool list_one(void *context, const char *name, size_t length, uint64_t ino,
                            unsigned type, off_t next)
{
    struct fake_listing *listing = context;

    (void)ino;
    (void)type;
    if (listing->most-- == 0)
        return false;
    strncat(listing->text, name, length);
    strcat(listing->text, " ");
    listing->next = next;
    return true;
}

static inline const char *list(struct fake_box *box, const char *path)
{
    static struct fake_listing listing;
    struct handle *handle;

    memset(&listing, 0, sizeof(listing));
    listing.most = UINT32_MAX;
    if (vfs_open(&box->walker, path, O_DIRECTORY, 0, 0, &handle) != 0)
        return "(cannot be opened)";
    if (handle_readdir(handle, list_one, &listing) != 0)
        strcpy(listing.text, "(cannot be read)");
    handle_put(handle);
    return listing.text;
}
