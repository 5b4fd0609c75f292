// SPDX-License-Identifier: MIT
// rights.h - what test_rights tries, by whom, and what docs/rights.md says of it.
#pragma once

#include <stddef.h>

#include "tests/vm/table.h"

// Who asks for a file of /proc/PID, in the order of the columns: in a box around; in the same box;
// elsewhere, by a name or handle with these rights.
#define ASKERS_OUTSIDE 6
enum { ASKER_AROUND, ASKER_INSIDE, ASKER_OUTSIDE, ASKERS = ASKER_OUTSIDE + ASKERS_OUTSIDE };
extern const char *const asker_names[ASKERS];

// What is tried of /proc/PID.
struct proc_try {
    const char *name;
    int (*run)(const struct proc_try *try);
    const char *file; // below /proc/PID; TID in it stands for the number of a thread
    const char *data; // to write
};
extern const struct proc_try proc_tries[];
extern const size_t proc_try_count;

// Where a try finds /proc/PID, a handle on its `ctl` that a box around has opened, if any, and a
// program to give; and the number of a thread of that process in its box.
enum { PROC_DIRECTORY = 20, PROC_CTL_OF_ANOTHER, PROC_PROGRAM };
extern int proc_tid;

// Does a try. Returns 0, an errno, or -1: not tried.
int proc_try_run(size_t number);

// What is tried of files below a name of the box, and of a file that has a name itself.
struct file_try {
    const char *name;
    int (*run)(const char *path); // of an entry, or of the name; says 0 or an errno
    const char *entry;            // below the name that it is about
};
extern const struct file_try file_tries[], named_tries[];
extern const size_t file_try_count, named_try_count;

// Handles that a try finds: on a program, on a directory that has "file", and pidfds of a process of a box around.
enum {
    GIVEN_WITHOUT_READ = 30,
    GIVEN_WITHOUT_WRITE,
    GIVEN_WITHOUT_EXECUTE,
    GIVEN_DIRECTORY_WITHOUT_WRITE,
    GIVEN_PIDFD_WITHOUT_WRITE,
    GIVEN_PIDFD
};

// What is refused whatever the rights of a name, or by what rights a handle was opened or given with.
struct refused_try {
    const char *name;
    int (*run)(void);
};
extern const struct refused_try refused_tries[];
extern const size_t refused_try_count;

// 0 or an errno of a call that says -1; closes what it opened.
int error_of(int result);
int error_of_open(int fd);
// rename of both at once. Returns 0 or an errno.
int exchange(const char *one, const char *other);

