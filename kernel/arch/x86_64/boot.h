// SPDX-License-Identifier: MIT
// boot.h - start-up inside arch: what the loader told, and the kernel's own page tables.
#pragma once

#include "kernel/arch/arch.h"

// Labels of kernel.ld: physical up to the end of the boot part, then IMAGE_BASE plus physical.
extern char image_start[], image_text_start[], image_text_end[], image_rodata_end[], image_end[];
extern char boot_stack_guard[];

static inline paddr_t image_paddr(const void *pointer)
{
    return (paddr_t)pointer - IMAGE_BASE;
}

// All RAM of the machine, as far as the direct map must reach: sorted, page-aligned.
extern struct boot_range boot_all_ram[64];
extern unsigned boot_all_ram_count;

// Fills in boot_info from what lies at the physical address information, and copies what is in low
// memory.
void boot_info_parse(paddr_t information, bool multiboot2);
// After the kernel's root stands: moves modules that lie below 1 MiB out of there.
void boot_modules_move(void);

// Builds the kernel's root table and loads it.
void paging_init(void);
// Maps physical memory of any address into the arch window, for good. NULL: no room.
void *paging_map(paddr_t address, size_t size, unsigned prot);

// Finds out how the machine is powered off.
void machine_init(void);
