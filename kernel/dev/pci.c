// SPDX-License-Identifier: MIT
// pci.c - finding PCI functions and reading their configuration, through the ports of the first
// host bridge.
//
// The ports take an address and then a value, so they have a lock. Interrupts: the firmware has
// written into each function the ISA interrupt that its pin reaches, and QEMU's pc and q35 raise
// that input of the IOAPIC too.
// Sources: PCI Local Bus Specification 3.0, 3.2.2.3 and chapter 6; QEMU 7.2 hw/isa/lpc_ich9.c,
// hw/isa/piix3.c.

#include "kernel/dev/pci.h"

#include "kernel/arch/arch.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/bits.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define ADDRESS_ENABLE UINT32_C(0x80000000)

#define CONFIG_ID 0x00
#define CONFIG_COMMAND 0x04
#define CONFIG_STATUS 0x06
#define CONFIG_CLASS 0x0a
#define CONFIG_HEADER 0x0e
#define CONFIG_BAR 0x10
#define CONFIG_SECONDARY_BUS 0x19
#define CONFIG_CAPABILITIES 0x34
#define CONFIG_INTERRUPT_LINE 0x3c
#define CONFIG_INTERRUPT_PIN 0x3d

#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4
#define STATUS_CAPABILITIES 0x10
#define HEADER_MULTIFUNCTION 0x80
#define CLASS_BRIDGE_PCI 0x0604
#define BAR_IO 1
#define BAR_TYPE_MASK 6
#define BAR_64 4

static struct spinlock lock = SPINLOCK_INIT(RANK_ARCH);

static uint32_t address_of(const struct pci_function *function, unsigned offset)
{
    return ADDRESS_ENABLE | (uint32_t)function->bus << 16 | (uint32_t)function->device << 11 |
           (uint32_t)function->function << 8 | (offset & 0xfc);
}

uint32_t pci_read32(const struct pci_function *function, unsigned offset)
{
    uint64_t state = spin_lock_irq_save(&lock);
    uint32_t value;

    arch_out32(PORT_ADDRESS, address_of(function, offset));
    value = arch_in32(PORT_DATA);
    spin_unlock_irq_restore(&lock, state);
    return value;
}

uint16_t pci_read16(const struct pci_function *function, unsigned offset)
{
    return (uint16_t)(pci_read32(function, offset) >> (offset & 2) * 8);
}

uint8_t pci_read8(const struct pci_function *function, unsigned offset)
{
    return (uint8_t)(pci_read32(function, offset) >> (offset & 3) * 8);
}

static void write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    uint64_t state = spin_lock_irq_save(&lock);

    arch_out32(PORT_ADDRESS, address_of(function, offset));
    arch_out32(PORT_DATA, value);
    spin_unlock_irq_restore(&lock, state);
}

bool pci_present(void)
{
    uint64_t state = spin_lock_irq_save(&lock);
    bool present;

    arch_out32(PORT_ADDRESS, ADDRESS_ENABLE);
    present = arch_in32(PORT_ADDRESS) == ADDRESS_ENABLE;
    spin_unlock_irq_restore(&lock, state);
    return present;
}

// Reports a function; remembers the bus behind a bridge. Returns: false if there is no function.
static bool visit(struct pci_function *at, uint64_t *buses,
                  void (*each)(const struct pci_function *function))
{
    uint32_t id = pci_read32(at, CONFIG_ID);

    at->vendor = (uint16_t)id;
    at->id = (uint16_t)(id >> 16);
    if (at->vendor == 0xffff)
        return false;
    if (pci_read16(at, CONFIG_CLASS) == CLASS_BRIDGE_PCI)
        bits_set(buses, pci_read8(at, CONFIG_SECONDARY_BUS));
    each(at);
    return true;
}

static void visit_device(struct pci_function at, uint64_t *buses,
                         void (*each)(const struct pci_function *function))
{
    unsigned functions;

    at.function = 0;
    if (!visit(&at, buses, each))
        return;
    functions = (pci_read8(&at, CONFIG_HEADER) & HEADER_MULTIFUNCTION) != 0 ? 8 : 1;
    for (unsigned i = 1; i < functions; i++) {
        at.function = (uint8_t)i;
        (void)visit(&at, buses, each);
    }
}

// A bridge's bus number is above that of the bus it stands on, so one pass upwards sees all.
void pci_for_each(void (*each)(const struct pci_function *function))
{
    uint64_t buses[BITS_WORDS(256)] = { 1 };

    for (unsigned bus = 0; bus < 256; bus++) {
        for (unsigned device = 0; bits_test(buses, bus) && device < 32; device++) {
            struct pci_function at = { .bus = (uint8_t)bus, .device = (uint8_t)device };

            visit_device(at, buses, each);
        }
    }
}

void pci_enable(const struct pci_function *function)
{
    uint32_t command =
        pci_read16(function, CONFIG_COMMAND); // the status half is cleared by ones: write zeros

    write32(function, CONFIG_COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER);
}

bool pci_window(const struct pci_function *function, unsigned bar, paddr_t *address)
{
    uint32_t low = pci_read32(function, CONFIG_BAR + 4 * bar);

    if (bar > 5 || (low & BAR_IO) != 0)
        return false;
    *address = low & ~UINT32_C(15);
    if ((low & BAR_TYPE_MASK) == BAR_64 && bar < 5)
        *address |= (paddr_t)pci_read32(function, CONFIG_BAR + 4 * (bar + 1)) << 32;
    return *address != 0;
}

bool pci_interrupt(const struct pci_function *function, unsigned *gsi)
{
    uint8_t line = pci_read8(function, CONFIG_INTERRUPT_LINE);

    if (pci_read8(function, CONFIG_INTERRUPT_PIN) == 0 || line == 0 || line > 15)
        return false;
    *gsi = arch_irq_isa(line);
    return true;
}

unsigned pci_next_capability(const struct pci_function *function, unsigned offset)
{
    if (offset != 0)
        return pci_read8(function, offset + 1) & 0xfc;
    if ((pci_read16(function, CONFIG_STATUS) & STATUS_CAPABILITIES) == 0)
        return 0;
    return pci_read8(function, CONFIG_CAPABILITIES) & 0xfc;
}
