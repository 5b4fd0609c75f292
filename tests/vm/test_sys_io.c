// SPDX-License-Identifier: MIT
// test_sys_io.c - flags of single transfers, holes, limits of files, extended attributes: results and errors against
// their manual pages. All cases but those that say so also pass on Linux.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/vm/syscase.h"

#define FLAG_NOWAIT 8L
#define FLAG_APPEND 16L
#define HOLE_SIZE 40960
#define HOLE_DATA 16384
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define RENAME(from, to, flags) syscall(SYS_renameat2, AT_FDCWD, (from), AT_FDCWD, (to), (flags))

CASE("pwritev2 appends where one call asks for it, and moves only the position it uses")
{
    char text[16];
    struct iovec iov = { .iov_base = "XY", .iov_len = 2 };
    int fd;

    enter_scratch();
    fd = make_file("file", "hello");
    CHECK_EQUAL(lseek(fd, 1, SEEK_SET), 1);
    CHECK_EQUAL(syscall(SYS_pwritev2, fd, &iov, 1, 0L, 0L, FLAG_APPEND), 2);
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 1);
    CHECK_EQUAL(syscall(SYS_pwritev2, fd, &iov, 1, -1L, -1L, FLAG_APPEND), 2);
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 9);
    CHECK_EQUAL(syscall(SYS_pwritev2, fd, &iov, 1, 0L, 0L, 0L), 2);
    CHECK_EQUAL(pread(fd, text, sizeof(text), 0), 9);
    CHECK(memcmp(text, "XYlloXYXY", 9) == 0);
    FAILS(syscall(SYS_pwritev2, fd, &iov, 1, 0L, 0L, 0x40000000L), EOPNOTSUPP);
    FAILS(syscall(SYS_preadv2, fd, &iov, 1, -2L, -1L, 0L), EINVAL);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("preadv2 and pwritev2 on a pipe do not wait where one call asks for it")
{
    static char filling[4096];
    char byte;
    struct iovec in = { .iov_base = &byte, .iov_len = 1 };
    struct iovec out = { .iov_base = filling, .iov_len = sizeof(filling) };
    int ends[2];
    long moved;

    CHECK_EQUAL(pipe(ends), 0);
    FAILS(syscall(SYS_preadv2, ends[0], &in, 1, -1L, -1L, FLAG_NOWAIT), EAGAIN);
    FAILS(syscall(SYS_preadv2, ends[0], &in, 1, 0L, 0L, FLAG_NOWAIT), ESPIPE);
    while ((moved = syscall(SYS_pwritev2, ends[1], &out, 1, -1L, -1L, FLAG_NOWAIT)) > 0)
        ;
    CHECK_EQUAL(moved, -1);
    CHECK_EQUAL(errno, EAGAIN);
    CHECK_EQUAL(syscall(SYS_preadv2, ends[0], &in, 1, -1L, -1L, FLAG_NOWAIT), 1);
}

CASE("an fd that is none is said before a vector that is none")
{
    struct iovec iov = { .iov_base = BAD, .iov_len = 1 };

    FAILS(readv(99, BAD, 1), EBADF);
    FAILS(writev(99, &iov, -1), EBADF);
    FAILS(fallocate(99, -1, 0, 0), EBADF);
    FAILS(syscall(SYS_sync_file_range, 99, 0L, 0L, 8), EBADF);
}

