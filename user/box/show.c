// SPDX-License-Identifier: MIT
// show.c - `box show`: all that a box can name, made for the purpose and never started, or there.

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/box/options.h"
#include "user/box/prepare.h"
#include "user/box/report.h"
#include "user/box/run.h"
#include "user/box/terminal.h"
#include "user/box/walk.h"

#define TEXT_SIZE 4096

// Calls print for each entry of directory/part, in order.
static void for_each(const char *directory, const char *part,
                     void (*print)(const char *path, const char *name))
{
    char path[WALK_DIRECTORY + 16], entry_path[WALK_DIRECTORY + 300];
    struct dirent **entries;
    int count;

    snprintf(path, sizeof(path), "%s/%s", directory, part);
    count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            snprintf(entry_path, sizeof(entry_path), "%s/%s", path, name);
            print(entry_path, name);
        }
        free(entries[i]);
    }
    free(entries);
}

static ssize_t read_path(const char *path, char *text, size_t size)
{
    char directory[WALK_DIRECTORY + 300];
    char *slash;

    snprintf(directory, sizeof(directory), "%s", path);
    slash = strrchr(directory, '/');
    *slash = '\0';
    return box_read_file(directory, slash + 1, text, size);
}

// "PATH RIGHTS" as NAME RIGHTS PATH.
static void print_name(const char *path, const char *name)
{
    char text[TEXT_SIZE], *rights;
    ssize_t size = read_path(path, text, sizeof(text));

    if (size <= 0)
        return;
    text[size - 1] = '\0';
    rights = strrchr(text, ' ');
    if (rights == NULL)
        return;
    *rights++ = '\0';
    printf("  /%-12s %-4s %s\n", strcmp(name, "(root)") == 0 ? "" : name, rights, text);
}

static void print_fd(const char *path, const char *name)
{
    char text[TEXT_SIZE];
    ssize_t size = readlink(path, text, sizeof(text) - 1);
    struct stat stat;

    if (size < 0 || lstat(path, &stat) != 0)
        return;
    text[size] = '\0';
    printf("  %-13s %s%s   %s\n", name, (stat.st_mode & S_IRUSR) != 0 ? "r" : "-",
           (stat.st_mode & S_IWUSR) != 0 ? "w" : "-", text);
}

static void print_variable(const char *path, const char *name)
{
    char text[TEXT_SIZE];

    if (read_path(path, text, sizeof(text)) >= 0)
        printf("  %s=%s\n", name, text);
}

static void print_file(const char *directory, const char *file, const char *title)
{
    char text[TEXT_SIZE];
    ssize_t size = box_read_file(directory, file, text, sizeof(text));

    for (ssize_t i = 0; i + 1 < size; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    if (size > 0)
        printf("%s%s\n", title, text);
}

static void print_limits(const char *directory)
{
    char text[TEXT_SIZE], *line, *save;

    printf("limits:\n");
    if (box_read_file(directory, "quota", text, sizeof(text)) <= 0)
        return;
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char key[32], limit[32];

        if (sscanf(line, "%31s %*s %*s %31s", key, limit) == 2)
            printf("  %-13s %s\n", key, limit);
    }
}

static void show(const char *directory)
{
    printf("names:\n");
    for_each(directory, "ns", print_name);
    printf("files:\n");
    for_each(directory, "fd", print_fd);
    printf("environment:\n");
    for_each(directory, "env", print_variable);
    print_limits(directory);
    print_file(directory, "cwd", "directory: ");
    print_file(directory, "cmdline", "program: ");
}

int show_command(char **words)
{
    char directory[WALK_DIRECTORY];
    struct options options;
    static struct box box = { .ctl = -1 };
    int slave = -1;

    options_read(&options, words, true);
    if (options.box != NULL) {
        if (walk_directory(options.box, directory) != 0 || access(directory, F_OK) != 0)
            fail(EXIT_FAILED, "show: there is no box %s", options.box);
    } else {
        if (options.terminal)
            (void)terminal_open(&slave);
        (void)prepare_box(&box, &options, slave);
        snprintf(directory, sizeof(directory), "/proc/%d", box.pid);
    }
    show(directory);
    return 0;
}
