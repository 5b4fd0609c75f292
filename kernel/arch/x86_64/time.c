// SPDX-License-Identifier: MIT
// time.c - each CPU's one-shot timer (local APIC), and the calibration of timer and clock.
//
// Both are calibrated at boot against a counter of known frequency. A timer that the APIC's 32 bits
// cannot hold, or that comes early because two clocks never agree wholly, is set again by the
// interrupt, so the handler runs at or after its deadline, never before.

#include "kernel/arch/x86_64/time.h"

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"
#include "kernel/sched/thread.h"

#define CALIBRATION_NS (4 * NSEC_PER_MSEC)
#define CALIBRATION_PART 256 // of it the readings may take
#define CALIBRATION_TRIES 32
#define TIMER_COUNT_MAX UINT32_C(0x7fffffff)
#define TIMER_WAIT_MAX (3600 * NSEC_PER_SEC)

#define EARLY_MOST 4 // timers in a row; past it the clock may stand still

static uint64_t timer_frequency; // set once

static DEFINE_PERCPU(nsec_t, timer_deadline);
static DEFINE_PERCPU(unsigned, timers_early); // since the last one in time

uint64_t moment_read(const struct reference *reference, struct moment *moment)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < 6; i++) {
        uint64_t before = arch_cycles();
        uint64_t ticks = reference->read();
        uint64_t timer = lapic_timer_left();
        uint64_t gap = arch_cycles() - before;

        if (gap < least) {
            least = gap;
            *moment = (struct moment){ before + gap / 2, ticks, timer };
        }
    }
    return least;
}

// Counts cycles and ticks of the APIC timer for CALIBRATION_NS. Returns: the cycles a second; *exact:
// no reading took so long that it may be wrong by more than its share, and none came so late after
// the one before that a narrow reference may have gone round meanwhile: that would be nearly all of
// the cycles.
static uint64_t count(const struct reference *reference, bool *exact)
{
    struct moment start, end;
    uint64_t ticks, gaps, cycles, last, pause_max = 0;
    uint64_t wait = scale_by(CALIBRATION_NS, reference->frequency, NSEC_PER_SEC);

    lapic_timer_start(UINT32_MAX);
    gaps = moment_read(reference, &start);
    last = start.cycles;
    do {
        arch_relax();
        ticks = (reference->read() - start.ticks) & reference->mask;
        cycles = arch_cycles();
        pause_max = MAX(pause_max, cycles - last);
        last = cycles;
    } while (ticks < wait);
    gaps += moment_read(reference, &end);
    lapic_timer_start(0);
    ticks = (end.ticks - start.ticks) & reference->mask;
    cycles = end.cycles - start.cycles;
    pause_max = MAX(pause_max, end.cycles - last);
    timer_frequency = scale_by(start.timer - end.timer, reference->frequency, ticks);
    *exact = gaps <= cycles / CALIBRATION_PART && pause_max <= cycles / 2;
    return scale_by(cycles, reference->frequency, ticks);
}

// A machine that is busy may give no good count; then the last one must do.
static uint64_t calibrate(const struct reference *reference)
{
    uint64_t frequency = 0;
    bool exact = false;

    for (unsigned tries = 0; tries < CALIBRATION_TRIES && !exact; tries++)
        frequency = count(reference, &exact);
    return frequency;
}

// With user_since 0 the thread is in the kernel, and user_cycles is all.
nsec_t arch_thread_user_ns(const struct thread *thread)
{
    uint64_t since = __atomic_load_n(&thread->arch.user_since, __ATOMIC_RELAXED);
    uint64_t cycles = __atomic_load_n(&thread->arch.user_cycles, __ATOMIC_RELAXED);

    if (since != 0)
        cycles += arch_cycles() - since;
    return clock_cycles_to_ns(cycles);
}

void arch_timer_set(nsec_t deadline)
{
    uint64_t state = arch_irq_save();
    nsec_t now = arch_clock_ns();
    nsec_t wait = deadline > now ? MIN(deadline - now, clock_wait_max()) : 0;

    this_cpu(timer_deadline) = deadline;
    if (wait >= TIMER_WAIT_MAX && deadline == NSEC_NEVER) {
        lapic_timer_start(0);
    } else {
        uint64_t count = scale_by(MIN(wait, TIMER_WAIT_MAX), timer_frequency, NSEC_PER_SEC) + 1;

        lapic_timer_start((uint32_t)MIN(count, TIMER_COUNT_MAX));
    }
    arch_irq_restore(state);
}

static void timer_interrupt(void *argument)
{
    nsec_t deadline = this_cpu(timer_deadline);
    nsec_t now = arch_clock_ns();

    (void)argument;
    if (now < deadline) {
        if (++this_cpu(timers_early) % EARLY_MOST == 0)
            clock_check();
        arch_timer_set(deadline);
        return;
    }
    this_cpu(timers_early) = 0;
    this_cpu(timer_deadline) = NSEC_NEVER;
    clock_check_if_due(now);
    if (clock_wait_max() != NSEC_NEVER)
        arch_timer_set(NSEC_NEVER); // until the handler sets it, if it does
    trap_handlers.timer();
}

void time_init(void)
{
    const struct reference *reference = reference_find();
    uint64_t frequency;

    if (reference == NULL)
        panic("no HPET, ACPI timer or PIT to calibrate the clock by");
    frequency = calibrate(reference);
    if (frequency == 0 || timer_frequency == 0)
        panic("the clock does not run: %lu Hz, timer %lu Hz", frequency, timer_frequency);
    clock_init(reference, frequency);
    trap_set_interrupt(VECTOR_TIMER, timer_interrupt, NULL);
    rtc_init();
    log_info("clock: counter %lu.%03lu MHz, timer %lu.%03lu MHz, by %s", frequency / 1000000,
             frequency / 1000 % 1000, timer_frequency / 1000000, timer_frequency / 1000 % 1000,
             reference->name);
}
