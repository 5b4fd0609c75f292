// SPDX-License-Identifier: MIT
// irq_watch.h - in test builds: how long each CPU has its interrupts off. inline.h has the rest.
#pragma once

#include "kernel/arch/arch.h"

#ifdef BOXWORK_DEBUG
void irq_watch_init(void); // once the CPUs are counted
#else
static inline void irq_watch_init(void)
{
}
#endif
