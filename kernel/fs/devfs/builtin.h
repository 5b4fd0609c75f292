// SPDX-License-Identifier: MIT
// builtin.h - the devices that are nothing but software.
#pragma once

#include "lib/base/compiler.h"

// Adds null, zero, full, random, urandom and kmsg. Errors: as devfs_add.
int builtin_devices_add(void) MUST_CHECK;
