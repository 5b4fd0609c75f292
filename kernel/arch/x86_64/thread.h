// SPDX-License-Identifier: MIT
// thread.h - the parts of a thread's state that arch handles in several files.
#pragma once

#include "kernel/arch/arch.h"

void fpu_save(void *area);
void fpu_load(const void *area);
// Every component in its initial state.
void fpu_load_initial(void);

// From usercopy.S: 0, or -1 after a fault. xsave: by XSAVE, else by FXSAVE.
int user_xsave(void *area, bool xsave);
int user_xrstor(const void *area, bool xsave);
