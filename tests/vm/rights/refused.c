// SPDX-License-Identifier: MIT
// refused.c - what is refused though every right is there, by a box that has a tree of its own at /own, the same directory of
// it as /a and /b, a tree of another box at /foreign, and handles that were given to it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/vm/box.h"
#include "tests/vm/rights/rights.h"

// --- Trees and names ---

static void make(const char *path)
{
    if (error_of_open(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != 0)
        abort();
}

#define TRY(function, call)                                                                        \
    static int function(void)                                                                      \
    {                                                                                              \
        return error_of(call);                                                                     \
    }
#define TRY_AT(function, path, call)                                                               \
    static int function(void)                                                                      \
    {                                                                                              \
        make(path);                                                                                \
        return error_of(call);                                                                     \
    }

TRY(foreign_fifo, mkfifo("/foreign/new", 0600))
TRY(foreign_socket, mknod("/foreign/new", S_IFSOCK | 0600, 0))
TRY(foreign_fifo_link, link("/foreign/fifo", "/foreign/new"))
TRY(foreign_socket_link, link("/foreign/socket", "/foreign/new"))
TRY(name_unlink, unlink("/own"))
TRY(name_rmdir, rmdir("/own"))
TRY(name_rename, rename("/own", "/new"))
TRY(name_mkdir, mkdir("/own", 0700))
TRY_AT(name_replaced, "/own/file", rename("/own/file", "/bin"))
TRY_AT(name_linked, "/own/file", link("/own/file", "/bin"))
TRY(root_mkdir, mkdir("/new", 0700))
TRY(root_symlink, symlink("/own", "/new"))
TRY(root_open, open("/new", O_WRONLY | O_CREAT, 0600))
TRY(root_access, access("/", W_OK))
TRY(root_chmod, chmod("/", 0700))
TRY(root_chown, chown("/", 5, 6))
TRY(root_times, utimensat(AT_FDCWD, "/", NULL, 0))
TRY(proc_chmod, chmod("/proc/self/stat", 0600))
TRY(proc_mkdir, mkdir("/proc/self/new", 0700))
TRY_AT(across_rename, "/a/file", rename("/a/file", "/b/new"))
TRY_AT(across_link, "/a/file", link("/a/file", "/b/new"))

static int across_exchange(void)
{
    make("/a/file");
    make("/a/other");
    return exchange("/a/file", "/b/other");
}

// A box inside makes a link by the name that it has for /a; text is what the link says.
static int follow_made_inside(const char *text)
{
    struct test_box box;
    int error;

    make("/own/outside");
    if (box_new(&box) != 0 || box_do(&box, "bind bin /bin rx\nbind d /a rwc") != 0 ||
        box_do(&box, "exec /bin/busybox ln -s %s /d/escape\nstart", text) != 0 ||
        box_wait(box.pid) != 0)
        abort();
    box_close(&box);
    error = error_of_open(open("/a/escape", O_RDONLY | O_CLOEXEC));
    if (unlink("/a/escape") < 0)
        abort();
    return error;
}

static int follow_absolute(void)
{
    return follow_made_inside("/own/outside");
}

static int follow_upwards(void)
{
    return follow_made_inside("../outside");
}

static int moved_parent(void)
{
    int directory, error;

    if (mkdir("/a/moved", 0700) < 0)
        abort();
    directory = open("/a/moved", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || rename("/own/dir/moved", "/own/moved") < 0)
        abort();
    error = error_of_open(openat(directory, "..", O_RDONLY | O_CLOEXEC));
    close(directory);
    return error;
}

// --- Handles ---

// Opens a file of its own and says what a call by that handle gives.
static int by_handle(int flags, int (*call)(int fd))
{
    int fd, error;

    make("/own/handle");
    fd = open("/own/handle", flags | O_CLOEXEC);
    if (fd < 0)
        abort();
    error = call(fd);
    close(fd);
    return error;
}

static int call_read(int fd)
{
    char byte;

    return error_of((int)read(fd, &byte, 1));
}

static int call_write(int fd)
{
    return error_of((int)write(fd, "x", 1));
}

static int call_cut(int fd)
{
    return error_of(ftruncate(fd, 1));
}

static int call_allocate(int fd)
{
    return error_of(fallocate(fd, 0, 0, 1));
}

static int call_chmod(int fd)
{
    return error_of(fchmod(fd, 0600));
}

static int map(int fd, int protection, int flags, int later)
{
    void *memory = mmap(NULL, 4096, protection, flags, fd, 0);
    int error;

    if (memory == MAP_FAILED)
        return errno;
    error = error_of(mprotect(memory, 4096, later));
    munmap(memory, 4096);
    return error;
}

static int call_map(int fd)
{
    return map(fd, PROT_READ, MAP_PRIVATE, PROT_READ);
}

static int call_map_shared(int fd)
{
    return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, PROT_READ);
}

