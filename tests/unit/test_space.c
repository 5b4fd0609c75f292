// SPDX-License-Identifier: MIT
// unit: tests/unit/mem_host.c kernel/mem/*.c kernel/sync/spinlock.c kernel/sync/rwlock.c kernel/sync/rank.c kernel/log/planted.c lib/base/rbtree.c lib/base/fmt.c
// unit-flags: -DBOXWORK_DEBUG -include tests/unit/mem_host.h
// test_space.c - address spaces against a naive model: an array of pages that says what each holds
// and allows. Every access goes through a TLB that is checked for entries that should have been
// forgotten. Every allocation fails once.

#include "kernel/mem/space.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/ledger.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/region.h"
#include "tests/unit/tap.h"

#define PAGES 72
#define BASE (UINT64_C(0x7f0000) * PAGE_SIZE - 20 * PAGE_SIZE) // the window crosses a page table
#define FILE_PAGES 24
#define SPACES 3
#define RWX 7U

struct model_page {
    bool mapped, shared, file, own;
    unsigned prot;
    unsigned index;  // of the file
    uint8_t content; // of a page of its own
};
struct world {
    struct space *space;
    struct model_page pages[PAGES];
};

static struct world worlds[SPACES];
static struct pager file;
static uint8_t file_content[FILE_PAGES];
static unsigned file_pages;
static struct account *account;
static uint64_t seed;
static unsigned wrong;
static unsigned counts[16];
static long holds, pager_holds;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static void complain(const char *what, unsigned page, long found, long expected)
{
    if (wrong++ < 5)
        printf("# %s, page %u: %ld instead of %ld\n", what, page, found, expected);
}

static vaddr_t address_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

// --- The file behind mappings ---

static struct grant *hold(struct handle *handle)
{
    holds++;
    return (struct grant *)handle;
}

static void release(struct handle *handle, struct grant *grant)
{
    holds -= (void *)handle == (void *)grant;
}

static bool revoked(const struct grant *grant)
{
    (void)grant;
    return false;
}

static const struct region_file_ops handle_ops = { hold, release, revoked };

static void pager_get(struct pager *pager)
{
    pager_holds += pager == &file;
}

static void pager_put(struct pager *pager)
{
    pager_holds -= pager == &file;
}

static const struct pager_ops file_ops = { .get = pager_get, .put = pager_put };

// --- A program ---

// Reads (write NULL) or writes a byte as a program on this CPU would. Errors: -EFAULT and the
// reason.
static int access_byte(struct space *space, vaddr_t address, const uint8_t *write, uint8_t *read,
                       enum fault_reason *reason)
{
    enum fault_access access = write != NULL ? FAULT_WRITE : FAULT_READ;

    for (unsigned rounds = 0; rounds < 4; rounds++) {
        const pte_t *entry = pagetable_find(space->root, address);

        if (entry != NULL && arch_pte_present(*entry) &&
            (write == NULL || arch_pte_writable(*entry))) {
            char *page = direct_ptr(arch_pte_address(*entry));

            host_tlb_fill(address, arch_pte_address(*entry), arch_pte_writable(*entry));
            if (write != NULL)
                page[address % PAGE_SIZE] = (char)*write;
            else
                *read = (uint8_t)page[address % PAGE_SIZE];
            return 0;
        }
        if (space_fault(space, address, access, reason) != 0)
            return -EFAULT;
    }
    complain("no progress", 0, 0, 0);
    return -EFAULT;
}

// --- The model ---

static int expect_access(const struct model_page *page, bool write, enum fault_reason *reason)
{
    if (!page->mapped) {
        *reason = FAULT_UNMAPPED;
    } else if (write && !(page->prot & REGION_WRITE)) {
        *reason = FAULT_READ_ONLY;
    } else if (!(page->prot & RWX)) {
        *reason = FAULT_NO_READ;
    } else if (page->file && page->index >= file_pages && !page->own) {
        *reason = FAULT_PAST_END;
    } else {
        return 0;
    }
    return -EFAULT;
}

static uint8_t content_of(const struct model_page *page)
{
    return page->file && !page->own ? file_content[page->index] : page->content;
}

