// SPDX-License-Identifier: MIT
// perturb.h - the schedule perturber of debug builds: "perturb=SEED" on the command line makes
// threads give way at random where they lock, unlock and wake others, so that races show that a
// steady machine would hide.
#pragma once

#ifdef BOXWORK_DEBUG
void perturb_init(void);
// A place where another thread might run. Does nothing with interrupts off or a spin lock held.
// Context: any.
void perturb_point(void);
#else
static inline void perturb_init(void)
{
}
static inline void perturb_point(void)
{
}
#endif
