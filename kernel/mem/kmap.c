// SPDX-License-Identifier: MIT
// kmap.c - guarded kernel stacks.
//
// A stack has a slot of twice its size at VMAP_BASE; the lower half is never mapped, so that
// running over the end is a double fault and not somebody else's memory.
// States of a slot:  empty -> in use <-> spare (on a CPU's own short list, or the shared one) ->
// empty A spare stack stays mapped, so making and ending threads touches no page table. Unmapping
// waits for other CPUs and stacks are freed by switch code, which may not: so spares beyond
// SHARED_MAX are given back by the next thread that makes a stack.
// The frames of spares count as free (FRAME_SPARE); so do the page tables, which stay for the next
// stack.
// Locking: kstack_lock (rank KSTACK) guards slots, tables and the shared list; a CPU's own list,
// interrupts off.
#include "kernel/mem/kmap.h"

#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/inject.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/assert.h"
#include "lib/base/bits.h"

#define SLOT_SIZE (2 * KSTACK_SIZE)
#define SLOT_MAX 65536
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define OWN_MAX 4     // spares of one CPU
#define SHARED_MAX 32 // spares that are left alone
#define TRIM_BATCH 12 // stacks unmapped with one round of the other CPUs

// At the lower end of a spare on the shared list.
struct spare {
    struct spare *next;
};

struct own_spares {
    unsigned count;
    vaddr_t tops[OWN_MAX];
};
static DEFINE_PERCPU(struct own_spares, own_spares);

static struct spinlock kstack_lock = SPINLOCK_INIT(RANK_KSTACK);
static uint64_t slots[BITS_WORDS(SLOT_MAX)]; // under kstack_lock: bit set: not empty
static unsigned slot_hint;                   // no empty slot lies in a word below
static struct spare *shared;
static unsigned shared_count;

static vaddr_t slot_top(unsigned slot)
{
    return VMAP_BASE + (slot + UINT64_C(1)) * SLOT_SIZE;
}

static unsigned slot_of(vaddr_t top)
{
    return (unsigned)((top - VMAP_BASE) / SLOT_SIZE - 1);
}

// The entries of a stack's pages, which never cross a table. NULL: no memory for the tables.
static pte_t *entries_of(vaddr_t top)
{
    vaddr_t address = top - KSTACK_SIZE;
    pte_t *table = direct_ptr(arch_kernel_root());

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t *entry = &table[arch_pt_index(address, level)];
        struct frame *frame;

        if (!arch_pte_present(*entry)) {
            if (frame_take(FRAME_SPARE, 0, FRAME_ZERO, &frame) != 0)
                return NULL;
            *entry = arch_pte_table(frame_paddr(frame));
        }
        table = direct_ptr(arch_pte_address(*entry));
    }
    return &table[arch_pt_index(address, 0)];
}

// Returns: SLOT_MAX where all are taken.
static unsigned find_slot(void)
{
    while (slot_hint < ARRAY_LEN(slots) && slots[slot_hint] == UINT64_MAX)
        slot_hint++;
    return slot_hint < ARRAY_LEN(slots) ? slot_hint * 64 + bits_lowest(~slots[slot_hint])
                                        : SLOT_MAX;
}

// Maps a new spare in an empty slot; kstack_lock held. Returns its top; 0: no memory.
static vaddr_t map_spare(void)
{
    unsigned slot = find_slot();
    struct frame *frames[STACK_PAGES];
    unsigned count = 0;
    pte_t *entries = slot < SLOT_MAX ? entries_of(slot_top(slot)) : NULL;

    if (entries == NULL)
        return 0;
    while (count < STACK_PAGES && frame_take(FRAME_SPARE, 0, 0, &frames[count]) == 0)
        count++;
    if (count < STACK_PAGES) {
        while (count > 0)
            frame_put(frames[--count]);
        return 0;
    }
    for (unsigned i = 0; i < STACK_PAGES; i++)
        entries[i] = arch_pte_page(frame_paddr(frames[i]), PAGE_READ | PAGE_WRITE);
    bits_set(slots, slot);
    return slot_top(slot);
}

static vaddr_t take_shared(void)
{
    struct spare *spare = shared;

    if (spare == NULL)
        return 0;
    shared = spare->next;
    shared_count--;
    return (vaddr_t)spare + KSTACK_SIZE;
}

static void give_shared(vaddr_t top)
{
    struct spare *spare = (struct spare *)(top - KSTACK_SIZE);

    spare->next = shared;
    shared = spare;
    shared_count++;
}

