// SPDX-License-Identifier: MIT
// box.h - boxes by hand, for tests: through /proc alone.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_box {
    int ctl; // the creation handle
    int pid;
};

// Makes an empty box. Returns 0 or a negative errno.
static inline int box_new(struct test_box *box)
{
    char text[32];
    ssize_t length;

    *box = (struct test_box){ .pid = -1 };
    box->ctl = open("/proc/new", O_RDWR | O_CLOEXEC);
    if (box->ctl < 0)
        return -errno;
    length = read(box->ctl, text, sizeof(text) - 1);
    if (length <= 0)
        return -EIO;
    text[length] = '\0';
    box->pid = atoi(text);
    return 0;
}

// Writes ctl commands. Returns 0, or the negative errno of the first that failed.
static inline int box_do(const struct test_box *box, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return write(box->ctl, text, (size_t)length) == length ? 0 : -errno;
}

// Opens /proc/PID/FILE.
static inline int proc_open(int pid, const char *file, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    return open(path, flags | O_CLOEXEC);
}

// Reads /proc/PID/FILE as text. Returns its length, or a negative errno.
static inline ssize_t proc_read(int pid, const char *file, char *text, size_t size)
{
    int fd = proc_open(pid, file, O_RDONLY);
    ssize_t total = 0, length;

    if (fd < 0)
        return -errno;
    while ((length = read(fd, text + total, size - 1 - (size_t)total)) > 0)
        total += length;
    if (length < 0)
        total = -errno;
    else
        text[total] = '\0';
    close(fd);
    return total;
}

// The number in `wait`, after the end; -1000 - errno if it cannot be had.
static inline long long box_wait(int pid)
{
    char text[32];
    ssize_t length = proc_read(pid, "wait", text, sizeof(text));

    return length <= 0 ? -1000 + length : atoll(text);
}

// A value of /proc/PID/status, e.g. "Reason"; empty if absent.
static inline const char *box_status(int pid, const char *key)
{
    static char value[256];
    char text[4096], *line;

    value[0] = '\0';
    if (proc_read(pid, "status", text, sizeof(text)) <= 0)
        return value;
    for (line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        size_t length = strlen(key);

        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            snprintf(value, sizeof(value), "%s", line + length + 1 + strspn(line + length + 1, "\t "));
            break;
        }
    }
    return value;
}

// A box with busybox under /bin, the test's own /tmp, and the standard streams; runs a shell script. Returns 0 or an error.
static inline int box_shell(struct test_box *box, const char *extra, const char *script)
{
    int error = box_new(box);

    if (error == 0)
        error = box_do(box, "bind bin /bin rx\nbind tmp /tmp rwxc\nbind proc /proc rwx\nbind dev /dev rw\n"
                            "give 0 0\ngive 1 1\ngive 2 2\n%s", extra);
    if (error == 0)
        error = box_do(box, "exec /bin/busybox sh -c '%s'", script);
    if (error == 0)
        error = box_do(box, "start");
    return error;
}

// Closes the creation handle, which reaps the record.
static inline void box_close(struct test_box *box)
{
    close(box->ctl);
}

// Gives up a box that was never started: closes the creation handle and waits for the end that follows.
static inline void box_discard(struct test_box *box)
{
    int wait = proc_open(box->pid, "wait", O_RDONLY);
    char text[32];

    close(box->ctl);
    if (read(wait, text, sizeof(text)) < 0)
        abort();
    close(wait);
}
