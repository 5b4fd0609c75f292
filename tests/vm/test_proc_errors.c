// SPDX-License-Identifier: MIT
// test_proc_errors.c - the error rows of docs/proc, and the formats of files that programs seldom read.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define VALUE_MOST (128 * 1024)
#define NAMES_MOST 4096
#define REPORT_MOST 720
#define CTL_MOST (256 * 1024)

static char text[4 * VALUE_MOST];

// Writes size bytes to /proc/PID/FILE in one write. Returns 0 or a negative errno.
static int write_bytes(int pid, const char *file, const void *data, size_t size)
{
    int fd = proc_open(pid, file, O_WRONLY), error = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, data, size) != (ssize_t)size)
        error = -errno;
    close(fd);
    return error;
}

static int write_text(int pid, const char *file, const char *data)
{
    return write_bytes(pid, file, data, strlen(data));
}

// What readlink of /proc/PID/FILE says, in text. Returns its length or a negative errno.
static ssize_t read_link(int pid, const char *file)
{
    char path[64];
    ssize_t length;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    length = readlink(path, text, sizeof(text) - 1);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    return length;
}

// --- What this program does in a box ---

static int command(int argc, char **argv)
{
    ssize_t size;

    if (argc != 2)
        return -1;
    if (strcmp(argv[1], "exe") == 0) // the errno of reading it; it leads there all the same
        return readlink("/proc/self/exe", text, sizeof(text)) >= 0 ? 0 : access("/proc/self/exe", X_OK) == 0 ? errno : 99;
    if (strcmp(argv[1], "fd") == 0) {
        size = readlink("/proc/self/fd/5", text, sizeof(text));
        return size == 13 && memcmp(text, "(unreachable)", 13) == 0 ? 3 : 99;
    }
    if (strcmp(argv[1], "environ") == 0) {
        int fd = open("/proc/self/environ", O_RDONLY), made = open("/proc/self/env/LATER", O_WRONLY | O_CREAT, 0600);

        while ((size = read(fd, text, sizeof(text))) > 0) {
            if (write(1, text, (size_t)size) != size)
                return 99;
        }
        return made >= 0 ? 0 : 98;
    }
    if (strcmp(argv[1], "looser") == 0)
        return -write_text(getpid(), "quota", "memory 64M");
    return -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}

// Runs this program in a box that sees /proc and nothing else; its standard output is out. Returns its status.
static long long run(const char *extra, const char *word, int out)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct test_box box;
    long long status;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind proc /proc rwx\ngive %d 1\n%s", out, extra), 0);
    CHECK_EQUAL(box_do(&box, "execfd %d test %s\nstart", self, word), 0);
    close(self);
    status = box_wait(box.pid);
    box_close(&box);
    return status;
}

// --- env ---

CASE("env: EFBIG over 128 KiB, EINVAL with a NUL, EPERM what is no file; the old value stays")
{
    int fd = open("/proc/self/env/A", O_RDWR | O_CREAT | O_EXCL, 0600);

    CHECK(fd >= 0 && write(fd, "old", 3) == 3);
    memset(text, 'x', VALUE_MOST + 1);
    CHECK(pwrite(fd, text, VALUE_MOST + 1, 0) < 0 && errno == EFBIG);
    CHECK(pwrite(fd, "x", 1, VALUE_MOST) < 0 && errno == EFBIG);
    CHECK(pwrite(fd, "x", 1, 1LL << 40) < 0 && errno == EFBIG);
    CHECK(ftruncate(fd, VALUE_MOST + 1) < 0 && errno == EFBIG);
    CHECK(pwrite(fd, "n\0n", 3, 0) < 0 && errno == EINVAL);
    CHECK(pread(fd, text, sizeof(text), 0) == 3 && memcmp(text, "old", 3) == 0);
    CHECK(symlink("x", "/proc/self/env/LINK") < 0 && errno == EPERM);
    CHECK(mkfifo("/proc/self/env/FIFO", 0600) < 0 && errno == EPERM);
    memset(text, 'y', VALUE_MOST);
    CHECK_EQUAL(pwrite(fd, text, VALUE_MOST, 0), VALUE_MOST); // the most that there can be
    CHECK(unlink("/proc/self/env/A") == 0);
    CHECK(pread(fd, text, 1, 0) < 0 && errno == ENOENT); // a file keeps the name, not the value
    close(fd);
}

