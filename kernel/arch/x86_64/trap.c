// SPDX-License-Identifier: MIT
// trap.c - the interrupt table, and where traps and interrupts go.
//
// From user mode: page faults and exceptions go to the registered handlers, interrupts on. From the
// kernel: only a page fault (or, for FPU state, a general protection fault) at an instruction of
// the exception table is expected; all else is our own bug, and panics.
// Sources: Intel SDM 3A 6.11 (gates), 6.15 (exceptions).

#include "kernel/arch/x86_64/trap.h"

#include <string.h>

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/log/log.h"
#include "lib/base/assert.h"

#define STUB_SIZE 16
#define GATE_INTERRUPT 0x8e00 // present, DPL 0, interrupts off
#define GATE_USER 0xee00      // the same, DPL 3: user mode may raise it by int

struct gate {
    uint16_t offset_low, selector;
    uint16_t stack_and_type[2]; // IST number; type and DPL
    uint32_t offset_high, reserved;
};

struct extable_entry {
    uint64_t instruction, fixup, kind;
};

struct interrupt {
    void (*handler)(void *argument);
    void *argument;
};

struct trap_handlers trap_handlers;
static struct gate idt[256] ALIGNED(16);
static struct interrupt interrupts[256];
static DEFINE_PERCPU(unsigned long[INTERRUPT_KINDS], interrupt_counts);

extern char trap_stubs[];
extern const struct extable_entry extable_start[], extable_end[];

static const char *const names[VECTOR_EXCEPTIONS] = {
    "divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow",
    "bound range exceeded",
    "invalid opcode", "device not available", "double fault", "coprocessor segment overrun",
    "invalid TSS", "segment not present", "stack fault", "general protection fault", "page fault",
    "reserved exception 15", "x87 floating-point error", "alignment check", "machine check",
    "SIMD floating-point error", "virtualisation exception", "control protection exception",
    "reserved exception 22", "reserved exception 23", "reserved exception 24",
    "reserved exception 25", "reserved exception 26", "reserved exception 27",
    "hypervisor injection", "VMM communication", "security exception", "reserved exception 31",
};

const char *trap_name(unsigned vector)
{
    return vector < VECTOR_EXCEPTIONS ? names[vector] : "interrupt";
}

void arch_set_trap_handlers(const struct trap_handlers *handlers)
{
    trap_handlers = *handlers;
}

static unsigned stack_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_NMI:
        return STACK_NMI;
    case VECTOR_DOUBLE_FAULT:
        return STACK_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK:
        return STACK_MACHINE_CHECK;
    default:
        return 0;
    }
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t stub = (uint64_t)trap_stubs + vector * STUB_SIZE;
        bool user = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;

        idt[vector] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = KERNEL_CS,
            .stack_and_type = { (uint16_t)((user ? GATE_USER : GATE_INTERRUPT) | stack_of(vector)),
                                (uint16_t)(stub >> 16) },
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
    trap_init_cpu();
}

void trap_init_cpu(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } PACKED pointer = { sizeof(idt) - 1, (uint64_t)idt };

    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_set_interrupt(unsigned vector, void (*handler)(void *), void *argument)
{
    interrupts[vector].argument = argument;
    // An interrupt on another CPU finds the argument once it finds the handler.
    __atomic_store_n(&interrupts[vector].handler, handler, __ATOMIC_RELEASE);
}

static enum interrupt_kind kind_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        return INTERRUPT_TIMER;
    case VECTOR_RESCHEDULE:
        return INTERRUPT_RESCHEDULE;
    case VECTOR_TLB:
        return INTERRUPT_SHOOTDOWN;
    default:
        return vector < VECTOR_TIMER ? INTERRUPT_DEVICE : INTERRUPT_OTHER;
    }
}

unsigned long arch_interrupts(unsigned cpu, enum interrupt_kind kind)
{
    return __atomic_load_n(&per_cpu(interrupt_counts, cpu)[kind], __ATOMIC_RELAXED);
}

