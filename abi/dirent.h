// SPDX-License-Identifier: MIT
// dirent.h - entries of a directory as getdents64 and getdents write them.
#pragma once

#include <stdint.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12

// Followed by the name and its NUL; padded to 8 bytes. The name begins at LINUX_DIRENT64_NAME,
// inside the struct's tail padding.
struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;     // position of the next entry
    uint16_t d_reclen;
    uint8_t d_type;
};
#define LINUX_DIRENT64_NAME 19

// getdents: the type stands in the last byte of the record.
struct linux_dirent {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
};
#define LINUX_DIRENT_NAME 18
