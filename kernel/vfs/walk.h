// SPDX-License-Identifier: MIT
// walk.h - from a path to a place, in the names of a box.
//
// A place is a node and the grant it was reached through; a step never leaves the grant's top
// except by ".." at a name's top, which leads to "/". At the top of a handle that was handed over
// ".." stays. Symlinks resolve in the reader's names.
#pragma once

#include "kernel/ns/grant.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct linux_stat;
struct names;
struct node;

struct place {
    struct grant *grant; // counted
    struct node *node;   // counted
};

void place_get(const struct place *place);
void place_put(struct place *place); // and empties it

// Who walks: filled by the process layer for each call. All borrowed.
struct walker {
    struct names *names;
    const struct place *base; // where a relative path begins: cwd or the directory of an *at call
    uid_t uid;                // labels for what is created
    gid_t gid;
    mode_t umask;
    struct account *account; // charged for what is created
};

enum walk_flags {
    WALK_NOFOLLOW = 1,  // the last component is not followed if it is a symlink
    WALK_DIRECTORY = 2, // the result must be a directory (-ENOTDIR)
    WALK_NO_XDEV = 4,
    WALK_NO_SYMLINKS = 8,
    WALK_NO_MAGIC = 16,
    WALK_BENEATH = 32, // openat2
    WALK_EMPTY = 64,   // an empty path is base itself (AT_EMPTY_PATH)
};

#define PATH_MAX_BYTES 4096
#define NAME_MAX_BYTES 255
#define SYMLINKS_MAX 40

// Finds what path names. Errors: -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EACCES (a grant without
// r).
int walk(const struct walker *walker, const char *path, unsigned flags,
         struct place *place) MUST_CHECK;
// Finds the directory of the last component, which is left in last (within path; may be followed by
// slashes: *must_be_directory).
// Errors: as walk; -EBUSY/-EEXIST/-EINVAL for "", ".", "..", "/" are the caller's: *length is 0 for
// "/" .
int walk_parent(const struct walker *walker, const char *path, struct place *parent,
                const char **last, size_t *length, bool *must_be_directory) MUST_CHECK;
// The absolute path of a place as the box of names sees it ("/name/…"), without a NUL. Returns its
// length.
// Errors: -ENOENT (removed, or under none of the names), -ERANGE.
ssize_t place_path(const struct place *place, struct names *names, char *to,
                   size_t size) MUST_CHECK;

// Whether the place's grant has all of rights. Errors: -EACCES, -EIO (revoked).
int place_require(const struct place *place, unsigned rights) MUST_CHECK;
// A grant on the place's node below the place's own, for bind: of "/" the root tree is taken
// (-EXDEV without one). A reference on the result is the caller's. Errors: -ENOMEM, -EIO (revoked).
int place_grant(const struct place *place, unsigned rights, struct account *account,
                struct grant **grant) MUST_CHECK;

// What system calls do with paths. All check the rights of the grant at hand (table:
// docs/rights.md).
int vfs_open(const struct walker *walker, const char *path, unsigned flags, mode_t mode,
             unsigned walk_flags, struct handle **handle) MUST_CHECK;
int vfs_mkdir(const struct walker *walker, const char *path, mode_t mode) MUST_CHECK;
int vfs_mknod(const struct walker *walker, const char *path, mode_t mode, dev_t device) MUST_CHECK;
int vfs_symlink(const struct walker *walker, const char *target, const char *path) MUST_CHECK;
int vfs_link(const struct walker *from_walker, const char *from, const struct walker *to_walker,
             const char *to, unsigned walk_flags) MUST_CHECK;
int vfs_unlink(const struct walker *walker, const char *path) MUST_CHECK;
int vfs_rmdir(const struct walker *walker, const char *path) MUST_CHECK;
int vfs_rename(const struct walker *from_walker, const char *from, const struct walker *to_walker,
               const char *to, unsigned flags) MUST_CHECK;
ssize_t vfs_readlink(const struct walker *walker, const char *path, char *to,
                     size_t size) MUST_CHECK;
int vfs_stat(const struct walker *walker, const char *path, unsigned walk_flags,
             struct linux_stat *stat) MUST_CHECK;
// On a place that was found or a handle's: rights checked by the caller through place->grant.
int place_chmod(const struct place *place, mode_t mode) MUST_CHECK;
int place_truncate(const struct place *place, off_t size) MUST_CHECK; // checks the right w itself
int place_chown(const struct place *place, uid_t uid, gid_t gid) MUST_CHECK; // -1: unchanged
int place_set_times(const struct place *place, nsec_t atime, nsec_t mtime, bool set_atime,
                    bool set_mtime) MUST_CHECK;
// access(2): mode is R_OK 4, W_OK 2, X_OK 1; answers from the grant's rights (and the node's type/x
// bits as Linux does for root).
int place_access(const struct place *place, unsigned mode) MUST_CHECK;
