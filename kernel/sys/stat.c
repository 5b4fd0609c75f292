// SPDX-License-Identifier: MIT
// stat.c - what a file is: stat, statx, access, readlink, statfs.
#include "abi/stat.h"

#include <string.h>

#include "abi/statfs.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/node.h"

static int stat_fd(int fd, struct linux_stat *stat)
{
    struct handle *handle;
    int error = fd_get(fd, &handle);

    if (error != 0)
        return error;
    node_stat(handle->node, stat);
    handle_put(handle);
    return 0;
}

// An empty path with AT_EMPTY_PATH is the most common call (fstat of musl and glibc), and needs no
// walk; none at all says the same.
static int stat_at(int dirfd, vaddr_t path, unsigned at_flags, struct linux_stat *stat)
{
    struct path_call call;
    int error;
    char first = '\0';

    if (at_flags & AT_EMPTY_PATH && dirfd >= 0) {
        error = path != 0 ? user_load(&first, path) : 0;
        if (error != 0)
            return error;
        if (first == '\0')
            return stat_fd(dirfd, stat);
    }
    error = path_begin(&call, dirfd, path, path_walk_flags(at_flags));
    if (error != 0)
        return error;
    error = vfs_stat(&call.walker, call.text, path_walk_flags(at_flags), stat);
    path_end(&call);
    return error;
}

static int64_t stat_to(int dirfd, vaddr_t path, unsigned at_flags, vaddr_t to)
{
    struct linux_stat stat;
    int error = stat_at(dirfd, path, at_flags, &stat);

    return error != 0 ? error : user_store(to, &stat);
}

CALL2(stat, vaddr_t, path, vaddr_t, to)
{
    return stat_to(AT_FDCWD, path, 0, to);
}

CALL2(lstat, vaddr_t, path, vaddr_t, to)
{
    return stat_to(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, to);
}

CALL2(fstat, int, fd, vaddr_t, to)
{
    struct linux_stat stat;
    int error = stat_fd(fd, &stat);

    return error != 0 ? error : user_store(to, &stat);
}

CALL4(newfstatat, int, dirfd, vaddr_t, path, vaddr_t, to, unsigned, flags)
{
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    return stat_to(dirfd, path, flags, to);
}

static void statx_from_stat(struct linux_statx *to, const struct linux_stat *stat)
{
    memset(to, 0, sizeof(*to));
    to->stx_mask = STATX_BASIC_STATS;
    to->stx_blksize = (uint32_t)stat->st_blksize;
    to->stx_nlink = (uint32_t)stat->st_nlink;
    to->stx_uid = stat->st_uid;
    to->stx_gid = stat->st_gid;
    to->stx_mode = (uint16_t)stat->st_mode;
    to->stx_ino = stat->st_ino;
    to->stx_size = (uint64_t)stat->st_size;
    to->stx_blocks = (uint64_t)stat->st_blocks;
    to->stx_atime.tv_sec = (int64_t)stat->st_atime;
    to->stx_atime.tv_nsec = (uint32_t)stat->st_atime_nsec;
    to->stx_ctime.tv_sec = (int64_t)stat->st_ctime;
    to->stx_ctime.tv_nsec = (uint32_t)stat->st_ctime_nsec;
    to->stx_mtime.tv_sec = (int64_t)stat->st_mtime;
    to->stx_mtime.tv_nsec = (uint32_t)stat->st_mtime_nsec;
    to->stx_rdev_major = linux_major(stat->st_rdev);
    to->stx_rdev_minor = linux_minor(stat->st_rdev);
    to->stx_dev_major = linux_major(stat->st_dev);
    to->stx_dev_minor = linux_minor(stat->st_dev);
}

CALL5(statx, int, dirfd, vaddr_t, path, unsigned, flags, unsigned, mask, vaddr_t, to)
{
    struct linux_stat stat;
    struct linux_statx statx;
    int error;

    if (mask & STATX_RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
        flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                            AT_STATX_SYNC_TYPE))
        return -EINVAL;
    error = stat_at(dirfd, path, flags, &stat);
    if (error != 0)
        return error;
    statx_from_stat(&statx, &stat);
    return user_store(to, &statx);
}

static int64_t access_at(int dirfd, vaddr_t path, unsigned mode, unsigned flags)
{
    struct place place;
    int error;

    if (mode & ~(unsigned)(R_OK | W_OK | X_OK) ||
        flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_find(dirfd, path, flags, &place);
    if (error != 0)
        return error;
    error = place_access(&place, mode);
    place_put(&place);
    return error;
}

CALL2(access, vaddr_t, path, unsigned, mode)
{
    return access_at(AT_FDCWD, path, mode, 0);
}

CALL3(faccessat, int, dirfd, vaddr_t, path, unsigned, mode)
{
    return access_at(dirfd, path, mode, 0);
}

CALL4(faccessat2, int, dirfd, vaddr_t, path, unsigned, mode, unsigned, flags)
{
    return access_at(dirfd, path, mode, flags);
}

// The link that an fd opened with O_PATH|O_NOFOLLOW is.
static ssize_t read_base_link(const struct path_call *call, char *to, size_t size)
{
    struct node *node = call->base.node;

    if (node == NULL || !node_is_link(node) || node->ops->readlink == NULL)
        return -ENOENT;
    return node->ops->readlink(node, to, size);
}

static int64_t readlink_at(int dirfd, vaddr_t path, vaddr_t to, int size)
{
    struct path_call call;
    char *target;
    int64_t result;

    if (size <= 0)
        return -EINVAL;
    result = path_begin(&call, dirfd, path, dirfd == AT_FDCWD ? 0 : WALK_EMPTY);
    if (result != 0)
        return result;
    target = path_buffer();
    if (target == NULL)
        result = -ENOMEM;
    else if (call.text[0] == '\0')
        result = read_base_link(&call, target, PATH_MAX_BYTES);
    else
        result = vfs_readlink(&call.walker, call.text, target, PATH_MAX_BYTES);
    path_end(&call);
    if (result > 0) {
        int64_t length = MIN(result, (int64_t)size);
        int error = arch_copy_to_user(to, target, (size_t)length);

        result = error != 0 ? error : length;
    }
    path_free(target);
    return result;
}

CALL3(readlink, vaddr_t, path, vaddr_t, to, int, size)
{
    return readlink_at(AT_FDCWD, path, to, size);
}

CALL4(readlinkat, int, dirfd, vaddr_t, path, vaddr_t, to, int, size)
{
    return readlink_at(dirfd, path, to, size);
}

static int64_t statfs_of(struct node *node, vaddr_t to)
{
    struct tree *tree = node->tree;
    struct linux_statfs statfs = {
        .f_type = tree->magic,
        .f_bsize = PAGE_SIZE,
        .f_frsize = PAGE_SIZE,
        .f_namelen = NAME_MAX_BYTES,
        .f_fsid = { (int32_t)tree->device, (int32_t)(tree->device >> 32) },
    };
    int error = tree->statfs != NULL ? tree->statfs(tree, &statfs) : 0;

    return error != 0 ? error : user_store(to, &statfs);
}

CALL2(statfs, vaddr_t, path, vaddr_t, to)
{
    struct place place;
    int64_t result = path_find(AT_FDCWD, path, 0, &place);

    if (result != 0)
        return result;
    result = statfs_of(place.node, to);
    place_put(&place);
    return result;
}

CALL2(fstatfs, int, fd, vaddr_t, to)
{
    struct handle *handle;
    int64_t result = fd_get(fd, &handle);

    if (result != 0)
        return result;
    result = statfs_of(handle->node, to);
    handle_put(handle);
    return result;
}
