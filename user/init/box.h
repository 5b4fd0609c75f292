// SPDX-License-Identifier: MIT
// box.h - makes the box that the launcher's program runs in, through /proc/new.
#pragma once

#include "user/init/job.h"

struct box {
    int ctl;           // its creation handle
    int pid;           // its number in init's box
    int wait;          // /proc/PID/wait
    const char *stage; // what was being done: "box" or "program"
    char error[256];   // what failed, in words
    int number;        // its errno
};

// Makes a box with the skeleton of names that programs expect, fds 0, 1 and 2, and starts job's
// program in it.
// Returns: 0; -1 with error and number set, and then there is no box.
int box_start(struct box *box, const struct job *job, const int fds[3]);

// What `init --terminal PROGRAM ARGS` does in the box: makes fd 0 its controlling terminal and
// becomes PROGRAM. Returns only if that fails: the exit code.
int box_enter_terminal(char **arguments);
