// SPDX-License-Identifier: MIT
// clock.c - the clock: the time-stamp counter, held against a second one, which takes its place if
// the two do not agree.
//
// States: the counter is the clock -> it is found bad -> the reference (HPET, ACPI timer, PIT) is.
// What finds it: a reading of both at a timer interrupt, which comes for a reason of its own, about
// every CHECK_INTERVAL_NS at most (an idle machine makes none); one at timers that come again and
// again while the clock says it is too early (it stands still); and each CPU's counter as it
// starts, which must lie between two readings of the boot CPU's. What is less apart than that is
// not seen. The clock goes on from where it was: it never runs backwards.
// A narrow reference wraps: then an interval can be judged only while what it may be wrong by is
// less than half its range, and, once it is the clock, a CPU must look at it in time.

#include <stdatomic.h>

#include "kernel/arch/x86_64/time.h"
#include "kernel/arch/x86_64/vdso/clock_page.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"

#define CHECK_INTERVAL_NS (250 * NSEC_PER_MSEC)
// How far the two may differ: what reading them takes, and what a host that corrects one of them
// moves it by at once; and 1 part in 128 for the calibration.
#define ERROR_FIXED_NS (4 * NSEC_PER_MSEC)
#define ERROR_PART 128
#define GAP_MAX_NS (200 * NSEC_PER_USEC) // between two readings of the counter around the reference

// A page of its own: programs see all of it.
static union {
    struct clock_page page;
    uint8_t bytes[PAGE_SIZE];
} ALIGNED(PAGE_SIZE) clock;

extern const uint8_t vdso_image[]; // vdso_image.S

static const struct reference *reference; // set once

// Who has set it alone reads the reference and uses what stands below. Nobody waits for it.
static atomic_bool reference_taken;
static struct moment checked; // the last one that was read closely
static bool has_checked;      // whether there is one yet
static uint64_t last_ticks;   // of the reference as the clock

static _Atomic nsec_t next_check;
static atomic_bool replaced;         // after it base_ns holds, and total_ticks counts
static nsec_t base_ns;               // the clock when the reference began to count
static _Atomic uint64_t total_ticks; // since then
static nsec_t wait_max = NSEC_NEVER;

uint64_t scale_by(uint64_t amount, uint64_t to, uint64_t from)
{
    uint64_t low, high;

    __asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(amount), "r"(to) : "cc");
    __asm__("divq %2" : "+a"(low), "+d"(high) : "r"(from) : "cc");
    return low;
}

static nsec_t ticks_to_ns(uint64_t ticks)
{
    return scale_by(ticks, NSEC_PER_SEC, reference->frequency);
}

nsec_t clock_cycles_to_ns(uint64_t cycles)
{
    return (nsec_t)((unsigned __int128)cycles * clock.page.mult >> clock.page.shift);
}

// --- Reading ---

static bool take_reference(uint64_t *state)
{
    *state = arch_irq_save();
    if (!atomic_exchange_explicit(&reference_taken, true, memory_order_acquire))
        return true;
    arch_irq_restore(*state);
    return false;
}

static void release_reference(uint64_t state)
{
    atomic_store_explicit(&reference_taken, false, memory_order_release);
    arch_irq_restore(state);
}

// While another CPU reads the reference, its last reading is the time.
static nsec_t reference_ns(void)
{
    uint64_t state;

    while (!atomic_load_explicit(&replaced, memory_order_acquire))
        arch_relax();
    if (take_reference(&state)) {
        uint64_t ticks = reference->read();

        atomic_fetch_add(&total_ticks, (ticks - last_ticks) & reference->mask);
        last_ticks = ticks;
        release_reference(state);
    }
    return base_ns + ticks_to_ns(atomic_load(&total_ticks));
}

nsec_t arch_clock_ns(void)
{
    nsec_t now;

    return likely(clock_page_read(&clock.page, &now)) ? now : reference_ns();
}

nsec_t arch_wall_offset(void)
{
    return clock_page_wall_offset(&clock.page);
}

void arch_set_wall_offset(nsec_t offset_ns)
{
    __atomic_store_n(&clock.page.wall_offset_ns, offset_ns, __ATOMIC_RELAXED);
}

paddr_t arch_vdso_data(void)
{
    return (paddr_t)&clock - IMAGE_BASE;
}

paddr_t arch_vdso_code(void)
{
    return (paddr_t)vdso_image - IMAGE_BASE;
}

nsec_t clock_wait_max(void)
{
    return __atomic_load_n(&wait_max, __ATOMIC_RELAXED);
}

// --- Checking ---

