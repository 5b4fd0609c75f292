// SPDX-License-Identifier: MIT
// terminal.h - our terminal while a program in the VM uses it: every key goes there as it is, and
// its size is told.
#pragma once

#include <stdbool.h>

// Takes the terminal that standard input is, if it is one: no echo, no lines, no signals by keys.
// It is given back when the launcher ends, however it ends short of SIGKILL.
void terminal_take(void);
// Gives it back now, for a line of our own. Nothing if it is not taken.
void terminal_give_back(void);
// The size of the terminal. Returns: false if there is none.
bool terminal_size(unsigned *rows, unsigned *columns);
