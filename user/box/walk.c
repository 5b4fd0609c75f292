// SPDX-License-Identifier: MIT
// walk.c - finds boxes under /proc. A box that goes while it is looked at is left out.

#include "user/box/walk.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct list {
    struct walk_entry *entries;
    size_t count, room;
};

static void read_command(struct walk_entry *entry)
{
    ssize_t size =
        box_read_file(entry->directory, "cmdline", entry->command, sizeof(entry->command));

    if (size <= 0) {
        snprintf(entry->command, sizeof(entry->command), "(%s)",
                 entry->record.ended ? "ended" : "no program yet");
        return;
    }
    for (ssize_t i = 0; i + 1 < size; i++) {
        if ((unsigned char)entry->command[i] < ' ')
            entry->command[i] = ' ';
    }
}

static void read_limit(struct walk_entry *entry)
{
    char text[1024], limit[32];

    entry->memory_limit = INT64_MAX;
    if (box_read_file(entry->directory, "quota", text, sizeof(text)) > 0 &&
        sscanf(text, "memory %*s %*s %31s", limit) == 1 && isdigit((unsigned char)limit[0]))
        entry->memory_limit = atoll(limit);
}

static int add(struct list *list, const char *directory, const char *name, unsigned depth)
{
    struct walk_entry *entry;

    if (list->count == list->room) {
        size_t room = list->room * 2 + 16;
        struct walk_entry *more = realloc(list->entries, room * sizeof(*more));

        if (more == NULL)
            return -ENOMEM;
        list->entries = more;
        list->room = room;
    }
    entry = &list->entries[list->count];
    memset(entry, 0, sizeof(*entry));
    snprintf(entry->directory, sizeof(entry->directory), "%s", directory);
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->depth = depth;
    if (box_read_record(directory, &entry->record) != 0)
        return 0;
    entry->cpu_ns = entry->record.user_ns + entry->record.kernel_ns;
    read_command(entry);
    read_limit(entry);
    list->count++;
    return 0;
}

static int compare(const void *one, const void *other)
{
    long a = *(const long *)one, b = *(const long *)other;

    return a < b ? -1 : a > b;
}

// The numbers in a directory that is like /proc, in order. Returns how many, or a negative errno.
static int read_numbers(const char *directory, long **numbers)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int count = 0, room = 0;

    *numbers = NULL;
    if (dir == NULL)
        return -errno;
    while ((entry = readdir(dir)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (count == room) {
            long *more = realloc(*numbers, (size_t)(room = room * 2 + 16) * sizeof(long));

            if (more == NULL)
                break;
            *numbers = more;
        }
        (*numbers)[count++] = atol(entry->d_name);
    }
    closedir(dir);
    if (count != 0)
        qsort(*numbers, (size_t)count, sizeof(long), compare);
    return count;
}

// The boxes whose heads stand in a directory that is like /proc, and all that are in them. Their
// depth is bounded by the kernel: 32.
static int walk(struct list *list, const char *directory, const char *prefix, unsigned depth)
{
    char inner[WALK_DIRECTORY], box[WALK_DIRECTORY], name[WALK_NAME];
    int count, result = 0;
    long *numbers;

    count = read_numbers(directory, &numbers);
    for (int i = 0; i < count && result == 0; i++) {
        if (snprintf(inner, sizeof(inner), "%s/%ld", directory, numbers[i]) >= (int)sizeof(inner) ||
            snprintf(box, sizeof(box), "%s/box", inner) >= (int)sizeof(box) ||
            snprintf(name, sizeof(name), "%s%ld", prefix, numbers[i]) >= (int)sizeof(name) - 1)
            continue;
        if (access(box, F_OK) != 0)
            continue; // a member, or a box that has ended
        result = add(list, inner, name, depth);
        strcat(name, "/");
        if (result == 0)
            result = walk(list, box, name, depth + 1);
    }
    free(numbers);
    return result;
}

int walk_boxes(struct walk_entry **entries)
{
    struct list list = { 0 };
    int error = add(&list, "/proc/self", ".", 0);

    if (error == 0)
        error = walk(&list, "/proc", "", 1);
    *entries = list.entries;
    if (error == 0 && list.count == 0)
        error = -ENOENT;
    return error == 0 ? (int)list.count : error;
}

int walk_directory(const char *name, char directory[WALK_DIRECTORY])
{
    size_t at = (size_t)sprintf(directory, "/proc/");

    for (; *name != '\0'; name++) {
        if (at + 16 > WALK_DIRECTORY)
            return -ENAMETOOLONG;
        if (isdigit((unsigned char)*name))
            directory[at++] = *name;
        else if (*name == '/' && isdigit((unsigned char)name[1]) &&
                 isdigit((unsigned char)directory[at - 1]))
            at += (size_t)sprintf(directory + at, "/box/");
        else
            return -EINVAL;
    }
    directory[at] = '\0';
    return isdigit((unsigned char)directory[at - 1]) ? 0 : -EINVAL;
}
