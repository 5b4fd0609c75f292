// SPDX-License-Identifier: MIT
// arch.h - the machine as the rest of the kernel sees it. Only kernel/arch includes x86_64/ itself.
//
// Inline parts (interrupt flags, per-CPU data, page-table entries, struct trapframe) stand in
// x86_64/inline.h, which this header includes last.
#pragma once

#include <stdatomic.h>

#include "lib/base/compiler.h"
#include "lib/base/types.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK (PAGE_SIZE - 1)
#define CPU_MAX 64
#define KSTACK_SIZE (4 * PAGE_SIZE)

// The lower half is user space; its last page is never mapped. Below USER_MIN nothing is mapped.
#define USER_MIN UINT64_C(0x1000)
#define USER_END UINT64_C(0x00007ffffffff000)
// All that the kernel chooses itself lies in the first 512 GiB, so that a small box needs one table
// of each level.
#define USER_SLOT_END UINT64_C(0x0000008000000000)

// Kernel half, in order: all RAM, the frame map, mappings made at run time (stacks, devices), the
// image.
#define DIRECT_BASE UINT64_C(0xffff800000000000)
#define FRAME_MAP_BASE UINT64_C(0xffffe00000000000)
#define VMAP_BASE UINT64_C(0xfffff00000000000)
#define VMAP_END UINT64_C(0xfffff10000000000)
#define IMAGE_BASE UINT64_C(0xffffffff80000000)

static inline void *direct_ptr(paddr_t address)
{
    return (void *)(address + DIRECT_BASE);
}

static inline paddr_t direct_paddr(const void *pointer)
{
    return (paddr_t)pointer - DIRECT_BASE;
}

struct trapframe; // user registers as saved on entry; x86_64/inline.h
struct thread;
struct arch_thread;

// --- Boot: what the machine handed over, copied out of low memory before anything else. ---

struct boot_range {
    paddr_t start;
    paddr_t end;
};

struct boot_module {
    paddr_t start; // its frames are not in ram: frames_add gives them to the allocator
    size_t size;
};

struct boot_info {
    // Usable RAM without image and modules: sorted, page-aligned, merged; a range may be empty.
    struct boot_range ram[64];
    unsigned ram_count;
    struct boot_module modules[8];
    unsigned module_count;
    paddr_t rsdp;
    char command_line[2048];
    const char *path; // "pvh" or "multiboot2"
    uint64_t entry_tsc;
};
extern struct boot_info boot_info;
uint64_t boot_ram_size(void); // bytes of all RAM, the kernel's own included

// Where arch goes once the boot CPU stands, interrupts off; kernel/init has it.
void NORETURN kernel_main(void);

// Finds key in the command line ("key" or "key=value", words split by blanks).
// Returns: false if absent; else copies the value (empty if none) into value, cut at size.
bool boot_option(const char *key, char *value, size_t size);

// --- CPUs ---

// This CPU's number, 0 to arch_cpu_count()-1; 0 is the boot CPU.
static inline unsigned arch_cpu(void);
unsigned arch_cpu_count(void);
// Starts the other CPUs; each runs entry on its own stack, with interrupts off, and never returns.
void arch_cpus_start(void (*entry)(void));

// Interrupt flag of this CPU. Test builds time how long it is off, and complain past 100 ms:
// irq_watch.c.
static inline bool arch_irq_enabled(void);
static inline uint64_t arch_irq_save(void); // turns them off; returns the old state
static inline void arch_irq_restore(uint64_t state);
static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);
static inline void arch_relax(void);        // a pause in a spin loop
static inline uint64_t arch_cycles(void);   // the time-stamp counter
// Turns interrupts on and halts until one comes, in one step; returns with interrupts on.
static inline void arch_halt(void);

// --- Traps. Upper layers register once, before interrupts are on. ---

enum fault_access { FAULT_READ = 0, FAULT_WRITE = 1, FAULT_EXECUTE = 2 };

