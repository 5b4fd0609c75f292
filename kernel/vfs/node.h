// SPDX-License-Identifier: MIT
// node.h - nodes: files, directories, links, devices, pipes; what a tree is made of.
//
// A node is embedded in its file system's own object, or allocated by node_alloc where the generic
// one does. There is no name cache: a directory finds its entries itself, and keeps for each
// directory node the parent, so that ".." and getcwd need no path.
// Locking: node->lock (mutex, rank NODE, parent before child) guards entries and content as the
// file system needs; attributes (mode, owner, times, size, nlink) are under it too and may be read
// without (each is one word). tree->rename_lock is held around moves and removals of directories,
// and keeps every parent link of the tree still.
//
// Parents: a directory is kept by its entry and by who uses it, and does not keep its parent: what
// hangs below no used node is freed. So a parent that is freed first clears the links to it, under
// rename_lock, and a reader takes the parent by refcount_get_try under rename_lock. A file system
// that makes its nodes on the fly counts the parent itself (and puts it in ops->free); node_init
// and node_fini leave the link alone.
#pragma once

#include "kernel/sched/mutex.h"
#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

struct account;
struct grant;
struct handle;
struct iobuf;
struct linux_stat;
struct linux_statfs;
struct node;
struct pager;
struct place;

// Called by readdir for each entry: offset is the position of the NEXT one. Returns false to stop
// before this one (buffer full).
typedef bool readdir_emit_fn(void *context, const char *name, size_t length, uint64_t ino,
                             unsigned type_dt, off_t next);

// What a symlink is made with.
struct symlink_text {
    const char *target;
    uint64_t held_ino; // see struct node
};

// Operations. A missing one means the errno in brackets. Directory operations get validated names
// (not empty, no slash, not . or .., at most 255 bytes) and are called with directory->lock held,
// except where said. All take counted nodes and hand out counted nodes.
struct node_ops {
    // [ENOTDIR] Lock not held.
    int (*lookup)(struct node *directory, const char *name, size_t length, struct node **child);
    // Whether what was reached through grant may be used by the caller; asked by a walk of each
    // node it reaches: where it begins, and each child that lookup gave. Missing: it may. Errors:
    // -EACCES. Lock not held.
    int (*permit)(struct node *node, const struct grant *grant);
    // [EPERM] mode carries the type (S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, S_IFLNK with symlink,
    // else NULL).
    int (*create)(struct node *directory, const char *name, size_t length, mode_t mode,
                  const struct symlink_text *symlink, uid_t uid, gid_t gid, struct node **child);
    // [EOPNOTSUPP] O_TMPFILE: a regular file without a name; link may give it one. Lock not held.
    int (*create_unnamed)(struct node *directory, mode_t mode, uid_t uid, gid_t gid,
                          struct node **child);
    int (*link)(struct node *directory, const char *name, size_t length, struct node *target);
    // Removes an entry that is (directory false) not a directory, or (true) an empty directory.
    int (*remove)(struct node *directory, const char *name, size_t length, bool remove_directory);
    // Both directories' locks and the tree's rename lock held. flags: RENAME_NOREPLACE 1,
    // RENAME_EXCHANGE 2.
    int (*rename)(struct node *from, const char *old_name, size_t old_length, struct node *to,
                  const char *new_name, size_t new_length, unsigned flags);
    // [ENOTDIR] Lists from *position on; lock not held.
    int (*readdir)(struct node *directory, off_t *position, readdir_emit_fn *emit, void *context);
    // [EINVAL] A symlink's text, at most size bytes, no NUL. Returns its length.
    ssize_t (*readlink)(struct node *link, char *to, size_t size);
    // Magic links (/proc/self/exe, fd/N, cwd): where it leads, without text. Missing: readlink is
    // used.
    int (*follow)(struct node *link, struct place *place);
    // Called when a handle is opened: sets handle->ops (if other than the node's default), private
    // data, or refuses.
    int (*open)(struct node *node, struct handle *handle);
    // Fills what the generic fields do not say (size, blocks...). Missing: generic fields.
    void (*stat)(struct node *node, struct linux_stat *stat);
    // Mode, owner or times are about to be changed, lock held. Missing: allowed. An error refuses
    // the change.
    int (*set_attributes)(struct node *node);
    // Text for a node without a path ("pipe:[7]"), as /proc/PID/fd shows it. Missing: none.
    ssize_t (*describe)(const struct node *node, char *to, size_t size);
    int (*truncate)(struct node *node, off_t size); // [EINVAL] lock held
    // [EOPNOTSUPP] fallocate, lock held: mode 0, KEEP_SIZE, or KEEP_SIZE|PUNCH_HOLE.
    int (*allocate)(struct node *node, unsigned mode, off_t offset, off_t size);
    // [all is data] lseek SEEK_DATA and SEEK_HOLE: the next data, or the next hole, from an offset
    // below the size on; the file ends in a hole. Lock not held. Errors: -ENXIO no more data.
    off_t (*seek_data)(struct node *node, off_t offset, bool hole);
    // The last reference is gone: frees the object.
    void (*free)(struct node *node);
};