static void check_read(struct world *world, unsigned number)
{
    const struct model_page *page = &world->pages[number];
    enum fault_reason reason = 0, expected = 0;
    uint8_t byte = 0;
    int error =
        access_byte(world->space, address_of(number) + draw(PAGE_SIZE), NULL, &byte, &reason);

    if (error != expect_access(page, false, &expected) || (error != 0 && reason != expected))
        complain("read", number, error != 0 ? (long)reason : -1, (long)expected);
    counts[0] += error == 0;
    counts[1] += error != 0;
}

// A page is written at its first byte alone, so that byte is its content.
static void check_content(struct world *world, unsigned number)
{
    const struct model_page *page = &world->pages[number];
    enum fault_reason reason;
    uint8_t byte = 0;

    if (access_byte(world->space, address_of(number), NULL, &byte, &reason) == 0 &&
        byte != content_of(page))
        complain("content", number, byte, content_of(page));
}

static void do_write(struct world *world, unsigned number)
{
    struct model_page *page = &world->pages[number];
    enum fault_reason reason = 0, expected = 0;
    uint8_t byte = (uint8_t)(1 + draw(255));
    int error = access_byte(world->space, address_of(number), &byte, NULL, &reason);

    if (error != expect_access(page, true, &expected) || (error != 0 && reason != expected))
        complain("write", number, error != 0 ? (long)reason : -1, (long)expected);
    if (error != 0)
        return;
    counts[2]++;
    if (page->file && page->shared) {
        file_content[page->index] = byte;
    } else {
        page->own = true;
        page->content = byte;
    }
}

static unsigned draw_prot(void)
{
    static const unsigned prots[] = { 0, 1, 3, 3, 3, 5, 1, 2 };

    return prots[draw(8)];
}

static void do_map(struct world *world, unsigned first, unsigned count)
{
    unsigned prot = draw_prot();
    bool from_file = draw(3) == 0, shared = from_file && draw(2) == 0;
    unsigned index = draw(FILE_PAGES - 8);
    struct map_request request = {
        .address = address_of(first),
        .size = count * PAGE_SIZE - draw(2) * 100,
        .flags = prot | (shared ? REGION_SHARED : 0) | REGION_MAY_WRITE | REGION_MAY_EXECUTE,
        .fixed = true,
        .pager = from_file ? &file : NULL,
        .offset = from_file ? index * PAGE_SIZE : 0,
        .handle = from_file ? (struct handle *)&file : NULL,
    };
    vaddr_t at;

    count = MIN(count, FILE_PAGES - index);
    request.size = MIN(request.size, count * PAGE_SIZE);
    if (space_map(world->space, &request, &at) != 0 || at != request.address)
        complain("map", first, 0, 0);
    for (unsigned i = 0; i < count; i++)
        world->pages[first + i] =
            (struct model_page){ true, shared, from_file, false, prot, index + i, 0 };
    counts[3]++;
}

static void do_unmap(struct world *world, unsigned first, unsigned count)
{
    if (space_unmap(world->space, address_of(first), count * PAGE_SIZE) != 0)
        complain("unmap", first, 0, 0);
    memset(&world->pages[first], 0, count * sizeof(world->pages[0]));
    counts[4]++;
}

static bool all_mapped(const struct world *world, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!world->pages[first + i].mapped)
            return false;
    }
    return true;
}

static void do_protect(struct world *world, unsigned first, unsigned count)
{
    unsigned prot = draw_prot();
    int expected = all_mapped(world, first, count) ? 0 : -ENOMEM;
    int error = space_protect(world->space, address_of(first), count * PAGE_SIZE, prot);

    if (error != expected)
        complain("protect", first, error, expected);
    for (unsigned i = 0; error == 0 && i < count; i++)
        world->pages[first + i].prot = prot;
    counts[5] += error == 0;
}

