// SPDX-License-Identifier: MIT
// proc.c - what is tried of /proc/PID, each by one who has a handle on it and nothing else.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/vm/rights/rights.h"

int proc_tid = 1;

static const char *path_of(const struct proc_try *try)
{
    static char path[64];
    const char *tid = strstr(try->file, "TID");

    if (tid == NULL)
        return try->file;
    snprintf(path, sizeof(path), "%.*s%d%s", (int)(tid - try->file), try->file, proc_tid, tid + 3);
    return path;
}

static int try_read(const struct proc_try *try)
{
    int fd = openat(PROC_DIRECTORY, path_of(try), O_RDONLY | O_NONBLOCK | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = read_handle(fd);
    close(fd);
    return error;
}

// `wait` of one that lives would block: that is an answer.
static int try_wait(const struct proc_try *try)
{
    int error = try_read(try);

    return error == EAGAIN ? 0 : error;
}

static int write_data(int fd, const char *data)
{
    return write(fd, data, strlen(data)) < 0 ? errno : 0;
}

static int try_write(const struct proc_try *try)
{
    int fd = openat(PROC_DIRECTORY, path_of(try), O_WRONLY | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = write_data(fd, try->data);
    close(fd);
    return error;
}

static int try_make(const struct proc_try *try)
{
    int fd = openat(PROC_DIRECTORY, path_of(try), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 ? errno : close(fd);
}

static int try_remove(const struct proc_try *try)
{
    return unlinkat(PROC_DIRECTORY, path_of(try), 0) == 0 ? 0 : errno;
}

static int try_stat(const struct proc_try *try)
{
    struct stat info;

    return fstatat(PROC_DIRECTORY, path_of(try), &info, 0) == 0 ? 0 : errno;
}

static int try_link(const struct proc_try *try)
{
    char text[256];

    return readlinkat(PROC_DIRECTORY, path_of(try), text, sizeof(text)) < 0 ? errno : 0;
}

// Makes what is to be reaped dead first.
static int try_reap(const struct proc_try *try)
{
    const struct proc_try end = { .file = "ctl", .data = "kill" };
    int error = try_write(&end), wait;
    char text[32];

    if (error != 0)
        return error;
    wait = openat(PROC_DIRECTORY, "wait", O_RDONLY | O_CLOEXEC);
    error = wait < 0 || read(wait, text, sizeof(text)) < 0 ? errno : 0;
    close(wait);
    return error != 0 ? error : try_write(try);
}

static int try_ctl_of_another(const struct proc_try *try)
{
    return fcntl(PROC_CTL_OF_ANOTHER, F_GETFD) < 0 ? -1
                                                   : write_data(PROC_CTL_OF_ANOTHER, try->data);
}

#define READ(file)                                                                                 \
    {                                                                                              \
        "`" file "`: read", try_read, file, NULL                                                   \
    }
#define WRITE(file, data)                                                                          \
    {                                                                                              \
        "`" file "`: write", try_write, file, data                                                 \
    }
#define LINK(file)                                                                                 \
    {                                                                                              \
        "`" file "`: `readlink`", try_link, file, NULL                                             \
    }
#define LEAD(file)                                                                                 \
    {                                                                                              \
        "`" file "`: `stat`", try_stat, file, NULL                                                 \
    }
#define REMOVE(file)                                                                               \
    {                                                                                              \
        "`" file "`: `unlink`", try_remove, file, NULL                                             \
    }
#define CTL(name, data)                                                                            \
    {                                                                                              \
        "`ctl`: " name, try_write, "ctl", data                                                     \
    }
#define OF_ANOTHER(name, data)                                                                     \
    {                                                                                              \
        "`ctl` that another box opened: " name, try_ctl_of_another, "ctl", data                    \
    }

const struct proc_try proc_tries[] = {
    { "`.`: list", try_read, ".", NULL },
    READ("ctl"),
    { "`wait`: read", try_wait, "wait", NULL },
    READ("status"),
    READ("stat"),
    READ("statm"),
    READ("cmdline"),
    READ("comm"),
    READ("perf"),
    READ("children"),
    READ("mounts"),
    READ("limits"),
    READ("prio"),
    READ("quota"),
    READ("note"),
    WRITE("comm", "other"),
    WRITE("note", "child"),
    { "`prio`: lower", try_write, "prio", "5" },
    { "`prio`: raise", try_write, "prio", "25" },
    { "`quota`: tighten", try_write, "quota", "processes 30" },
    { "`quota`: loosen", try_write, "quota", "processes 2000" },
    READ("cwd"),
    WRITE("cwd", "/bin"),
    READ("maps"),
    READ("environ"),
    { "`env/`: list", try_read, "env", NULL },
    READ("env/V"),
    WRITE("env/V", "other"),
    { "`env/NEW`: make", try_make, "env/NEW", NULL },
    REMOVE("env/V"),
    { "`fd/`: list", try_read, "fd", NULL },
    LINK("fd/3"),
    READ("fd/3"),
    REMOVE("fd/3"),
    { "`ns/`: list", try_read, "ns", NULL },
    READ("ns/bin"),
    REMOVE("ns/bin"),
    { "`task/`: list", try_read, "task", NULL },
    { "`task/TID/`: list", try_read, "task/TID", NULL },
    READ("task/TID/status"),
    { "`task/TID/fd/`: list", try_read, "task/TID/fd", NULL },
    LINK("exe"),
    READ("exe"),
    LINK("root"),
    LEAD("root/bin/busybox"),
    { "`root/own/new`: make, in a tree of its own", try_make, "root/own/new", NULL },
    { "`box/`: list", try_read, "box", NULL },
    READ("box/uptime"),
    READ("box/1/status"),
    READ("box/1/maps"),
    WRITE("box/1/comm", "other"),
    CTL("`start`", "start"),
    CTL("`suspend`", "suspend"),
    CTL("`kill`", "kill"),
    CTL("`quota`, to tighten", "quota processes 30"),
    CTL("`quota`, to loosen", "quota processes 2000"),
    { "`ctl`: `reap`, of what has ended", try_reap, "ctl", "reap" },
    CTL("`close`", "close 3"),
    CTL("`dup2`", "dup2 3 4"),
    CTL("`unbind`", "unbind bin"),
    CTL("`bind`", "bind new /bin r"),
    CTL("`tree`", "tree new"),
    CTL("`give`", "give 22 30"),
    CTL("`inherit fds`", "close 0 -1 && inherit fds"),
    CTL("`inherit env`, of one that has a variable", "inherit env"),
    CTL("`inherit names`", "unbind bin && unbind own && inherit names"),
    CTL("`exec`, of what is suspended", "suspend && exec /bin/busybox true"),
    CTL("`execfd`, of what is suspended", "suspend && execfd 22 true"),
    CTL("`strict`", "strict on"),
    CTL("`wx`", "wx on"),
    CTL("`adopt`", "adopt off"),
    CTL("`leash`", "leash off"),
    CTL("`keep`", "keep on"),
    CTL("`uid`", "uid 7 8"),
    OF_ANOTHER("`quota`, to tighten", "quota processes 30"),
    OF_ANOTHER("`close`", "close 3"),
    OF_ANOTHER("`give`", "give 22 30"),
    OF_ANOTHER("`bind`", "bind new /bin r"),
    OF_ANOTHER("`inherit fds`", "close 0 -1 && inherit fds"),
    OF_ANOTHER("`inherit env`", "inherit env"),
    OF_ANOTHER("`inherit names`", "unbind bin && unbind own && inherit names"),
    OF_ANOTHER("`execfd`, of what is suspended", "suspend && execfd 22 true"),
};
const size_t proc_try_count = sizeof(proc_tries) / sizeof(proc_tries[0]);

int proc_try_run(size_t number)
{
    errno = 0;
    return proc_tries[number].run(&proc_tries[number]);
}
