// SPDX-License-Identifier: MIT
// files.c - what is tried of files by a name with some rights: of what lies below it, and of a file that has the name
// itself.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/rights/rights.h"

#define RENAME_EXCHANGE 2

int error_of(int result)
{
    return result < 0 ? errno : 0;
}

int exchange(const char *one, const char *other)
{
    return error_of((int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE));
}

int error_of_open(int fd)
{
    return fd < 0 ? errno : close(fd);
}

// --- What exists ---

static int try_stat(const char *path)
{
    struct stat info;

    return error_of(lstat(path, &info));
}

static int try_readlink(const char *path)
{
    char text[64];

    return error_of((int)readlink(path, text, sizeof(text)));
}

static int try_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = read_handle(fd);
    close(fd);
    return error;
}

static int try_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = error_of((int)write(fd, "x", 1));
    close(fd);
    return error;
}

static int try_open_both(const char *path)
{
    return error_of_open(open(path, O_RDWR | O_CLOEXEC));
}

static int try_open_cut(const char *path)
{
    return error_of_open(open(path, O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int try_open_path(const char *path)
{
    return error_of_open(open(path, O_PATH | O_CLOEXEC));
}

static int try_truncate(const char *path)
{
    return error_of(truncate(path, 1));
}

static int try_chmod(const char *path)
{
    return error_of(chmod(path, 0700));
}

static int try_chown(const char *path)
{
    return error_of(chown(path, 5, 6));
}

static int try_times(const char *path)
{
    return error_of(utimensat(AT_FDCWD, path, NULL, 0));
}

static int try_chdir(const char *path)
{
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = error_of(chdir(path));

    if (fchdir(before) < 0)
        abort();
    close(before);
    return error;
}

static int try_access_read(const char *path)
{
    return error_of(access(path, R_OK));
}

static int try_access_write(const char *path)
{
    return error_of(access(path, W_OK));
}

static int try_access_execute(const char *path)
{
    return error_of(access(path, X_OK));
}

// --- Programs ---

static int try_execve(const char *path)
{
    char *const arguments[] = { "true", NULL }, *const environment[] = { NULL };
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execve(path, arguments, environment);
        _exit(errno);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int map(const char *path, int open_flags, int protection, int flags)
{
    int fd = open(path, open_flags | O_CLOEXEC), error;
    void *memory;

    if (fd < 0)
        return errno;
    memory = mmap(NULL, 4096, protection, flags, fd, 0);
    error = memory == MAP_FAILED ? errno : munmap(memory, 4096);
    close(fd);
    return error;
}

static int try_map(const char *path)
{
    return map(path, O_RDONLY, PROT_READ, MAP_PRIVATE);
}

static int try_map_execute(const char *path)
{
    return map(path, O_RDONLY, PROT_READ | PROT_EXEC, MAP_PRIVATE);
}

static int try_map_shared(const char *path)
{
    return map(path, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static int try_protect_execute(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error;
    void *memory;

    if (fd < 0)
        return errno;
    memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return errno;
    error = error_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
    munmap(memory, 4096);
    return error;
}

// --- Making and taking away ---

static int try_make_to_write(const char *path)
{
    return error_of_open(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_make_to_read(const char *path)
{
    return error_of_open(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_make_new(const char *path)
{
    return error_of_open(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int try_unnamed(const char *path)
{
    return error_of_open(open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
}

static int try_mkdir(const char *path)
{
    return error_of(mkdir(path, 0700));
}

static int try_symlink(const char *path)
{
    return error_of(symlink("file", path));
}

static int try_fifo(const char *path)
{
    return error_of(mkfifo(path, 0600));
}

static int try_socket(const char *path)
{
    return error_of(mknod(path, S_IFSOCK | 0600, 0));
}

static int try_character_device(const char *path)
{
    return error_of(mknod(path, S_IFCHR | 0600, 0x103));
}

static int try_block_device(const char *path)
{
    return error_of(mknod(path, S_IFBLK | 0600, 0x103));
}

static int try_unlink(const char *path)
{
    return error_of(unlink(path));
}

static int try_rmdir(const char *path)
{
    return error_of(rmdir(path));
}

// Of an entry, to a new one beside it.
static const char *beside(const char *path)
{
    static char other[64];

    snprintf(other, sizeof(other), "%.*s/new", (int)(strrchr(path, '/') - path), path);
    return other;
}

static int try_link(const char *path)
{
    return error_of(link(path, beside(path)));
}

static int try_rename(const char *path)
{
    return error_of(rename(path, beside(path)));
}

static int try_exchange(const char *path)
{
    char other[64];

    snprintf(other, sizeof(other), "%.*s/program", (int)(strrchr(path, '/') - path), path);
    return exchange(path, other);
}

const struct file_try file_tries[] = {
    { "`stat`", try_stat, "file" },
    { "`stat` of what is in a directory", try_stat, "full/inner" },
    { "`stat` of the name itself", try_stat, "" },
    { "`readlink`", try_readlink, "symlink" },
    { "`getdents`", try_read, "full" },
    { "`getdents` of the name itself", try_read, "" },
    { "`chdir`", try_chdir, "full" },
    { "`chdir` to the name itself", try_chdir, "" },
    { "`open` to read", try_read, "file" },
    { "`open` to write", try_write, "file" },
    { "`open` for both", try_open_both, "file" },
    { "`open` to read, `O_TRUNC`", try_open_cut, "file" },
    { "`open`, `O_PATH`", try_open_path, "file" },
    { "`truncate`", try_truncate, "file" },
    { "`chmod`", try_chmod, "file" },
    { "`chown`", try_chown, "file" },
    { "`utimensat`", try_times, "file" },
    { "`access`, `R_OK`", try_access_read, "program" },
    { "`access`, `W_OK`", try_access_write, "program" },
    { "`access`, `X_OK`", try_access_execute, "program" },
    { "`access`, `X_OK`, without any x bit", try_access_execute, "file" },
    { "`access`, `R_OK`, of a directory", try_access_read, "full" },
    { "`access`, `W_OK`, of a directory", try_access_write, "full" },
    { "`access`, `X_OK`, of a directory", try_access_execute, "full" },
    { "`execve`", try_execve, "program" },
    { "`execve`, without any x bit", try_execve, "file" },
    { "`mmap`", try_map, "file" },
    { "`mmap`, `PROT_EXEC`", try_map_execute, "file" },
    { "`mmap`, shared and writable", try_map_shared, "file" },
    { "`mprotect`, `PROT_EXEC`", try_protect_execute, "file" },
    { "`open` to write, `O_CREAT`, of a new file", try_make_to_write, "new" },
    { "`open` to read, `O_CREAT`, of a new file", try_make_to_read, "new" },
    { "`open` to write, `O_CREAT` and `O_EXCL`, of a new file", try_make_new, "new" },
    { "`open`, `O_CREAT`, of a file that is there", try_make_to_write, "file" },
    { "`open`, `O_CREAT` and `O_EXCL`, of a file that is there", try_make_new, "file" },
    { "`open`, `O_TMPFILE`", try_unnamed, "full" },
    { "`open`, `O_TMPFILE`, in the name itself", try_unnamed, "" },
    { "`mkdir`", try_mkdir, "new" },
    { "`mkdir` of what is there", try_mkdir, "full" },
    { "`symlink`", try_symlink, "new" },
    { "`mknod` of a FIFO", try_fifo, "new" },
    { "`mknod` of a socket", try_socket, "new" },
    { "`mknod` of a character device", try_character_device, "new" },
    { "`mknod` of a block device", try_block_device, "new" },
    { "`link`", try_link, "file" },
    { "`rename`", try_rename, "file" },
    { "`rename`, `RENAME_EXCHANGE`", try_exchange, "file" },
    { "`unlink`", try_unlink, "file" },
    { "`rmdir`", try_rmdir, "empty" },
};
const size_t file_try_count = sizeof(file_tries) / sizeof(file_tries[0]);

const struct file_try named_tries[] = {
    { "`stat`", try_stat, NULL },
    { "`open` to read", try_read, NULL },
    { "`open` to write", try_write, NULL },
    { "`open` for both", try_open_both, NULL },
    { "`open` to read, `O_TRUNC`", try_open_cut, NULL },
    { "`open`, `O_PATH`", try_open_path, NULL },
    { "`truncate`", try_truncate, NULL },
    { "`chmod`", try_chmod, NULL },
    { "`chown`", try_chown, NULL },
    { "`utimensat`", try_times, NULL },
    { "`access`, `R_OK`", try_access_read, NULL },
    { "`access`, `W_OK`", try_access_write, NULL },
    { "`access`, `X_OK`", try_access_execute, NULL },
    { "`execve`", try_execve, NULL },
    { "`mmap`", try_map, NULL },
    { "`mmap`, `PROT_EXEC`", try_map_execute, NULL },
    { "`mmap`, shared and writable", try_map_shared, NULL },
    { "`mprotect`, `PROT_EXEC`", try_protect_execute, NULL },
    { "`unlink`", try_unlink, NULL },
    { "`mkdir`", try_mkdir, NULL },
};
const size_t named_try_count = sizeof(named_tries) / sizeof(named_tries[0]);
