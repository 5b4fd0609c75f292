// SPDX-License-Identifier: MIT
// handle.h - handles: open files with position, flags, rights and the grant they came through.
//
// A handle is shared by dup and fork. Locking: position_lock (mutex, rank HANDLE) guards position
// during reads and writes of seekable files; flags are atomic. A handle that entered another box
// has an origin, whose position it shares and which it keeps open: ops->open and ops->close are
// called for origins alone. When the last reference goes, ops->close is called, once, in thread
// context (a handle is never put under a spin lock).
#pragma once

#include "kernel/ns/grant.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/refcount.h"

struct handle;
struct iobuf;
struct map_request;
struct names;
struct node;
struct place;
struct poll_table;

// Missing operations mean the errno in brackets.
struct handle_ops {
    // [EINVAL] Reads at *position and moves it (for streams position is meaningless). Blocks unless
    // O_NONBLOCK.
    ssize_t (*read)(struct handle *handle, struct iobuf *buffer, off_t *position);
    ssize_t (*write)(struct handle *handle, struct iobuf *buffer, off_t *position);
    // [ESPIPE] whence as lseek. Missing with seekable set: generic over node->size.
    off_t (*seek)(struct handle *handle, off_t offset, int whence);
    // [always POLLIN|POLLOUT] Registers on its queues by poll_wait (table may be NULL: just ask)
    // and returns POLL* bits that hold now.
    unsigned (*poll)(struct handle *handle, struct poll_table *table);
    // [ENOTTY]
    int64_t (*ioctl)(struct handle *handle, unsigned command, uint64_t argument);
    // [ENODEV] Fills pager and, if it wants, flags.
    int (*map)(struct handle *handle, struct map_request *request);
    int (*sync)(struct handle *handle); // [0]
    // Frees private data. May not fail, may not wait for user space.
    void (*close)(struct handle *handle);
    // Called at every close(2) of an fd that names it (for locks). May be missing.
    void (*flush)(struct handle *handle);
    // Reads and writes are serialized with the position by a mutex: such a read may not wait for
    // user space or a device.
    bool seekable;
    bool stateless; // pread and pwrite work, though there is no position
};

// Fields: I set once · a atomic · p under position_lock
struct handle {
    struct refcount ref;          // a
    const struct handle_ops *ops; // I
    struct node *node;            // I  counted
    struct grant *grant;          // I  counted
    struct account *account;      // I  the box of the thread that opened it
    atomic_uint flags;            // a  O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_PATH ...
    unsigned rights;              // I  at most the grant's
    struct mutex position_lock;
    off_t position;        // p
    struct handle *origin; // I  counted; whose position and private data it shares; NULL: its own
    unsigned fixed_flags;  // I  O_APPEND where the holder cannot take it off
    void *private;         // I  of ops
    struct list poll_sets; // epoll sets that watch it; under the epoll code's lock
};

// A poll in progress: poll_wait links a waiter to the queue. ipc/poll.c makes them.
struct poll_table {
    int (*add)(struct poll_table *table, struct waitq *queue); // -ENOMEM is remembered in error
    int error;
    // The waiters stay after the call (epoll): queues that may go before the handle are not for it.
    bool stays;
};
static inline void poll_wait(struct poll_table *table, struct waitq *queue)
{
    if (table != NULL && table->error == 0)
        table->error = table->add(table, queue);
}

// A flag beside O_* for handle_open and vfs_open: opens a program for execve. Asks for the execute
// right instead of read, and refuses what is no regular file or has no x bit (-EACCES). The handle
// can be read.
#define VFS_OPEN_EXEC (1U << 30)

// The rights that handle_open will ask for.
unsigned handle_rights_needed(unsigned flags);

// Makes a handle on node through grant, calls node->ops->open. Takes references on both. flags:
// O_*; rights follow from them and the grant.
// Errors: -ENOMEM, -EACCES (the grant lacks a right that flags need), what open says.
int handle_open(struct node *node, struct grant *grant, unsigned flags, struct account *account,
                struct handle **handle) MUST_CHECK;
