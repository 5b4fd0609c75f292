// SPDX-License-Identifier: MIT
// types.h - stands for the libc's <sys/types.h> where there is no libc: in the kernel.
#pragma once

typedef long ssize_t;
typedef long off_t;
typedef int pid_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int mode_t;
typedef unsigned long dev_t;
typedef unsigned long ino_t;
