// SPDX-License-Identifier: MIT
// calls.h - the handlers of the system calls that served.def lists, and their dispatch.
#pragma once

#include "lib/base/types.h"

struct trapframe;

typedef int64_t sys_call_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

#define SERVED(name) sys_call_fn sys_##name;
#include "kernel/sys/served.def"
#undef SERVED

// The system call trap: calls the handler and leaves its result in the frame. A number past the
// table, or without a handler, is -ENOSYS.
void sys_dispatch(struct trapframe *frame);
