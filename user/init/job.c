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

static int take(struct job *job, char *entry, char ***arguments, char ***environment, char ***quotas)
{
    char *value = strchr(entry, '=');

    if (value == NULL)
        return -1;
    *value++ = '\0';
    if (strcmp(entry, "argument") == 0)
        *(*arguments)++ = value;
    else if (strcmp(entry, "environment") == 0)
        *(*environment)++ = value;
    else if (strcmp(entry, "quota") == 0)
        *(*quotas)++ = value;
    else if (strcmp(entry, "cwd") == 0)
        job->cwd = value;
    else if (strcmp(entry, "terminal") == 0)
        job->terminal = true;
    else
        return -1;
    return 0;
}

int job_read(struct job *job, const char *path)
{
    size_t size, entries = 0, at = 0;
    char **arguments, **environment, **quotas;

    memset(job, 0, sizeof(*job));
    job->text = read_file(path, &size);
    if (job->text == NULL)
        return -1;
    for (size_t i = 0; i < size; i++)
        entries += job->text[i] == '\0';
    // Each list has room for all entries and its NULL.
    job->arguments = arguments = calloc(entries + 1, sizeof(char *));
    job->environment = environment = calloc(entries + 1, sizeof(char *));
    job->quotas = quotas = calloc(entries + 1, sizeof(char *));
    if (arguments == NULL || environment == NULL || quotas == NULL)
        return -1;
    while (at < size) {
        size_t length = strlen(job->text + at);

        if (take(job, job->text + at, &arguments, &environment, &quotas) != 0) {
            errno = EINVAL;
            return -1;
        }
        at += length + 1;
    }
    if (job->arguments[0] == NULL)
        errno = EINVAL;
    return job->arguments[0] == NULL ? -1 : 0;
}
