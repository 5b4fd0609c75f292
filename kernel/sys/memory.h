// SPDX-License-Identifier: MIT
// memory.h - what the memory calls share.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct space;

// The calling process's space: only its own exec replaces it.
struct space *sys_space(void);

// A range whose start must be page-aligned. Errors: -EINVAL, -ENOMEM past user space or wrapping.
int sys_check_range(vaddr_t start, size_t size) MUST_CHECK;

// A regular file of memory without a name, size bytes of zeros, open for reading and writing.
// Errors: -ENOMEM, -EFBIG.
int memory_file_create(const char *name, size_t size, struct account *account,
                       struct handle **handle) MUST_CHECK;