static void do_discard(struct world *world, unsigned first, unsigned count)
{
    int expected = all_mapped(world, first, count) ? 0 : -ENOMEM;
    int error = space_discard(world->space, address_of(first), count * PAGE_SIZE, false);

    if (error != expected)
        complain("discard", first, error, expected);
    for (unsigned i = 0; error == 0 && i < count; i++) {
        world->pages[first + i].own = false;
        world->pages[first + i].content = 0;
    }
    counts[6] += error == 0;
}

static void do_resize(void)
{
    unsigned pages = draw(FILE_PAGES + 1);

    // Sometimes the last page is only begun: its first byte stays.
    pager_resize(&file, pages == 0 ? 0 : pages * PAGE_SIZE - draw(2) * 4000);
    for (unsigned i = pages; i < FILE_PAGES; i++)
        file_content[i] = 0;
    for (unsigned w = 0; w < SPACES && pages < file_pages; w++) {
        for (unsigned i = 0; i < PAGES; i++) {
            struct model_page *page = &worlds[w].pages[i];

            if (page->file && page->index >= pages)
                page->own = false;
        }
    }
    file_pages = pages;
    counts[7]++;
}

static void do_remap(struct world *world, unsigned first, unsigned count)
{
    struct model_page moved[PAGES];
    unsigned to = draw(PAGES - count);
    vaddr_t at;
    int error = space_remap(world->space, address_of(first), count * PAGE_SIZE, count * PAGE_SIZE,
                            3, address_of(to), &at);

    if (error != 0)
        return; // more than one region, or over itself
    if (!all_mapped(world, first, count))
        complain("remap", first, 0, -EFAULT);
    memcpy(moved, &world->pages[first], count * sizeof(moved[0]));
    memset(&world->pages[first], 0, count * sizeof(moved[0]));
    memcpy(&world->pages[to], moved, count * sizeof(moved[0]));
    counts[8]++;
}

static void do_remote(struct world *world, unsigned first, unsigned count)
{
    uint8_t buffer[4 * PAGE_SIZE];
    enum fault_reason reason;
    int expected = 0, error;

    count = MIN(count, 4U);
    for (unsigned i = 0; i < count && expected == 0; i++)
        expected = expect_access(&world->pages[first + i], false, &reason);
    error = space_read(world->space, address_of(first), buffer, count * PAGE_SIZE);
    if (error != expected)
        complain("remote read", first, error, expected);
    for (unsigned i = 0; error == 0 && i < count; i++) {
        if (buffer[i * PAGE_SIZE] != content_of(&world->pages[first + i]))
            complain("remote content", first + i, buffer[i * PAGE_SIZE],
                     content_of(&world->pages[first + i]));
    }
    counts[9] += error == 0;
}

// --- Worlds: space i is loaded on CPUs i and i + SPACES ---

static void load(struct world *world, struct space *from, struct space *to)
{
    unsigned number = (unsigned)(world - worlds);

    for (host_cpu = number; host_cpu < host_cpu_count; host_cpu += SPACES)
        space_switch(from, to);
    host_cpu = 0;
}

static void make_world(struct world *world)
{
    memset(world->pages, 0, sizeof(world->pages));
    if (space_create(account, &world->space) != 0)
        exit(1);
    load(world, NULL, world->space);
}

// Half of the time the last user goes first and the CPUs leave later, as at the end of a process.
static void end_world(struct world *world)
{
    if (draw(2) == 0) {
        load(world, world->space, NULL);
        space_put(world->space);
    } else {
        space_put(world->space);
        load(world, world->space, NULL);
    }
    world->space = NULL;
}

static void do_fork(struct world *from)
{
    struct world *to = &worlds[draw(SPACES)];

    if (from == to)
        return;
    end_world(to);
    make_world(to);
    if (space_fork(from->space, to->space) != 0)
        complain("fork", 0, 0, 0);
    memcpy(to->pages, from->pages, sizeof(to->pages));
    counts[10]++;
}

