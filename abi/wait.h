// SPDX-License-Identifier: MIT
// wait.h - waiting for children, and the status words of it.
#pragma once

#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE 0x80000000U

#define P_ALL 0
#define P_PID 1
#define P_PGID 2
#define P_PIDFD 3

// Status words as wait4 writes them.
#define WAIT_STATUS_EXITED(code) (((code) & 0xff) << 8)
#define WAIT_STATUS_SIGNALED(signal) ((signal) & 0x7f)
#define WAIT_STATUS_STOPPED(signal) (((signal) << 8) | 0x7f)
#define WAIT_STATUS_CONTINUED 0xffff
