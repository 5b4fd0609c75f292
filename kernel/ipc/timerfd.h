// SPDX-License-Identifier: MIT
// timerfd.h - a timer as a file: read tells how often it has expired.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct linux_itimerspec;

// clock: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME or their alarm forms. flags: TFD_NONBLOCK
// (others belong to the fd). Errors: -EINVAL, -ENOMEM.
int timerfd_create(int clock, unsigned flags, struct account *account,
                   struct handle **handle) MUST_CHECK;

// Arms (it_value 0: disarms). flags: TFD_TIMER_*. old (may be NULL): as timerfd_get before. Errors:
// -EINVAL no timerfd, bad time or flags.
int timerfd_set(struct handle *handle, unsigned flags, const struct linux_itimerspec *setting,
                struct linux_itimerspec *old) MUST_CHECK;
// The time left and the interval. Errors: -EINVAL no timerfd.
int timerfd_get(struct handle *handle, struct linux_itimerspec *setting) MUST_CHECK;
