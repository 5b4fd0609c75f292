// SPDX-License-Identifier: MIT
// manifest.h - a box written down: a file of ctl commands.
#pragma once

#include "user/libbox/box.h"

// Reads the file and checks every command of it, by lib/ctl; then gives them to the box, one after
// the other, up to `start`, which is left to the caller. What is wrong, in the file or with a
// command, ends this program, naming file and line: 125; of `exec` and `execfd`: 126, 127.
// Returns whether it had a program.
bool manifest_apply(struct box *box, const char *path);
