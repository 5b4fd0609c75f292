// SPDX-License-Identifier: MIT
// types.h - the scalar types that everything shares.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint64_t paddr_t; // a physical address
typedef uint64_t vaddr_t; // a virtual address, of user space or of the kernel
typedef uint64_t nsec_t;  // nanoseconds: a duration, or a moment since boot

#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_NEVER UINT64_MAX // as a deadline: none