static void check_regions(const struct world *world)
{
    uint64_t pages = 0, expected = 0;
    struct region *before = NULL, *region;

    for (region = region_find(world->space, 0); region != NULL; region = region_next(region)) {
        if (region->start >= region->end || (before != NULL && before->end > region->start))
            complain("order of regions", 0, 0, 0);
        if (before != NULL && region->hole != region->start - before->end)
            complain("hole", 0, (long)region->hole, (long)(region->start - before->end));
        pages += (region->end - region->start) / PAGE_SIZE;
        before = region;
    }
    for (unsigned i = 0; i < PAGES; i++)
        expected += world->pages[i].mapped;
    if (pages != expected || world->space->pages_mapped != expected)
        complain("pages mapped", 0, (long)world->space->pages_mapped, (long)expected);
}

static void step(struct world *world)
{
    unsigned count = 1 + draw(draw(4) == 0 ? 30 : 5);
    unsigned first = draw(PAGES - count);

    host_cpu = (unsigned)(world - worlds) + (draw(2) ? SPACES : 0);
    switch (draw(20)) {
    case 0:
    case 1:
    case 2:
        do_map(world, first, count);
        break;
    case 3:
        do_unmap(world, first, count);
        break;
    case 4:
    case 5:
    case 6:
        do_protect(world, first, count);
        break;
    case 7:
        do_discard(world, first, count);
        break;
    case 8:
        do_resize();
        break;
    case 9:
        do_remap(world, first, count);
        break;
    case 10:
        do_fork(world);
        break;
    case 11:
    case 12:
        do_remote(world, first, count);
        break;
    case 13:
    case 14:
    case 15:
        check_read(world, first);
        break;
    default:
        do_write(world, first);
        break;
    }
}

static void test_random(void)
{
    unsigned stale = 0;

    seed = 4711;
    for (unsigned i = 0; i < SPACES; i++)
        make_world(&worlds[i]);
    for (unsigned round = 0; round < 60000; round++) {
        struct world *world = &worlds[draw(SPACES)];

        step(world);
        stale += host_tlb_stale();
        host_cpu = (unsigned)(world - worlds);
        check_content(world, draw(PAGES));
        if (round % 64 == 0)
            check_regions(world);
        if (round % 2000 == 0 && ledger_verify() != 0)
            complain("ledger", round, 0, 0);
    }
    ok(wrong == 0,
       "60,000 random calls and accesses in three spaces that fork into each other (seed 4711)");
    ok(stale == 0, "no TLB ever keeps what the tables no longer say");
    ok(counts[0] > 1000 && counts[1] > 500 && counts[2] > 3000 && counts[3] > 2000 &&
           counts[4] > 1000 && counts[5] > 300 && counts[6] > 100 && counts[7] > 1000 &&
           counts[8] > 100 && counts[9] > 200 && counts[10] > 500,
       "reads %u, refused %u, writes %u, maps %u, unmaps %u, protects %u, discards %u, resizes %u, "
       "moves %u, remote %u, forks %u",
       counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6], counts[7],
       counts[8], counts[9], counts[10]);
    for (unsigned i = 0; i < SPACES; i++)
        end_world(&worlds[i]);
    ok(holds == 0 && pager_holds == 0, "every hold on the file and its handle is given back");
    pager_resize(&file, 0);
    ok(atomic_load(&account->counters[RESOURCE_MEMORY].used) == 0,
       "the account is at 0: no page, table or region is left");
    ok(ledger_verify() == 0, "the recount agrees");
}

// --- Single facts ---

static struct space *space;

static vaddr_t map_at(vaddr_t address, uint64_t pages, unsigned flags)
{
    struct map_request request = {
        .address = address, .size = pages * PAGE_SIZE, .flags = flags, .fixed = address != 0
    };
    vaddr_t at = 0;

    return space_map(space, &request, &at) == 0 ? at : 0;
}

