// SPDX-License-Identifier: MIT
// paging.c - the kernel's half of every address space, and the root tables that share it.
//
// Top-level entries of the kernel's half: the direct map and the frame map as far as RAM goes, VMAP
// (both entries, empty), the arch window, the image. All are made here or by arch_map_early, before
// the first other root is, and never change again. Pages are global, so a change of root keeps them
// in the TLB. The arch window, at WINDOW_BASE, holds devices and firmware tables, and one GiB
// further on each CPU's first stacks (percpu.c).

#include <string.h>

#include "kernel/arch/x86_64/boot.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/assert.h"

#define LARGE_SIZE UINT64_C(0x200000)
#define HUGE_SIZE UINT64_C(0x40000000)
#define EARLY_END UINT64_C(0x100000000) // the early tables reach so far
#define WINDOW_BASE UINT64_C(0xffffff0000000000)
#define SMALL_TABLES 4 // so many tables of the window are of small pages, the rest is large pages

static pte_t kernel_root[PT_ENTRIES] ALIGNED(4096);
static pte_t window_directory[PT_ENTRIES] ALIGNED(4096);
static pte_t window_tables[SMALL_TABLES][PT_ENTRIES] ALIGNED(4096);

// Both under window_lock: the next free small page and directory entry.
static struct spinlock window_lock = SPINLOCK_INIT(RANK_ARCH);
static unsigned window_page;
static unsigned window_entry = SMALL_TABLES;

paddr_t arch_early_alloc(size_t npages)
{
    uint64_t size = npages * PAGE_SIZE;

    // From the end of the highest range that the early tables reach, so that low memory stays whole
    // for devices.
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = boot_info.ram_count; i-- > 0;) {
            struct boot_range *range = &boot_info.ram[i];

            if (range->end - range->start < size || (pass == 0 && range->end > EARLY_END))
                continue;
            range->end -= size;
            memset(direct_ptr(range->end), 0, size);
            return range->end;
        }
    }
    panic("no memory for start-up: %zu pages", npages);
}

// The entry for address in the table of level, which is made if there is none.
static pte_t *walk_early(vaddr_t address, unsigned level)
{
    pte_t *table = kernel_root;

    for (unsigned at = PT_LEVELS - 1; at > level; at--) {
        pte_t *entry = &table[arch_pt_index(address, at)];

        if (!arch_pte_present(*entry))
            *entry = arch_pte_table(arch_early_alloc(1));
        assert(!arch_pte_is_large(*entry));
        table = direct_ptr(arch_pte_address(*entry));
    }
    return &table[arch_pt_index(address, level)];
}

// The level of the largest page that fits at both addresses and in size.
static unsigned level_for(vaddr_t at, paddr_t to, size_t size)
{
    uint64_t alignment = at | to;

    if (cpu_features.page_1g && alignment % HUGE_SIZE == 0 && size >= HUGE_SIZE)
        return 2;
    return alignment % LARGE_SIZE == 0 && size >= LARGE_SIZE ? 1 : 0;
}

void arch_map_early(vaddr_t at, paddr_t to, size_t size, unsigned prot)
{
    assert((at | to | size) % PAGE_SIZE == 0);
    while (size > 0) {
        unsigned level = level_for(at, to, size);
        uint64_t step = PAGE_SIZE << (9 * level);
        pte_t *entry = walk_early(at, level);

        assert(!arch_pte_present(*entry));
        *entry = level == 0 ? arch_pte_page(to, prot) : arch_pte_large(to, prot);
        at += step;
        to += step;
        size -= step;
    }
}

static void map_image(const char *start, const char *end, unsigned prot)
{
    arch_map_early((vaddr_t)start, image_paddr(start), (size_t)(end - start), prot);
}