struct trap_handlers {
    // A system call; interrupts on. The result goes into the frame by arch_frame_set_result.
    void (*syscall)(struct trapframe *frame);
    // A page fault at a user address, interrupts on: from user mode (user true), or from a user
    // copy in the kernel. Returns: 0 resolved; negative: for a user copy it makes the copy fail;
    // for user mode the handler has already posted the signal.
    int (*page_fault)(struct trapframe *frame, vaddr_t address, enum fault_access access,
                      bool user);
    // Another exception in user mode; interrupts on. vector, error: as the CPU reports them.
    void (*exception)(struct trapframe *frame, unsigned vector, uint64_t error);
    // Before user mode, interrupts on, while thread->work is not 0.
    void (*return_to_user)(struct trapframe *frame);
    void (*timer)(void);      // interrupts off
    void (*reschedule)(void); // interrupts off
};
void arch_set_trap_handlers(const struct trap_handlers *handlers);

// How often interrupts of a kind have come to a CPU.
enum interrupt_kind {
    INTERRUPT_TIMER,
    INTERRUPT_RESCHEDULE,
    INTERRUPT_SHOOTDOWN,
    INTERRUPT_DEVICE,
    INTERRUPT_OTHER,
    INTERRUPT_KINDS,
};
unsigned long arch_interrupts(unsigned cpu, enum interrupt_kind kind);

// Device interrupts, by global interrupt number (IOAPIC input; ISA numbers after overrides).
// handler: interrupts off. Errors: -EBUSY taken, -EINVAL no such input.
int arch_irq_register(unsigned gsi, bool level, void (*handler)(void *), void *argument) MUST_CHECK;
unsigned arch_irq_isa(unsigned isa); // the global number of an ISA interrupt
bool arch_irq_exists(unsigned gsi);  // whether an interrupt controller has this input

// --- Threads ---

// Sets up thread->arch so that the first switch to it calls entry(argument) on its kernel stack.
void arch_thread_init(struct thread *thread, void (*entry)(void *), void *argument);
// The FPU area of a thread: allocated by the caller (arch_fpu_size() bytes, 64-aligned), set to the
// initial state.
size_t arch_fpu_size(void);
void arch_fpu_init(void *area);
// Copies the calling thread's live FPU state into to's area (fork, clone).
void arch_fpu_copy(struct thread *to);
// The initial state for the calling thread (exec).
void arch_fpu_reset(void);
// Switches stacks and per-thread CPU state (FPU, FS/GS base, the stack the next trap uses).
// Runs with interrupts off. Returns (on the new thread's stack): the thread that ran before.
struct thread *arch_switch(struct thread *from, struct thread *to);

// struct trapframe *arch_thread_frame(const struct thread *): the frame at the top of a user
// thread's kernel stack. A macro of x86_64/inline.h, since struct thread stands above this header.

// The calling thread as arch_switch knows it. sched_init and sched_init_cpu name the thread they
// run on.
static inline struct thread *arch_current(void);
void arch_set_current(struct thread *thread);
// Time in user mode up to now, also while the thread runs elsewhere.
nsec_t arch_thread_user_ns(const struct thread *thread);
// Leaves the kernel with the frame at the top of the calling thread's stack; the way into a new
// program.
void NORETURN arch_enter_user(void);
// A frame for a program's start: ip, sp, the rest zero, interrupts on.
void arch_frame_init(struct trapframe *frame, vaddr_t ip, vaddr_t sp);
static inline uint64_t arch_frame_ip(const struct trapframe *frame);
static inline uint64_t arch_frame_pointer(const struct trapframe *frame); // rbp, for a backtrace
static inline uint64_t arch_frame_sp(const struct trapframe *frame);
static inline void arch_frame_set_sp(struct trapframe *frame, uint64_t sp);
// The number of the system call; ~0 if the frame is of none.
static inline uint64_t arch_frame_number(const struct trapframe *frame);
static inline uint64_t arch_frame_argument(const struct trapframe *frame, unsigned index);
static inline void arch_frame_set_result(struct trapframe *frame, int64_t result);
static inline int64_t arch_frame_result(const struct trapframe *frame);
// Makes the frame repeat its system call (same number) or call number instead.
void arch_frame_restart(struct trapframe *frame);
void arch_frame_restart_as(struct trapframe *frame, uint64_t number);
// Thread-local storage bases of the calling thread, or of one not running.
void arch_set_fs_base(struct thread *thread, uint64_t base);
uint64_t arch_fs_base(struct thread *thread);
void arch_set_gs_base(struct thread *thread, uint64_t base);
uint64_t arch_gs_base(struct thread *thread);

