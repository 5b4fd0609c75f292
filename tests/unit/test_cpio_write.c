// SPDX-License-Identifier: MIT
// unit: host/cpio_write.c lib/cpio/cpio.c
// test_cpio_write.c - archives that the host writes, read by the kernel's reader; the same bytes
// each time.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cpio_write.h"
#include "lib/cpio/cpio.h"
#include "tests/unit/tap.h"

#define BIG 100000

static char big[BIG];

// An archive with one entry of each kind, and one behind it.
static char *write_archives(size_t *size)
{
    struct cpio_writer writer;
    char *text = NULL;
    FILE *to = open_memstream(&text, size);

    cpio_write_begin(&writer, to);
    cpio_write_directory(&writer, "dir", 0755);
    cpio_write_file(&writer, "dir/file", 0644, "content", 7);
    cpio_write_symlink(&writer, "dir/link", "file");
    ok(cpio_write_end(&writer) == 0, "an archive is written");
    cpio_write_begin(&writer, to);
    cpio_write_file(&writer, "big", 0755, big, sizeof(big));
    cpio_write_file(&writer, "empty", 0600, "", 0);
    ok(cpio_write_end(&writer) == 0, "and one behind it");
    fclose(to);
    return text;
}

static bool is_entry(const struct cpio_entry *entry, const char *name, unsigned mode,
                     const void *data, size_t size)
{
    return strlen(name) == entry->name_length &&
           memcmp(entry->name, name, entry->name_length) == 0 && entry->mode == mode &&
           entry->size == size && memcmp(entry->data, data, size) == 0;
}

static void test_round_trip(void)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    size_t size;
    char *text = write_archives(&size);

    cpio_begin(&reader, text, size);
    ok(cpio_next(&reader, &entry) == 1 && is_entry(&entry, "dir", S_IFDIR | 0755, "", 0),
       "a directory");
    ok(cpio_next(&reader, &entry) == 1 &&
           is_entry(&entry, "dir/file", S_IFREG | 0644, "content", 7),
       "a file");
    ok(cpio_next(&reader, &entry) == 1 && is_entry(&entry, "dir/link", S_IFLNK | 0777, "file", 4),
       "a symlink");
    ok(cpio_next(&reader, &entry) == 1 && is_entry(&entry, "big", S_IFREG | 0755, big, BIG),
       "a large file of the second archive");
    ok(cpio_next(&reader, &entry) == 1 && is_entry(&entry, "empty", S_IFREG | 0600, "", 0),
       "an empty file");
    ok(cpio_next(&reader, &entry) == 0, "the end");
    free(text);
}

static void test_determinism(void)
{
    size_t first_size, second_size;
    char *first = write_archives(&first_size);
    char *second = write_archives(&second_size);

    ok(first_size == second_size && memcmp(first, second, first_size) == 0,
       "the same entries give the same bytes");
    free(first);
    free(second);
}

static void test_file_from(void)
{
    char path[] = "/tmp/test_cpio_write.XXXXXX";
    int fd = mkstemp(path);
    struct cpio_writer writer;
    struct cpio_reader reader;
    struct cpio_entry entry;
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    unlink(path);
    ok(write(fd, big, BIG) == BIG && lseek(fd, 0, SEEK_SET) == 0, "a file of the host");
    cpio_write_begin(&writer, to);
    ok(cpio_write_file_from(&writer, "copy", 0755, fd) == 0 && cpio_write_end(&writer) == 0,
       "is copied");
    fclose(to);
    cpio_begin(&reader, text, size);
    ok(cpio_next(&reader, &entry) == 1 && is_entry(&entry, "copy", S_IFREG | 0755, big, BIG),
       "whole");
    close(fd);
    free(text);
}

int main(void)
{
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 31);
    test_round_trip();
    test_determinism();
    test_file_from();
    return done_testing();
}
