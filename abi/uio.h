// SPDX-License-Identifier: MIT
// uio.h - scattered buffers.
#pragma once

#include <stdint.h>

#define IOV_MAX 1024
// No read or write moves more in one call.
#define MAX_RW_COUNT 0x7ffff000

#define RWF_HIPRI 1
#define RWF_DSYNC 2
#define RWF_SYNC 4
#define RWF_NOWAIT 8
#define RWF_APPEND 16

struct linux_iovec {
    uint64_t iov_base;
    uint64_t iov_len;
};