// Ranges are widened to 2 MiB: what lies beside RAM within 2 MiB is RAM that firmware keeps, or the
// VGA hole.
static void map_direct(void)
{
    paddr_t done = 0;

    for (unsigned i = 0; i < boot_all_ram_count; i++) {
        paddr_t start = MAX(ALIGN_DOWN(boot_all_ram[i].start, LARGE_SIZE), done);
        paddr_t end = ALIGN_UP(boot_all_ram[i].end, LARGE_SIZE);

        if (start >= end)
            continue;
        arch_map_early(DIRECT_BASE + start, start, end - start, PAGE_READ | PAGE_WRITE);
        done = end;
    }
}

static void map_window(void)
{
    pte_t *entry = walk_early(WINDOW_BASE, 2);

    *entry = arch_pte_table(image_paddr(window_directory));
    for (unsigned i = 0; i < SMALL_TABLES; i++)
        window_directory[i] = arch_pte_table(image_paddr(window_tables[i]));
}

void paging_init(void)
{
    map_image(image_text_start, image_text_end, PAGE_READ | PAGE_EXECUTE);
    map_image(image_text_end, image_rodata_end, PAGE_READ);
    map_image(image_rodata_end, boot_stack_guard, PAGE_READ | PAGE_WRITE);
    map_image(boot_stack_guard + PAGE_SIZE, image_end, PAGE_READ | PAGE_WRITE);
    map_direct();
    map_window();
    for (vaddr_t at = VMAP_BASE; at < VMAP_END; at += UINT64_C(1) << 39)
        (void)walk_early(at, 2);
    write_cr3(image_paddr(kernel_root));
    write_cr4(read_cr4() | CR4_PGE);
}

static void *map_small(paddr_t address, size_t count, unsigned prot)
{
    unsigned first = window_page;

    if (count > SMALL_TABLES * PT_ENTRIES - first)
        return NULL;
    for (size_t i = 0; i < count; i++)
        window_tables[(first + i) / PT_ENTRIES][(first + i) % PT_ENTRIES] =
            arch_pte_page(address + i * PAGE_SIZE, prot);
    window_page += (unsigned)count;
    return (void *)(WINDOW_BASE + first * PAGE_SIZE);
}

static void *map_large(paddr_t address, size_t count, unsigned prot)
{
    unsigned first = window_entry;

    if (count > PT_ENTRIES - first)
        return NULL;
    for (size_t i = 0; i < count; i++)
        window_directory[first + i] = arch_pte_large(address + i * LARGE_SIZE, prot);
    window_entry += (unsigned)count;
    return (void *)(WINDOW_BASE + first * LARGE_SIZE);
}

void *paging_map(paddr_t address, size_t size, unsigned prot)
{
    bool large = size >= LARGE_SIZE;
    uint64_t step = large ? LARGE_SIZE : PAGE_SIZE;
    paddr_t start = ALIGN_DOWN(address, step);
    size_t count = (ALIGN_UP(address + size, step) - start) / step;
    uint64_t state = spin_lock_irq_save(&window_lock);
    char *at = large ? map_large(start, count, prot) : map_small(start, count, prot);

    spin_unlock_irq_restore(&window_lock, state);
    return at == NULL ? NULL : at + (address - start);
}

void *arch_map_device(paddr_t address, size_t size)
{
    return paging_map(address, size, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
}

paddr_t arch_kernel_root(void)
{
    return image_paddr(kernel_root);
}

void arch_root_init(paddr_t root)
{
    pte_t *entries = direct_ptr(root);
    const unsigned half = PT_ENTRIES / 2;

    memset(entries, 0, half * sizeof(pte_t));
    memcpy(entries + half, kernel_root + half, half * sizeof(pte_t));
}

void arch_root_load(paddr_t root)
{
    write_cr3(root);
}

void arch_tlb_flush_all(void)
{
    uint64_t state = arch_irq_save();
    uint64_t cr4 = read_cr4();

    // Changing PGE drops everything, global pages included (Intel SDM 3A 4.10.4.1).
    write_cr4(cr4 & ~(uint64_t)CR4_PGE);
    write_cr4(cr4);
    arch_irq_restore(state);
}