CASE("env: E2BIG over 2 MiB in all, and what is there can be changed all the same")
{
    char path[64];
    int fd, count = 0, error = 0;

    memset(text, 'x', VALUE_MOST);
    for (; error == 0 && count < 20; count++) {
        snprintf(path, sizeof(path), "/proc/self/env/V%d", count);
        fd = open(path, O_WRONLY | O_CREAT, 0600);
        CHECK(fd >= 0);
        error = write(fd, text, VALUE_MOST) == VALUE_MOST ? 0 : -errno;
        close(fd);
    }
    CHECK_EQUAL(error, -E2BIG);
    CHECK_EQUAL(count, 16); // 15 with their names, and what there was before
    CHECK_EQUAL(write_bytes(getpid(), "env/V3", memset(text, 'y', VALUE_MOST), VALUE_MOST), 0);
    CHECK(proc_read(getpid(), "env/V3", text, sizeof(text)) == VALUE_MOST && text[0] == 'y' && text[VALUE_MOST - 1] == 'y');
    for (; count > 0; count--) {
        snprintf(path, sizeof(path), "/proc/self/env/V%d", count - 1);
        CHECK(unlink(path) == 0);
    }
}

CASE("environ is what the program was started with, a NUL behind each, and env changes nothing of it")
{
    struct test_box box;
    int ends[2], self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK_EQUAL(box_new(&box), 0);
    snprintf(text, sizeof(text), "/proc/%d/env/ONE", box.pid);
    close(open(text, O_WRONLY | O_CREAT, 0600));
    CHECK_EQUAL(write_text(box.pid, "env/ONE", "1 a"), 0);
    snprintf(text, sizeof(text), "/proc/%d/env/EMPTY", box.pid);
    close(open(text, O_WRONLY | O_CREAT, 0600));
    CHECK_EQUAL(box_do(&box, "bind proc /proc rwxc\ngive %d 1\nexecfd %d test environ", ends[1], self), 0);
    CHECK_EQUAL(proc_read(box.pid, "environ", text, sizeof(text)), 0); // it has not begun
    CHECK_EQUAL(box_do(&box, "start"), 0);
    close(ends[1]);
    CHECK_EQUAL(read(ends[0], text, sizeof(text)), 15);
    CHECK(memcmp(text, "ONE=1 a\0EMPTY=\0", 15) == 0);
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    close(ends[0]);
    close(self);
}

// --- fd cwd exe ---

