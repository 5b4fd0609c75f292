// SPDX-License-Identifier: MIT
// decode.h - how a system call is written: CALLn gives its six registers their types.
//
//     CALL2(dup2, int, old, int, new)
//     {
//         ...
//     }
//
// defines sys_dup2, which dispatch.c finds through served.def. Results are 0 or more, or a negative
// errno; -ERESTART* of kernel/proc/note.h are left for the way back to user mode.
#pragma once

#include "kernel/sys/calls.h"
#include "lib/base/compiler.h"

#define CALL_REGISTERS                                                                \
    uint64_t a0 UNUSED, uint64_t a1 UNUSED, uint64_t a2 UNUSED, uint64_t a3 UNUSED,   \
        uint64_t a4 UNUSED, uint64_t a5 UNUSED

#define CALL_DEFINE(name, parameters, arguments)   \
    static int64_t call_##name parameters;         \
    int64_t sys_##name(CALL_REGISTERS)             \
    {                                              \
        return call_##name arguments;              \
    }                                              \
    static int64_t call_##name parameters

#define CALL0(name) CALL_DEFINE(name, (void), ())
#define CALL1(name, t0, p0) CALL_DEFINE(name, (t0 p0), ((t0)a0))
#define CALL2(name, t0, p0, t1, p1) CALL_DEFINE(name, (t0 p0, t1 p1), ((t0)a0, (t1)a1))
#define CALL3(name, t0, p0, t1, p1, t2, p2) \
    CALL_DEFINE(name, (t0 p0, t1 p1, t2 p2), ((t0)a0, (t1)a1, (t2)a2))
#define CALL4(name, t0, p0, t1, p1, t2, p2, t3, p3) \
    CALL_DEFINE(name, (t0 p0, t1 p1, t2 p2, t3 p3), ((t0)a0, (t1)a1, (t2)a2, (t3)a3))
#define CALL5(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4)          \
    CALL_DEFINE(name, (t0 p0, t1 p1, t2 p2, t3 p3, t4 p4),           \
                ((t0)a0, (t1)a1, (t2)a2, (t3)a3, (t4)a4))
#define CALL6(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5)  \
    CALL_DEFINE(name, (t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5),    \
                ((t0)a0, (t1)a1, (t2)a2, (t3)a3, (t4)a4, (t5)a5))
