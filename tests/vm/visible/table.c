// SPDX-License-Identifier: MIT
// table.c - docs/visible.md, which is part of this program, held against what is so.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vm/visible/visible.h"

#define CELLS (SUBJECTS + 1)

__asm__(".section .rodata\n"
        ".globl visible_page\n"
        "visible_page: .incbin \"docs/visible.md\"\n"
        ".byte 0\n"
        ".previous");
extern const char visible_page[];

static const char *const columns[CELLS] = { NULL, "self", "member", "inside", "dead", "ended",
                                            "gone", "reused", "around", "beside" };

const char *visible_error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        { 0, "0" },
        { EPERM, "EPERM" },
        { ENOENT, "ENOENT" },
        { ESRCH, "ESRCH" },
        { EBADF, "EBADF" },
        { ECHILD, "ECHILD" },
        { EAGAIN, "EAGAIN" },
        { EACCES, "EACCES" },
        { EEXIST, "EEXIST" },
        { EINVAL, "EINVAL" },
        { EDEADLK, "EDEADLK" },
        { ENOTTY, "ENOTTY" },
        { ENOSYS, "ENOSYS" },
        { EOPNOTSUPP, "EOPNOTSUPP" },
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
static int split(char *line, char *cells[CELLS])
{
    int count = 0;

    for (char *cell = strtok(line, "|"); cell != NULL; cell = strtok(NULL, "|")) {
        char *end = cell + strlen(cell);

        cell += strspn(cell, " ");
        while (end > cell && end[-1] == ' ')
            *--end = '\0';
        if (count < CELLS)
            cells[count] = cell;
        count++;
    }
    return count;
}

static int compare_row(char *cells[CELLS], size_t number,
                       int (*result)(size_t number, enum subject subject))
{
    int differences = 0;

    for (enum subject subject = 0; subject < SUBJECTS; subject++) {
        int got = result(number, subject);
        const char *name = got < 0 ? "-" : visible_error_name(got);

        if (strcmp(name, cells[subject + 1]) == 0)
            continue;
        printf("# %s of %s: %s, not %s\n", cells[0], columns[subject + 1], name,
               cells[subject + 1]);
        differences++;
    }
    return differences;
}

static size_t find(const char *name, const struct visible_try *tries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tries[i].name, name) == 0)
            return i;
    }
    return count;
}

// A line of the section. seen: by number in tries, that it has its row.
static int compare_line(char *line, const struct visible_try *tries, size_t count, bool *seen,
                        int (*result)(size_t number, enum subject subject))
{
    char *cells[CELLS];
    size_t number;

    if (line[0] != '|' || strncmp(line, "|---", 4) == 0)
        return 0;
    if (split(line, cells) != CELLS) {
        printf("# not %d cells: %s\n", CELLS, cells[0]);
        return 1;
    }
    if (strcmp(cells[1], columns[1]) == 0) {
        for (int i = 1; i < CELLS; i++) {
            if (strcmp(cells[i], columns[i]) != 0)
                return printf("# the column %s is not %s\n", cells[i], columns[i]);
        }
        return 0;
    }
    number = find(cells[0], tries, count);
    if (number == count || seen[number])
        return printf("# %s: not tried, or twice in the table\n", cells[0]);
    seen[number] = true;
    return compare_row(cells, number, result);
}

int visible_compare(const char *heading, const struct visible_try *tries, size_t count,
                    int (*result)(size_t number, enum subject subject))
{
    const char *at = strstr(visible_page, heading);
    bool *seen = calloc(count, sizeof(*seen));
    int differences = 0;
    char line[512];

    if (at == NULL || seen == NULL)
        return printf("# docs/visible.md has no %s\n", heading);
    at += strcspn(at, "\n");
    while (*at == '\n' && strncmp(++at, "## ", 3) != 0) {
        size_t length = strcspn(at, "\n");

        snprintf(line, sizeof(line), "%.*s", (int)length, at);
        differences += compare_line(line, tries, count, seen, result);
        at += length;
    }
    for (size_t i = 0; i < count; i++) {
        if (!seen[i])
            differences += printf("# %s has no row\n", tries[i].name) > 0;
    }
    free(seen);
    return differences;
}