CASE("fd: what has no place is ENXIO to open, and a file that no name leads to is (unreachable)")
{
    int event = eventfd(0, EFD_CLOEXEC), set = epoll_create1(EPOLL_CLOEXEC);
    int file = open("/tmp/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char extra[32];

    CHECK(event >= 0 && file >= 0 && set >= 0);
    snprintf(text, sizeof(text), "/proc/self/fd/%d", event);
    CHECK(open(text, O_RDWR) < 0 && errno == ENXIO);
    snprintf(text, sizeof(text), "/proc/self/fd/%d", set);
    CHECK(open(text, O_RDWR) < 0 && errno == ENXIO);
    snprintf(text, sizeof(text), "/proc/self/fd/%d", 999);
    CHECK(open(text, O_RDWR) < 0 && errno == ENOENT);
    CHECK(unlink(text) < 0 && errno == ENOENT);
    CHECK(rmdir("/proc/self/fd/0") < 0 && errno == ENOTDIR);
    snprintf(extra, sizeof(extra), "give %d 5", file);
    CHECK_EQUAL(run(extra, "fd", 1), 3);
    close(event);
    close(file);
    close(set);
    unlink("/tmp/file");
}

CASE("cwd: ENOENT when it was removed or is not there, ENOTDIR, EINVAL with a NUL, ENAMETOOLONG")
{
    CHECK(mkdir("/tmp/gone", 0755) == 0 && chdir("/tmp/gone") == 0);
    CHECK(proc_read(getpid(), "cwd", text, sizeof(text)) == 9 && strcmp(text, "/tmp/gone") == 0);
    CHECK(rmdir("/tmp/gone") == 0);
    CHECK_EQUAL(proc_read(getpid(), "cwd", text, sizeof(text)), -ENOENT);
    CHECK_EQUAL(write_text(getpid(), "cwd", "/tmp"), 0);
    CHECK_EQUAL(write_text(getpid(), "cwd", "nosuch"), -ENOENT);
    CHECK_EQUAL(write_text(getpid(), "cwd", "/bin/busybox"), -ENOTDIR);
    CHECK_EQUAL(write_bytes(getpid(), "cwd", "/\0", 2), -EINVAL);
    CHECK_EQUAL(write_bytes(getpid(), "cwd", memset(text, '/', 4096), 4096), -ENAMETOOLONG);
    CHECK(proc_read(getpid(), "cwd", text, sizeof(text)) == 4 && strcmp(text, "/tmp") == 0);
    CHECK(chdir("/") == 0);
}

CASE("cwd: EACCES a place in /proc about another box, ELOOP from outside by the links of /proc")
{
    struct test_box box, other;
    char command[64];

    CHECK_EQUAL(box_new(&other), 0);
    CHECK_EQUAL(box_shell(&box, "", "while :; do sleep 1; done"), 0);
    snprintf(command, sizeof(command), "bind peer /proc/%d rwx", other.pid);
    CHECK_EQUAL(box_do(&box, "%s", command), 0);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/peer"), -EACCES);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/peer/env"), -EACCES);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/proc/1/root"), -ELOOP);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/proc/1/exe"), -ELOOP);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/proc/1/fd/0"), -ELOOP);
    CHECK_EQUAL(write_text(box.pid, "cwd", "/proc/1"), -EACCES); // the writer's 1
    snprintf(command, sizeof(command), "/proc/%d", box.pid);
    CHECK_EQUAL(write_text(box.pid, "cwd", command), 0); // its own
    CHECK_EQUAL(write_text(box.pid, "cwd", "/tmp"), 0);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    box_discard(&other);
}

CASE("exe: ENOENT before its first program begins, and to read where no name leads to it")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(read_link(box.pid, "exe"), -ENOENT);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nexec /bin/busybox true"), 0);
    CHECK_EQUAL(read_link(box.pid, "exe"), -ENOENT); // it is to begin yet
    box_discard(&box);
    CHECK_EQUAL(box_shell(&box, "", "while :; do sleep 1; done"), 0);
    CHECK(read_link(box.pid, "exe") == 12 && strcmp(text, "/bin/busybox") == 0);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    CHECK_EQUAL(run("", "exe", 1), ENOENT);
}

// --- note quota comm prio wait ---

CASE("note: EAGAIN with nothing queued and O_NONBLOCK, EPERM in a poll set, EACCES to read another's")
{
    struct epoll_event event = { .events = EPOLLIN };
    int note = proc_open(getpid(), "note", O_RDONLY | O_NONBLOCK), set = epoll_create1(EPOLL_CLOEXEC), theirs;
    int parent = getpid(), status;
    pid_t child;

    CHECK(note >= 0 && set >= 0);
    CHECK(read(note, text, sizeof(text)) < 0 && errno == EAGAIN);
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, note, &event) < 0 && errno == EPERM);
    CHECK_EQUAL(write_text(getpid(), "note", "any words"), 0);
    CHECK(read(note, text, sizeof(text)) == 9 && memcmp(text, "any words", 9) == 0);
    CHECK(read(note, text, sizeof(text)) < 0 && errno == EAGAIN);
    child = fork();
    if (child == 0) {
        theirs = proc_open(parent, "note", O_RDONLY | O_NONBLOCK);
        _exit(theirs < 0 ? errno : read(theirs, text, sizeof(text)) < 0 ? errno : 99);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQUAL(WEXITSTATUS(status), EACCES);
    close(note);
    close(set);
}

