// SPDX-License-Identifier: MIT
// time.h - time inside arch.
#pragma once

#include "kernel/arch/arch.h"

// A counter of known frequency, by which others are calibrated: HPET, ACPI timer or PIT.
struct reference {
    const char *name;
    uint64_t (*read)(void);
    uint64_t frequency; // ticks a second
    uint64_t mask;      // it wraps to 0 past this
};

// Finds the best one. NULL: there is none.
const struct reference *reference_find(void);

// One moment on three counters.
struct moment {
    uint64_t cycles, ticks, timer;
};
// Reads the reference between two readings of the counter, a few times, and keeps the closest pair:
// a virtual machine may be stopped between any two instructions. Returns: the cycles between the
// pair.
uint64_t moment_read(const struct reference *reference, struct moment *moment);

// amount * to / from, where the product may need more than 64 bits; the quotient must not.
uint64_t scale_by(uint64_t amount, uint64_t to, uint64_t from);

// Calibrates the counter and the APIC timer; on the boot CPU, interrupts off.
void time_init(void);

// The clock. It begins with a counter of that many cycles a second, to be held against reference.
void clock_init(const struct reference *reference, uint64_t frequency);
nsec_t clock_cycles_to_ns(uint64_t cycles);
// How long a timer may wait at most, even for nothing, so that the clock is read in time.
nsec_t clock_wait_max(void);
// Holds the counter against the reference: now; now and then. Context: any.
void clock_check(void);
void clock_check_if_due(nsec_t now);
// The boot CPU's counter was before, then the CPU that it has started had counter: looks whether the
// two count together.
void clock_compare(unsigned cpu, uint64_t before, uint64_t counter);

// Sets the wall clock by the CMOS clock.
void rtc_init(void);
