// SPDX-License-Identifier: MIT
// acpi.h - the few ACPI tables that are read by hand: which CPUs and interrupt controllers there
// are.
#pragma once

#include "kernel/arch/arch.h"

struct acpi_ioapic {
    paddr_t address;
    uint32_t first_gsi;
};

// How an ISA interrupt is wired, where it differs from edge-triggered, active high, the same
// number.
struct acpi_override {
    uint32_t gsi;
    bool level, active_low;
};

// What the MADT says.
struct acpi_interrupts {
    paddr_t lapic;
    uint32_t apic_ids[CPU_MAX]; // of CPUs that can be used, in the table's order
    unsigned cpu_count;
    struct acpi_ioapic ioapics[4];
    unsigned ioapic_count;
    struct acpi_override isa[16];
};
extern struct acpi_interrupts acpi_interrupts;

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} PACKED;

// A generic address: space 0 memory, 1 ports.
struct acpi_address {
    uint8_t space, width, offset, access;
    uint64_t address;
} PACKED;

void acpi_init(void);