CASE("quota: EINVAL a wrong line, ERANGE too large, EPERM looser from inside; nothing of the write is done")
{
    static const struct {
        const char *line;
        int error;
    } rows[] = {
        { "memory", -EINVAL }, { "nosuch 1", -EINVAL }, { "memory 1 2", -EINVAL }, { "memory -1", -EINVAL }, { "cpu 0", -EINVAL },
        { "cputime 0", -EINVAL }, { "deadline 0s", -EINVAL }, { "memory 16M1", -EINVAL },
        { "memory 18446744073709551616", -ERANGE }, { "memory 99999999999T", -ERANGE }, { "deadline 99999999999h", -ERANGE },
    };
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(write_text(box.pid, "quota", "memory 32M\nprocesses 7\n"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int error = write_text(box.pid, "quota", rows[i].line);

        if (error != rows[i].error)
            printf("# '%s' is %d\n", rows[i].line, error);
        CHECK_EQUAL(error, rows[i].error);
    }
    CHECK(proc_read(box.pid, "quota", text, sizeof(text)) > 0);
    CHECK(strstr(text, " 33554432\n") != NULL && strstr(text, " 7\n") != NULL);
    box_discard(&box);
    CHECK_EQUAL(run("quota memory 32M", "looser", 1), EPERM);
}

CASE("comm is cut at 15 bytes, and prio takes one line's end and not two")
{
    char before[16];

    CHECK_EQUAL(write_text(getpid(), "comm", "a name of over fifteen bytes"), 0);
    CHECK(proc_read(getpid(), "comm", text, sizeof(text)) == 16 && strcmp(text, "a name of over \n") == 0);
    CHECK(proc_read(getpid(), "prio", before, sizeof(before)) > 0);
    CHECK_EQUAL(write_text(getpid(), "prio", "19\n\n"), -EINVAL);
    CHECK_EQUAL(write_text(getpid(), "prio", "\n"), -EINVAL);
    CHECK(proc_read(getpid(), "prio", text, sizeof(text)) > 0 && strcmp(text, before) == 0);
}

CASE("wait: a handle gives the status once, lseek to 0 begins again, other places are EINVAL")
{
    struct test_box box;
    int wait;

    CHECK_EQUAL(box_new(&box), 0);
    wait = proc_open(box.pid, "wait", O_RDONLY | O_NONBLOCK);
    CHECK(wait >= 0 && read(wait, text, sizeof(text)) < 0 && errno == EAGAIN);
    CHECK_EQUAL(box_do(&box, "kill -1234"), 0);
    CHECK_EQUAL(box_wait(box.pid), -1234);
    CHECK(read(wait, text, 2) == 2 && memcmp(text, "-1", 2) == 0);
    CHECK(read(wait, text, sizeof(text)) == 3 && memcmp(text, "234", 3) == 0);
    CHECK_EQUAL(read(wait, text, sizeof(text)), 0);
    CHECK(lseek(wait, 1, SEEK_SET) < 0 && errno == EINVAL);
    CHECK(lseek(wait, 0, SEEK_END) < 0 && errno == EINVAL);
    CHECK_EQUAL(lseek(wait, 0, SEEK_CUR), 5);
    CHECK_EQUAL(lseek(wait, 0, SEEK_SET), 0);
    CHECK(read(wait, text, sizeof(text)) == 5 && memcmp(text, "-1234", 5) == 0);
    close(wait);
    box_close(&box);
}

// --- Formats ---

CASE("limits has Linux's lines, and those that are obeyed are getrlimit's")
{
    struct rlimit limit;
    char line[128];

    CHECK(proc_read(getpid(), "limits", text, sizeof(text)) > 0);
    CHECK(strncmp(text, "Limit                     Soft Limit           Hard Limit           Units     \n", 79) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    snprintf(line, sizeof(line), "\n%-25s %-20llu %-20llu %-10s\n", "Max open files", (unsigned long long)limit.rlim_cur,
             (unsigned long long)limit.rlim_max, "files");
    CHECK(strstr(text, line) != NULL);
    limit.rlim_cur = 100;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(proc_read(getpid(), "limits", text, sizeof(text)) > 0);
    CHECK(strstr(text, "\nMax open files            100                  ") != NULL);
}

CASE("mounts: a line a name, rw by w or c, noexec without x, blanks and backslashes as numbers")
{
    struct test_box box;

    CHECK(mkdir("/tmp/given", 0755) == 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind a /tmp/given rx\nbind b /tmp/given r\nbind c /tmp/given rw\nbind d /tmp/given rcx\n"
                             "bind 'x y\\z' /tmp/given rwxc\nbind p /proc r"), 0);
    CHECK(proc_read(box.pid, "mounts", text, sizeof(text)) > 0);
    CHECK(strcmp(text, "tmpfs /a tmpfs ro 0 0\ntmpfs /b tmpfs ro,noexec 0 0\ntmpfs /c tmpfs rw,noexec 0 0\n"
                       "tmpfs /d tmpfs rw 0 0\ntmpfs /x\\040y\\134z tmpfs rw 0 0\nproc /p proc ro,noexec 0 0\n") == 0);
    box_discard(&box);
    CHECK(rmdir("/tmp/given") == 0);
}

CASE("statm is seven numbers in pages: the size is VmSize, resident what is in, lib and dirty 0")
{
    unsigned long size, resident, shared, code, lib, data, dirty, now;
    const char *line;
    int end;

    CHECK(proc_read(getpid(), "statm", text, sizeof(text)) > 0);
    CHECK_EQUAL(sscanf(text, "%lu %lu %lu %lu %lu %lu %lu%n", &size, &resident, &shared, &code, &lib, &data, &dirty, &end), 7);
    CHECK(strcmp(text + end, "\n") == 0);
    CHECK(size >= code + data && resident <= size && shared <= resident && code > 0 && data > 0);
    CHECK(resident > 0 && lib == 0 && dirty == 0);
    CHECK(proc_read(getpid(), "status", text, sizeof(text)) > 0);
    line = strstr(text, "\nVmSize:");
    CHECK(line != NULL && sscanf(line, "\nVmSize: %lu kB", &now) == 1);
    CHECK_EQUAL(now, size * 4);
}

// --- ctl ---

CASE("inherit env gives the writer's variables; EBUSY into one that has any")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    close(open("/proc/self/env/MINE", O_WRONLY | O_CREAT, 0600));
    CHECK_EQUAL(write_text(getpid(), "env/MINE", "a value"), 0);
    CHECK_EQUAL(box_do(&box, "inherit env"), 0);
    CHECK(proc_read(box.pid, "env/MINE", text, sizeof(text)) == 7 && strcmp(text, "a value") == 0);
    CHECK_EQUAL(write_text(getpid(), "env/MINE", "another"), 0);
    CHECK_EQUAL(box_do(&box, "inherit env"), -EBUSY);
    CHECK(proc_read(box.pid, "env/MINE", text, sizeof(text)) == 7 && strcmp(text, "a value") == 0);
    CHECK(unlink("/proc/self/env/MINE") == 0);
    box_discard(&box);
}