static void replace(nsec_t at_least)
{
    uint64_t cycles;

    __atomic_store_n(&clock.page.counter_bad, 1, __ATOMIC_SEQ_CST);
    // Whoever reads the counter from now on finds it bad afterwards, so none has a later time.
    last_ticks = reference->read();
    cycles = clock_counter() - clock.page.base_cycles;
    base_ns = MAX((int64_t)cycles < 0 ? 0 : clock_cycles_to_ns(cycles), at_least);
    if (reference->mask <= UINT32_MAX)
        __atomic_store_n(&wait_max, ticks_to_ns(reference->mask / 2), __ATOMIC_RELAXED);
    atomic_store_explicit(&replaced, true, memory_order_release);
}

// How far the reference's distance from the last check is from the counter's. Of a narrow one, what
// is left of it after whole rounds.
static nsec_t difference(const struct moment *now, nsec_t elapsed_ns)
{
    uint64_t expected = scale_by(elapsed_ns, reference->frequency, NSEC_PER_SEC);
    uint64_t more = (now->ticks - checked.ticks - expected) & reference->mask;
    uint64_t less = (0 - more) & reference->mask;

    return ticks_to_ns(MIN(less, more));
}

// Returns: whether the counter is no clock, as far as can be said.
static bool is_bad(const struct moment *now, nsec_t *elapsed_ns, nsec_t *error_ns)
{
    uint64_t cycles = now->cycles - checked.cycles;
    nsec_t limit_ns;

    *elapsed_ns = 0;
    *error_ns = clock_cycles_to_ns(0 - cycles);
    if ((int64_t)cycles < 0)
        return true; // it has run backwards
    *elapsed_ns = clock_cycles_to_ns(cycles);
    limit_ns = ERROR_FIXED_NS + *elapsed_ns / ERROR_PART;
    if (reference->mask <= UINT32_MAX && limit_ns >= ticks_to_ns(reference->mask / 2))
        return false; // too long ago
    *error_ns = difference(now, *elapsed_ns);
    return *error_ns > limit_ns;
}

void clock_check(void)
{
    struct moment now;
    nsec_t elapsed_ns, error_ns;
    uint64_t state;
    bool bad = false;

    if (clock_counter_bad(&clock.page) || !take_reference(&state))
        return;
    if (clock_cycles_to_ns(moment_read(reference, &now)) <= GAP_MAX_NS) {
        bad = has_checked && is_bad(&now, &elapsed_ns, &error_ns);
        if (bad)
            replace(clock_cycles_to_ns(checked.cycles - clock.page.base_cycles) +
                    ticks_to_ns((now.ticks - checked.ticks) & reference->mask));
        checked = now;
        has_checked = true;
    }
    release_reference(state);
    if (bad)
        log_error(
            "clock: the counter is off by %lu us after %lu us; the %s is the clock from now on",
            error_ns / NSEC_PER_USEC, elapsed_ns / NSEC_PER_USEC, reference->name);
}

void clock_check_if_due(nsec_t now)
{
    if (likely(now < atomic_load_explicit(&next_check, memory_order_relaxed)))
        return;
    // Never one interval twice: an error that is a whole round of a narrow reference would hide.
    atomic_store_explicit(&next_check, now + CHECK_INTERVAL_NS / 2 + now % CHECK_INTERVAL_NS,
                          memory_order_relaxed);
    clock_check();
}

// --- Other CPUs' counters ---

void clock_compare(unsigned cpu, uint64_t before, uint64_t counter)
{
    uint64_t state;

    if ((before <= counter && counter <= clock_counter()) || clock_counter_bad(&clock.page))
        return;
    while (!take_reference(&state))
        arch_relax();
    replace(0);
    release_reference(state);
    arch_timer_set(NSEC_NEVER); // this CPU looks at a narrow one in time
    log_error("clock: the counter of CPU %u is not the boot CPU's; the %s is the clock from now on",
              cpu, reference->name);
}

// --- Start ---

// The largest shift with which the factor still fits in 32 bits.
void clock_init(const struct reference *by, uint64_t frequency)
{
    struct clock_page *page = &clock.page;
    uint32_t shift = 32;

    while (scale_by(NSEC_PER_SEC, UINT64_C(1) << shift, frequency) > UINT32_MAX)
        shift--;
    page->mult = (uint32_t)scale_by(NSEC_PER_SEC, UINT64_C(1) << shift, frequency);
    page->shift = shift;
    page->base_cycles = boot_info.entry_tsc;
    if (planted("clock-fast"))
        page->mult += page->mult / 4;
    if (planted("clock-slow"))
        page->mult /= 16;
    reference = by;
    clock_check();
}
