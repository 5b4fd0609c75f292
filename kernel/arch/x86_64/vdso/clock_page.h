// SPDX-License-Identifier: MIT
// clock_page.h - the page of data that each program finds below its vDSO, and the clock read by it.
//
// The kernel reads its own clock from the same page by the same function, so the two agree on every
// CPU. Two words change after start-up, each wholly by one store, so a reader needs no sequence:
// wall_offset_ns, and counter_bad, which goes from 0 to 1 and stays there.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/time.h"

// Fields: I set once, at start-up · a atomic
struct clock_page {
    uint64_t base_cycles;    // I  the counter at 0 ns
    uint32_t mult, shift;    // I  ns = (cycles * mult) >> shift
    uint64_t wall_offset_ns; // a  the wall clock minus the clock
    uint32_t counter_bad;    // a  the counter is no clock: programs call the kernel
};

// The counter, read neither before an earlier load nor after a later one: a time that another CPU
// was told of before is not seen again (Intel SDM 2B, RDTSC; LFENCE).
static inline uint64_t clock_counter(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline bool clock_counter_bad(const struct clock_page *page)
{
    return __builtin_expect(__atomic_load_n(&page->counter_bad, __ATOMIC_RELAXED) != 0, 0);
}

// Nanoseconds since start-up. Returns: false where the counter is no clock. It is asked again after
// the reading: who has made it bad has waited before going on from the time it then had.
static inline bool clock_page_read(const struct clock_page *page, uint64_t *now_ns)
{
    uint64_t cycles;

    if (clock_counter_bad(page))
        return false;
    cycles = clock_counter() - page->base_cycles;
    *now_ns = (uint64_t)((unsigned __int128)cycles * page->mult >> page->shift);
    return !clock_counter_bad(page);
}

static inline uint64_t clock_page_wall_offset(const struct clock_page *page)
{
    return __atomic_load_n(&page->wall_offset_ns, __ATOMIC_RELAXED);
}
