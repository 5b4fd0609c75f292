// SPDX-License-Identifier: MIT
// xattr.c - extended attributes. No tree stores any, which is what the calls say once their arguments
// hold.
#include "abi/stat.h"
#include "abi/xattr.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"

// Errors: -EFAULT, -ERANGE (an empty name, or one that is too long).
static int check_name(vaddr_t from)
{
    char name[XATTR_NAME_MAX + 1];
    ssize_t length = arch_copy_string_from_user(name, from, sizeof(name));

    if (length == 0 || length == -ENAMETOOLONG)
        return -ERANGE;
    return length < 0 ? (int)length : 0;
}

// What one call concerns: a path or an fd.
static int check_path(vaddr_t path, unsigned at_flags)
{
    struct place place;
    int error = path_find(AT_FDCWD, path, at_flags, &place);

    if (error == 0)
        place_put(&place);
    return error;
}

static int check_fd(int fd)
{
    struct handle *handle;
    int error = fd_get_file(fd, &handle);

    if (error == 0)
        handle_put(handle);
    return error;
}

static int check_value(vaddr_t name, vaddr_t value, size_t size, unsigned flags)
{
    char byte;
    int error;

    if (flags & ~(unsigned)(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    error = check_name(name);
    if (error != 0 || size == 0)
        return error;
    return size > XATTR_SIZE_MAX ? -E2BIG : user_load(&byte, value);
}

// What there is to say of one attribute, after error has spoken.
static int64_t not_stored(int error)
{
    return error != 0 ? error : -EOPNOTSUPP;
}

CALL5(setxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, size_t, size, unsigned, flags)
{
    int error = check_value(name, value, size, flags);

    return not_stored(error != 0 ? error : check_path(path, 0));
}

CALL5(lsetxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, size_t, size, unsigned, flags)
{
    int error = check_value(name, value, size, flags);

    return not_stored(error != 0 ? error : check_path(path, AT_SYMLINK_NOFOLLOW));
}

CALL5(fsetxattr, int, fd, vaddr_t, name, vaddr_t, value, size_t, size, unsigned, flags)
{
    int error = check_fd(fd);

    return not_stored(error != 0 ? error : check_value(name, value, size, flags));
}

CALL2(getxattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return not_stored(error != 0 ? error : check_path(path, 0));
}

CALL2(lgetxattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return not_stored(error != 0 ? error : check_path(path, AT_SYMLINK_NOFOLLOW));
}

CALL2(fgetxattr, int, fd, vaddr_t, name)
{
    int error = check_fd(fd);

    return not_stored(error != 0 ? error : check_name(name));
}

CALL2(removexattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return not_stored(error != 0 ? error : check_path(path, 0));
}

CALL2(lremovexattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return not_stored(error != 0 ? error : check_path(path, AT_SYMLINK_NOFOLLOW));
}

CALL2(fremovexattr, int, fd, vaddr_t, name)
{
    int error = check_fd(fd);

    return not_stored(error != 0 ? error : check_name(name));
}

// The list of all of a file's is empty.
CALL1(listxattr, vaddr_t, path)
{
    return check_path(path, 0);
}

CALL1(llistxattr, vaddr_t, path)
{
    return check_path(path, AT_SYMLINK_NOFOLLOW);
}

CALL1(flistxattr, int, fd)
{
    return check_fd(fd);
}