CASE("inherit fds leaves out the target's own /proc files; where it fails the target has none")
{
    struct test_box box;
    int own;

    CHECK_EQUAL(box_new(&box), 0);
    own = proc_open(box.pid, "status", O_RDONLY);
    CHECK(own >= 0 && dup2(own, 20) == 20 && dup2(1, 21) == 21); // neither closes on exec
    CHECK_EQUAL(box_do(&box, "inherit fds"), 0);
    CHECK(read_link(box.pid, "fd/1") > 0 && read_link(box.pid, "fd/21") > 0);
    CHECK_EQUAL(read_link(box.pid, "fd/20"), -ENOENT);
    CHECK_EQUAL(box_do(&box, "inherit fds"), -EBUSY);
    CHECK_EQUAL(box_do(&box, "close 0 -1\nquota fds 3"), 0);
    CHECK_EQUAL(box_do(&box, "inherit fds"), -EMFILE);
    for (int fd = 0; fd < 22; fd++) {
        char file[16];

        snprintf(file, sizeof(file), "fd/%d", fd);
        CHECK_EQUAL(read_link(box.pid, file), -ENOENT);
    }
    close(own);
    close(20);
    close(21);
    box_discard(&box);
}

CASE("give: EBADF past the target's limit or of none of the writer's, EMFILE over its quota")
{
    struct test_box box;
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "give 1 %llu", (unsigned long long)limit.rlim_cur), -EBADF);
    CHECK_EQUAL(box_do(&box, "give 1 %llu", (unsigned long long)limit.rlim_cur - 1), 0);
    CHECK_EQUAL(box_do(&box, "give 1 4294967295"), -EINVAL);
    CHECK_EQUAL(box_do(&box, "give 998 1"), -EBADF);
    CHECK_EQUAL(box_do(&box, "quota fds 2\ngive 1 1"), 0);
    CHECK_EQUAL(box_do(&box, "give 1 2"), -EMFILE);
    CHECK_EQUAL(box_do(&box, "close 1\ngive 1 0"), 0);
    CHECK_EQUAL(read_link(box.pid, "fd/2"), -ENOENT);
    box_discard(&box);
}

