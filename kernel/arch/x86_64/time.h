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
// Whether it is long enough between two readings never to wrap unseen when read now and then.
bool reference_is_wide(const struct reference *reference);

// Calibrates the counter and the APIC timer; on the boot CPU, interrupts off.
void time_init(void);

// Reads the CMOS clock.
void rtc_init(void);
