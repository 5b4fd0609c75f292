// SPDX-License-Identifier: MIT
// script.h - for tests of programs: runs scripts by sh and looks at what they say.
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static char output[16384]; // standard output and error of the last script

// Runs a script by sh. Returns its exit code, -N for signal N.
static inline int sh(const char *script)
{
    int ends[2], status;
    ssize_t got, size = 0;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/busybox", "sh", "-c", script, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    while ((got = read(ends[0], output + size, sizeof(output) - 1 - (size_t)size)) > 0)
        size += got;
    output[size] = '\0';
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static inline bool says(const char *text)
{
    if (strstr(output, text) != NULL)
        return true;
    printf("# %s\n# is not in: %s\n", text, output);
    return false;
}
