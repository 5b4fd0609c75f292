// SPDX-License-Identifier: MIT
// user.h - reading and writing what a call's pointers name.
#pragma once

#include "abi/errors.h"
#include "abi/time.h"
#include "kernel/arch/arch.h"
#include "kernel/proc/note.h"
#include "lib/base/types.h"

// An object at a user address, whole. Value: 0 or -EFAULT.
#define user_load(object, from) arch_copy_from_user((object), (from), sizeof(*(object)))
#define user_store(to, object) arch_copy_to_user((to), (object), sizeof(*(object)))

// Times as durations or moments. Errors: -EFAULT, -EINVAL (a negative part, or a fraction of a
// second or more). What does not fit into nsec_t becomes NSEC_NEVER.
int user_load_timespec(vaddr_t from, nsec_t *time) MUST_CHECK;
int user_load_timeval(vaddr_t from, nsec_t *time) MUST_CHECK;
int time_from_timespec(const struct linux_timespec *spec, nsec_t *time) MUST_CHECK;
int time_from_timeval(const struct linux_timeval *value, nsec_t *time) MUST_CHECK;
struct linux_timespec time_to_timespec(nsec_t time);
struct linux_timeval time_to_timeval(nsec_t time);
int user_store_timespec(vaddr_t to, nsec_t time) MUST_CHECK;

// A moment of clock_now() that is timeout later; NSEC_NEVER where that cannot be told.
nsec_t deadline_after(nsec_t timeout);

// A signal mask of size bytes. Errors: -EINVAL unless size is 8, -EFAULT.
int user_load_sigset(vaddr_t from, size_t size, uint64_t *set) MUST_CHECK;

// A struct that grew over time, as openat2 and clone3 take it: known bytes are read, missing ones
// are zero.
// Errors: -EINVAL size below least, -E2BIG past known and not all zero there (or past a page),
// -EFAULT.
int user_load_versioned(void *to, size_t known, size_t least, vaddr_t from, size_t size) MUST_CHECK;

// A call that a signal interrupted is repeated where the handler allows it.
static inline int64_t restartable(int64_t result)
{
    return result == -EINTR ? -ERESTARTSYS : result;
}
