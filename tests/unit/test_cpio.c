// SPDX-License-Identifier: MIT
// unit: lib/cpio/cpio.c
// test_cpio.c - cpio archives: whole, joined, cut short at every byte, broken in every byte.
#include <string.h>

#include "abi/errors.h"
#include "lib/cpio/cpio.h"
#include "tests/unit/tap.h"

static unsigned char archive[4096];
static size_t archive_size;

static void pad(void)
{
    while (archive_size % 4 != 0)
        archive[archive_size++] = 0;
}

static void add(const char *name, unsigned mode, const char *data)
{
    size_t size = strlen(data);

    archive_size += (size_t)sprintf((char *)archive + archive_size,
                                    "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
                                    7, mode, 1, 2, 1, 99, size, 3, 4, 5, 6, strlen(name) + 1, 0);
    memcpy(archive + archive_size, name, strlen(name) + 1);
    archive_size += strlen(name) + 1;
    pad();
    memcpy(archive + archive_size, data, size);
    archive_size += size;
    pad();
}

static void build(void)
{
    memset(archive, 0, sizeof(archive));
    archive_size = 0;
    add("dir", 0040755, "");
    add("dir/file", 0100644, "hello");
    add("TRAILER!!!", 0, "");
}

// Reads to the end. Returns the last result; *count entries.
static int read_all(const void *from, size_t size, unsigned *count)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    int result;

    cpio_begin(&reader, from, size);
    *count = 0;
    while ((result = cpio_next(&reader, &entry)) == 1)
        ++*count;
    return result;
}

static void test_whole(void)
{
    struct cpio_reader reader;
    struct cpio_entry entry;

    build();
    cpio_begin(&reader, archive, archive_size);
    ok(cpio_next(&reader, &entry) == 1 && strcmp(entry.name, "dir") == 0 && entry.mode == 0040755,
       "the first entry is read");
    ok(cpio_next(&reader, &entry) == 1 && strcmp(entry.name, "dir/file") == 0 && entry.size == 5 &&
           memcmp(entry.data, "hello", 5) == 0,
       "an entry's data is found");
    ok(entry.ino == 7 && entry.uid == 1 && entry.gid == 2 && entry.mtime == 99 &&
           entry.rdev_major == 5 && entry.rdev_minor == 6 && entry.name_length == 8,
       "all fields of a header are read");
    ok(cpio_next(&reader, &entry) == 0, "the trailer ends the archive");
    ok(cpio_next(&reader, &entry) == 0, "the end stays the end");
}

static void test_joined(void)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    unsigned count;
    int result;

    build();
    archive_size = (archive_size + 511) & ~(size_t)511;
    add("second", 0100600, "x");
    add("TRAILER!!!", 0, "");
    archive_size = (archive_size + 511) & ~(size_t)511;
    ok(read_all(archive, archive_size, &count) == 0 && count == 3,
       "archives joined by zeros are read one after the other");
    cpio_begin(&reader, archive, archive_size);
    while ((result = cpio_next(&reader, &entry)) == 1 && strcmp(entry.name, "second") != 0)
        continue;
    ok(result == 1 && reader.number == 1, "the reader counts archives");
}

// Each prefix in memory of its own, so that a read past it is seen.
static void test_cut(void)
{
    unsigned count, refused = 0;

    build();
    for (size_t size = 1; size < archive_size; size++) {
        void *copy = malloc(size);

        memcpy(copy, archive, size);
        refused += read_all(copy, size, &count) == -EINVAL;
        free(copy);
    }
    ok(refused > archive_size / 2, "archives cut short are refused (%u of %zu)", refused,
       archive_size);
}

static void test_broken(void)
{
    unsigned count, refused = 0;

    for (size_t i = 0; i < archive_size; i++) {
        build();
        archive[i] ^= 0x80;
        refused += read_all(archive, archive_size, &count) == -EINVAL;
    }
    ok(refused >= 300, "a broken byte in a header is refused (%u)", refused);
}

static void set_field(unsigned field, const char *digits)
{
    build();
    memcpy(archive + 6 + field * 8, digits, 8);
}

static void test_sizes(void)
{
    unsigned count;

    set_field(6, "FFFFFFFF");
    ok(read_all(archive, archive_size, &count) == -EINVAL,
       "a file larger than the archive is refused");
    set_field(11, "00000000");
    ok(read_all(archive, archive_size, &count) == -EINVAL, "an empty name is refused");
    set_field(11, "FFFFFFFF");
    ok(read_all(archive, archive_size, &count) == -EINVAL,
       "a name larger than the archive is refused");
    set_field(11, "00000003");
    ok(read_all(archive, archive_size, &count) == -EINVAL, "a name without its NUL is refused");
    set_field(1, "0000000G");
    ok(read_all(archive, archive_size, &count) == -EINVAL, "a digit that is none is refused");
}

int main(void)
{
    unsigned count;

    ok(read_all("", 0, &count) == 0 && count == 0, "no bytes are no entries");
    ok(read_all("\0\0\0\0", 4, &count) == 0 && count == 0, "zeros are no entries");
    test_whole();
    test_joined();
    test_cut();
    test_broken();
    test_sizes();
    return done_testing();
}
