// SPDX-License-Identifier: MIT
// prepare.h - makes a box and sets it up as options say: all but starting it.
#pragma once

#include "user/box/options.h"
#include "user/libbox/box.h"

// terminal: the fd that -t gives as 0, 1 and 2; -1 without -t. What fails ends this program: 125,
// and for the program 126 or 127. Without a program in options or manifest the box has none.
// Where this program ends before box_close, the box is ended and waited for; so box lives as long.
// Returns what to call the program.
const char *prepare_box(struct box *box, const struct options *options, int terminal);

// The exit code for an error of exec.
int prepare_exit_code(int error);
