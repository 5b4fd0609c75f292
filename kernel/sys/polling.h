// SPDX-License-Identifier: MIT
// polling.h - what poll, select and epoll calls share.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct poll_item;

// A deadline for a timeout; 0 stays 0: just ask.
nsec_t poll_deadline(nsec_t timeout);

// Sets the signal mask at from (0: none) for the duration of the call. Errors: -EINVAL, -EFAULT.
int poll_set_mask(vaddr_t from, size_t size) MUST_CHECK;

void poll_put_items(struct poll_item *items, unsigned count);

// Writes what is left of a timeout (as struct timeval or timespec) and settles whether an
// interrupted call is repeated.
int64_t poll_end(int64_t result, vaddr_t timeout_at, nsec_t deadline, bool timeval);