static int call_protect_shared(int fd)
{
    return map(fd, PROT_READ, MAP_SHARED, PROT_READ | PROT_WRITE);
}

static int call_map_private(int fd)
{
    return map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, PROT_READ);
}

static int call_map_execute(int fd)
{
    return map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE, PROT_READ);
}

static int call_execute(int fd)
{
    char *const arguments[] = { "true", NULL }, *const environment[] = { NULL };

    return error_of((int)syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH));
}

// The same file opened again.
static int call_open_again(int fd)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return error_of_open(open(path, O_WRONLY | O_CLOEXEC));
}

static int call_open_entry(int fd)
{
    return error_of_open(openat(fd, "file", O_WRONLY | O_CLOEXEC));
}

static int call_read_entry(int fd)
{
    return error_of_open(openat(fd, "file", O_RDONLY | O_CLOEXEC));
}

static int call_signal(int fd)
{
    return error_of((int)syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static int call_getfd(int fd)
{
    return error_of_open((int)syscall(SYS_pidfd_getfd, fd, 0, 0));
}

#define TRY_OPENED(function, flags, call)                                                          \
    static int function(void)                                                                      \
    {                                                                                              \
        return by_handle(flags, call);                                                             \
    }
#define TRY_GIVEN(function, fd, call)                                                              \
    static int function(void)                                                                      \
    {                                                                                              \
        return call(fd);                                                                           \
    }

TRY_OPENED(writer_reads, O_WRONLY, call_read)
TRY_OPENED(reader_writes, O_RDONLY, call_write)
TRY_OPENED(path_reads, O_PATH, call_read)
TRY_OPENED(reader_cuts, O_RDONLY, call_cut)
TRY_OPENED(reader_allocates, O_RDONLY, call_allocate)
TRY_OPENED(writer_maps, O_WRONLY, call_map)
TRY_OPENED(reader_maps_shared, O_RDONLY, call_map_shared)
TRY_OPENED(reader_protects_shared, O_RDONLY, call_protect_shared)
TRY_OPENED(reader_maps_private, O_RDONLY, call_map_private)
TRY_GIVEN(given_reads, GIVEN_WITHOUT_READ, call_read)
TRY_GIVEN(given_writes, GIVEN_WITHOUT_WRITE, call_write)
TRY_GIVEN(given_cuts, GIVEN_WITHOUT_WRITE, call_cut)
TRY_GIVEN(given_chmod, GIVEN_WITHOUT_WRITE, call_chmod)
TRY_GIVEN(given_maps, GIVEN_WITHOUT_READ, call_map)
TRY_GIVEN(given_maps_shared, GIVEN_WITHOUT_WRITE, call_map_shared)
TRY_GIVEN(given_maps_execute, GIVEN_WITHOUT_EXECUTE, call_map_execute)
TRY_GIVEN(given_execute, GIVEN_WITHOUT_EXECUTE, call_execute)
TRY_GIVEN(given_again, GIVEN_WITHOUT_WRITE, call_open_again)
TRY_GIVEN(given_entry, GIVEN_DIRECTORY_WITHOUT_WRITE, call_open_entry)
TRY_GIVEN(given_entry_read, GIVEN_DIRECTORY_WITHOUT_WRITE, call_read_entry)
TRY_GIVEN(given_signal, GIVEN_PIDFD_WITHOUT_WRITE, call_signal)
TRY_GIVEN(given_getfd, GIVEN_PIDFD_WITHOUT_WRITE, call_getfd)
TRY_GIVEN(given_signal_with, GIVEN_PIDFD, call_signal)
TRY_GIVEN(given_getfd_with, GIVEN_PIDFD, call_getfd)

const struct refused_try refused_tries[] = {
    { "`mknod` of a FIFO, in a tree of another box", foreign_fifo },
    { "`mknod` of a socket, in a tree of another box", foreign_socket },
    { "`link` to a FIFO, in a tree of another box", foreign_fifo_link },
    { "`link` to a socket node, in a tree of another box", foreign_socket_link },
    { "`unlink` of a name of the box", name_unlink },
    { "`rmdir` of a name of the box", name_rmdir },
    { "`rename` of a name of the box", name_rename },
    { "`rename` to a name of the box", name_replaced },
    { "`link` to a name of the box", name_linked },
    { "`mkdir` of a name of the box", name_mkdir },
    { "`mkdir` in `/` without a root tree", root_mkdir },
    { "`symlink` in `/` without a root tree", root_symlink },
    { "`open`, `O_CREAT`, in `/` without a root tree", root_open },
    { "`access`, `W_OK`, of `/` without a root tree", root_access },
    { "`chmod` of `/`", root_chmod },
    { "`chown` of `/`", root_chown },
    { "`utimensat` of `/`", root_times },
    { "`chmod` of a file of `/proc`", proc_chmod },
    { "`mkdir` in `/proc/PID`", proc_mkdir },
    { "`rename` between two names for the same directory", across_rename },
    { "`link` between two names for the same directory", across_link },
    { "`rename`, `RENAME_EXCHANGE`, between two names for the same directory", across_exchange },
    { "an absolute symlink made in a box inside, followed out of what that box had",
      follow_absolute },
    { "a symlink upwards made in a box inside, followed out of what that box had", follow_upwards },
    { "`..` from a directory that was moved out from under the name's top", moved_parent },
    { "`read` by a handle opened to write", writer_reads },
    { "`read` by a handle opened with `O_PATH`", path_reads },
    { "`write` by a handle opened to read", reader_writes },
    { "`ftruncate` by a handle opened to read", reader_cuts },
    { "`fallocate` by a handle opened to read", reader_allocates },
    { "`mmap` by a handle opened to write", writer_maps },
    { "`mmap`, shared and writable, by a handle opened to read", reader_maps_shared },
    { "`mprotect` to write, shared, by a handle opened to read", reader_protects_shared },
    { "`mmap`, private and writable, by a handle opened to read", reader_maps_private },
    { "`read` by a handle given without `r`", given_reads },
    { "`mmap` by a handle given without `r`", given_maps },
    { "`write` by a handle given without `w`", given_writes },
    { "`ftruncate` by a handle given without `w`", given_cuts },
    { "`fchmod` by a handle given without `w`", given_chmod },
    { "`mmap`, shared and writable, by a handle given without `w`", given_maps_shared },
    { "`open` to write of `/proc/self/fd/N`, given without `w`", given_again },
    { "`mmap`, `PROT_EXEC`, by a handle given without `x`", given_maps_execute },
    { "`execveat` of a handle given without `x`", given_execute },
    { "`openat` to write below a directory given without `w`", given_entry },
    { "`openat` to read below a directory given without `w`", given_entry_read },
    { "`pidfd_send_signal` by a pidfd given without `w`", given_signal },
    { "`pidfd_getfd` by a pidfd given without `w`", given_getfd },
    { "`pidfd_send_signal` by a pidfd given with `rw`", given_signal_with },
    { "`pidfd_getfd` by a pidfd given with `rw`", given_getfd_with },
};
const size_t refused_try_count = sizeof(refused_tries) / sizeof(refused_tries[0]);
