// SPDX-License-Identifier: MIT
// archive.h - the boot archive: which programs it has, and what a run adds to it.
#pragma once

#include <stddef.h>

#include "host/options.h"

// The archive as it was built.
struct archive {
    int fd;
    const char *data;
    size_t size;
};

// Ends the launcher if it cannot be read.
void archive_open(struct archive *archive, const char *path);

// Where a program is: its path in the VM, and the host file that is copied there, if it is one.
struct program {
    char path[4096];
    int fd;        // -1: it is in the boot archive
    unsigned mode; // of the host file
};

// Finds options->program[0]. Ends the launcher with 126 or 127 if there is no such program.
void program_find(struct program *program, const struct archive *archive,
                  const struct options *options);

// The archive, then what this run adds: the program, if it is the host's, and the job for init.
// Returns: a descriptor of a file without a name. program NULL: no job. Ends the launcher if that
// fails.
int archive_compose(const struct archive *archive, const struct program *program,
                    const struct options *options);
