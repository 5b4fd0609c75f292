// SPDX-License-Identifier: MIT
// clock.c - the monotonic clock and the time of day.
#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/sched/timer.h"

nsec_t clock_now(void)
{
    return arch_clock_ns();
}

nsec_t clock_realtime(void)
{
    return clock_now() + arch_wall_offset();
}

int clock_set_realtime(nsec_t now_ns)
{
    nsec_t now = clock_now();

    if (now_ns <= now || now_ns > INT64_MAX)
        return -EINVAL;
    arch_set_wall_offset(now_ns - now);
    return 0;
}
