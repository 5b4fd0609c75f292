// SPDX-License-Identifier: MIT
// inline.h - the inline part of arch.h for x86-64: interrupt flag, per-CPU data, trap frames,
// page-table entries. Included by arch.h alone.
#pragma once

// --- Per-CPU data ---
//
// Section .percpu is a template; each CPU has a copy, and its GS base (while in the kernel) is the
// distance from template to copy. So gs:template_address is this CPU's variable, whatever CPU runs
// the instruction.

#define DEFINE_PERCPU(type, name) \
    __attribute__((section(".percpu"))) __typeof__(type) percpu_##name
#define DECLARE_PERCPU(type, name) extern __typeof__(type) percpu_##name

extern uint64_t arch_percpu_offsets[CPU_MAX]; // copy minus template, by CPU number

DECLARE_PERCPU(uint64_t, arch_offset);         // this CPU's entry of arch_percpu_offsets
DECLARE_PERCPU(unsigned, arch_cpu_number);
DECLARE_PERCPU(struct thread *, arch_current);

// Reads a per-CPU scalar in one instruction. Not volatile: the operand makes the compiler read it
// again after anything that may have changed memory, a switch of threads included.
#define arch_percpu_read(name)                                                     \
    ({                                                                             \
        __typeof__(percpu_##name) percpu_value;                                    \
        __asm__("mov %%gs:%1, %0" : "=r"(percpu_value) : "m"(percpu_##name));      \
        percpu_value;                                                              \
    })

#define arch_percpu_at(name, offset) \
    (*(__typeof__(percpu_##name) *)((uintptr_t)&percpu_##name + (offset)))
#define this_cpu(name) arch_percpu_at(name, arch_percpu_read(arch_offset))
#define per_cpu(name, cpu) arch_percpu_at(name, arch_percpu_offsets[cpu])

static inline unsigned arch_cpu(void)
{
    return arch_percpu_read(arch_cpu_number);
}

// The thread that arch_switch last switched to on this CPU; NULL before arch_set_current.
static inline struct thread *arch_current(void)
{
    return arch_percpu_read(arch_current);
}

// --- Interrupt flag, time-stamp counter ---

#define ARCH_FLAGS_IF UINT64_C(0x200)

static inline uint64_t arch_flags(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline bool arch_irq_enabled(void)
{
    return (arch_flags() & ARCH_FLAGS_IF) != 0;
}

#ifdef BOXWORK_DEBUG
void irq_watch_off(void); // interrupts have just been turned off
void irq_watch_on(void);  // they are about to be turned on
#else
static inline void irq_watch_off(void)
{
}

static inline void irq_watch_on(void)
{
}
#endif

static inline void arch_irq_enable(void)
{
    irq_watch_on();
    __asm__ volatile("sti" : : : "memory");
}

static inline uint64_t arch_irq_save(void)
{
    uint64_t flags = arch_flags();

    __asm__ volatile("cli" : : : "memory");
    if (flags & ARCH_FLAGS_IF)
        irq_watch_off();
    return flags;
}

static inline void arch_irq_disable(void)
{
    (void)arch_irq_save();
}

static inline void arch_irq_restore(uint64_t state)
{
    if (state & ARCH_FLAGS_IF)
        arch_irq_enable();
}

static inline void arch_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline uint64_t arch_cycles(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// An interrupt after sti is held back for one instruction (Intel SDM 2B, STI), so none is lost
// before hlt.
static inline void arch_halt(void)
{
    irq_watch_on();
    __asm__ volatile("sti; hlt" : : : "memory");
}

// --- Trap frames ---

#define TRAP_SYSCALL 256 // in trapframe.vector: came by syscall, may leave by sysret
#define TRAP_NONE 257    // made by arch_frame_capture

// Registers as entry.S saves them, lowest address first; the last five are pushed by the CPU on a
// trap.
struct trapframe {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector; // 0-255, or TRAP_SYSCALL
    uint64_t code;   // TRAP_SYSCALL: the number of the call; else the CPU's error code, or 0
    uint64_t rip, cs, rflags, rsp, ss;
};

struct arch_thread {
    uint64_t rsp;         // of the kernel stack while it does not run
    uint64_t user_cycles; // spent in user mode
    uint64_t user_since;  // the counter when it last left for user mode; 0 while in the kernel
    void *fpu;            // its XSAVE area; NULL for a kernel thread
    uint64_t fs_base;     // while it does not run
    uint64_t gs_base;
};

#define arch_thread_frame(thread) ((struct trapframe *)(thread)->stack_top - 1)

static ALWAYS_INLINE void arch_frame_capture(struct trapframe *frame)
{
    const uint64_t *base = __builtin_frame_address(0); // the caller's rbp, the return address

    __asm__ volatile("mov %%r15, %0; mov %%r14, %1; mov %%r13, %2; mov %%r12, %3; mov %%rbx, %4; "
                     "mov %%r11, %5; mov %%r10, %6; mov %%r9, %7; mov %%r8, %8; mov %%rax, %9; "
                     "mov %%rcx, %10; mov %%rdx, %11; mov %%rsi, %12; mov %%rdi, %13"
                     : "=m"(frame->r15), "=m"(frame->r14), "=m"(frame->r13), "=m"(frame->r12),
                       "=m"(frame->rbx), "=m"(frame->r11), "=m"(frame->r10), "=m"(frame->r9),
                       "=m"(frame->r8), "=m"(frame->rax), "=m"(frame->rcx), "=m"(frame->rdx),
                       "=m"(frame->rsi), "=m"(frame->rdi));
    __asm__ volatile("pushfq; popq %0" : "=r"(frame->rflags));
    __asm__ volatile("mov %%cs, %0; mov %%ss, %1" : "=r"(frame->cs), "=r"(frame->ss));
    frame->rbp = base[0];
    frame->rip = base[1];
    frame->rsp = (uint64_t)(base + 2);
    frame->vector = TRAP_NONE;
    frame->code = 0;
}

static inline uint64_t arch_frame_ip(const struct trapframe *frame)
{
    return frame->rip;
}

static inline uint64_t arch_frame_pointer(const struct trapframe *frame)
{
    return frame->rbp;
}

static inline uint64_t arch_frame_sp(const struct trapframe *frame)
{
    return frame->rsp;
}

static inline void arch_frame_set_sp(struct trapframe *frame, uint64_t sp)
{
    frame->rsp = sp;
}

static inline uint64_t arch_frame_number(const struct trapframe *frame)
{
    return frame->vector == TRAP_SYSCALL ? frame->code : ~UINT64_C(0);
}

static inline uint64_t arch_frame_argument(const struct trapframe *frame, unsigned index)
{
    switch (index) {
    case 0:
        return frame->rdi;
    case 1:
        return frame->rsi;
    case 2:
        return frame->rdx;
    case 3:
        return frame->r10;
    case 4:
        return frame->r8;
    default:
        return frame->r9;
    }
}

static inline void arch_frame_set_result(struct trapframe *frame, int64_t result)
{
    frame->rax = (uint64_t)result;
}

static inline int64_t arch_frame_result(const struct trapframe *frame)
{
    return (int64_t)frame->rax;
}

// --- Page-table entries (Intel SDM 3A 4.5) ---

#define PTE_PRESENT UINT64_C(0x1)
#define PTE_WRITE UINT64_C(0x2)
#define PTE_USER UINT64_C(0x4)
#define PTE_WRITE_THROUGH UINT64_C(0x8)
#define PTE_NO_CACHE UINT64_C(0x10)
#define PTE_ACCESSED UINT64_C(0x20)
#define PTE_DIRTY UINT64_C(0x40)
#define PTE_LARGE UINT64_C(0x80) // in a table of level 1 or 2: a page of 2 MiB or 1 GiB
#define PTE_GLOBAL UINT64_C(0x100)
#define PTE_NO_EXECUTE (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

static inline pte_t arch_pte_page(paddr_t address, unsigned prot)
{
    pte_t entry = address | PTE_PRESENT;

    if (prot & PAGE_WRITE)
        entry |= PTE_WRITE;
    if (!(prot & PAGE_EXECUTE))
        entry |= PTE_NO_EXECUTE;
    if (prot & PAGE_USER)
        entry |= PTE_USER;
    else
        entry |= PTE_GLOBAL;
    if (prot & PAGE_UNCACHED)
        entry |= PTE_NO_CACHE | PTE_WRITE_THROUGH;
    return entry;
}

// A large page in a table of level 1 (2 MiB) or 2 (1 GiB).
static inline pte_t arch_pte_large(paddr_t address, unsigned prot)
{
    return arch_pte_page(address, prot) | PTE_LARGE;
}

static inline bool arch_pte_is_large(pte_t entry)
{
    return (entry & PTE_LARGE) != 0;
}

// Rights of user pages are narrowed in the last level alone.
static inline pte_t arch_pte_table(paddr_t table)
{
    return table | PTE_PRESENT | PTE_WRITE | PTE_USER;
}

static inline bool arch_pte_present(pte_t entry)
{
    return (entry & PTE_PRESENT) != 0;
}

// Keeps the page but lets nobody reach it: neither present nor 0.
static inline pte_t arch_pte_hide(pte_t entry)
{
    return entry & ~PTE_PRESENT;
}

static inline bool arch_pte_writable(pte_t entry)
{
    return (entry & PTE_WRITE) != 0;
}

static inline bool arch_pte_dirty(pte_t entry)
{
    return (entry & PTE_DIRTY) != 0;
}

static inline bool arch_pte_accessed(pte_t entry)
{
    return (entry & PTE_ACCESSED) != 0;
}

static inline paddr_t arch_pte_address(pte_t entry)
{
    return entry & PTE_ADDRESS;
}

// The same rights for another page.
static inline pte_t arch_pte_move(pte_t entry, paddr_t address)
{
    return (entry & ~PTE_ADDRESS) | address;
}

static inline unsigned arch_pt_index(vaddr_t address, unsigned level)
{
    return (unsigned)(address >> (PAGE_SHIFT + 9 * level)) % PT_ENTRIES;
}

static inline void arch_tlb_flush_page(vaddr_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
