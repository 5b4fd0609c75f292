// SPDX-License-Identifier: MIT
// mem_host.c - the machine below kernel/mem, for host tests.
#include "tests/unit/mem_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/log/log.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/space.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/random.h"
#include "lib/base/assert.h"

#define HIGH_START (UINT64_C(4) << 30)
#define MEMORY_SIZE (UINT64_C(6) << 30)
#define TLB_ENTRIES 256

char *host_memory, *host_frame_map;
unsigned host_cpu, host_cpu_count = 1;
bool host_irq = true;
static struct thread boot_thread;
struct thread *host_thread = &boot_thread;
struct boot_info boot_info;
void (*host_on_relax)(void);
atomic_ulong sched_online_cpus;

static paddr_t kernel_root;
static paddr_t loaded[CPU_MAX];

static void *reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    if (at == MAP_FAILED)
        abort();
    return at;
}

void host_start(paddr_t low_end, uint64_t high_size, unsigned cpus)
{
    struct frame *root;

    host_memory = reserve(MEMORY_SIZE);
    host_frame_map = reserve(MEMORY_SIZE / PAGE_SIZE * sizeof(struct frame));
    host_cpu_count = cpus;
    atomic_store(&sched_online_cpus, (1UL << cpus) - 1);
    boot_info.ram[0] = (struct boot_range){ 0, 0x9fc00 }; // not to be used: no test knows it as RAM
    boot_info.ram[1] = (struct boot_range){ 0x100000, low_end };
    boot_info.ram[2] = (struct boot_range){ HIGH_START, HIGH_START + high_size };
    boot_info.ram_count = high_size != 0 ? 3 : 2;
    frames_init();
    if (frame_take(FRAME_KERNEL, 0, FRAME_ZERO, &root) != 0)
        abort();
    kernel_root = frame_paddr(root);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
        loaded[cpu] = kernel_root;
}

paddr_t arch_early_alloc(size_t npages)
{
    boot_info.ram[1].end -= npages * PAGE_SIZE;
    return boot_info.ram[1].end;
}

void arch_map_early(vaddr_t at, paddr_t to, size_t size, unsigned prot)
{
    (void)at, (void)to, (void)size, (void)prot;
}

bool boot_option(const char *key, char *value, size_t size)
{
    (void)key, (void)value, (void)size;
    return false;
}

// No space of these tests has a vDSO.
paddr_t arch_vdso_code(void)
{
    abort();
}

paddr_t arch_vdso_data(void)
{
    abort();
}

unsigned arch_cpu_count(void)
{
    return host_cpu_count;
}

// --- Roots and TLBs ---

struct tlb_entry {
    vaddr_t address; // 0: none
    paddr_t page;
    bool writable;
};
static struct tlb_entry tlbs[CPU_MAX][TLB_ENTRIES];

paddr_t arch_kernel_root(void)
{
    return kernel_root;
}

void arch_root_init(paddr_t root)
{
    memset(direct_ptr(root), 0, PAGE_SIZE);
}

void arch_root_load(paddr_t root)
{
    loaded[host_cpu] = root;
    memset(tlbs[host_cpu], 0, sizeof(tlbs[host_cpu]));
}

void host_tlb_fill(vaddr_t address, paddr_t page, bool writable)
{
    struct tlb_entry *entry = &tlbs[host_cpu][(address >> PAGE_SHIFT) % TLB_ENTRIES];

    *entry = (struct tlb_entry){ ALIGN_DOWN(address, PAGE_SIZE), page, writable };
}

static bool entry_is_stale(unsigned cpu, const struct tlb_entry *entry)
{
    const pte_t *now = pagetable_find(loaded[cpu], entry->address);

    if (now == NULL || !arch_pte_present(*now) || arch_pte_address(*now) != entry->page)
        return true;
    return entry->writable && !arch_pte_writable(*now);
}

unsigned host_tlb_stale(void)
{
    unsigned stale = 0;

    for (unsigned cpu = 0; cpu < host_cpu_count; cpu++) {
        for (unsigned i = 0; i < TLB_ENTRIES; i++)
            stale += tlbs[cpu][i].address != 0 && entry_is_stale(cpu, &tlbs[cpu][i]);
    }
    return stale;
}

void arch_tlb_shootdown(uint64_t cpus, vaddr_t start, size_t npages)
{
    assert(host_irq);
    for (unsigned cpu = 0; cpu < host_cpu_count; cpu++) {
        for (unsigned i = 0; (cpus >> cpu & 1) && i < TLB_ENTRIES; i++) {
            struct tlb_entry *entry = &tlbs[cpu][i];

            if (entry->address >= start && entry->address - start < npages * PAGE_SIZE)
                entry->address = 0;
        }
    }
}

// --- The scheduler ---

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    memset(mutex, 0, sizeof(*mutex));
    mutex->rank = rank;
}

void mutex_lock(struct mutex *mutex)
{
    assert(spin_held() == 0 && mutex->holder == NULL);
    mutex->holder = host_thread;
}

void mutex_lock_nested(struct mutex *mutex)
{
    mutex_lock(mutex);
}

void mutex_unlock(struct mutex *mutex)
{
    assert(spin_held() == 0 && mutex->holder == host_thread);
    mutex->holder = NULL;
}

bool thread_relax(void)
{
    void (*others)(void) = host_on_relax;

    assert(spin_held() == 0 && host_irq);
    host_on_relax = NULL;
    if (others != NULL)
        others();
    return false;
}

bool thread_killed(void)
{
    return false;
}

void thread_set_space(struct space *space)
{
    struct space *from = host_thread->space;

    host_thread->space = space;
    if (from != space)
        space_switch(from, space);
}

int sched_group_init(struct sched_group *group, struct sched_group *parent, struct account *account)
{
    (void)group, (void)parent, (void)account;
    return 0;
}

void sched_group_fini(struct sched_group *group)
{
    (void)group;
}

// --- The rest ---

void random_bytes(void *to, size_t size)
{
    static uint64_t state = 88172645463325252;
    char *bytes = to;

    while (size-- > 0) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        *bytes++ = (char)(state >> 33);
    }
}

void log_print(enum log_level level, const char *format, ...)
{
    va_list arguments;

    printf("# log %d: ", level);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void panic(const char *format, ...)
{
    va_list arguments;

    printf("Bail out! panic: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    abort();
}
