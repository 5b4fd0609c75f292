// SPDX-License-Identifier: MIT
// control.h - the control port: lines of text between the launcher and init; docs/launcher.md lists
// them.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct control {
    bool started;    // the program runs
    bool ended;      // init has said all; its last line has come
    bool refused;    // the box could not be made, or its program not started
    bool in_program; // it was the program
    int number;      // errno of that
    char text[256];  // in words
    char line[512];
    size_t length;
};

// Takes what came from init, in whatever pieces.
void control_hear(struct control *control, const char *text, size_t size);
