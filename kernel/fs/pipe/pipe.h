// SPDX-License-Identifier: MIT
// pipe.h - pipes and FIFOs: bytes from those who write to those who read.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct node;
struct pipe;

// Makes a pipe with its two ends. flags: O_NONBLOCK, O_CLOEXEC (left to the fd table), O_DIRECT
// (-EINVAL: packets are not built). Errors: -ENOMEM, -EINVAL.
int pipe_create(unsigned flags, struct account *account, struct handle **read_end,
                struct handle **write_end) MUST_CHECK;

// Opens a FIFO: ops->open of its node. slot: where the node keeps its pipe while anybody has it
// open, under node->lock. Waits for the other end unless O_NONBLOCK or O_RDWR. Errors: -ENOMEM,
// -EINTR, -ENXIO (O_WRONLY|O_NONBLOCK, no reader).
int fifo_open(struct node *node, struct handle *handle, struct pipe **slot) MUST_CHECK;

// F_GETPIPE_SZ. Errors: -EBADF no pipe.
int64_t pipe_size(struct handle *handle) MUST_CHECK;
// F_SETPIPE_SZ: rounded up to a power of two of pages. Returns the new size. Errors: -EBADF no
// pipe, -EBUSY holds more bytes, -EPERM over 1 MiB, -EINVAL, -ENOMEM.
int64_t pipe_set_size(struct handle *handle, size_t size) MUST_CHECK;
