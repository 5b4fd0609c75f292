// SPDX-License-Identifier: MIT
// pagetable.c - the page tables of a space's user half.
#include "kernel/mem/pagetable.h"

#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/tlb.h"
#include "lib/base/assert.h"

#define TOP (PT_LEVELS - 1)

static struct frame *table_of(const pte_t *entry)
{
    return frame_of(direct_paddr(entry));
}

int pagetable_create(struct account *account, paddr_t *root)
{
    struct frame *frame;

    if (frame_alloc(account, FRAME_TABLE, 0, 0, &frame) != 0)
        return -ENOMEM;
    frame->index = 0;
    *root = frame_paddr(frame);
    arch_root_init(*root);
    return 0;
}

// Tables without entries stay behind where making a page failed half-way.
static void free_below(paddr_t table, unsigned level)
{
    pte_t *entries = direct_ptr(table);
    unsigned count = level == TOP ? PT_ENTRIES / 2 : PT_ENTRIES;

    for (unsigned i = 0; i < count && frame_of(table)->index != 0; i++) {
        if (entries[i] == 0)
            continue;
        assert(level > 0);
        free_below(arch_pte_address(entries[i]), level - 1);
        frame_put(frame_of(arch_pte_address(entries[i])));
        frame_of(table)->index--;
    }
}

void pagetable_destroy(paddr_t root)
{
    free_below(root, TOP);
    frame_put(frame_of(root));
}

pte_t *pagetable_find(paddr_t root, vaddr_t address)
{
    pte_t *table = direct_ptr(root);

    for (unsigned level = TOP; level > 0; level--) {
        pte_t entry = table[arch_pt_index(address, level)];

        if (!arch_pte_present(entry))
            return NULL;
        table = direct_ptr(arch_pte_address(entry));
    }
    return &table[arch_pt_index(address, 0)];
}

pte_t *pagetable_make(paddr_t root, vaddr_t address, struct account *account)
{
    pte_t *table = direct_ptr(root);

    for (unsigned level = TOP; level > 0; level--) {
        pte_t *entry = &table[arch_pt_index(address, level)];

        if (unlikely(!arch_pte_present(*entry))) {
            struct frame *frame;

            if (frame_alloc(account, FRAME_TABLE, 0, FRAME_ZERO, &frame) != 0)
                return NULL;
            frame->index = 0;
            pagetable_set(entry, arch_pte_table(frame_paddr(frame)));
        }
        table = direct_ptr(arch_pte_address(*entry));
    }
    return &table[arch_pt_index(address, 0)];
}

pte_t *pagetable_next(paddr_t root, vaddr_t *address, vaddr_t end)
{
    vaddr_t at = *address;

    while (at < end) {
        pte_t *table = direct_ptr(root);
        unsigned level = TOP;

        for (; level > 0; level--) {
            pte_t entry = table[arch_pt_index(at, level)];

            if (!arch_pte_present(entry))
                break;
            table = direct_ptr(arch_pte_address(entry));
        }
        if (level == 0) {
            *address = at;
            return &table[arch_pt_index(at, 0)];
        }
        at = ALIGN_DOWN(at, PAGE_SIZE << (9 * level)) + (PAGE_SIZE << (9 * level));
    }
    return NULL;
}

void pagetable_set(pte_t *entry, pte_t value)
{
    struct frame *table = table_of(entry);

    table->index += (uint64_t)(value != 0) - (uint64_t)(*entry != 0);
    // One store: page walks of other CPUs see the old entry or the new one. Release: a table is zeroed before it is seen.
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

void pagetable_prune(paddr_t root, vaddr_t address, struct tlb_gather *gather)
{
    pte_t *path[PT_LEVELS]; // the entry above the table of each level
    pte_t *table = direct_ptr(root);

    for (unsigned level = TOP; level > 0; level--) {
        path[level - 1] = &table[arch_pt_index(address, level)];
        if (!arch_pte_present(*path[level - 1]))
            return;
        table = direct_ptr(arch_pte_address(*path[level - 1]));
    }
    for (unsigned level = 0; level < TOP; level++) {
        struct frame *frame = frame_of(arch_pte_address(*path[level]));

        if (frame->index != 0)
            return;
        pagetable_set(path[level], 0);
        // CPUs also keep the upper levels of a walk; forgetting a page makes them forget those (Intel SDM 3A 4.10.4.1).
        tlb_gather_page(gather, address);
        tlb_gather_frame(gather, frame);
    }
}
