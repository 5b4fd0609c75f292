// SPDX-License-Identifier: MIT
// apic.c - the local APIC of each CPU (xAPIC, memory-mapped).
//
// Sources: Intel SDM 3A 11.4 (registers), 11.5.4 (timer), 11.6 (interprocessor interrupts).

#include "kernel/arch/x86_64/apic.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"

enum lapic_register {
    LAPIC_ID = 0x20,
    LAPIC_TASK_PRIORITY = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_ERROR_STATUS = 0x280,
    LAPIC_COMMAND_LOW = 0x300,
    LAPIC_COMMAND_HIGH = 0x310,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_COUNT = 0x380,
    LAPIC_TIMER_LEFT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE 0x100
#define LVT_MASKED 0x10000
#define DIVIDE_BY_16 0x3 // so that 32 bits hold many seconds
#define COMMAND_NMI 0x400
#define COMMAND_INIT 0x500
#define COMMAND_STARTUP 0x600
#define COMMAND_PENDING 0x1000
#define COMMAND_ASSERT 0x4000
#define APIC_BASE_ENABLE 0x800

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

static volatile uint32_t *lapic;

static uint32_t lapic_read(enum lapic_register at)
{
    return lapic[at / 4];
}

static void lapic_write(enum lapic_register at, uint32_t value)
{
    lapic[at / 4] = value;
}

static void error_interrupt(void *argument)
{
    (void)argument;
    lapic_write(LAPIC_ERROR_STATUS, 0); // a write latches the register
    log_warning("local APIC of CPU %u: error %#x", arch_cpu(), lapic_read(LAPIC_ERROR_STATUS));
}

// The old interrupt controllers, moved away from the exceptions and masked: a stray interrupt of
// theirs then comes at 0x20 or 0x28 and is ignored. Sequence: Intel 8259A data sheet, ICW1 to ICW4.
static void mask_pics(void)
{
    arch_out8(0x20, 0x11);
    arch_out8(0xa0, 0x11);
    arch_out8(PIC1_DATA, 0x20);
    arch_out8(PIC2_DATA, 0x28);
    arch_out8(PIC1_DATA, 4);
    arch_out8(PIC2_DATA, 2);
    arch_out8(PIC1_DATA, 1);
    arch_out8(PIC2_DATA, 1);
    arch_out8(PIC1_DATA, 0xff);
    arch_out8(PIC2_DATA, 0xff);
}

void lapic_init(paddr_t address)
{
    lapic = arch_map_device(address, PAGE_SIZE);
    mask_pics();
    trap_set_interrupt(VECTOR_ERROR, error_interrupt, NULL);
}

void lapic_init_cpu(void)
{
    write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_TASK_PRIORITY, 0);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, COMMAND_NMI); // where the platform's NMI comes in
    lapic_write(LAPIC_LVT_ERROR, VECTOR_ERROR);
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER); // one-shot
    lapic_write(LAPIC_ERROR_STATUS, 0);
}

uint32_t lapic_id(void)
{
    return lapic_read(LAPIC_ID) >> 24;
}

void lapic_end_of_interrupt(void)
{
    lapic_write(LAPIC_EOI, 0);
}

void lapic_timer_start(uint32_t count)
{
    lapic_write(LAPIC_TIMER_COUNT, count);
}

uint32_t lapic_timer_left(void)
{
    return lapic_read(LAPIC_TIMER_LEFT);
}

// The command register is two words: an interrupt that sends between the writes would spoil it.
static void send(uint32_t id, uint32_t command)
{
    uint64_t state = arch_irq_save();

    while (lapic_read(LAPIC_COMMAND_LOW) & COMMAND_PENDING)
        arch_relax();
    lapic_write(LAPIC_COMMAND_HIGH, id << 24);
    lapic_write(LAPIC_COMMAND_LOW, command);
    arch_irq_restore(state);
}

void lapic_send(uint32_t id, unsigned vector)
{
    send(id, COMMAND_ASSERT | vector);
}

void lapic_send_nmi(uint32_t id)
{
    if (lapic != NULL)
        send(id, COMMAND_ASSERT | COMMAND_NMI);
}

void lapic_send_init(uint32_t id)
{
    send(id, COMMAND_ASSERT | COMMAND_INIT);
}

void lapic_send_startup(uint32_t id, unsigned page)
{
    send(id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}
