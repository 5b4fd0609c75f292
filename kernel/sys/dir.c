// SPDX-License-Identifier: MIT
// dir.c - making, removing and moving names of files; the working directory.
#include "abi/stat.h"
#include "kernel/proc/box.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/node.h"

static int64_t make_directory(int dirfd, vaddr_t path, mode_t mode)
{
    struct path_call call;
    int error = path_begin(&call, dirfd, path, 0);

    if (error != 0)
        return error;
    error = vfs_mkdir(&call.walker, call.text, mode & 01777);
    path_end(&call);
    return error;
}

CALL2(mkdir, vaddr_t, path, mode_t, mode)
{
    return make_directory(AT_FDCWD, path, mode);
}

CALL3(mkdirat, int, dirfd, vaddr_t, path, mode_t, mode)
{
    return make_directory(dirfd, path, mode);
}

// Devices come into a box by name alone.
static int check_type(mode_t mode)
{
    switch (mode & S_IFMT) {
    case 0:
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

static int64_t make_node(int dirfd, vaddr_t path, mode_t mode)
{
    struct path_call call;
    int error = check_type(mode);

    if (error == 0)
        error = path_begin(&call, dirfd, path, 0);
    if (error != 0)
        return error;
    if ((mode & S_IFMT) == 0)
        mode |= S_IFREG;
    error = vfs_mknod(&call.walker, call.text, mode & (S_IFMT | 07777), 0);
    path_end(&call);
    return error;
}

CALL3(mknod, vaddr_t, path, mode_t, mode, unsigned, device)
{
    (void)device;
    return make_node(AT_FDCWD, path, mode);
}

CALL4(mknodat, int, dirfd, vaddr_t, path, mode_t, mode, unsigned, device)
{
    (void)device;
    return make_node(dirfd, path, mode);
}

static int64_t remove_name(int dirfd, vaddr_t path, bool directory)
{
    struct path_call call;
    int error = path_begin(&call, dirfd, path, 0);

    if (error != 0)
        return error;
    error = directory ? vfs_rmdir(&call.walker, call.text) : vfs_unlink(&call.walker, call.text);
    path_end(&call);
    return error;
}

CALL1(unlink, vaddr_t, path)
{
    return remove_name(AT_FDCWD, path, false);
}

CALL1(rmdir, vaddr_t, path)
{
    return remove_name(AT_FDCWD, path, true);
}

CALL3(unlinkat, int, dirfd, vaddr_t, path, unsigned, flags)
{
    if (flags & ~(unsigned)AT_REMOVEDIR)
        return -EINVAL;
    return remove_name(dirfd, path, flags != 0);
}

// Two paths at once.
static int pair_begin(struct path_call *from, int from_dirfd, vaddr_t from_path,
                      unsigned from_flags, struct path_call *to, int to_dirfd, vaddr_t to_path)
{
    int error = path_begin(from, from_dirfd, from_path, from_flags);

    if (error != 0)
        return error;
    error = path_begin(to, to_dirfd, to_path, 0);
    if (error != 0)
        path_end(from);
    return error;
}

static int64_t rename_paths(int from_dirfd, vaddr_t from_path, int to_dirfd, vaddr_t to_path,
                            unsigned flags)
{
    struct path_call from, to;
    int error;

    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    error = pair_begin(&from, from_dirfd, from_path, 0, &to, to_dirfd, to_path);
    if (error != 0)
        return error;
    error = vfs_rename(&from.walker, from.text, &to.walker, to.text, flags);
    path_end(&to);
    path_end(&from);
    return error;
}

CALL2(rename, vaddr_t, from, vaddr_t, to)
{
    return rename_paths(AT_FDCWD, from, AT_FDCWD, to, 0);
}

CALL4(renameat, int, from_dirfd, vaddr_t, from, int, to_dirfd, vaddr_t, to)
{
    return rename_paths(from_dirfd, from, to_dirfd, to, 0);
}

CALL5(renameat2, int, from_dirfd, vaddr_t, from, int, to_dirfd, vaddr_t, to, unsigned, flags)
{
    return rename_paths(from_dirfd, from, to_dirfd, to, flags);
}

static int64_t link_paths(int from_dirfd, vaddr_t from_path, int to_dirfd, vaddr_t to_path,
                          unsigned flags)
{
    unsigned walk_flags = flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;
    struct path_call from, to;
    int error;

    if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH)
        walk_flags |= WALK_EMPTY;
    error = pair_begin(&from, from_dirfd, from_path, walk_flags, &to, to_dirfd, to_path);
    if (error != 0)
        return error;
    error = vfs_link(&from.walker, from.text, &to.walker, to.text, walk_flags);
    path_end(&to);
    path_end(&from);
    return error;
}

CALL2(link, vaddr_t, from, vaddr_t, to)
{
    return link_paths(AT_FDCWD, from, AT_FDCWD, to, 0);
}

CALL5(linkat, int, from_dirfd, vaddr_t, from, int, to_dirfd, vaddr_t, to, unsigned, flags)
{
    return link_paths(from_dirfd, from, to_dirfd, to, flags);
}

static int64_t symlink_at(vaddr_t target, int dirfd, vaddr_t path)
{
    struct path_call call;
    char *text;
    int error = path_load(target, &text);

    if (error != 0)
        return error;
    error = text[0] == '\0' ? -ENOENT : path_begin(&call, dirfd, path, 0);
    if (error == 0) {
        error = vfs_symlink(&call.walker, text, call.text);
        path_end(&call);
    }
    path_free(text);
    return error;
}

CALL2(symlink, vaddr_t, target, vaddr_t, path)
{
    return symlink_at(target, AT_FDCWD, path);
}

CALL3(symlinkat, vaddr_t, target, int, dirfd, vaddr_t, path)
{
    return symlink_at(target, dirfd, path);
}

CALL1(chdir, vaddr_t, path)
{
    struct path_call call;
    struct place place;
    int error = path_begin(&call, AT_FDCWD, path, 0);

    if (error != 0)
        return error;
    error = walk(&call.walker, call.text, WALK_DIRECTORY, &place);
    path_end(&call);
    if (error != 0)
        return error;
    error = process_set_cwd(process_current(), &place);
    place_put(&place);
    return error;
}

CALL1(fchdir, int, fd)
{
    struct handle *handle;
    struct place place;
    int error = fd_get(fd, &handle);

    if (error != 0)
        return error;
    place.grant = handle->grant;
    place.node = handle->node;
    error = node_is_directory(handle->node) ? place_require(&place, RIGHT_READ) : -ENOTDIR;
    if (error == 0)
        error = process_set_cwd(process_current(), &place);
    handle_put(handle);
    return error;
}

// Returns the length with the NUL, as the libc expects.
CALL2(getcwd, vaddr_t, to, size_t, size)
{
    struct place cwd;
    char *text = path_buffer();
    ssize_t length;
    int error;

    if (text == NULL)
        return -ENOMEM;
    length = process_cwd(process_current(), &cwd);
    if (length == 0) {
        length = place_path(&cwd, box_current()->names, text, PATH_MAX_BYTES - 1);
        place_put(&cwd);
    }
    if (length > 0) {
        text[length++] = '\0';
        error = (size_t)length > size ? -ERANGE : arch_copy_to_user(to, text, (size_t)length);
        length = error != 0 ? error : length;
    }
    path_free(text);
    return length;
}

CALL1(umask, mode_t, mask)
{
    return (int64_t)process_set_umask(mask & 0777);
}
