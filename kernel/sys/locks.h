// SPDX-License-Identifier: MIT
// locks.h - the lock commands of fcntl.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct handle;

// F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ forms; argument: a user address of struct
// linux_flock.
// Errors: as fcntl(2).
int64_t lock_command(struct handle *handle, int fd, int command, uint64_t argument) MUST_CHECK;
