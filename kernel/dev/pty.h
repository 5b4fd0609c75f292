// SPDX-License-Identifier: MIT
// pty.h - pseudo terminals: a terminal whose device is another process.
#pragma once

// Adds /dev/ptmx and the directory /dev/pts.
void pty_init_devices(void);
