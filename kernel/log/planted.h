// SPDX-License-Identifier: MIT
// planted.h - faults planted on purpose, so that tests can show that they would be found.
//
// Test builds boot with fault=NAME on the command line; then planted("NAME") holds, and the code at hand misbehaves in the
// one way that its name says. docs/testing.md lists them. In other builds it is constant false.
#pragma once

#include <stdbool.h>

#ifdef BOXWORK_DEBUG
bool planted(const char *name);
#else
static inline bool planted(const char *name)
{
    (void)name;
    return false;
}
#endif