static void test_stack(void)
{
    vaddr_t top = space->stack_top;
    enum fault_reason reason;

    ok(map_at(top - PAGE_SIZE, 1, REGION_READ | REGION_WRITE | REGION_GROWS_DOWN | REGION_STACK) !=
           0,
       "a stack of one page");
    ok(space_fault(space, top - 100 * PAGE_SIZE, FAULT_WRITE, &reason) == 0,
       "grows where it is touched");
    ok(space_find_locked(space, top - 1)->start == top - 100 * PAGE_SIZE, "down to there");
    ok(space_fault(space, top - (UINT64_C(8) << 20) - 1, FAULT_WRITE, &reason) != 0 &&
           reason == FAULT_STACK,
       "but not past its limit: stack overflow");
    ok(map_at(top - 600 * PAGE_SIZE, 1, REGION_READ) != 0, "something below it");
    ok(space_fault(space, top - 500 * PAGE_SIZE, FAULT_WRITE, &reason) != 0 &&
           reason == FAULT_STACK,
       "keeps it a guard away");
    ok(space_fault(space, 0, FAULT_READ, &reason) != 0 && reason == FAULT_NULL,
       "page 0 is a null pointer");
    ok(space_fault(space, USER_END, FAULT_READ, &reason) != 0 && reason == FAULT_KERNEL_ADDRESS,
       "the kernel's half is refused");
}

static void test_placement(void)
{
    vaddr_t a = map_at(0, 4, REGION_READ | REGION_WRITE),
            b = map_at(0, 4, REGION_READ | REGION_WRITE);

    ok(a != 0 && a + 4 * PAGE_SIZE <= space->map_top && b + 4 * PAGE_SIZE == a,
       "mappings go below each other from map_top down");
    ok(space_find_locked(space, b)->end == a + 4 * PAGE_SIZE, "and become one region");
    ok(space_unmap(space, b + 2 * PAGE_SIZE, 4 * PAGE_SIZE) == 0 &&
           map_at(0, 3, REGION_READ) == b + 3 * PAGE_SIZE,
       "a hole that is wide enough is used");
    ok(map_at(0, UINT64_C(1) << 33, REGION_READ) != 0, "32 TiB find a place");
    ok(map_at(0, UINT64_C(1) << 35, REGION_READ) == 0, "128 TiB do not");
    ok(map_at(BASE, 1, RWX) == 0, "writable and executable at once is refused");
    space->write_execute = true;
    ok(map_at(BASE, 1, RWX) == BASE, "unless it was switched on");
}

static void test_arguments(void)
{
    struct map_request request = {
        .address = BASE + 1, .size = 1, .flags = REGION_READ, .fixed = true
    };
    vaddr_t at;

    ok(space_map(space, &request, &at) == -EINVAL, "a crooked fixed address is EINVAL");
    request.address = 0;
    ok(space_map(space, &request, &at) == -EINVAL, "so is page 0");
    request.address = USER_END - PAGE_SIZE;
    request.size = 2 * PAGE_SIZE;
    ok(space_map(space, &request, &at) == -ENOMEM, "past the end of user space is ENOMEM");
    request.size = UINT64_MAX - 100;
    ok(space_map(space, &request, &at) == -ENOMEM, "so is a size that wraps");
    request.size = 0;
    ok(space_map(space, &request, &at) == -EINVAL, "size 0 is EINVAL");
    request = (struct map_request){ .address = BASE, .size = PAGE_SIZE, .fixed_noreplace = true };
    ok(space_map(space, &request, &at) == -EEXIST, "what is there stays with noreplace");
    ok(space_unmap(space, BASE + 1, PAGE_SIZE) == -EINVAL &&
           space_unmap(space, BASE, 0) == -EINVAL &&
           space_unmap(space, BASE, UINT64_MAX) == -EINVAL &&
           space_unmap(space, USER_END, PAGE_SIZE) == -EINVAL,
       "munmap refuses crooked, empty, wrapping and kernel ranges");
}

static void test_heap(void)
{
    space->brk_start = space->brk_end = 0x600000 + 100;
    ok(space_brk(space, 0) == 0x600064, "brk(0) tells where it is");
    ok(space_brk(space, 0x612345) == 0x612345 && space_brk(space, 0x700000) == 0x700000,
       "it grows");
    ok(space_find_locked(space, 0x601000)->end == 0x700000, "as one region");
    ok(space_brk(space, 0x600800) == 0x600800 &&
           space_find_locked(space, 0x601000)->start > 0x700000,
       "it shrinks");
    ok(space_brk(space, 0x600000) == 0x600800, "not below its start");
    ok(map_at(0x610000, 1, REGION_READ) != 0 && space_brk(space, 0x620000) == 0x600800,
       "not over something else");
}

