// SPDX-License-Identifier: MIT
// fd.h - fd arguments and results of calls.
#pragma once

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/resource.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"

// The calling process's table, for what process.h has no call for: only its own exec replaces it, so
// no lock is needed.
static inline struct fdtab *fd_table(void)
{
    return process_current()->fds;
}

// The handle of an fd, counted. Errors: -EBADF.
static inline int fd_get(int fd, struct handle **handle)
{
    return process_read_fd(process_current(), fd, handle);
}

// As fd_get, refusing handles that only name a place (O_PATH). On error *handle is NULL.
int fd_get_file(int fd, struct handle **handle) MUST_CHECK;

// As fd_get_file, for a pidfd: its process, counted.
// Errors: -EBADF (also where the handle lacks any of rights), -ESRCH (it has ended).
int fd_get_process(int fd, unsigned rights, struct process **process) MUST_CHECK;

// The limit on fd numbers of the calling process.
static inline uint64_t fd_limit(void)
{
    return process_current()->rlimits[RLIMIT_NOFILE][0];
}

// Gives handle the lowest free fd. Takes over the caller's reference in any case.
// Returns: the fd, -EMFILE, -ENOMEM.
int fd_install(struct handle *handle, bool cloexec) MUST_CHECK;
