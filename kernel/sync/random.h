// SPDX-License-Identifier: MIT
// random.h - random bytes: for user space, keys, addresses.
#pragma once

#include "lib/base/types.h"

// Fills to with bytes that nobody can tell from the others. Never fails, never waits. Context: any,
// outside LOG and UART locks.
void random_bytes(void *to, size_t size);

// Mixes something unpredictable in (a device's randomness). It cannot make the generator worse.
// Context: any.
void random_add(const void *from, size_t size);
