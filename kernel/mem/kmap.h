// SPDX-License-Identifier: MIT
// kmap.h - kernel mappings made at run time: guarded kernel stacks. (Devices: arch_map_device.)
#pragma once

#include "kernel/arch/arch.h"

struct account;

// A kernel stack of KSTACK_SIZE with an unmapped guard below. Returns its top; 0: no memory.
// Context: thread, no spin lock held.
vaddr_t kstack_alloc(struct account *account) MUST_CHECK;
// Context: any; the stack may not be in use.
void kstack_free(vaddr_t top);

// Gives the memory of spare stacks back: those of this CPU, and of those that all share what is
// over keep.
// Context: thread, no spin lock held.
void kstack_trim(unsigned keep);
