// SPDX-License-Identifier: MIT
// poll.h - waiting for one of several handles: the core of poll, ppoll, select and pselect.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct handle;

struct poll_item {
    struct handle
        *handle;      // the caller's reference; NULL: not asked, revents stays what the caller set
    unsigned events;  // POLL* bits wanted; POLLERR and POLLHUP are always told
    unsigned revents; // those that hold
};

// Waits until one of the items has events, or the deadline (of clock_now(); 0: just asks).
// Returns: how many items have revents. Errors: -EINTR, -ENOMEM. Context: thread.
int poll_items(struct poll_item *items, unsigned count, nsec_t deadline_ns) MUST_CHECK;
