// SPDX-License-Identifier: MIT
// lines_file.c - files of a ram tree: reading, and the life of small ones.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

static char buffer[1 << 20];

static void file_read(const struct line *line)
{
    static const char path[] = SCRATCH "/content";
    size_t size = (size_t)line->argument;
    long count = repetitions(size > 4096 ? 20 : 2000), good = 0;
    int fd;

    make_file(path, size);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0, "open");
    memset(buffer, 0, sizeof(buffer));
    timer_start();
    for (long i = 0; i < count; i++)
        good += pread(fd, buffer, size, 0) == (ssize_t)size;
    timer_stop();
    CHECK(good == count, "%ld of %ld reads", good, count);
    for (size_t i = 0; i < size; i++)
        CHECK((unsigned char)buffer[i] == file_byte(i), "byte %zu is wrong", i);
    unlink(path);
    report(line->name, count);
}

static void file_life(const struct line *line)
{
    static const char text[100] = "a small file";
    long count = repetitions(500), good = 0;
    struct stat status;
    char path[64] = "";

    timer_start();
    for (long i = 0; i < count; i++) {
        int fd;

        // Sixteen names in turn.
        memcpy(path, SCRATCH "/small_", sizeof(SCRATCH "/small_"));
        path[sizeof(SCRATCH "/small_") - 1] = (char)('a' + i % 16);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
        good +=
            write(fd, text, sizeof(text)) == sizeof(text) && close(fd) == 0 && unlink(path) == 0;
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld files lived", good, count);
    CHECK(stat(path, &status) < 0 && errno == ENOENT, "%s is still there", path);
    report(line->name, count);
}

const struct line file_lines[] = {
    { "file.read.4k", file_read, 4096, LINE_BUDGET | LINE_WALL },
    { "file.read.1m", file_read, 1 << 20, LINE_BUDGET | LINE_WALL },
    { "file.life", file_life, 0, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
