// SPDX-License-Identifier: MIT
// panic.c - the end of the kernel: says what happened, where, and what each CPU was at.

#include <stdarg.h>
#include <stdatomic.h>

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"
#include "lib/base/assert.h"
#include "lib/base/fmt.h"

#define BACKTRACE_MAX 24
#define NOBODY UINT32_MAX

// The CPU whose panic is under way.
static atomic_uint owner = NOBODY;

static void print_address(const char *prefix, uint64_t address)
{
    const char *name;
    uint64_t offset;

    if (symbol_find(address, &name, &offset))
        log_error("%s%#018lx %s+%#lx", prefix, address, name, offset);
    else
        log_error("%s%#018lx", prefix, address);
}

static void print_backtrace(const struct trapframe *frame)
{
    uint64_t addresses[BACKTRACE_MAX];
    unsigned count = arch_backtrace(arch_frame_pointer(frame), addresses, BACKTRACE_MAX);

    log_error("backtrace:");
    print_address("  ", arch_frame_ip(frame));
    for (unsigned i = 0; i < count; i++)
        print_address("  ", addresses[i]);
}

static void print_cpus(void)
{
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        const char *thread_name;
        uint64_t ip;
        char prefix[64];

        arch_cpu_describe(cpu, &thread_name, &ip);
        fmt_print(prefix, sizeof(prefix), "CPU %u ran %s%s", cpu, thread_name,
                  cpu == arch_cpu() ? " and panicked" : ip != 0 ? " at " : "");
        if (cpu != arch_cpu() && ip != 0)
            print_address(prefix, ip);
        else
            log_error("%s", prefix);
    }
}

// Makes this CPU the one that panics. A second panic on it, from the printing, ends at once; one on
// another CPU waits to be stopped.
static void claim(void)
{
    unsigned expected = NOBODY;

    arch_irq_disable();
    if (atomic_compare_exchange_strong(&owner, &expected, arch_cpu()))
        return;
    if (expected == arch_cpu())
        arch_fail();
    for (;;)
        arch_relax();
}

static void NORETURN finish(const struct trapframe *frame, const char *format, va_list arguments)
{
    char text[256];

    fmt_vprint(text, sizeof(text), format, arguments);
    claim();
    log_enter_panic();
    arch_cpus_stop();
    log_error("PANIC: %s", text);
    arch_frame_print(frame);
    print_backtrace(frame);
    print_cpus();
    arch_fail();
}

void panic(const char *format, ...)
{
    struct trapframe frame;
    va_list arguments;

    arch_frame_capture(&frame);
    va_start(arguments, format);
    finish(&frame, format, arguments);
}

void panic_frame(const struct trapframe *frame, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    finish(frame, format, arguments);
}

void assert_failed(const char *condition, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, condition);
}
