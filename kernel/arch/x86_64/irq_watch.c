// SPDX-License-Identifier: MIT
// irq_watch.c - in test builds: how long each CPU has its interrupts off.
//
// Timed from where they go off (arch_irq_save and _disable, the entry of a trap or interrupt) to where
// they go on again. Past the limit that is a fault of ours, but by the clock of a machine whose host
// may stop it at any moment it is only reported, each time that a CPU was slower than ever before.
// Where time is exact (the launcher's --exact says so on the command line) and there is one CPU,
// whose turn none can take, it is a panic.
#include "kernel/arch/x86_64/irq_watch.h"

#ifdef BOXWORK_DEBUG

#include "kernel/arch/x86_64/time.h"
#include "kernel/log/log.h"
#include "lib/base/fmt.h"

#define LIMIT_NS (100 * NSEC_PER_MSEC)
#define CALLERS 6
#define CALLERS_OWN 1 // complain itself

// On this CPU, interrupts off: the counter when they went off (0: not known), and the longest time
// reported.
static DEFINE_PERCPU(uint64_t, irq_off_since);
static DEFINE_PERCPU(nsec_t, irq_off_longest);
static bool time_is_exact; // set once

void irq_watch_init(void)
{
    time_is_exact = boot_option("exact", NULL, 0) && arch_cpu_count() == 1;
}

void irq_watch_off(void)
{
    this_cpu(irq_off_since) = arch_cycles();
}

static NOINLINE void complain(nsec_t off_ns)
{
    uint64_t callers[CALLERS];
    unsigned count = arch_backtrace(0, callers, CALLERS);
    size_t length = 0;
    char text[160];

    if (time_is_exact)
        panic("interrupts were off for %lu us", off_ns / NSEC_PER_USEC);
    if (off_ns <= this_cpu(irq_off_longest))
        return;
    this_cpu(irq_off_longest) = off_ns;
    text[0] = '\0';
    for (unsigned i = CALLERS_OWN; i < count; i++) {
        const char *name;
        uint64_t offset;

        if (symbol_find(callers[i], &name, &offset))
            length += (size_t)fmt_print(text + length, sizeof(text) - length, " %s", name);
        length = MIN(length, sizeof(text) - 1);
    }
    log_warning("CPU %u: interrupts were off for %lu us, until%s", arch_cpu(),
                off_ns / NSEC_PER_USEC, text);
}

void irq_watch_on(void)
{
    uint64_t since = this_cpu(irq_off_since);
    nsec_t off_ns;

    if (since == 0 || arch_irq_enabled())
        return;
    this_cpu(irq_off_since) = 0;
    off_ns = clock_cycles_to_ns(arch_cycles() - since);
    if (off_ns > LIMIT_NS)
        complain(off_ns);
}

#endif