CASE("bind and tree: ENOSPC at 4,096 names")
{
    struct test_box box;
    int error = 0, count = 0;

    CHECK_EQUAL(box_new(&box), 0);
    for (; error == 0 && count <= NAMES_MOST; count++)
        error = box_do(&box, count % 2 == 0 ? "bind n%d /bin r" : "tree n%d", count);
    CHECK_EQUAL(error, -ENOSPC);
    CHECK_EQUAL(count - 1, NAMES_MOST);
    CHECK_EQUAL(box_do(&box, "tree more"), -ENOSPC);
    CHECK_EQUAL(box_do(&box, "bind n3 /bin r"), -EEXIST);
    CHECK_EQUAL(box_do(&box, "unbind n0\ntree more"), 0);
    box_discard(&box);
}

CASE("ctl: a write over 256 KiB is E2BIG, and of reports the last 720 bytes are kept")
{
    char *much = malloc(CTL_MOST + 1);
    struct test_box box;
    ssize_t size;

    CHECK_EQUAL(box_new(&box), 0);
    memset(much, '\n', CTL_MOST + 1);
    memcpy(much, "tree a\n", 7);
    CHECK(write(box.ctl, much, CTL_MOST + 1) < 0 && errno == E2BIG);
    CHECK_EQUAL(proc_read(box.pid, "ns/a", text, sizeof(text)), -ENOENT);
    CHECK_EQUAL(write(box.ctl, much, CTL_MOST), CTL_MOST);
    while (read(box.ctl, text, sizeof(text)) > 0)
        ;
    for (int i = 100; i < 150; i++)
        CHECK_EQUAL(box_do(&box, "close %d", i), -EBADF);
    size = read(box.ctl, text, sizeof(text));
    CHECK(size <= REPORT_MOST && size > REPORT_MOST - 60);
    CHECK(strncmp(text, "line 1: close 1", 15) == 0);
    CHECK(memcmp(text + size - 48, "\nline 1: close 149: bad file descriptor (EBADF)\n", 48) == 0);
    CHECK_EQUAL(read(box.ctl, text, sizeof(text)), 0);
    free(much);
    box_discard(&box);
}
