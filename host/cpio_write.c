// SPDX-License-Identifier: MIT
// cpio_write.c - writes boot archives: cpio in the "newc" form, the same bytes for the same
// entries.
//
// An entry is a header of 110 characters, the name with its NUL, and the content, each padded to 4
// bytes. All times are 0 and all owners root, so that an archive depends on its entries alone.
// Source: cpio(5) of FreeBSD, "New ASCII Format".

#include "host/cpio_write.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE 110
#define SIZE_LIMIT 0xffffffffULL
#define BLOCK_SIZE 512 // archives end on a multiple, as cpio(1) writes them

void cpio_write_begin(struct cpio_writer *writer, FILE *to)
{
    writer->to = to;
    writer->next_ino = 1;
}

static void pad(struct cpio_writer *writer, size_t size, size_t to)
{
    while (size++ % to != 0)
        fputc(0, writer->to);
}

static void header(struct cpio_writer *writer, const char *name, unsigned mode, size_t size)
{
    size_t name_size = strlen(name) + 1;
    unsigned links = S_ISDIR(mode) ? 2 : 1;

    fprintf(writer->to, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
            writer->next_ino++, mode, 0, 0, links, 0, (unsigned)size, 0, 0, 0, 0,
            (unsigned)name_size, 0);
    fwrite(name, 1, name_size, writer->to);
    pad(writer, HEADER_SIZE + name_size, 4);
}

void cpio_write_directory(struct cpio_writer *writer, const char *name, unsigned mode)
{
    header(writer, name, S_IFDIR | mode, 0);
}

void cpio_write_symlink(struct cpio_writer *writer, const char *name, const char *target)
{
    header(writer, name, S_IFLNK | 0777, strlen(target));
    fputs(target, writer->to);
    pad(writer, strlen(target), 4);
}

void cpio_write_file(struct cpio_writer *writer, const char *name, unsigned mode, const void *data,
                     size_t size)
{
    header(writer, name, S_IFREG | mode, size);
    fwrite(data, 1, size, writer->to);
    pad(writer, size, 4);
}

// Copies exactly size bytes; a file that has become shorter is an error.
static int copy(struct cpio_writer *writer, int fd, size_t size)
{
    char data[65536];

    while (size != 0) {
        ssize_t got = read(fd, data, size < sizeof(data) ? size : sizeof(data));

        if (got < 0)
            return -1;
        if (got == 0) {
            errno = EIO;
            return -1;
        }
        fwrite(data, 1, (size_t)got, writer->to);
        size -= (size_t)got;
    }
    return 0;
}

int cpio_write_file_from(struct cpio_writer *writer, const char *name, unsigned mode, int fd)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0)
        return -1;
    if ((unsigned long long)stat.st_size > SIZE_LIMIT) {
        errno = EFBIG;
        return -1;
    }
    header(writer, name, S_IFREG | mode, (size_t)stat.st_size);
    if (copy(writer, fd, (size_t)stat.st_size) != 0)
        return -1;
    pad(writer, (size_t)stat.st_size, 4);
    return 0;
}

int cpio_write_end(struct cpio_writer *writer)
{
    long position;

    writer->next_ino = 0;
    header(writer, "TRAILER!!!", 0, 0);
    position = ftell(writer->to);
    if (position > 0)
        pad(writer, (size_t)position, BLOCK_SIZE);
    return fflush(writer->to) == 0 && !ferror(writer->to) ? 0 : -1;
}