static void test_force(void)
{
    uint8_t byte = 0;

    ok(map_at(BASE, 1, REGION_READ) == BASE && space_write(space, BASE, "x", 1, false) == -EFAULT,
       "a read-only page is not written from outside");
    ok(space_write(space, BASE, "x", 1, true) == 0 && space_read(space, BASE, &byte, 1) == 0 &&
           byte == 'x',
       "unless forced");
    ok(!arch_pte_writable(*pagetable_find(space->root, BASE)), "and the program still cannot");
}

static void test_quota(void)
{
    enum fault_reason reason;
    long used = atomic_load(&account->counters[RESOURCE_MEMORY].used);

    account_set_limit(account, RESOURCE_MEMORY, used + 20 * (long)PAGE_SIZE);
    ok(map_at(BASE, 64, REGION_READ | REGION_WRITE) == BASE,
       "a mapping may be larger than the quota");
    unsigned came = 0;
    while (came < 64 && space_fault(space, address_of(came), FAULT_WRITE, &reason) == 0)
        came++;
    ok(came >= 15 && came <= 20 && reason == FAULT_QUOTA && account_last_full() == account,
       "%u pages come, then the quota is full", came);
    account_set_limit(account, RESOURCE_MEMORY, LIMIT_NONE);
}

// --- Moves ---

#define SPAN (PAGE_SIZE * PT_ENTRIES)
#define FAR (UINT64_C(0x4000) * SPAN)

static bool holds_numbers(vaddr_t at, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        unsigned number = 0;

        if (space_read(space, at + i * PAGE_SIZE, &number, sizeof(number)) != 0 || number != i + 1)
            return false;
    }
    return true;
}

static void fill_numbers(vaddr_t at, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        unsigned number = i + 1;

        if (space_write(space, at + i * PAGE_SIZE, &number, sizeof(number), false) != 0)
            exit(1);
    }
}

static void truncate_file(void)
{
    pager_resize(&file, 0);
}

static void test_moves(void)
{
    struct map_request request = { .address = FAR + SPAN / 2,
                                   .size = PAGE_SIZE,
                                   .flags = 3 | REGION_MAY_WRITE,
                                   .fixed = true,
                                   .pager = &file };
    enum fault_reason reason;
    vaddr_t at;

    // All that is in the target's first table is what the source has there.
    map_at(FAR + SPAN, 40, 3);
    fill_numbers(FAR + SPAN, 40);
    ok(space_remap(space, FAR + SPAN, 40 * PAGE_SIZE, 40 * PAGE_SIZE, 3,
                   FAR + SPAN + 100 * PAGE_SIZE, &at) == 0 &&
           holds_numbers(at, 40),
       "a move within one table keeps its content");
    ok(space_remap(space, at, 40 * PAGE_SIZE, 40 * PAGE_SIZE, 3, FAR + 2 * SPAN - 20 * PAGE_SIZE,
                   &at) == 0 &&
           holds_numbers(at, 40),
       "so does one over the end of the table");
    ok(space_remap(space, at, 40 * PAGE_SIZE, 40 * PAGE_SIZE, 3, FAR + 9 * SPAN, &at) == 0 &&
           holds_numbers(at, 40) && pagetable_find(space->root, FAR + SPAN) == NULL,
       "and the tables that it leaves are freed");
    ok(space_unmap(space, at, 40 * PAGE_SIZE) == 0, "and unmapped there");

    pager_resize(&file, PAGE_SIZE);
    if (space_map(space, &request, &at) != 0 || space_fault(space, at, FAULT_READ, &reason) != 0)
        exit(1);
    map_at(FAR + 20 * SPAN, 512, 3);
    fill_numbers(FAR + 20 * SPAN, 512);
    host_on_relax = truncate_file;
    ok(space_remap(space, FAR + 20 * SPAN, 512 * PAGE_SIZE, 512 * PAGE_SIZE, 3,
                   FAR - 500 * PAGE_SIZE, &at) == 0 &&
           holds_numbers(at, 512),
       "a truncation meanwhile empties the target's table, and it stays");
    ok(file.page_count == 0 && host_on_relax == NULL, "the truncation came in between");
}

