// SPDX-License-Identifier: MIT
// ioapic.c - device interrupts: from an IOAPIC's input to a handler.
//
// Every input gets a vector of its own and goes to the boot CPU. Handlers are registered at
// start-up and stay.
// Source: Intel 82093AA data sheet, chapter 3.

#include "abi/errors.h"
#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/sync/spinlock.h"

#define REGISTER_VERSION 1
#define REGISTER_REDIRECTION 0x10
#define REDIRECTION_MASKED 0x10000
#define REDIRECTION_LEVEL 0x8000
#define REDIRECTION_ACTIVE_LOW 0x2000

struct ioapic {
    volatile uint32_t *select;
    volatile uint32_t *window;
    uint32_t first_gsi, inputs;
};

// Under lock: which inputs are taken, the next free vector, and the select registers.
static struct spinlock lock = SPINLOCK_INIT(RANK_ARCH);
static struct ioapic ioapics[ARRAY_LEN(acpi_interrupts.ioapics)];
static unsigned next_vector = VECTOR_DEVICE;
static uint64_t taken[4]; // by global number

static uint32_t ioapic_read(struct ioapic *ioapic, uint32_t at)
{
    *ioapic->select = at;
    return *ioapic->window;
}

static void ioapic_write(struct ioapic *ioapic, uint32_t at, uint32_t value)
{
    *ioapic->select = at;
    *ioapic->window = value;
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < acpi_interrupts.ioapic_count; i++) {
        struct ioapic *ioapic = &ioapics[i];
        char *registers = arch_map_device(acpi_interrupts.ioapics[i].address, PAGE_SIZE);

        if (registers == NULL)
            continue;
        ioapic->select = (volatile uint32_t *)registers;
        ioapic->window = (volatile uint32_t *)(registers + 0x10);
        ioapic->first_gsi = acpi_interrupts.ioapics[i].first_gsi;
        ioapic->inputs = (ioapic_read(ioapic, REGISTER_VERSION) >> 16 & 0xff) + 1;
        for (uint32_t input = 0; input < ioapic->inputs; input++)
            ioapic_write(ioapic, REGISTER_REDIRECTION + 2 * input, REDIRECTION_MASKED);
    }
}

static struct ioapic *ioapic_of(unsigned gsi)
{
    for (unsigned i = 0; i < ARRAY_LEN(ioapics); i++) {
        if (gsi >= ioapics[i].first_gsi && gsi - ioapics[i].first_gsi < ioapics[i].inputs)
            return &ioapics[i];
    }
    return NULL;
}

// Trigger mode and polarity: as the MADT says for ISA interrupts, else level-triggered inputs are
// PCI's, active low.
static uint32_t mode_of(unsigned gsi, bool level)
{
    uint32_t mode = level ? REDIRECTION_LEVEL | REDIRECTION_ACTIVE_LOW : 0;

    for (unsigned isa = 0; isa < ARRAY_LEN(acpi_interrupts.isa); isa++) {
        const struct acpi_override *wired = &acpi_interrupts.isa[isa];

        if (wired->gsi == gsi && (wired->level || wired->active_low)) {
            mode = wired->level ? REDIRECTION_LEVEL : 0;
            mode |= wired->active_low ? REDIRECTION_ACTIVE_LOW : 0;
        }
    }
    return mode;
}

bool arch_irq_exists(unsigned gsi)
{
    return ioapic_of(gsi) != NULL;
}

int arch_irq_register(unsigned gsi, bool level, void (*handler)(void *), void *argument)
{
    struct ioapic *ioapic = ioapic_of(gsi);
    uint64_t state;
    uint32_t at;
    int error = 0;

    if (ioapic == NULL || gsi >= 64 * ARRAY_LEN(taken))
        return -EINVAL;
    state = spin_lock_irq_save(&lock);
    if ((taken[gsi / 64] >> (gsi % 64) & 1) != 0 || next_vector == VECTOR_TIMER) {
        error = -EBUSY;
    } else {
        taken[gsi / 64] |= UINT64_C(1) << (gsi % 64);
        trap_set_interrupt(next_vector, handler, argument);
        at = REGISTER_REDIRECTION + 2 * (gsi - ioapic->first_gsi);
        ioapic_write(ioapic, at + 1, smp_apic_id(0) << 24);
        ioapic_write(ioapic, at, mode_of(gsi, level) | next_vector);
        next_vector++;
    }
    spin_unlock_irq_restore(&lock, state);
    return error;
}

unsigned arch_irq_isa(unsigned isa)
{
    return isa < ARRAY_LEN(acpi_interrupts.isa) ? acpi_interrupts.isa[isa].gsi : isa;
}
