// SPDX-License-Identifier: MIT
// assert.h - checks of our own invariants. They stay on; nothing a user does may trip one.
#pragma once

#include "lib/base/compiler.h"

// Says which assertion failed and ends: the kernel panics, a host test aborts.
void NORETURN assert_failed(const char *condition, const char *file, int line);

#undef assert
#define assert(condition) \
    (likely(condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