CASE("a transfer must end within what a position can say")
{
    char bytes[5];
    int fd;

    enter_scratch();
    fd = make_file("file", "hello");
    FAILS(pread(fd, bytes, 5, INT64_MAX), EINVAL);
    FAILS(pwrite(fd, bytes, 5, INT64_MAX - 1), EINVAL);
    CHECK_EQUAL(pread(fd, bytes, 0, INT64_MAX), 0);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("lseek finds data and holes of a sparse file")
{
    int fd;

    enter_scratch();
    fd = make_file("file", "");
    FAILS(lseek(fd, 0, SEEK_DATA), ENXIO);
    CHECK_EQUAL(ftruncate(fd, HOLE_SIZE), 0);
    FAILS(lseek(fd, 0, SEEK_DATA), ENXIO);
    CHECK_EQUAL(lseek(fd, 0, SEEK_HOLE), 0);
    CHECK_EQUAL(pwrite(fd, "x", 1, HOLE_DATA), 1);
    CHECK_EQUAL(lseek(fd, 0, SEEK_DATA), HOLE_DATA);
    CHECK_EQUAL(lseek(fd, HOLE_DATA + 7, SEEK_DATA), HOLE_DATA + 7);
    CHECK_EQUAL(lseek(fd, 0, SEEK_HOLE), 0);
    CHECK_EQUAL(lseek(fd, HOLE_DATA, SEEK_HOLE), HOLE_DATA + 4096);
    FAILS(lseek(fd, HOLE_DATA + 4096, SEEK_DATA), ENXIO);
    CHECK_EQUAL(lseek(fd, HOLE_SIZE - 1, SEEK_HOLE), HOLE_SIZE - 1);
    FAILS(lseek(fd, HOLE_SIZE, SEEK_HOLE), ENXIO);
    FAILS(lseek(fd, -1, SEEK_DATA), ENXIO);
    CHECK_EQUAL(pwrite(fd, "x", 1, HOLE_SIZE - 1), 1);
    CHECK_EQUAL(lseek(fd, HOLE_SIZE - 1, SEEK_HOLE), HOLE_SIZE); // the end of a file is one
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

static volatile sig_atomic_t size_signals;

static void count_signal(int number)
{
    (void)number;
    size_signals++;
}

CASE("a file does not grow past RLIMIT_FSIZE")
{
    struct rlimit limit = { .rlim_cur = 8, .rlim_max = RLIM_INFINITY };
    struct stat stat;
    int fd;

    enter_scratch();
    fd = make_file("file", "");
    signal(SIGXFSZ, count_signal);
    CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQUAL(write(fd, "0123456789", 10), 8);
    CHECK_EQUAL(size_signals, 0);
    FAILS(write(fd, "x", 1), EFBIG);
    CHECK_EQUAL(size_signals, 1);
    CHECK_EQUAL(write(fd, "x", 0), 0);
    FAILS(ftruncate(fd, 9), EFBIG);
    CHECK_EQUAL(size_signals, 2);
    FAILS(truncate("file", 9), EFBIG);
    FAILS(fallocate(fd, 0, 0, 9), EFBIG);
    CHECK_EQUAL(size_signals, 4);
    CHECK_EQUAL(pwrite(fd, "y", 1, 7), 1);
    CHECK_EQUAL(ftruncate(fd, 4), 0);
    CHECK_EQUAL(ftruncate(fd, 8), 0);
    CHECK_EQUAL(fstat(fd, &stat), 0);
    CHECK_EQUAL(stat.st_size, 8);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("a limit on fds that no kernel could keep is refused")
{
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

    FAILS(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
}

CASE("copy_file_range refuses what wraps, and copies nothing past the end")
{
    int64_t from = 0, to = INT64_MAX - 2;
    int source, target;

    enter_scratch();
    source = make_file("source", "hello");
    target = make_file("target", "");
    FAILS(syscall(SYS_copy_file_range, source, &from, target, &to, 5L, 0L), EFBIG);
    from = INT64_MAX - 2;
    to = 0;
    CHECK_EQUAL(syscall(SYS_copy_file_range, source, &from, target, &to, 5L, 0L), 0);
    FAILS(syscall(SYS_copy_file_range, source, &from, target, &to, SIZE_MAX, 0L), EOVERFLOW);
    close(source);
    close(target);
    CHECK_EQUAL(unlink("source"), 0);
    CHECK_EQUAL(unlink("target"), 0);
    leave_scratch();
}

CASE("extended attributes: names and files are checked, none is stored")
{
    char value[8];

    enter_scratch();
    close(make_file("file", ""));
    FAILS(syscall(SYS_getxattr, "missing", "user.a", value, sizeof(value)), ENOENT);
    FAILS(syscall(SYS_getxattr, "file", BAD, value, sizeof(value)), EFAULT);
    FAILS(syscall(SYS_getxattr, "file", "", value, sizeof(value)), ERANGE);
    FAILS(syscall(SYS_setxattr, "file", "user.a", "v", 1L, 7), EINVAL);
    FAILS(syscall(SYS_setxattr, "file", "user.a", "v", 65537L, 0), E2BIG);
    FAILS(syscall(SYS_fsetxattr, 99, "user.a", "v", 1L, 0), EBADF);
    FAILS(syscall(SYS_fgetxattr, 99, "user.a", value, sizeof(value)), EBADF);
    FAILS(syscall(SYS_listxattr, "missing", value, sizeof(value)), ENOENT);
    CHECK_EQUAL(syscall(SYS_listxattr, "file", value, sizeof(value)), 0);
    CHECK_EQUAL(syscall(SYS_listxattr, "file", NULL, 0L), 0);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("fchmodat2 follows a link unless told, and takes an fd by an empty path")
{
    struct stat stat;
    int fd;

    enter_scratch();
    fd = make_file("file", "");
    CHECK_EQUAL(symlink("file", "link"), 0);
    CHECK_EQUAL(syscall(SYS_fchmodat2, AT_FDCWD, "link", 0600L, 0L), 0);
    CHECK_EQUAL(fstat(fd, &stat), 0);
    CHECK_EQUAL(stat.st_mode & 07777, 0600);
    FAILS(syscall(SYS_fchmodat2, AT_FDCWD, "link", 0600L, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    CHECK_EQUAL(syscall(SYS_fchmodat2, fd, "", 0640L, 0x1000L), 0);
    CHECK_EQUAL(fstat(fd, &stat), 0);
    CHECK_EQUAL(stat.st_mode & 07777, 0640);
    FAILS(syscall(SYS_fchmodat2, AT_FDCWD, "file", 0600L, 1L), EINVAL);
    close(fd);
    CHECK_EQUAL(unlink("link"), 0);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("names that end in a slash or in dots are answered as on Linux")
{
    enter_scratch();
    close(make_file("file", ""));
    CHECK_EQUAL(mkdir("directory", 0755), 0);
    FAILS(open(".", O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(open("/", O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(open("..", O_CREAT, 0600), EISDIR);
    FAILS(open("directory/", O_CREAT | O_EXCL, 0600), EISDIR);
    FAILS(RENAME("file", ".", 1), EEXIST);
    FAILS(RENAME("file", ".", 0), EBUSY);
    FAILS(RENAME("file/", "directory", 2), ENOTDIR);
    FAILS(RENAME("directory", "file/", 2), ENOTDIR);
    CHECK_EQUAL(RENAME("file", "directory/", 2), 0);
    CHECK_EQUAL(rmdir("file"), 0);
    CHECK_EQUAL(unlink("directory"), 0);
    leave_scratch();
}

CASE("what cannot be synchronised says so")
{
    int ends[2];

    CHECK_EQUAL(pipe(ends), 0);
    FAILS(fsync(ends[0]), EINVAL);
    FAILS(fsync(open("/dev/null", O_RDWR)), EINVAL);
    FAILS(fsync(99), EBADF);
    CHECK_EQUAL(fsync(open("/tmp", O_RDONLY)), 0);
}
