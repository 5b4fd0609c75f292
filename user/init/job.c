// SPDX-License-Identifier: MIT
// job.c - reads what the launcher asks for.

#include "user/init/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Reads a whole file; its size is in *size, and a NUL stands behind it.
static char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    char *text = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &stat) == 0)
        text = calloc(1, (size_t)stat.st_size + 1);
    *size = 0;
    while (text != NULL && *size < (size_t)stat.st_size) {
        ssize_t got = read(fd, text + *size, (size_t)stat.st_size - *size);

        if (got <= 0)
            break;
        *size += (size_t)got;
    }
    close(fd);
    return text;
}

// The list that a key adds to; NULL: none.
static char ***list_of(struct job *job, const char *key)
{
    if (strcmp(key, "argument") == 0)
        return &job->arguments;
    if (strcmp(key, "environment") == 0)
        return &job->environment;
    if (strcmp(key, "bind") == 0)
        return &job->binds;
    if (strcmp(key, "quota") == 0)
        return &job->quotas;
    return NULL;
}

// Adds to a list closed by NULL, which has room.
static void append(char **list, char *value)
{
    while (*list != NULL)
        list++;
    *list = value;
}

static int take(struct job *job, char *entry)
{
    char *value = strchr(entry, '=');

    if (value == NULL)
        return -1;
    *value++ = '\0';
    if (list_of(job, entry) != NULL)
        append(*list_of(job, entry), value);
    else if (strcmp(entry, "cwd") == 0)
        job->cwd = value;
    else if (strcmp(entry, "terminal") == 0)
        job->terminal = value;
    else
        return -1;
    return 0;
}

// Each list has room for all entries and its NULL.
static int allocate(struct job *job, size_t entries)
{
    job->arguments = calloc(entries + 1, sizeof(char *));
    job->environment = calloc(entries + 1, sizeof(char *));
    job->binds = calloc(entries + 1, sizeof(char *));
    job->quotas = calloc(entries + 1, sizeof(char *));
    return job->arguments != NULL && job->environment != NULL && job->binds != NULL &&
                   job->quotas != NULL
               ? 0
               : -1;
}

int job_read(struct job *job, const char *path)
{
    size_t size, entries = 0;

    memset(job, 0, sizeof(*job));
    job->text = read_file(path, &size);
    if (job->text == NULL)
        return -1;
    for (size_t i = 0; i < size; i++)
        entries += job->text[i] == '\0';
    if (allocate(job, entries) != 0)
        return -1;
    errno = EINVAL;
    for (size_t at = 0; at < size;) {
        size_t length = strlen(job->text + at);

        if (take(job, job->text + at) != 0)
            return -1;
        at += length + 1;
    }
    return job->arguments[0] != NULL ? 0 : -1;
}