static void run_interrupt(unsigned vector)
{
    struct interrupt *interrupt = &interrupts[vector];
    unsigned long *count = &this_cpu(interrupt_counts)[kind_of(vector)];

    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED); // written by this CPU alone
    if (interrupt->handler != NULL)
        interrupt->handler(interrupt->argument);
    if (vector != VECTOR_SPURIOUS) // which is not in service (SDM 3A 11.9)
        lapic_end_of_interrupt();
    irq_watch_on();
}

// Bits of a page fault's error code.
static enum fault_access access_of(uint64_t code)
{
    return code & 0x10 ? FAULT_EXECUTE : code & 0x2 ? FAULT_WRITE : FAULT_READ;
}

// Copies DR6 into the frame's error code, for the handler, and clears it: the CPU never does.
static void take_debug_status(struct trapframe *frame)
{
    __asm__ volatile("mov %%dr6, %0" : "=r"(frame->code));
    __asm__ volatile("mov %0, %%dr6" : : "r"(UINT64_C(0xffff0ff0)));
}

void trap_user(struct trapframe *frame)
{
    unsigned vector = (unsigned)frame->vector;
    vaddr_t address;

    irq_watch_off();
    if (vector >= VECTOR_EXCEPTIONS) {
        run_interrupt(vector);
        return;
    }
    if (vector == VECTOR_DEBUG)
        take_debug_status(frame);
    address = read_cr2();
    arch_irq_enable();
    if (vector == VECTOR_PAGE_FAULT)
        (void)trap_handlers.page_fault(frame, address, access_of(frame->code), true);
    else
        trap_handlers.exception(frame, vector, frame->code);
    arch_irq_disable();
}

void trap_user_work(struct trapframe *frame)
{
    irq_watch_off();
    arch_irq_enable();
    trap_handlers.return_to_user(frame);
    arch_irq_disable();
}

static const struct extable_entry *extable_find(uint64_t instruction)
{
    for (const struct extable_entry *entry = extable_start; entry < extable_end; entry++) {
        if (entry->instruction == instruction)
            return entry;
    }
    return NULL;
}

// A fault of an instruction that may touch user memory.
static void fault_of_copy(struct trapframe *frame, const struct extable_entry *entry,
                          vaddr_t address)
{
    bool user_address = frame->vector == VECTOR_PAGE_FAULT && address < USER_END;

    if (entry->kind == EXTABLE_COPY && user_address) {
        int error;

        assert(frame->rflags & FLAGS_IF);
        arch_irq_enable();
        error = trap_handlers.page_fault(frame, address, access_of(frame->code), false);
        arch_irq_disable();
        if (error == 0)
            return;
    }
    frame->rip = entry->fixup;
}

void trap_kernel(struct trapframe *frame)
{
    unsigned vector = (unsigned)frame->vector;
    const struct extable_entry *entry;
    vaddr_t address;

    if (frame->rflags & FLAGS_IF)
        irq_watch_off();
    if (vector >= VECTOR_EXCEPTIONS) {
        run_interrupt(vector);
        return;
    }
    address = read_cr2();
    entry = extable_find(frame->rip);
    if (entry != NULL &&
        (vector == VECTOR_PAGE_FAULT || vector == VECTOR_GENERAL_PROTECTION)) {
        fault_of_copy(frame, entry, address);
        return;
    }
    if (vector == VECTOR_PAGE_FAULT)
        panic_frame(frame, "page fault in the kernel: %s %#lx",
                    access_of(frame->code) == FAULT_EXECUTE ? "execution of"
                    : access_of(frame->code) == FAULT_WRITE ? "write to"
                                                            : "read of",
                    address);
    panic_frame(frame, "%s in the kernel, code %#lx", trap_name(vector), frame->code);
}

void trap_special(struct trapframe *frame)
{
    if (frame->vector == VECTOR_NMI && cpu_stop_requested())
        cpu_stop(frame);
    if (frame->vector == VECTOR_NMI) {
        log_warning("non-maskable interrupt on CPU %u at %#lx", arch_cpu(), frame->rip);
        return;
    }
    panic_frame(frame, "%s, code %#lx (address %#lx)", trap_name((unsigned)frame->vector),
                frame->code, read_cr2());
}
