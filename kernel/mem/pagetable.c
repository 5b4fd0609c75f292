// SPDX-License-Identifier: MIT
// pagetable.c - the page tables of a space's user half.
#include "kernel/mem/pagetable.h"

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/inject.h"
#include "kernel/mem/tlb.h"
#include "lib/base/assert.h"
#include "lib/base/bits.h"

#define TOP (PT_LEVELS - 1)
#define SPARE_ROOTS 4 // of one CPU

static struct frame *table_of(const pte_t *entry)
{
    return frame_of(direct_paddr(entry));
}

// Root tables that are ready: the user half empty, the kernel's half filled in, which never
// changes.
struct spare_roots {
    unsigned count;
    struct frame *frames[SPARE_ROOTS];
};
static DEFINE_PERCPU(struct spare_roots, spare_roots);

static struct frame *take_spare(void)
{
    uint64_t state = arch_irq_save();
    struct spare_roots *spare = &this_cpu(spare_roots);
    struct frame *frame = spare->count > 0 ? spare->frames[--spare->count] : NULL;

    arch_irq_restore(state);
    return frame;
}

// Returns: false if there are enough.
static bool keep_spare(struct frame *frame)
{
    uint64_t state = arch_irq_save();
    struct spare_roots *spare = &this_cpu(spare_roots);
    bool room = spare->count < SPARE_ROOTS;

    if (room)
        spare->frames[spare->count++] = frame;
    arch_irq_restore(state);
    return room;
}

void pagetable_trim(void)
{
    uint64_t state = arch_irq_save();
    struct spare_roots *spare = &this_cpu(spare_roots);

    while (spare->count > 0)
        frame_put(spare->frames[--spare->count]);
    arch_irq_restore(state);
}

int pagetable_create(struct account *account, paddr_t *root)
{
    struct account *full = account;
    struct frame *frame;

    if (alloc_should_fail() || account_charge(account, RESOURCE_MEMORY, PAGE_SIZE, &full) != 0) {
        account_note_full(full);
        return -ENOMEM;
    }
    frame = take_spare();
    if (frame == NULL) {
        if (frame_take(FRAME_SPARE, 0, 0, &frame) != 0) {
            account_uncharge(account, RESOURCE_MEMORY, PAGE_SIZE);
            account_note_full(&account_root);
            return -ENOMEM;
        }
        arch_root_init(frame_paddr(frame));
    }
    frame_retag(frame, FRAME_TABLE, account);
    frame->used = 0;
    frame->groups = 0;
    *root = frame_paddr(frame);
    return 0;
}

// Tables without entries stay behind where making a page failed half-way.
static void free_below(paddr_t table, unsigned level)
{
    pte_t *entries = direct_ptr(table);
    unsigned count = level == TOP ? PT_ENTRIES / 2 : PT_ENTRIES;

    for (unsigned i = 0; i < count && frame_of(table)->used != 0; i++) {
        if (entries[i] == 0)
            continue;
        assert(level > 0);
        free_below(arch_pte_address(entries[i]), level - 1);
        frame_put(frame_of(arch_pte_address(entries[i])));
        pagetable_set(&entries[i], 0);
    }
}

void pagetable_destroy(paddr_t root)
{
    struct frame *frame = frame_of(root);
    struct account *account = frame->account;

    free_below(root, TOP);
    frame_retag(frame, FRAME_SPARE, NULL);
    if (!keep_spare(frame))
        frame_put(frame);
    account_uncharge(account, RESOURCE_MEMORY, PAGE_SIZE);
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
            frame->used = 0;
            frame->groups = 0;
            pagetable_set(entry, arch_pte_table(frame_paddr(frame)));
        }
        table = direct_ptr(arch_pte_address(*entry));
    }
    return &table[arch_pt_index(address, 0)];
}

bool pagetable_walk_tables(struct pagetable_walk *walk)
{
    while (walk->at < walk->end) {
        pte_t *table = direct_ptr(walk->root);
        unsigned level = TOP;

        for (; level > 0; level--) {
            pte_t entry = table[arch_pt_index(walk->at, level)];

            if (!arch_pte_present(entry))
                break;
            table = direct_ptr(arch_pte_address(entry));
        }
        if (level == 0) {
            walk->table = table_of(table);
            walk->table_end = ALIGN_DOWN(walk->at, PAGETABLE_SPAN) + PAGETABLE_SPAN;
            return true;
        }
        walk->at = ALIGN_DOWN(walk->at, PAGE_SIZE << (9 * level)) + (PAGE_SIZE << (9 * level));
    }
    return false;
}

bool pagetable_walk(struct pagetable_walk *walk)
{
    while (walk->at < walk->end) {
        unsigned number;
        uint64_t groups;

        if (walk->at >= walk->table_end && !pagetable_walk_tables(walk))
            return false;
        number = arch_pt_index(walk->at, 0);
        groups = walk->table->groups >> (number / PAGETABLE_GROUP_ENTRIES);
        if (groups == 0) {
            walk->at = walk->table_end;
            continue;
        }
        if (!(groups & 1)) {
            walk->at =
                ALIGN_DOWN(walk->at, PAGETABLE_GROUP) + bits_lowest(groups) * PAGETABLE_GROUP;
            if (walk->at >= walk->end)
                return false;
        }
        walk->stop = MIN(walk->end, ALIGN_DOWN(walk->at, PAGETABLE_GROUP) + PAGETABLE_GROUP);
        walk->entry = (pte_t *)frame_ptr(walk->table) + arch_pt_index(walk->at, 0);
        return true;
    }
    return false;
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

        if (frame->used != 0)
            return;
        pagetable_set(path[level], 0);
        // CPUs also keep the upper levels of a walk; forgetting a page makes them forget those
        // (Intel SDM 3A 4.10.4.1).
        tlb_gather_page(gather, address);
        tlb_gather_frame(gather, frame);
    }
}
