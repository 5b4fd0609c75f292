// SPDX-License-Identifier: MIT
// eventfd.h - a counter as a file: write adds, read takes.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;

// flags: EFD_SEMAPHORE, EFD_NONBLOCK (others belong to the fd). Errors: -EINVAL unknown flags,
// -ENOMEM.
int eventfd_create(unsigned initial, unsigned flags, struct account *account,
                   struct handle **handle) MUST_CHECK;