// Signals: writes a Linux rt_sigframe (siginfo, ucontext with FPU state) below sp on the user stack
// and points the frame at handler(signal, &info, &context), returning to restorer. sp: the
// caller has left out the red zone (128 bytes), or it is the top of the alternate stack; it need
// not be aligned. info: a siginfo_t of 128 bytes. mask: the signal mask to restore.
// Errors: -EFAULT; the frame is unchanged.
int arch_signal_enter(struct trapframe *frame, vaddr_t sp, unsigned signal, const void *info,
                      uint64_t mask, const void *altstack_24_bytes, vaddr_t handler,
                      vaddr_t restorer) MUST_CHECK;
// Undoes it (rt_sigreturn): reads the frame at the user's sp, checks every field it loads.
// Errors: -EFAULT.
int arch_signal_return(struct trapframe *frame, uint64_t *mask, void *altstack_24_bytes) MUST_CHECK;

// --- User memory. All return 0 or -EFAULT, check the range against the user half, may sleep (page
// faults), and so are called with no spin lock and no space lock held. ---

int arch_copy_from_user(void *to, vaddr_t from, size_t size) MUST_CHECK;
int arch_copy_to_user(vaddr_t to, const void *from, size_t size) MUST_CHECK;
int arch_zero_user(vaddr_t to, size_t size) MUST_CHECK;
// Copies a string with its NUL. Returns: its length without it; -EFAULT; -ENAMETOOLONG past size.
ssize_t arch_copy_string_from_user(char *to, vaddr_t from, size_t size) MUST_CHECK;
// Atomic operations on an aligned u32, without sleeping: -EAGAIN if the page is not there (touch it
// and try again), else 0 with the old value. May be called under spin locks (FUTEX).
int arch_user_load_u32(vaddr_t from, uint32_t *value) MUST_CHECK;
int arch_user_cmpxchg_u32(vaddr_t at, uint32_t expected, uint32_t desired,
                          uint32_t *old) MUST_CHECK;
enum user_op { USER_OP_SET, USER_OP_ADD, USER_OP_OR, USER_OP_ANDN, USER_OP_XOR };
int arch_user_op_u32(vaddr_t at, enum user_op op, uint32_t operand, uint32_t *old) MUST_CHECK;

// --- Page tables: four levels of 512 entries; mem/pagetable.c walks them. ---

typedef uint64_t pte_t;
#define PT_LEVELS 4
#define PT_ENTRIES 512
enum page_prot {
    PAGE_READ = 1,
    PAGE_WRITE = 2,
    PAGE_EXECUTE = 4,
    PAGE_USER = 8,
    PAGE_UNCACHED = 16,
};
static inline pte_t arch_pte_page(paddr_t address, unsigned prot);  // enum page_prot bits
// A page of 2 MiB (in a table of level 1) or 1 GiB (level 2).
static inline pte_t arch_pte_large(paddr_t address, unsigned prot);
static inline bool arch_pte_is_large(pte_t entry);
static inline pte_t arch_pte_table(paddr_t table);
static inline bool arch_pte_present(pte_t entry);
static inline pte_t arch_pte_hide(pte_t entry); // not present, but not 0: a page that nobody may reach for now
static inline bool arch_pte_writable(pte_t entry);
static inline bool arch_pte_dirty(pte_t entry);
static inline bool arch_pte_accessed(pte_t entry);
static inline paddr_t arch_pte_address(pte_t entry);
static inline pte_t arch_pte_move(pte_t entry, paddr_t address); // the same rights for another page
static inline unsigned arch_pt_index(vaddr_t address, unsigned level); // level 0: the last table

// Start-up, until frames_init is done: pages (contiguous, zeroed, below 4 GiB where there is room)
// taken out of boot_info.ram for good. Panics when there are none.
paddr_t arch_early_alloc(size_t npages);
// Start-up: maps size bytes in the kernel's half, with tables of arch_early_alloc and the largest
// pages that fit. All three page-aligned; nothing may be mapped there.
void arch_map_early(vaddr_t at, paddr_t to, size_t size, unsigned prot);
// The kernel's root has a table behind each top-level entry of the kernel's half that is ever used,
// so that half is the same in all roots. A mapping at run time walks from arch_kernel_root() and
// adds tables of lower levels.

