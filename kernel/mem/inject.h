// SPDX-License-Identifier: MIT
// inject.h - fault injection: the nth allocation of a process fails. Test builds only.
#pragma once

#include <stdbool.h>

#ifdef BOXWORK_DEBUG
// Whether this allocation is the one that is to fail.
bool alloc_should_fail(void);
#else
static inline bool alloc_should_fail(void)
{
    return false;
}
#endif
