// SPDX-License-Identifier: MIT
// test_sys_file.c - errors and results of the calls on files, against their manual pages. The cases
// that ask nothing of Boxwork alone also pass on Linux.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#ifndef RENAME_EXCHANGE // musl's headers are older than these
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif
#define RENAME(from, to, flags) syscall(SYS_renameat2, AT_FDCWD, (from), AT_FDCWD, (to), (flags))

struct statx_result {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, padding;
    uint64_t ino, size;
    uint8_t rest[208];
};
#define STATX_BASIC 0x7ff

static void *volatile const bad_pointer = (void *)16; // never mapped
static void *volatile const kernel_pointer = (void *)0xffff800000000000UL;
#define BAD bad_pointer
#define KERNEL kernel_pointer

static void enter_scratch(void)
{
    static char path[] = "/tmp/sysfileXXXXXX";

    CHECK(mkdtemp(path) != NULL);
    CHECK_EQUAL(chdir(path), 0);
}

static void leave_scratch(void)
{
    char path[PATH_MAX];

    CHECK(getcwd(path, sizeof(path)) != NULL);
    CHECK_EQUAL(chdir("/"), 0);
    CHECK_EQUAL(rmdir(path), 0);
}

static int make(const char *name, const char *content)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, content, strlen(content)), strlen(content));
    return fd;
}

