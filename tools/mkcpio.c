// SPDX-License-Identifier: MIT
// mkcpio.c - makes the boot archive from lists of what is in it: mkcpio ARCHIVE LIST...
//
// A line of a list is one of
//     dir PATH MODE
//     file PATH MODE SOURCE
//     link PATH TARGET
// with a MODE in octal; blank lines and lines with # are passed over. Entries are written in the
// order of their paths, so a directory comes before what is in it, and the order of lists and lines
// does not matter.

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cpio_write.h"

struct entry {
    char kind[8];
    char path[256];
    char third[256];  // mode or target
    char fourth[512]; // source
};

static struct entry *entries;
static size_t entry_count;

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
    va_list arguments;

    fputs("mkcpio: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static bool is_known(const struct entry *entry, int words)
{
    return (strcmp(entry->kind, "file") == 0 && words == 4) ||
           ((strcmp(entry->kind, "dir") == 0 || strcmp(entry->kind, "link") == 0) && words == 3);
}

static void read_line(const char *list, const char *line)
{
    struct entry entry = { 0 };
    int words =
        sscanf(line, "%7s %255s %255s %511s", entry.kind, entry.path, entry.third, entry.fourth);

    if (words <= 0 || entry.kind[0] == '#')
        return;
    if (!is_known(&entry, words) || entry.path[0] != '/')
        fail("%s: not an entry: %s", list, line);
    entries = realloc(entries, (entry_count + 1) * sizeof(entry));
    if (entries == NULL)
        fail("out of memory");
    entries[entry_count++] = entry;
}

static void read_list(const char *list)
{
    FILE *from = fopen(list, "r");
    char line[1200];

    if (from == NULL)
        fail("%s: %s", list, strerror(errno));
    while (fgets(line, sizeof(line), from) != NULL)
        read_line(list, line);
    fclose(from);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static void write_file(struct cpio_writer *writer, const struct entry *entry, unsigned mode)
{
    int fd = open(entry->fourth, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || cpio_write_file_from(writer, entry->path + 1, mode, fd) != 0)
        fail("%s: %s", entry->fourth, strerror(errno));
    close(fd);
}

static void write_entry(struct cpio_writer *writer, const struct entry *entry)
{
    unsigned mode = (unsigned)strtoul(entry->third, NULL, 8);

    if (entry->kind[0] == 'd')
        cpio_write_directory(writer, entry->path + 1, mode);
    else if (entry->kind[0] == 'l')
        cpio_write_symlink(writer, entry->path + 1, entry->third);
    else
        write_file(writer, entry, mode);
}

int main(int argc, char **argv)
{
    struct cpio_writer writer;
    FILE *to;

    if (argc < 3)
        fail("usage: mkcpio ARCHIVE LIST...");
    for (int i = 2; i < argc; i++)
        read_list(argv[i]);
    qsort(entries, entry_count, sizeof(*entries), by_path);
    to = fopen(argv[1], "w");
    if (to == NULL)
        fail("%s: %s", argv[1], strerror(errno));
    cpio_write_begin(&writer, to);
    for (size_t i = 0; i < entry_count; i++) {
        if (i == 0 || strcmp(entries[i - 1].path, entries[i].path) != 0)
            write_entry(&writer, &entries[i]);
    }
    if (cpio_write_end(&writer) != 0 || fclose(to) != 0)
        fail("%s: %s", argv[1], strerror(errno));
    free(entries);
    return 0;
}
