// SPDX-License-Identifier: MIT
// vdso.c - calls that a program makes without entering the kernel: what time it is, which CPU this
// is.
//
// An ELF shared object of its own, found through AT_SYSINFO_EHDR; names and version are Linux's
// (vdso(7)). It has one page, mapped into every program, and reads the page below it. What it cannot
// answer it asks the kernel; a bad pointer faults in the program. It keeps to the general registers
// and has no data of its own.

#include <stddef.h>

#include "abi/syscall.h"
#include "abi/time.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/vdso/clock_page.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_USEC UINT64_C(1000)

extern const struct clock_page vdso_clock_page __attribute__((visibility("hidden"))); // vdso.ld

int __vdso_clock_gettime(int clock, struct linux_timespec *to);
int __vdso_clock_getres(int clock, struct linux_timespec *to);
int __vdso_gettimeofday(struct linux_timeval *to, struct linux_timezone *zone);
int64_t __vdso_time(int64_t *to);
int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused);

static int64_t call(int64_t number, int64_t first, void *second)
{
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second)
                     : "rcx", "r11", "memory");
    return result;
}

static bool in(unsigned clocks, int clock)
{
    return (unsigned)clock < 32 && clocks >> clock & 1;
}

static bool wall_now(uint64_t *now_ns)
{
    if (!clock_page_read(&vdso_clock_page, now_ns))
        return false;
    *now_ns += clock_page_wall_offset(&vdso_clock_page);
    return true;
}

static bool now(int clock, uint64_t *now_ns)
{
    if (in(CLOCKS_MONOTONIC, clock))
        return clock_page_read(&vdso_clock_page, now_ns);
    return in(CLOCKS_WALL, clock) && wall_now(now_ns);
}

int __vdso_clock_gettime(int clock, struct linux_timespec *to)
{
    uint64_t now_ns;

    if (!now(clock, &now_ns))
        return (int)call(SYS_clock_gettime, clock, to);
    to->tv_sec = (int64_t)(now_ns / NSEC_PER_SEC);
    to->tv_nsec = (int64_t)(now_ns % NSEC_PER_SEC);
    return 0;
}

int __vdso_clock_getres(int clock, struct linux_timespec *to)
{
    if (!in(CLOCKS_MONOTONIC | CLOCKS_WALL, clock))
        return (int)call(SYS_clock_getres, clock, to);
    if (to != NULL)
        *to = (struct linux_timespec){ .tv_nsec = CLOCK_RESOLUTION_NS };
    return 0;
}

int __vdso_gettimeofday(struct linux_timeval *to, struct linux_timezone *zone)
{
    uint64_t now_ns;

    if (!wall_now(&now_ns))
        return (int)call(SYS_gettimeofday, (int64_t)to, zone);
    if (to != NULL) {
        to->tv_sec = (int64_t)(now_ns / NSEC_PER_SEC);
        to->tv_usec = (int64_t)(now_ns % NSEC_PER_SEC / NSEC_PER_USEC);
    }
    if (zone != NULL)
        *zone = (struct linux_timezone){ 0, 0 };
    return 0;
}

int64_t __vdso_time(int64_t *to)
{
    uint64_t now_ns;
    int64_t seconds;

    if (!wall_now(&now_ns))
        return call(SYS_time, (int64_t)to, NULL);
    seconds = (int64_t)(now_ns / NSEC_PER_SEC);
    if (to != NULL)
        *to = seconds;
    return seconds;
}

// The number stands in the limit of a segment that each CPU has for this alone.
int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused)
{
    uint32_t number;

    (void)unused;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(CPU_NUMBER_SELECTOR) : "cc");
    if (cpu != NULL)
        *cpu = number;
    if (node != NULL)
        *node = 0;
    return 0;
}