// Copies the kernel's half into a new root table.
void arch_root_init(paddr_t root);
paddr_t arch_kernel_root(void);
// Loads a root table on this CPU; also drops what the TLB has of the old one.
void arch_root_load(paddr_t root);
static inline void arch_tlb_flush_page(vaddr_t address); // this CPU
void arch_tlb_flush_all(void);                           // this CPU, the kernel's pages too

// Makes every CPU of the set cpus (bit n: CPU n; the caller's own included if set) forget npages
// pages from start of the space it is in, and waits until all have. Context: interrupts on, no IRQ
// lock held.
void arch_tlb_shootdown(uint64_t cpus, vaddr_t start, size_t npages);

// Interrupts another CPU so that it looks at its run queue and work bits.
void arch_ipi_reschedule(unsigned cpu);
// Stops all other CPUs for good (panic).
void arch_cpus_stop(void);
// For a panic's account: the thread on a CPU, and where arch_cpus_stop found it (0: it did not
// answer).
void arch_cpu_describe(unsigned cpu, const char **thread_name, uint64_t *ip);

// --- Time ---

// Nanoseconds since boot; the same on all CPUs, never backwards. From the time-stamp counter, or from
// what has taken its place.
nsec_t arch_clock_ns(void);
// Wall-clock time since 1970 minus arch_clock_ns(): at first by the CMOS clock. Programs see it too.
nsec_t arch_wall_offset(void);
void arch_set_wall_offset(nsec_t offset_ns);
// Sets this CPU's one-shot timer: the timer handler runs at or just after deadline. NSEC_NEVER:
// off.
void arch_timer_set(nsec_t deadline);
// What every program may have mapped: the page of the clock (read), and the vDSO, the code that
// reads it (execute). Pages of the kernel's image, the same for all.
paddr_t arch_vdso_data(void);
paddr_t arch_vdso_code(void);

// --- Machine ---

void NORETURN arch_power_off(void);
// Ends QEMU with a failure code (isa-debug-exit), else halts: after a panic.
void NORETURN arch_fail(void);
void NORETURN arch_reboot(void);
// A byte to the first serial port, by polling; for the log and for panics.
void arch_early_putc(char byte);
// Walks the frame pointers from frame (0: the caller's). Returns: how many addresses it wrote.
unsigned arch_backtrace(uint64_t frame_pointer, uint64_t *addresses, unsigned most);
// The registers as they were where the function that it is the first statement of was called.
static ALWAYS_INLINE void arch_frame_capture(struct trapframe *frame);
// Prints a trap frame's registers to the log at level error.
void arch_frame_print(const struct trapframe *frame);
void arch_cpu_name(char *text, size_t size); // for /proc/cpuinfo
uint64_t arch_hwcap(void);                   // AT_HWCAP: CPUID leaf 1, EDX
bool arch_random_u64(uint64_t *value);       // RDRAND/RDSEED; false where the CPU has none

// ACPI: the table with this four-letter signature, mapped; NULL if there is none.
const void *arch_acpi_table(const char *signature);
// Device memory, uncached, mapped for good. Context: start-up or thread. NULL: no room.
void *arch_map_device(paddr_t address, size_t size);
uint8_t arch_in8(uint16_t port);
uint16_t arch_in16(uint16_t port);
uint32_t arch_in32(uint16_t port);
void arch_out8(uint16_t port, uint8_t value);
void arch_out16(uint16_t port, uint16_t value);
void arch_out32(uint16_t port, uint32_t value);

// --- Per-CPU data: DEFINE_PERCPU(type, name); this_cpu(name) and per_cpu(name, cpu) are lvalues.
// --- DECLARE_PERCPU(type, name) in headers. On one CPU's own copy with interrupts off, or from
// code that cannot be moved (the kernel is not preempted), no lock is needed.

#include "kernel/arch/x86_64/inline.h"
