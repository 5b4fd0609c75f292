// SPDX-License-Identifier: MIT
// setup.c - what a box is given, and the program that it runs.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/libbox/box.h"
#include "user/libbox/private.h"

int box_write_words(struct box *box, const char *command, const char *const words[])
{
    size_t size = strlen(command) + 1, at;
    char *text;
    int error;

    for (size_t i = 0; words[i] != NULL; i++)
        size += box_quote(NULL, 0, words[i]) + 1;
    text = malloc(size);
    if (text == NULL)
        return box_fail(box, -ENOMEM, command);
    at = (size_t)sprintf(text, "%s", command);
    for (size_t i = 0; words[i] != NULL; i++) {
        text[at++] = ' ';
        at += box_quote(text + at, size - at, words[i]);
    }
    error = box_write(box, text, at);
    free(text);
    return error;
}

int box_bind(struct box *box, const char *name, const char *path, const char *rights)
{
    return box_write_words(box, "bind", (const char *[]){ name, path, rights, NULL });
}

int box_tree(struct box *box, const char *name, const char *rights)
{
    return box_write_words(box, "tree", (const char *[]){ name, rights, NULL });
}

int box_unbind(struct box *box, const char *name)
{
    return box_write_words(box, "unbind", (const char *[]){ name, NULL });
}

int box_give(struct box *box, int fd, int as, const char *rights)
{
    return box_command(box, "give %d %d %s", fd, as, rights != NULL ? rights : "");
}

int box_quota(struct box *box, const char *key, const char *limit)
{
    return box_write_words(box, "quota", (const char *[]){ key, limit, NULL });
}

// Writes over the old value and then cuts off what is left of it, so that a value that is refused
// leaves the old one. *made: the variable was not there before.
static int write_variable(const char *path, const char *value, bool *made)
{
    size_t size = strlen(value);
    int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

    *made = false;
    if (fd < 0 && errno == ENOENT) {
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        *made = fd >= 0;
    }
    if (fd < 0)
        return -errno;
    if (size != 0)
        error = box_write_whole(fd, value, size);
    if (error == 0 && ftruncate(fd, (off_t)size) != 0)
        error = -errno;
    close(fd);
    return error;
}

int box_setenv(struct box *box, const char *name, const char *value)
{
    char path[BOX_DIRECTORY_SIZE + 300];
    char directory[BOX_DIRECTORY_SIZE];
    bool made;
    int error;

    box_directory(box, directory);
    if (name[0] == '\0' || strlen(name) > 255 || strchr(name, '/') != NULL)
        return box_fail(box, -EINVAL, name);
    snprintf(path, sizeof(path), "%s/env/%s", directory, name);
    if (value == NULL)
        return unlink(path) == 0 ? 0 : box_fail(box, -errno, name);
    error = write_variable(path, value, &made);
    if (error != 0 && made)
        unlink(path);
    return error == 0 ? 0 : box_fail(box, error, name);
}

int box_chdir(struct box *box, const char *path)
{
    char directory[BOX_DIRECTORY_SIZE];
    int error;

    box_directory(box, directory);
    error = box_write_file(directory, "cwd", path);
    return error == 0 ? 0 : box_fail(box, error, path);
}

int box_exec(struct box *box, char *const argv[])
{
    return box_write_words(box, "exec", (const char *const *)argv);
}

int box_execfd(struct box *box, int fd, char *const argv[])
{
    char command[32];

    snprintf(command, sizeof(command), "execfd %d", fd);
    return box_write_words(box, command, (const char *const *)argv);
}

int box_start(struct box *box)
{
    return box_command(box, "start");
}

int box_suspend(struct box *box)
{
    return box_command(box, "suspend");
}

int box_kill(struct box *box, int64_t status)
{
    return box_command(box, "kill %lld", (long long)status);
}

int box_note(struct box *box, const char *text)
{
    char directory[BOX_DIRECTORY_SIZE];
    int error;

    box_directory(box, directory);
    error = box_write_file(directory, "note", text);
    return error == 0 ? 0 : box_fail(box, error, "note");
}
