// SPDX-License-Identifier: MIT
// init.h - what the start of the kernel is made of, beyond the subsystems' own init functions.
#pragma once

// Makes the trees of the outermost box (root, from the boot archive; proc; dev) and gives them
// their names. In a thread: may sleep.
void init_names(void);