// The same with the place's references, which on success move into the handle: place is empty then.
int handle_open_place(struct place *place, unsigned flags, struct account *account,
                      struct handle **handle) MUST_CHECK;
void handle_get(struct handle *handle);
void handle_put(struct handle *handle);
// Registers, once, what takes a handle out of the poll sets that watch it, before it is closed.
void handle_set_unwatch(void (*function)(struct handle *handle));

// A new handle for another box: a new grant below the old one with its own node as top and at most
// rights; flags of its own (O_APPEND stays set for good); it shares the position. Errors: -ENOMEM,
// -EIO (revoked).
int handle_enter_box(struct handle *from, unsigned rights, struct account *account,
                     struct handle **handle) MUST_CHECK;

// Checked entry points: rights, mode, revocation (-EIO), O_APPEND, position. Return bytes or
// errors.
ssize_t handle_read(struct handle *handle, struct iobuf *buffer) MUST_CHECK;
ssize_t handle_write(struct handle *handle, struct iobuf *buffer) MUST_CHECK;
ssize_t handle_read_at(struct handle *handle, struct iobuf *buffer,
                       off_t position) MUST_CHECK; // pread; -ESPIPE
ssize_t handle_write_at(struct handle *handle, struct iobuf *buffer, off_t position) MUST_CHECK;
off_t handle_seek(struct handle *handle, off_t offset, int whence) MUST_CHECK;
unsigned handle_poll(struct handle *handle, struct poll_table *table);
int64_t handle_ioctl(struct handle *handle, unsigned command, uint64_t argument) MUST_CHECK;
// Fills request->pager and handle (borrowed) for mmap after checking rights against flags; adds
// REGION_MAY_WRITE and REGION_MAY_EXECUTE. Errors: -EACCES, -ENODEV, -EBADF.
int handle_map(struct handle *handle, struct map_request *request) MUST_CHECK;
int handle_readdir(struct handle *handle,
                   bool (*emit)(void *, const char *, size_t, uint64_t, unsigned, off_t),
                   void *context) MUST_CHECK;
int handle_truncate(struct handle *handle, off_t size) MUST_CHECK;
// fallocate. Errors: -EBADF not writable, -ESPIPE pipes, -ENODEV not regular, -EOPNOTSUPP, -EINVAL,
// -EFBIG, -ENOMEM.
int handle_allocate(struct handle *handle, unsigned mode, off_t offset, off_t size) MUST_CHECK;
int handle_sync(struct handle *handle) MUST_CHECK;
// F_SETFL: O_APPEND, O_NONBLOCK, O_NOATIME, O_DIRECT, O_ASYNC are taken from flags. Errors: -EBADF
// (O_PATH).
int handle_set_flags(struct handle *handle, unsigned flags) MUST_CHECK;
static inline unsigned handle_flags(const struct handle *handle)
{
    return atomic_load_explicit(&handle->flags, memory_order_relaxed);
}
// Whether calls on it return -EAGAIN instead of waiting.
bool handle_nonblocking(const struct handle *handle);
// What readlink of /proc/PID/fd/N shows: the path in names, else what the node says of itself
// ("pipe:[7]"), else "(unreachable)". Returns its length (cut at size, no NUL).
size_t handle_describe(struct handle *handle, struct names *names, char *to, size_t size);

// For directories of all trees: read is -EISDIR, seek moves the position of readdir.
extern const struct handle_ops directory_handle_ops;

// An anonymous handle (pipe end, eventfd, epoll): makes a node in the anon tree with this mode and
// ops. Errors: -ENOMEM.
int handle_create_anonymous(const char *name, mode_t mode, const struct handle_ops *ops,
                            void *private, unsigned flags, struct account *account,
                            struct handle **handle) MUST_CHECK;

// The tree of nodes without names and the grant that handles on them come through. vfs_init makes
// both.
extern struct tree anonymous_tree;
extern struct grant *anonymous_grant;
void vfs_init(void);
void mapping_init(void); // called by it: what memory asks of the file behind a region