// Fields: I set once · n under lock · a atomic · r under tree->rename_lock · l under
// tree->links_lock
struct node {
    struct refcount ref;                 // a
    const struct node_ops *ops;          // I
    const struct handle_ops *handle_ops; // I  for handles on it; may be replaced by open
    struct tree *tree;                   // I  counted
    struct account *account;             // I  who paid for it
    struct mutex lock;                   // rank NODE
    uint64_t ino;                        // I
    mode_t mode;                         // n  type and permission bits
    uid_t uid;                           // n
    gid_t gid;                           // n
    unsigned nlink;                      // n
    dev_t rdev;                          // I
    uint64_t size;                       // n
    nsec_t atime, mtime, ctime;          // n  nanoseconds since 1970
    struct node *parent; // r  directories: see above; NULL at a tree's root or when removed
    struct list links;   // l  entries (entries.h) that name it
    uint64_t held_ino;   // I  symlinks: top of the grant it was made through; 0: made by the kernel
    struct pager *pager; // I  of regular files: content and maps
    struct waitq *waitq; // I  or NULL
};

// A file tree: an instance of a file system.
struct tree {
    struct refcount ref;         // a
    const char *type;            // I  "ram" "proc" "dev" "anon" …, as /proc/mounts shows it
    dev_t device;                // I  st_dev
    uint32_t magic;              // I  f_type
    struct mutex rename_lock;    // rank RENAME
    struct spinlock links_lock;  // rank LINKS
    atomic_ulong next_ino;       // a
    struct account *account;     // I
    struct node *root;           // I  not counted by the tree (the root counts the tree)
    bool same_for_all;           // I  false: what a node shows depends on the reader (proc)
    void (*free)(struct tree *); // may be NULL
    int (*statfs)(struct tree *, struct linux_statfs *);
};

// Sets the fields; account NULL: the root's, which is the outermost box's; refs 1, which is the
// root's: node_init of the root takes it over (see there).
void tree_init(struct tree *tree, const char *type, uint32_t magic, struct account *account);

// Sets the generic fields; refs 1; times now. Takes a reference on tree, except for the first node
// while tree->root is NULL: that one becomes the root and takes over the reference of tree_init.
// Who made the tree owns that one reference on the root, and gives the whole tree back by
// node_put(tree->root).
void node_init(struct node *node, struct tree *tree, const struct node_ops *ops, mode_t mode,
               struct account *account);
// Undoes node_init, called by ops->free before it frees the object.
void node_fini(struct node *node);
void node_get(struct node *node);
void node_put(struct node *node);

void node_stat(struct node *node, struct linux_stat *stat);
// The name of an entry for node, with a NUL, and the directory it is in (counted; directory may be
// NULL: the name alone). For directories the caller holds tree->rename_lock, so that the answer
// stays true.
// Returns: the name's length. Errors: -ENOENT removed, or a root.
ssize_t node_locate(struct node *node, struct node **directory, char name[256]) MUST_CHECK;
// The parent of a directory, counted; NULL: none. The caller holds tree->rename_lock.
struct node *node_parent_locked(struct node *node);
// Whether node is top or lies beneath it. The caller holds the tree's rename_lock.
bool node_is_beneath_locked(const struct node *node, const struct tree *tree, uint64_t top_ino);
// mode's type as DT_* of abi/dirent.h.
static inline unsigned mode_dt(mode_t mode)
{
    return (mode >> 12) & 15;
}
// Sets the size of a regular file. Takes node->lock. Errors: -EISDIR, -EINVAL (no regular file,
// negative), -EFBIG, -ENOMEM.
int node_truncate(struct node *node, off_t size) MUST_CHECK;
// Content was changed: sets mtime and ctime to now.
void node_touch(struct node *node);
// Content was read: moves atime as relatime does. No lock needed.
void node_accessed(struct node *node);
static inline bool node_is_directory(const struct node *node)
{
    return (node->mode & 0170000) == 0040000;
}
static inline bool node_is_link(const struct node *node)
{
    return (node->mode & 0170000) == 0120000;
}
static inline bool node_is_regular(const struct node *node)
{
    return (node->mode & 0170000) == 0100000;
}
