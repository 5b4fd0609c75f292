// SPDX-License-Identifier: MIT
// terminal.h - the pseudo terminal of `box run -t`, and the bytes between it and ours.
#pragma once

// Makes a pseudo terminal with the size of ours, and sets ours (if standard input is one) to pass
// every byte, until this program ends. Returns the master and, in *slave, the box's side; what
// fails ends this program.
int terminal_open(int *slave);

// Copies what has come on either side. Call it when poll says so. Returns whether the master still
// gives bytes.
void terminal_send(int master);
int terminal_show(int master);

// Tells the pseudo terminal the size of ours.
void terminal_resize(int master);

// Gives our own terminal back as it was.
void terminal_restore(void);

// What `box --terminal PROGRAM ARGS` does in the box: makes fd 0 its controlling terminal and
// becomes PROGRAM. Returns only if that fails: the exit code.
int terminal_enter(char **program);
