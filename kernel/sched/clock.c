// SPDX-License-Identifier: MIT
// clock.c - the monotonic clock and the time of day.
#include <stdatomic.h>

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/sched/timer.h"

static _Atomic nsec_t realtime_offset; // 0: not yet known

nsec_t clock_now(void)
{
    return arch_clock_ns();
}

nsec_t clock_realtime(void)
{
    nsec_t offset = atomic_load_explicit(&realtime_offset, memory_order_relaxed);

    if (unlikely(offset == 0)) {
        nsec_t none = 0;

        // Who comes second finds the first one's offset, so that all agree.
        offset = arch_rtc_ns();
        if (!atomic_compare_exchange_strong(&realtime_offset, &none, offset))
            offset = none;
    }
    return clock_now() + offset;
}

int clock_set_realtime(nsec_t now_ns)
{
    nsec_t now = clock_now();

    if (now_ns <= now || now_ns > INT64_MAX)
        return -EINVAL;
    atomic_store_explicit(&realtime_offset, now_ns - now, memory_order_relaxed);
    return 0;
}
