// SPDX-License-Identifier: MIT
// epoll.h - poll sets that stay: which handles a program watches, and which of them have events.
#pragma once

#include "abi/epoll.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;

// Start-up: once, after vfs_init.
void epoll_init(void);

// Makes an empty set. Errors: -ENOMEM.
int epoll_create(struct account *account, struct handle **handle) MUST_CHECK;

// operation: EPOLL_CTL_*; fd and target name what is watched; event: NULL for EPOLL_CTL_DEL. A
// handle that is closed leaves all sets. Errors: -EINVAL set is no epoll set, or target is set
// itself; -EEXIST, -ENOENT; -EPERM target has no events to wait for; -ELOOP sets within sets too
// deep or in a circle; -ENOMEM.
int epoll_control(struct handle *set, int operation, int fd, struct handle *target,
                  const struct linux_epoll_event *event) MUST_CHECK;

// Waits until there are events, or the deadline (of clock_now(); 0: just asks), and stores up to
// most of them.
// Returns: how many. Errors: -EINVAL set is no epoll set, or most < 1; -EINTR. Context: thread.
int epoll_wait(struct handle *set, struct linux_epoll_event *events, int most,
               nsec_t deadline_ns) MUST_CHECK;