CASE("open says why it fails")
{
    char name[300];
    int fd;

    enter_scratch();
    fd = make("file", "x");
    FAILS(open("missing", O_RDONLY), ENOENT);
    FAILS(open("", O_RDONLY), ENOENT);
    FAILS(open("file/x", O_RDONLY), ENOTDIR);
    FAILS(open("file/", O_RDONLY), ENOTDIR);
    FAILS(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    FAILS(open("file", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(open(".", O_WRONLY), EISDIR);
    FAILS(open("missing/file", O_CREAT | O_WRONLY, 0600), ENOENT);
    FAILS(open(BAD, O_RDONLY), EFAULT);
    FAILS(open(KERNEL, O_RDONLY), EFAULT);
    FAILS(openat(99, "file", O_RDONLY), EBADF);
    FAILS(openat(fd, "file", O_RDONLY), ENOTDIR);
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    FAILS(open(name, O_RDONLY), ENAMETOOLONG);
    CHECK_EQUAL(symlink("loop", "loop"), 0);
    FAILS(open("loop", O_RDONLY), ELOOP);
    FAILS(open("loop", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_EQUAL(unlink("loop"), 0);
    CHECK_EQUAL(unlink("file"), 0);
    close(fd);
    leave_scratch();
}

CASE("a path of 4,096 bytes is too long, one of 4,095 is not")
{
    static char path[5000];

    memset(path, '/', sizeof(path));
    path[4095] = '\0';
    CHECK_EQUAL(access(path, F_OK), 0);
    path[4095] = '/';
    path[4096] = '\0';
    FAILS(access(path, F_OK), ENAMETOOLONG);
}

CASE("read and write say why they fail")
{
    char byte = 'a';
    int fd, pipes[2];

    enter_scratch();
    fd = make("file", "hello");
    FAILS(read(99, &byte, 1), EBADF);
    FAILS(read(-1, &byte, 1), EBADF);
    FAILS(pread(fd, &byte, 1, -1), EINVAL);
    FAILS(pread(fd, BAD, 1, 0), EFAULT);
    FAILS(pread(fd, KERNEL, 1, 0), EFAULT);
    FAILS(pwrite(fd, BAD, 1, 0), EFAULT);
    CHECK_EQUAL(pread(fd, &byte, 1, 5), 0);
    CHECK_EQUAL(pread(fd, &byte, 1, 4), 1);
    CHECK_EQUAL(byte, 'o');
    close(fd);
    fd = open("file", O_WRONLY);
    FAILS(read(fd, &byte, 1), EBADF);
    close(fd);
    fd = open("file", O_RDONLY);
    FAILS(write(fd, &byte, 1), EBADF);
    close(fd);
    fd = open(".", O_RDONLY);
    FAILS(read(fd, &byte, 1), EISDIR);
    close(fd);
    fd = open("file", O_PATH);
    FAILS(read(fd, &byte, 1), EBADF);
    FAILS(lseek(fd, 0, SEEK_SET), EBADF);
    FAILS(syscall(SYS_fchmod, fd, 0600), EBADF);
    close(fd);
    CHECK_EQUAL(pipe(pipes), 0);
    FAILS(pread(pipes[0], &byte, 1, 0), ESPIPE);
    FAILS(lseek(pipes[0], 0, SEEK_CUR), ESPIPE);
    FAILS(write(pipes[0], &byte, 1), EBADF);
    FAILS(read(pipes[1], &byte, 1), EBADF);
    close(pipes[0]);
    close(pipes[1]);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("readv and writev move scattered bytes and check their vectors")
{
    char a[3] = { 0 }, b[4] = { 0 };
    struct iovec to[3] = { { a, 2 }, { NULL, 0 }, { b, 3 } };
    struct iovec from[2] = { { "hel", 3 }, { "lo", 2 } };
    struct iovec bad[2] = { { a, 1 }, { a, (size_t)-1 } };
    int fd;

    enter_scratch();
    fd = make("file", "");
    CHECK_EQUAL(writev(fd, from, 2), 5);
    CHECK_EQUAL(preadv(fd, to, 3, 0), 5);
    CHECK(memcmp(a, "he", 2) == 0 && memcmp(b, "llo", 3) == 0);
    FAILS(readv(fd, bad, 2), EINVAL);
    FAILS(readv(fd, to, -1), EINVAL);
    FAILS(readv(fd, to, 1025), EINVAL);
    FAILS(readv(fd, BAD, 1), EFAULT);
    CHECK_EQUAL(readv(fd, to, 0), 0);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("lseek moves as told and refuses the rest")
{
    int fd;

    enter_scratch();
    fd = make("file", "0123456789");
    CHECK_EQUAL(lseek(fd, 3, SEEK_SET), 3);
    CHECK_EQUAL(lseek(fd, 2, SEEK_CUR), 5);
    CHECK_EQUAL(lseek(fd, -1, SEEK_END), 9);
    CHECK_EQUAL(lseek(fd, 100, SEEK_END), 110);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    FAILS(lseek(fd, 0, 77), EINVAL);
    CHECK_EQUAL(lseek(fd, 0, SEEK_DATA), 0);
    CHECK_EQUAL(lseek(fd, 0, SEEK_HOLE), 10);
    FAILS(lseek(fd, 10, SEEK_DATA), ENXIO);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("stat in its forms tells the same")
{
    struct stat a, b;
    struct statx_result x;
    int fd;

    enter_scratch();
    fd = make("file", "12345");
    CHECK_EQUAL(symlink("file", "link"), 0);
    CHECK_EQUAL(stat("link", &a), 0);
    CHECK_EQUAL(fstat(fd, &b), 0);
    CHECK_EQUAL(a.st_ino, b.st_ino);
    CHECK_EQUAL(a.st_size, 5);
    CHECK_EQUAL(a.st_nlink, 1);
    CHECK(S_ISREG(a.st_mode) && (a.st_mode & 0777) == 0644);
    CHECK_EQUAL(lstat("link", &b), 0);
    CHECK(S_ISLNK(b.st_mode) && b.st_size == 4);
    CHECK_EQUAL(fstatat(fd, "", &b, AT_EMPTY_PATH), 0);
    CHECK_EQUAL(a.st_ino, b.st_ino);
    CHECK_EQUAL(syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_BASIC, &x), 0);
    CHECK(x.ino == a.st_ino && x.size == 5 && x.mode == a.st_mode);
    FAILS(syscall(SYS_stat, "file", BAD), EFAULT);
    FAILS(stat("", &a), ENOENT);
    FAILS(fstat(99, &a), EBADF);
    FAILS(fstatat(AT_FDCWD, "file", &a, 0x10000), EINVAL);
    FAILS(syscall(SYS_statx, AT_FDCWD, "file", 0x6000, STATX_BASIC, &x), EINVAL);
    close(fd);
    CHECK_EQUAL(unlink("link"), 0);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("names are made, moved and removed, and refusals change nothing")
{
    int fd;

    enter_scratch();
    fd = make("file", "x");
    close(fd);
    CHECK_EQUAL(mkdir("dir", 0755), 0);
    FAILS(mkdir("dir", 0755), EEXIST);
    FAILS(mkdir("file/x", 0755), ENOTDIR);
    FAILS(mkdir("missing/x", 0755), ENOENT);
    FAILS(unlink("dir"), EISDIR);
    FAILS(rmdir("file"), ENOTDIR);
    FAILS(rmdir("dir/."), EINVAL);
    CHECK_EQUAL(mkdir("dir/sub", 0755), 0);
    FAILS(rmdir("dir"), ENOTEMPTY);
    FAILS(rename("dir", "dir/sub/x"), EINVAL);
    FAILS(rename("file", "dir"), EISDIR);
    FAILS(rename("dir", "file"), ENOTDIR);
    FAILS(rename("missing", "x"), ENOENT);
    CHECK_EQUAL(link("file", "other"), 0);
    FAILS(link("file", "other"), EEXIST);
    FAILS(link("dir", "dir2"), EPERM);
    FAILS(RENAME("file", "other", RENAME_NOREPLACE), EEXIST);
    FAILS(RENAME("file", "x", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
    FAILS(RENAME("file", "x", 64), EINVAL);
    CHECK_EQUAL(RENAME("file", "dir", RENAME_EXCHANGE), 0);
    CHECK_EQUAL(rmdir("file/sub"), 0);
    CHECK_EQUAL(rmdir("file"), 0);
    FAILS(symlink("", "empty"), ENOENT);
    FAILS(symlink("x", "dir"), EEXIST);
    FAILS(unlinkat(AT_FDCWD, "dir", 0x1), EINVAL);
    CHECK_EQUAL(unlink("dir"), 0);
    CHECK_EQUAL(unlink("other"), 0);
    FAILS(unlink("other"), ENOENT);
    leave_scratch();
}

CASE("readlink cuts at its buffer and refuses what is no link")
{
    char text[16] = { 0 };

    enter_scratch();
    CHECK_EQUAL(symlink("target", "link"), 0);
    CHECK_EQUAL(readlink("link", text, sizeof(text)), 6);
    CHECK(memcmp(text, "target", 6) == 0);
    CHECK_EQUAL(readlink("link", text, 3), 3);
    FAILS(readlink(".", text, sizeof(text)), EINVAL);
    FAILS(syscall(SYS_readlink, "link", text, 0), EINVAL);
    FAILS(readlink("link", BAD, 5), EFAULT);
    FAILS(readlink("missing", text, sizeof(text)), ENOENT);
    CHECK_EQUAL(unlink("link"), 0);
    leave_scratch();
}

CASE("getdents64 lists each entry once, also in small steps")
{
    char buffer[64], name[16];
    int seen[20] = { 0 };
    int fd, dots = 0;
    long got;

    enter_scratch();
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%d", i);
        close(make(name, ""));
    }
    fd = open(".", O_RDONLY | O_DIRECTORY);
    while ((got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);

            if (entry->d_name[0] == '.')
                dots++;
            else
                seen[atoi(entry->d_name)]++;
            at += entry->d_reclen;
        }
    }
    CHECK_EQUAL(got, 0);
    CHECK_EQUAL(dots, 2);
    CHECK_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    FAILS(syscall(SYS_getdents64, fd, buffer, 8), EINVAL);
    FAILS(syscall(SYS_getdents64, fd, BAD, 4096), EFAULT);
    close(fd);
    for (int i = 0; i < 20; i++) {
        CHECK_EQUAL(seen[i], 1);
        snprintf(name, sizeof(name), "%d", i);
        CHECK_EQUAL(unlink(name), 0);
    }
    leave_scratch();
}

CASE("getcwd tells the length with its NUL")
{
    char text[PATH_MAX];

    CHECK_EQUAL(chdir("/"), 0);
    CHECK_EQUAL(syscall(SYS_getcwd, text, sizeof(text)), 2);
    CHECK(strcmp(text, "/") == 0);
    FAILS(syscall(SYS_getcwd, text, 1), ERANGE);
    enter_scratch();
    CHECK_EQUAL(syscall(SYS_getcwd, text, sizeof(text)), strlen(text) + 1);
    CHECK_EQUAL(rmdir(text), 0);
    FAILS(syscall(SYS_getcwd, text, sizeof(text)), ENOENT);
    CHECK_EQUAL(chdir("/"), 0);
    FAILS(chdir("/nowhere"), ENOENT);
    FAILS(fchdir(99), EBADF);
}

CASE("truncate and fallocate change the size and nothing else")
{
    char bytes[8];
    struct stat stat_now;
    int fd;

    enter_scratch();
    fd = make("file", "abcdef");
    CHECK_EQUAL(ftruncate(fd, 3), 0);
    CHECK_EQUAL(ftruncate(fd, 6), 0);
    CHECK_EQUAL(pread(fd, bytes, 8, 0), 6);
    CHECK(memcmp(bytes, "abc\0\0\0", 6) == 0);
    FAILS(ftruncate(fd, -1), EINVAL);
    FAILS(truncate(".", 0), EISDIR);
    FAILS(truncate("missing", 0), ENOENT);
    CHECK_EQUAL(fallocate(fd, 0, 0, 100), 0);
    CHECK_EQUAL(fstat(fd, &stat_now), 0);
    CHECK_EQUAL(stat_now.st_size, 100);
    CHECK_EQUAL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200), 0);
    CHECK_EQUAL(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2), 0);
    CHECK_EQUAL(pread(fd, bytes, 3, 0), 3);
    CHECK(memcmp(bytes, "\0\0c", 3) == 0);
    FAILS(fallocate(fd, 0, -1, 10), EINVAL);
    FAILS(fallocate(fd, 0, 0, 0), EINVAL);
    FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
    close(fd);
    fd = open("file", O_RDONLY);
    FAILS(ftruncate(fd, 0), EINVAL);
    FAILS(fallocate(fd, 0, 0, 10), EBADF);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("modes, owners and times are stored as told")
{
    struct timespec times[2] = { { 1000000000, 123456789 }, { 0, UTIME_OMIT } };
    struct timespec wrong[2] = { { 0, 2000000000 }, { 0, 0 } };
    struct stat now, before;
    int fd;

    enter_scratch();
    fd = make("file", "");
    CHECK_EQUAL(chmod("file", 04751), 0);
    CHECK_EQUAL(fchown(fd, 0, 0), 0);
    CHECK_EQUAL(stat("file", &before), 0);
    CHECK_EQUAL(before.st_mode & 0777, 0751);
    CHECK_EQUAL(utimensat(AT_FDCWD, "file", times, 0), 0);
    CHECK_EQUAL(stat("file", &now), 0);
    CHECK_EQUAL(now.st_atim.tv_sec, 1000000000);
    CHECK_EQUAL(now.st_atim.tv_nsec, 123456789);
    CHECK_EQUAL(now.st_mtim.tv_sec, before.st_mtim.tv_sec);
    CHECK_EQUAL(futimens(fd, NULL), 0);
    FAILS(utimensat(AT_FDCWD, "file", wrong, 0), EINVAL);
    FAILS(syscall(SYS_utimensat, AT_FDCWD, "file", BAD, 0), EFAULT);
    FAILS(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
    FAILS(chmod("missing", 0), ENOENT);
    FAILS(fchmod(99, 0), EBADF);
    FAILS(fchownat(AT_FDCWD, "file", 0, 0, 0x10000), EINVAL);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("access answers by rights")
{
    int fd;

    enter_scratch();
    fd = make("file", "");
    close(fd);
    CHECK_EQUAL(access("file", R_OK | W_OK), 0);
    FAILS(access("file", 64), EINVAL);
    FAILS(access("missing", F_OK), ENOENT);
    FAILS(syscall(439, AT_FDCWD, "file", R_OK, 0x10000), EINVAL); // faccessat2
    FAILS(access(BAD, F_OK), EFAULT);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("sendfile and copy_file_range copy bytes and move positions")
{
    char bytes[8];
    off_t at = 2;
    int from, to;

    enter_scratch();
    from = make("from", "abcdef");
    to = make("to", "");
    CHECK_EQUAL(syscall(SYS_sendfile, to, from, &at, 3), 3);
    CHECK_EQUAL(at, 5);
    CHECK_EQUAL(lseek(from, 1, SEEK_SET), 1);
    CHECK_EQUAL(syscall(SYS_sendfile, to, from, NULL, 100), 5);
    CHECK_EQUAL(lseek(from, 0, SEEK_CUR), 6);
    CHECK_EQUAL(pread(to, bytes, 8, 0), 8);
    CHECK(memcmp(bytes, "cdebcdef", 8) == 0);
    CHECK_EQUAL(lseek(from, 0, SEEK_SET), 0);
    CHECK_EQUAL(lseek(to, 0, SEEK_SET), 0);
    CHECK_EQUAL(syscall(SYS_copy_file_range, from, NULL, to, NULL, 2, 0), 2);
    CHECK_EQUAL(pread(to, bytes, 2, 0), 2);
    CHECK(memcmp(bytes, "ab", 2) == 0);
    FAILS(syscall(SYS_copy_file_range, from, NULL, to, NULL, 2, 1), EINVAL);
    FAILS(syscall(SYS_sendfile, to, 99, NULL, 1), EBADF);
    close(from);
    close(to);
    CHECK_EQUAL(unlink("from"), 0);
    CHECK_EQUAL(unlink("to"), 0);
    leave_scratch();
}

CASE("calls that concern the machine are refused in a box, numbers without a call are ENOSYS")
{
    FAILS(syscall(100000), ENOSYS);
    FAILS(syscall(-1L), ENOSYS);
    FAILS(syscall(SYS_mknod, "/tmp/device", S_IFDIR | 0600, 0), EPERM);
    FAILS(syscall(SYS_mknod, "/tmp/device", S_IFCHR | 0600, 0x103), EPERM);
    FAILS(syscall(SYS_mknod, "/tmp/device", S_IFBLK | 0600, 0x103), EPERM);
    FAILS(syscall(SYS_chroot, "/"), EPERM);
    FAILS(syscall(SYS_pivot_root, "/", "/"), EPERM);
    FAILS(syscall(SYS_mount, "tmpfs", "/tmp", "tmpfs", 0, NULL), EPERM);
    FAILS(syscall(SYS_umount2, "/tmp", 0), EPERM);
}
