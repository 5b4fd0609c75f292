// SPDX-License-Identifier: MIT
// machine.c - ports, the early serial port, and the ways to end: power off, reboot, failure.

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/boot.h"

#define COM1 0x3f8
#define COM1_LINE_STATUS (COM1 + 5)
#define LINE_STATUS_EMPTY 0x20
#define LINE_STATUS_SENT 0x40 // the shift register is empty too
#define SERIAL_TRIES 4000000  // two seconds or more
#define QEMU_EXIT_PORT 0xf4 // isa-debug-exit: a value v ends QEMU with status v << 1 | 1
#define QEMU_EXIT_FAILURE 0x31
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET 0xfe

// Offsets in the FADT (ACPI 6.4 table 5.9).
#define FADT_PM1A_CONTROL 64
#define FADT_SLEEP_CONTROL 244
#define SLEEP_ENABLE_PM1 0x2000   // of PM1 control; the type of S5 is 0 on QEMU's boards
#define SLEEP_ENABLE 0x20         // of the sleep control register; type 5 means S5 on microvm
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_OFF 5

uint8_t arch_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

uint16_t arch_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

uint32_t arch_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void arch_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

void arch_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

void arch_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

// Bounded: where there is no port, it reads as all ones, and one that is stuck must not stop a
// panic: it is waited for once.
static void await_serial(uint8_t status)
{
    static bool stuck;
    bool ready = false;

    for (unsigned tries = 0; !ready && tries < (stuck ? 1 : SERIAL_TRIES); tries++) {
        ready = (arch_in8(COM1_LINE_STATUS) & status) != 0;
        arch_relax();
    }
    stuck = !ready;
}

void arch_early_putc(char byte)
{
    await_serial(LINE_STATUS_EMPTY);
    arch_out8(COM1, (uint8_t)byte);
}

static void NORETURN halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static uint32_t fadt_word(const uint8_t *fadt, unsigned at)
{
    return fadt[at] | fadt[at + 1] << 8 | fadt[at + 2] << 16 | (uint32_t)fadt[at + 3] << 24;
}

// The sleep control register of hardware-reduced ACPI (microvm), mapped ahead: at the end nothing
// may fail.
static volatile uint8_t *sleep_control;
static uint16_t pm1a_control;

void machine_init(void)
{
    const struct acpi_header *header = arch_acpi_table("FACP");
    const uint8_t *fadt = (const uint8_t *)header;
    const struct acpi_address *sleep;

    if (header == NULL || header->length < FADT_PM1A_CONTROL + 4)
        return;
    pm1a_control = (uint16_t)fadt_word(fadt, FADT_PM1A_CONTROL);
    if (header->length < FADT_SLEEP_CONTROL + sizeof(*sleep))
        return;
    sleep = (const void *)(fadt + FADT_SLEEP_CONTROL);
    if (sleep->space == 0 && sleep->address != 0)
        sleep_control = arch_map_device(sleep->address, 1);
}

void arch_power_off(void)
{
    arch_irq_disable();
    await_serial(LINE_STATUS_SENT);
    if (pm1a_control != 0)
        arch_out16(pm1a_control, SLEEP_ENABLE_PM1);
    if (sleep_control != NULL)
        *sleep_control = SLEEP_TYPE_OFF << SLEEP_TYPE_SHIFT | SLEEP_ENABLE;
    halt();
}

void arch_fail(void)
{
    arch_irq_disable();
    await_serial(LINE_STATUS_SENT);
    arch_out8(QEMU_EXIT_PORT, QEMU_EXIT_FAILURE);
    halt();
}

void arch_reboot(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } PACKED empty = { 0, 0 };

    arch_irq_disable();
    await_serial(LINE_STATUS_SENT);
    arch_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    // Where no keyboard controller resets: an exception without an interrupt table shuts the CPU
    // down, and that resets the board.
    __asm__ volatile("lidt %0; int3" : : "m"(empty));
    halt();
}