// --- Every allocation fails once ---

// Returns: the first error.
static int script(void)
{
    struct space *parent, *child;
    struct map_request request = {
        .address = BASE, .size = 32 * PAGE_SIZE, .flags = 3, .fixed = true
    };
    enum fault_reason reason;
    vaddr_t at;
    int error = space_create(account, &parent);

    if (error != 0)
        return error;
    error = space_map(parent, &request, &at);
    for (unsigned i = 0; error == 0 && i < 32; i += 2)
        error = space_fault(parent, address_of(i), FAULT_WRITE, &reason);
    request = (struct map_request){ .address = address_of(40),
                                    .size = 8 * PAGE_SIZE,
                                    .flags = 3 | REGION_MAY_WRITE,
                                    .fixed = true,
                                    .pager = &file,
                                    .handle = (struct handle *)&file };
    if (error == 0)
        error = space_map(parent, &request, &at);
    for (unsigned i = 40; error == 0 && i < 48; i++)
        error = space_fault(parent, address_of(i), i & 1 ? FAULT_WRITE : FAULT_READ, &reason);
    if (error == 0)
        error = space_protect(parent, address_of(3), 5 * PAGE_SIZE, 1);
    if (error == 0)
        error = space_unmap(parent, address_of(10), 2 * PAGE_SIZE);
    if (error == 0)
        error = space_remap(parent, address_of(20), 4 * PAGE_SIZE, 8 * PAGE_SIZE, 1, 0, &at);
    if (error == 0)
        error = space_create(account, &child);
    if (error == 0) {
        error = space_fork(parent, child);
        if (error == 0)
            error = space_fault(child, address_of(0), FAULT_WRITE, &reason);
        if (error != 0 && error != -EFAULT && region_find(child, 0) != NULL)
            complain("a failed fork left regions", 0, 0, 0);
        space_put(child);
    }
    space_put(parent);
    return error;
}

static void test_failures(void)
{
    static char before[2048], after[2048];
    unsigned n = 0, failed = 0;
    int error;

    wrong = 0;
    pager_resize(&file, FILE_PAGES * PAGE_SIZE);
    (void)!script();
    pager_resize(&file, 0);
    pager_resize(&file, FILE_PAGES * PAGE_SIZE);
    host_thread->process = (struct process *)&file;
    ledger_read(before, sizeof(before));
    do {
        alloc_fail_set(host_thread->process, ++n);
        error = script();
        alloc_fail_set(NULL, 0);
        failed += error != 0;
        if (error != 0 && error != -ENOMEM && error != -EFAULT)
            complain("error", n, error, -ENOMEM);
        pager_resize(&file, 0);
        pager_resize(&file, FILE_PAGES * PAGE_SIZE);
        memset(after, 0, sizeof(after));
        ledger_read(after, sizeof(after));
        if (strcmp(before, after) != 0) {
            complain("the ledger differs after failure", n, 0, 0);
            printf("# before:\n%s# after:\n%s", before, after);
        }
    } while (error != 0 && n < 500);
    host_thread->process = NULL;
    ok(failed > 40 && error == 0, "each of %u allocations fails once, the next run does not",
       failed);
    ok(wrong == 0 && holds == 0 && pager_holds == 0, "each failure leaves nothing behind");
    ok(ledger_verify() == 0, "the recount agrees");
}

int main(void)
{
    host_start(UINT64_C(48) << 20, 0, 2 * SPACES);
    space_set_file_ops(&handle_ops);
    if (account_create(&account_root, 1, &account) != 0)
        return 1;
    pager_init(&file, &file_ops, account);
    test_random();
    if (space_create(account, &space) != 0)
        return 1;
    test_stack();
    test_placement();
    test_arguments();
    test_heap();
    space->write_execute = false;
    test_force();
    test_quota();
    test_moves();
    space_put(space);
    test_failures();
    return done_testing();
}
