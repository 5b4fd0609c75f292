// SPDX-License-Identifier: MIT
// thread.c - switching between threads, and the frames that take one to user mode.

#include "kernel/arch/x86_64/thread.h"

#include <string.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/sched/thread.h"

// What entry.S takes for granted.
_Static_assert(sizeof(struct trapframe) == FRAME_SIZE, "frame");
_Static_assert(FRAME_SIZE % 16 == 0, "a frame keeps the stack aligned");
_Static_assert(offsetof(struct trapframe, r11) == FRAME_R11, "frame");
_Static_assert(offsetof(struct trapframe, rax) == FRAME_RAX, "frame");
_Static_assert(offsetof(struct trapframe, rdi) == FRAME_RDI, "frame");
_Static_assert(offsetof(struct trapframe, vector) == FRAME_VECTOR, "frame");
_Static_assert(offsetof(struct trapframe, cs) == FRAME_CS, "frame");
_Static_assert(offsetof(struct trapframe, rsp) == FRAME_RSP, "frame");
_Static_assert(TRAP_SYSCALL == FRAME_VECTOR_SYSCALL, "frame");
_Static_assert(offsetof(struct thread, arch.user_cycles) == THREAD_USER_CYCLES, "thread");
_Static_assert(offsetof(struct thread, arch.user_since) == THREAD_USER_SINCE, "thread");
_Static_assert(offsetof(struct thread, stack_top) == THREAD_STACK_TOP, "thread");
_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "thread");
_Static_assert(offsetof(struct tss, rsp) == TSS_RSP0, "tss");
_Static_assert(offsetof(struct trap_handlers, syscall) == 0, "entry.S calls the first");

struct thread *switch_stacks(uint64_t *save, uint64_t load, struct thread *from);
void thread_begin(void);

// What switch_stacks finds on a stack it has not been on yet.
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    void (*return_to)(void);
};

void arch_thread_init(struct thread *thread, void (*entry)(void *), void *argument)
{
    // Above it the place of the user's frame, and a word that makes the stack as after a call.
    struct switch_frame *frame =
        (struct switch_frame *)(thread->stack_top - sizeof(struct trapframe)) - 1;

    *frame = (struct switch_frame){
        .r12 = (uint64_t)argument,
        .rbx = (uint64_t)entry,
        .return_to = thread_begin,
    };
    thread->arch.rsp = (uint64_t)frame;
    thread->arch.user_since = 0;
}

void arch_set_current(struct thread *thread)
{
    this_cpu(arch_current) = thread;
}

static inline uint64_t read_fs_base(void)
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static inline void write_fs_base(uint64_t base)
{
    if (cpu_features.fsgsbase)
        __asm__ volatile("wrfsbase %0" : : "r"(base));
    else
        write_msr(MSR_FS_BASE, base);
}

// The user's GS base waits in KERNEL_GS_BASE while the kernel runs. Interrupts off: between the two
// swapgs this CPU's per-CPU data cannot be reached.
static inline uint64_t read_user_gs_base(void)
{
    uint64_t base;

    __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base));
    return base;
}

static inline void write_user_gs_base(uint64_t base)
{
    if (cpu_features.fsgsbase)
        __asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base));
    else
        write_msr(MSR_KERNEL_GS_BASE, base);
}

// Without FSGSBASE user mode cannot set the bases, so what was set last is still what they are.
static void save_user_state(struct thread *thread)
{
    fpu_save(thread->arch.fpu);
    if (cpu_features.fsgsbase) {
        thread->arch.fs_base = read_fs_base();
        thread->arch.gs_base = read_user_gs_base();
    }
}

static void load_user_state(const struct thread *thread)
{
    fpu_load(thread->arch.fpu);
    write_fs_base(thread->arch.fs_base);
    write_user_gs_base(thread->arch.gs_base);
}

struct thread *arch_switch(struct thread *from, struct thread *to)
{
    if (from->arch.fpu != NULL)
        save_user_state(from);
    this_cpu(arch_tss).rsp[0] = to->stack_top;
    this_cpu(arch_current) = to;
    if (to->arch.fpu != NULL)
        load_user_state(to);
    return switch_stacks(&from->arch.rsp, to->arch.rsp, from);
}

void arch_frame_init(struct trapframe *frame, vaddr_t ip, vaddr_t sp)
{
    *frame = (struct trapframe){
        .rip = ip,
        .cs = USER_CS,
        .rflags = FLAGS_IF | FLAGS_FIXED,
        .rsp = sp,
        .ss = USER_DS,
    };
}

// The syscall instruction is two bytes long; vector stays TRAP_SYSCALL, so sysret may still be
// used.
void arch_frame_restart(struct trapframe *frame)
{
    arch_frame_restart_as(frame, frame->code);
}

void arch_frame_restart_as(struct trapframe *frame, uint64_t number)
{
    frame->rax = number;
    frame->rip -= 2;
}

void arch_set_fs_base(struct thread *thread, uint64_t base)
{
    uint64_t state = arch_irq_save();

    thread->arch.fs_base = base;
    if (thread == arch_current())
        write_fs_base(base);
    arch_irq_restore(state);
}

uint64_t arch_fs_base(struct thread *thread)
{
    return thread == arch_current() && cpu_features.fsgsbase ? read_fs_base()
                                                             : thread->arch.fs_base;
}

void arch_set_gs_base(struct thread *thread, uint64_t base)
{
    uint64_t state = arch_irq_save();

    thread->arch.gs_base = base;
    if (thread == arch_current())
        write_user_gs_base(base);
    arch_irq_restore(state);
}

uint64_t arch_gs_base(struct thread *thread)
{
    uint64_t state = arch_irq_save();
    uint64_t base = thread == arch_current() && cpu_features.fsgsbase ? read_user_gs_base()
                                                                      : thread->arch.gs_base;

    arch_irq_restore(state);
    return base;
}
