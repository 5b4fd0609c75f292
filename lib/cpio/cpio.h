// SPDX-License-Identifier: MIT
// cpio.h - reads cpio archives of the "newc" kind (magic 070701, and 070702 with sums, which are
// not checked).
//
// Several archives may stand one behind the other with zeros between them, as boot loaders join
// them. Names and data point into the archive; nothing is copied or allocated.
// Sources: cpio(5) of libarchive, "New ASCII Format".
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cpio_reader {
    const uint8_t *archive;
    size_t size;
    size_t offset;   // of the next header
    unsigned number; // of the archive, from 0
};

struct cpio_entry {
    const char *name;   // NUL-terminated inside the archive
    size_t name_length; // without the NUL
    const void *data;
    size_t size;
    uint32_t ino;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t nlink;
    uint32_t mtime;  // seconds since 1970
    uint32_t device; // major and minor of the file system it was read from, for telling hard links
    uint32_t rdev_major;
    uint32_t rdev_minor;
};

void cpio_begin(struct cpio_reader *reader, const void *archive, size_t size);

// Returns: 1 with the next entry, 0 at the end of the last archive. Errors: -EINVAL malformed or
// cut short.
int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry);