// The tables of a stack do not change while it is not empty, so its frames may be read without the
// lock.
// Returns: who paid until now.
static struct account *retag(vaddr_t top, enum frame_use use, struct account *account)
{
    const pte_t *entries = entries_of(top);
    struct account *before = frame_of(arch_pte_address(entries[0]))->account;

    for (unsigned i = 0; i < STACK_PAGES; i++)
        frame_retag(frame_of(arch_pte_address(entries[i])), use, account);
    return before;
}

static vaddr_t take_any(void)
{
    uint64_t state = arch_irq_save();
    struct own_spares *own = &this_cpu(own_spares);
    vaddr_t top;

    if (likely(own->count > 0)) {
        top = own->tops[--own->count];
    } else {
        spin_lock(&kstack_lock);
        top = take_shared();
        if (top == 0)
            top = map_spare();
        spin_unlock(&kstack_lock);
    }
    arch_irq_restore(state);
    return top;
}

vaddr_t kstack_alloc(struct account *account)
{
    struct account *full;
    vaddr_t top = 0;

    if (account == NULL)
        account = &account_root;
    full = account;
    if (unlikely(shared_count > SHARED_MAX) && arch_irq_enabled())
        kstack_trim(SHARED_MAX);
    if (!alloc_should_fail() && account_charge(account, RESOURCE_MEMORY, KSTACK_SIZE, &full) == 0) {
        top = take_any();
        if (top != 0) {
            (void)retag(top, FRAME_STACK, account);
            return top;
        }
        account_uncharge(account, RESOURCE_MEMORY, KSTACK_SIZE);
        full = &account_root;
    }
    account_note_full(full);
    return 0;
}

void kstack_free(vaddr_t top)
{
    struct account *account = retag(top, FRAME_SPARE, NULL);
    uint64_t state = arch_irq_save();
    struct own_spares *own = &this_cpu(own_spares);

    if (own->count < OWN_MAX) {
        own->tops[own->count++] = top;
    } else {
        spin_lock(&kstack_lock);
        give_shared(top);
        spin_unlock(&kstack_lock);
    }
    arch_irq_restore(state);
    account_uncharge(account, RESOURCE_MEMORY, KSTACK_SIZE);
}

// Takes the pages of some shared spares beyond keep out of the tables; the frames go to frames.
// Returns: how many stacks.
static unsigned unmap_some(unsigned keep, vaddr_t tops[TRIM_BATCH], struct frame **frames)
{
    uint64_t state = spin_lock_irq_save(&kstack_lock);
    unsigned count = 0;

    while (count < TRIM_BATCH && shared_count > keep) {
        vaddr_t top = take_shared();
        pte_t *entries = entries_of(top);

        for (unsigned i = 0; i < STACK_PAGES; i++) {
            frames[count * STACK_PAGES + i] = frame_of(arch_pte_address(entries[i]));
            entries[i] = 0;
        }
        tops[count++] = top;
    }
    spin_unlock_irq_restore(&kstack_lock, state);
    return count;
}

static void empty_slots(const vaddr_t *tops, unsigned count)
{
    uint64_t state = spin_lock_irq_save(&kstack_lock);

    for (unsigned i = 0; i < count; i++) {
        bits_clear(slots, slot_of(tops[i]));
        slot_hint = MIN(slot_hint, slot_of(tops[i]) / 64);
    }
    spin_unlock_irq_restore(&kstack_lock, state);
}

static void share_own(void)
{
    uint64_t state = spin_lock_irq_save(&kstack_lock);
    struct own_spares *own = &this_cpu(own_spares);

    while (own->count > 0)
        give_shared(own->tops[--own->count]);
    spin_unlock_irq_restore(&kstack_lock, state);
}

void kstack_trim(unsigned keep)
{
    struct frame *frames[TRIM_BATCH * STACK_PAGES];
    vaddr_t tops[TRIM_BATCH];
    unsigned count;

    if (keep == 0)
        share_own();
    while ((count = unmap_some(keep, tops, frames)) > 0) {
        for (unsigned i = 0; i < count; i++)
            arch_tlb_shootdown(atomic_load(&sched_online_cpus), tops[i] - KSTACK_SIZE, STACK_PAGES);
        for (unsigned i = 0; i < count * STACK_PAGES; i++)
            frame_put(frames[i]);
        empty_slots(tops, count);
    }
}
