// SPDX-License-Identifier: MIT
// counters.h - what the machine has counted, as files: /dev/interrupts; in test builds /dev/contention.
#pragma once

// Adds them to the machine's devices.
void counters_init_devices(void);
