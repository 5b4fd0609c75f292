// SPDX-License-Identifier: MIT
// table.c - the tables of a page of docs, held against what is so.
#include "tests/vm/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CELLS_MOST 12

const char *table_error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        { -1, "-" },          { 0, "0" },
        { EPERM, "EPERM" },   { ENOENT, "ENOENT" },
        { ESRCH, "ESRCH" },   { EIO, "EIO" },
        { ENXIO, "ENXIO" },   { ENOEXEC, "ENOEXEC" },
        { EBADF, "EBADF" },   { ECHILD, "ECHILD" },
        { EAGAIN, "EAGAIN" }, { EACCES, "EACCES" },
        { EBUSY, "EBUSY" },   { EEXIST, "EEXIST" },
        { EXDEV, "EXDEV" },   { ENOTDIR, "ENOTDIR" },
        { EISDIR, "EISDIR" }, { EINVAL, "EINVAL" },
        { EROFS, "EROFS" },   { EDEADLK, "EDEADLK" },
        { ELOOP, "ELOOP" },   { ENOTTY, "ENOTTY" },
        { ENOSYS, "ENOSYS" }, { EOPNOTSUPP, "EOPNOTSUPP" },
    };
    static char number[16];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].error == error)
            return names[i].name;
    }
    snprintf(number, sizeof(number), "%d", error);
    return number;
}

// Cuts a row into its cells, without the spaces around them. Returns how many there are.
static size_t split(char *line, char *cells[CELLS_MOST])
{
    size_t count = 0;

    for (char *cell = strtok(line, "|"); cell != NULL; cell = strtok(NULL, "|")) {
        char *end = cell + strlen(cell);

        cell += strspn(cell, " ");
        while (end > cell && end[-1] == ' ')
            *--end = '\0';
        if (count < CELLS_MOST)
            cells[count] = cell;
        count++;
    }
    return count;
}

// Whether the cells are the columns' names.
static bool is_head(const struct table *table, char *const cells[])
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(cells[i + 1], table->columns[i]) != 0)
            return false;
    }
    return true;
}

static size_t find(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (strcmp(table->name(i), name) == 0)
            return i;
    }
    return table->row_count;
}

static int compare_row(const struct table *table, size_t row, char *const cells[])
{
    int differences = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table_error_name(table->result(row, i));

        if (strcmp(name, cells[i + 1]) == 0)
            continue;
        printf("# %s of %s: %s, not %s\n", cells[0], table->columns[i], name, cells[i + 1]);
        differences++;
    }
    return differences;
}

// A line of the section. seen: by row of what is tried, that it has one here; headed: that the
// columns' names have come.
static int compare_line(const struct table *table, char *line, bool *seen, bool *headed)
{
    char *cells[CELLS_MOST];
    size_t count, row;

    if (line[0] != '|' || strncmp(line, "|---", 4) == 0)
        return 0;
    count = split(line, cells);
    if (count != table->column_count + 1)
        return printf("# not %zu cells: %s\n", table->column_count + 1, cells[0]) > 0;
    if (!*headed) {
        *headed = true;
        return is_head(table, cells) ? 0 : printf("# other columns: %s\n", cells[0]) > 0;
    }
    row = find(table, cells[0]);
    if (row == table->row_count || seen[row])
        return printf("# %s: not tried, or twice in the table\n", cells[0]) > 0;
    seen[row] = true;
    return compare_row(table, row, cells);
}

int table_compare(const struct table *table)
{
    const char *at = strstr(table->page, table->heading);
    bool *seen = calloc(table->row_count, sizeof(*seen)), headed = false;
    int differences = 0;
    char line[512];

    if (at == NULL || seen == NULL)
        return printf("# docs/%s has no %s\n", table->file, table->heading) > 0;
    at += strcspn(at, "\n");
    while (*at == '\n' && strncmp(++at, "## ", 3) != 0) {
        size_t length = strcspn(at, "\n");

        snprintf(line, sizeof(line), "%.*s", (int)length, at);
        differences += compare_line(table, line, seen, &headed);
        at += length;
    }
    for (size_t i = 0; i < table->row_count; i++) {
        if (!seen[i])
            differences += printf("# %s has no row\n", table->name(i)) > 0;
    }
    free(seen);
    return differences;
}

int read_handle(int fd)
{
    struct stat info;
    char text[4096];

    if (fstat(fd, &info) < 0)
        return errno;
    if (S_ISDIR(info.st_mode))
        return syscall(SYS_getdents64, fd, text, sizeof(text)) < 0 ? errno : 0;
    return read(fd, text, sizeof(text)) < 0 ? errno : 0;
}
