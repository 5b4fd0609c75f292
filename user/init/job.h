// SPDX-License-Identifier: MIT
// job.h - what the launcher asks for: the file /boxwork/job of the boot archive.
//
// The file is a row of KEY=VALUE, each with its NUL: argument (the first is the program's path),
// environment (K=V), cwd, bind ("NAME PATH RIGHTS", in the skeleton's place), quota ("KEY LIMIT"),
// terminal ("ROWS COLUMNS", 0 if not known: the program gets a terminal). docs/launcher.md has the
// whole.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job {
    char *text;       // the file; the rest points into it
    char **arguments; // closed by NULL
    char **environment;
    char **binds;
    char **quotas;
    const char *cwd;
    const char *terminal; // NULL: no terminal
};

// Returns: 0; -1 with errno (ENOENT: there is no such file; EINVAL: malformed).
int job_read(struct job *job, const char *path);
