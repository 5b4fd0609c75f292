// SPDX-License-Identifier: MIT
// cpio_write.h - writes boot archives: cpio in the "newc" form, the same bytes for the same
// entries.
#pragma once

#include <stddef.h>
#include <stdio.h>

struct cpio_writer {
    FILE *to;
    unsigned next_ino;
};

void cpio_write_begin(struct cpio_writer *writer, FILE *to);

// name: the path without a leading slash. mode: permission bits. A directory comes before what lies
// in it.
void cpio_write_directory(struct cpio_writer *writer, const char *name, unsigned mode);
void cpio_write_symlink(struct cpio_writer *writer, const char *name, const char *target);
void cpio_write_file(struct cpio_writer *writer, const char *name, unsigned mode, const void *data,
                     size_t size);

// Copies the whole regular file that fd is open on. Returns: 0; -1 with errno (EFBIG: 4 GiB and
// more do not fit the form).
int cpio_write_file_from(struct cpio_writer *writer, const char *name, unsigned mode, int fd);

// Writes the end marker and flushes. Returns: 0; -1 with errno if anything could not be written.
int cpio_write_end(struct cpio_writer *writer);
