// SPDX-License-Identifier: MIT
// time.c - the clock (time-stamp counter), each CPU's one-shot timer (local APIC), and the check
// clock.
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
#include "kernel/sync/spinlock.h"

#define CALIBRATION_NS (4 * NSEC_PER_MSEC)
#define TIMER_COUNT_MAX UINT32_C(0x7fffffff)
#define TIMER_WAIT_MAX (3600 * NSEC_PER_SEC)

// All set once.
static struct arch_clock_scale scale;
static uint64_t timer_frequency;
static const struct reference *reference;

// The check clock: what the narrow counter had at the last reading, and the ticks until then.
static struct spinlock check_lock = SPINLOCK_INIT(RANK_ARCH);
static uint64_t check_last, check_total;

static DEFINE_PERCPU(nsec_t, timer_deadline);

// One moment on three counters.
struct moment {
    uint64_t cycles, reference, timer;
};

// Reads the reference between two readings of the counter, a few times, and keeps the closest pair:
// a virtual machine may be stopped between any two instructions.
static struct moment read_moment(void)
{
    struct moment best = { 0 };
    uint64_t best_gap = UINT64_MAX;

    for (unsigned i = 0; i < 6; i++) {
        uint64_t before = arch_cycles();
        uint64_t ticks = reference->read();
        uint64_t timer = lapic_timer_left();
        uint64_t gap = arch_cycles() - before;

        if (gap < best_gap) {
            best_gap = gap;
            best = (struct moment){ before + gap / 2, ticks, timer };
        }
    }
    return best;
}

// amount * to / from, where the product may need more than 64 bits; the quotient must not.
static uint64_t scale_by(uint64_t amount, uint64_t to, uint64_t from)
{
    uint64_t low, high;

    __asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(amount), "r"(to) : "cc");
    __asm__("divq %2" : "+a"(low), "+d"(high) : "r"(from) : "cc");
    return low;
}

static uint64_t calibrate(void)
{
    struct moment start, end;
    uint64_t ticks, wait = scale_by(CALIBRATION_NS, reference->frequency, NSEC_PER_SEC);

    lapic_timer_start(UINT32_MAX);
    start = read_moment();
    do {
        arch_relax();
        ticks = (reference->read() - start.reference) & reference->mask;
    } while (ticks < wait);
    end = read_moment();
    lapic_timer_start(0);
    ticks = (end.reference - start.reference) & reference->mask;
    timer_frequency = scale_by(start.timer - end.timer, reference->frequency, ticks);
    return scale_by(end.cycles - start.cycles, reference->frequency, ticks);
}

// The largest shift with which the factor still fits in 32 bits.
static void set_scale(uint64_t frequency)
{
    scale.shift = 32;
    while (scale_by(NSEC_PER_SEC, UINT64_C(1) << scale.shift, frequency) > UINT32_MAX)
        scale.shift--;
    scale.mult = (uint32_t)scale_by(NSEC_PER_SEC, UINT64_C(1) << scale.shift, frequency);
    scale.base_cycles = boot_info.entry_tsc;
    scale.base_ns = 0;
}

static nsec_t cycles_to_ns(uint64_t cycles)
{
    return (nsec_t)((unsigned __int128)cycles * scale.mult >> scale.shift);
}

nsec_t arch_clock_ns(void)
{
    return cycles_to_ns(arch_cycles() - scale.base_cycles);
}

void arch_clock_scale(struct arch_clock_scale *to)
{
    *to = scale;
}

nsec_t arch_clock_check_ns(void)
{
    uint64_t state, now, total;

    if (reference == NULL || !reference_is_wide(reference))
        return 0;
    state = spin_lock_irq_save(&check_lock);
    now = reference->read();
    check_total += (now - check_last) & reference->mask;
    check_last = now;
    total = check_total;
    spin_unlock_irq_restore(&check_lock, state);
    return scale_by(total, NSEC_PER_SEC, reference->frequency);
}

// With user_since 0 the thread is in the kernel, and user_cycles is all.
nsec_t arch_thread_user_ns(const struct thread *thread)
{
    uint64_t since = __atomic_load_n(&thread->arch.user_since, __ATOMIC_RELAXED);
    uint64_t cycles = __atomic_load_n(&thread->arch.user_cycles, __ATOMIC_RELAXED);

    if (since != 0)
        cycles += arch_cycles() - since;
    return cycles_to_ns(cycles);
}

void arch_timer_set(nsec_t deadline)
{
    uint64_t state = arch_irq_save();
    nsec_t now = arch_clock_ns();
    uint64_t count, wait;

    this_cpu(timer_deadline) = deadline;
    if (deadline == NSEC_NEVER) {
        lapic_timer_start(0);
    } else {
        wait = deadline > now ? MIN(deadline - now, TIMER_WAIT_MAX) : 0;
        count = scale_by(wait, timer_frequency, NSEC_PER_SEC) + 1;
        lapic_timer_start((uint32_t)MIN(count, TIMER_COUNT_MAX));
    }
    arch_irq_restore(state);
}

static void timer_interrupt(void *argument)
{
    nsec_t deadline = this_cpu(timer_deadline);

    (void)argument;
    if (arch_clock_ns() < deadline) {
        arch_timer_set(deadline);
        return;
    }
    this_cpu(timer_deadline) = NSEC_NEVER;
    trap_handlers.timer();
}

void time_init(void)
{
    uint64_t frequency;

    reference = reference_find();
    if (reference == NULL)
        panic("no HPET, ACPI timer or PIT to calibrate the clock by");
    frequency = calibrate();
    if (frequency == 0 || timer_frequency == 0)
        panic("the clock does not run: %lu Hz, timer %lu Hz", frequency, timer_frequency);
    set_scale(frequency);
    check_last = reference->read();
    check_total = scale_by(arch_clock_ns(), reference->frequency, NSEC_PER_SEC);
    trap_set_interrupt(VECTOR_TIMER, timer_interrupt, NULL);
    rtc_init();
    log_info("clock: counter %lu.%03lu MHz, timer %lu.%03lu MHz, by %s", frequency / 1000000,
             frequency / 1000 % 1000, timer_frequency / 1000000, timer_frequency / 1000 % 1000,
             reference->name);
}
