// SPDX-License-Identifier: MIT
// record.c - waits for boxes and reads how they ended.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/libbox/box.h"
#include "user/libbox/private.h"

#define STATUS_SIZE 8192
#define EXIT_DEADLINE 124
#define EXIT_SIGNAL 128
#define SIGNAL_MAX 64

void box_directory(const struct box *box, char path[BOX_DIRECTORY_SIZE])
{
    snprintf(path, BOX_DIRECTORY_SIZE, "/proc/%d", box->pid);
}

static int open_file(const char *directory, const char *file, int flags)
{
    char path[1024];

    if (snprintf(path, sizeof(path), "%s/%s", directory, file) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    flags = open(path, flags | O_CLOEXEC);
    return flags >= 0 ? flags : -errno;
}

ssize_t box_read_file(const char *directory, const char *file, char *text, size_t size)
{
    int fd = open_file(directory, file, O_RDONLY);
    ssize_t total = 0, got;

    if (fd < 0)
        return fd;
    while ((got = read(fd, text + total, size - 1 - (size_t)total)) > 0)
        total += got;
    if (got < 0)
        total = -errno;
    else
        text[total] = '\0';
    close(fd);
    return total;
}

int box_write_whole(int fd, const char *text, size_t size)
{
    do { // nothing at all is written too: what takes no empty text says so
        ssize_t written = write(fd, text, size);

        if (written < 0)
            return -errno;
        if (written == 0 && size != 0)
            return -EIO;
        text += written;
        size -= (size_t)written;
    } while (size != 0);
    return 0;
}

int box_write_file(const char *directory, const char *file, const char *text)
{
    int fd = open_file(directory, file, O_WRONLY);
    size_t size = strlen(text);
    int error;

    if (fd < 0)
        return fd;
    error = box_write_whole(fd, text, size);
    close(fd);
    return error;
}

static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    int ready = poll(&pollfd, 1, timeout_ms);

    return ready > 0 ? 0 : ready < 0 ? -errno : -ETIMEDOUT;
}

int box_wait(struct box *box, int64_t *status, int timeout_ms)
{
    char directory[BOX_DIRECTORY_SIZE], text[32];
    int fd, error;
    ssize_t size;

    box_directory(box, directory);
    fd = open_file(directory, "wait", O_RDONLY);
    if (fd < 0)
        return box_fail(box, fd, "wait");
    error = wait_readable(fd, timeout_ms);
    if (error == 0) {
        size = read(fd, text, sizeof(text) - 1);
        error = size < 0 ? -errno : size == 0 ? -EIO : 0;
    }
    close(fd);
    if (error != 0)
        return box_fail(box, error, "wait");
    text[size] = '\0';
    *status = atoll(text);
    return 0;
}

// Where a line "NAME: value" of `status` goes: one number, or two.
static bool take_numbers(struct box_record *record, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *first, *second;
    } figures[] = {
        { "BoxUser", &record->user_ns, NULL },
        { "BoxKernel", &record->kernel_ns, NULL },
        { "BoxMemory", &record->memory, &record->memory_peak },
        { "BoxProcesses", &record->processes, &record->processes_peak },
        { "BoxThreads", &record->threads, &record->threads_peak },
        { "BoxFds", &record->fds, &record->fds_peak },
        { "Left", &record->left, NULL },
    };
    char *end;

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (strcmp(figures[i].name, name) != 0)
            continue;
        *figures[i].first = strtoll(value, &end, 10);
        if (figures[i].second != NULL)
            *figures[i].second = strtoll(end, NULL, 10);
        return true;
    }
    return false;
}

static void take_line(struct box_record *record, const char *name, const char *value)
{
    if (take_numbers(record, name, value))
        return;
    if (strcmp(name, "Exit") == 0) {
        record->ended = strcmp(value, "-") != 0;
        record->status = atoll(value);
    } else if (strcmp(name, "Reason") == 0) {
        snprintf(record->reason, sizeof(record->reason), "%s", value);
    } else if (strcmp(name, "By") == 0) {
        snprintf(record->by, sizeof(record->by), "%s", value);
    } else if (strcmp(name, "Name") == 0) {
        snprintf(record->name, sizeof(record->name), "%s", value);
    } else if (strcmp(name, "State") == 0) {
        record->state = value[0];
    }
}

int box_read_record(const char *directory, struct box_record *record)
{
    char text[STATUS_SIZE], *line, *save;
    ssize_t size = box_read_file(directory, "status", text, sizeof(text));

    *record = (struct box_record){ .state = '?' };
    if (size < 0)
        return (int)size;
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, ':');

        if (value == NULL)
            continue;
        *value++ = '\0';
        take_line(record, line, value + strspn(value, " \t"));
    }
    return 0;
}

int box_record(struct box *box, struct box_record *record)
{
    char directory[BOX_DIRECTORY_SIZE];
    int error;

    box_directory(box, directory);
    error = box_read_record(directory, record);
    return error == 0 ? 0 : box_fail(box, error, "status");
}

int box_exit_code(const struct box_record *record)
{
    if (!record->ended)
        return -1;
    if (record->status >= 0)
        return (int)(record->status & 255);
    if (strcmp(record->by, "deadline") == 0)
        return EXIT_DEADLINE;
    return EXIT_SIGNAL + (record->status >= -SIGNAL_MAX ? (int)-record->status : 9);
}
