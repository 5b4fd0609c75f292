// SPDX-License-Identifier: MIT
// kernel_log.h - the kernel's log as it comes over the serial line: kept in a file if wanted, and
// searched for a panic.
#pragma once

#include <stddef.h>

// Opens the file that --log names; NULL: none. Ends the launcher if it cannot.
void kernel_log_open(const char *path);
// Takes the next piece. Returns: 0, or why the file could not be written.
int kernel_log_add(const char *text, size_t size);
// What the kernel said when it panicked; NULL: it did not.
const char *kernel_log_panic(void);
