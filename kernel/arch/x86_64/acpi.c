// SPDX-License-Identifier: MIT
// acpi.c - finds ACPI tables, and reads the MADT.
//
// Sources: ACPI 6.4 5.2.5 (RSDP), 5.2.7 (RSDT), 5.2.8 (XSDT), 5.2.12 (MADT).

#include "kernel/arch/x86_64/acpi.h"

#include <string.h>

#include "kernel/arch/x86_64/boot.h"
#include "kernel/log/log.h"

#define TABLES_MAX 48
#define DEFAULT_LAPIC UINT64_C(0xfee00000)
#define TABLE_MAX (UINT32_C(1) << 20)

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; // from here on: revision 2 and later
    uint64_t xsdt;
} PACKED;

struct madt {
    struct acpi_header header;
    uint32_t lapic, flags;
} PACKED;

struct madt_entry {
    uint8_t type, length;
    union {
        struct {
            uint8_t processor, apic_id;
            uint32_t flags;
        } PACKED lapic;
        struct {
            uint8_t id, reserved;
            uint32_t address, first_gsi;
        } PACKED ioapic;
        struct {
            uint8_t bus, source;
            uint32_t gsi;
            uint16_t flags;
        } PACKED override;
        struct {
            uint16_t reserved;
            uint64_t address;
        } PACKED lapic_address;
    };
} PACKED;

enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5 };

struct acpi_interrupts acpi_interrupts;
static const struct acpi_header *tables[TABLES_MAX];
static unsigned table_count;

// Maps a table whole. NULL: no table there.
static const struct acpi_header *map_table(paddr_t address)
{
    const struct acpi_header *header;
    uint32_t length;

    if (address == 0)
        return NULL;
    header = paging_map(address, sizeof(*header), PAGE_READ);
    if (header == NULL)
        return NULL;
    length = header->length;
    if (length < sizeof(*header) || length > TABLE_MAX)
        return NULL;
    // Most tables end on the page they begin on.
    if (address % PAGE_SIZE + length <= PAGE_SIZE)
        return header;
    return paging_map(address, length, PAGE_READ);
}

// Entries of the root table are addresses of 4 (RSDT) or 8 (XSDT) bytes, not aligned.
static void add_tables(const struct acpi_header *root, size_t entry_size)
{
    const char *at = (const char *)(root + 1);
    const char *end = (const char *)root + root->length;

    for (; at + entry_size <= end && table_count < TABLES_MAX; at += entry_size) {
        uint64_t address = 0;
        const struct acpi_header *table;

        memcpy(&address, at, entry_size);
        table = map_table(address);
        if (table != NULL)
            tables[table_count++] = table;
    }
}

static void find_tables(void)
{
    const struct rsdp *rsdp;
    const struct acpi_header *root = NULL;

    if (boot_info.rsdp == 0)
        return;
    rsdp = paging_map(boot_info.rsdp, sizeof(*rsdp), PAGE_READ);
    if (rsdp == NULL || memcmp(rsdp->signature, "RSD PTR ", 8) != 0)
        return;
    if (rsdp->revision >= 2)
        root = map_table(rsdp->xsdt);
    if (root != NULL) {
        add_tables(root, 8);
        return;
    }
    root = map_table(rsdp->rsdt);
    if (root != NULL)
        add_tables(root, 4);
}

const void *arch_acpi_table(const char *signature)
{
    for (unsigned i = 0; i < table_count; i++) {
        if (memcmp(tables[i]->signature, signature, 4) == 0)
            return tables[i];
    }
    return NULL;
}

static void add_override(const struct madt_entry *entry)
{
    struct acpi_override *isa;
    unsigned polarity = entry->override.flags & 3, trigger = entry->override.flags >> 2 & 3;

    if (entry->override.source >= ARRAY_LEN(acpi_interrupts.isa))
        return;
    isa = &acpi_interrupts.isa[entry->override.source];
    isa->gsi = entry->override.gsi;
    isa->active_low = polarity == 3;
    isa->level = trigger == 3;
}

static void read_entry(const struct madt_entry *entry)
{
    struct acpi_interrupts *found = &acpi_interrupts;

    switch (entry->type) {
    case MADT_LAPIC:
        if ((entry->lapic.flags & 1) && found->cpu_count < CPU_MAX)
            found->apic_ids[found->cpu_count++] = entry->lapic.apic_id;
        break;
    case MADT_IOAPIC:
        if (found->ioapic_count < ARRAY_LEN(found->ioapics))
            found->ioapics[found->ioapic_count++] =
                (struct acpi_ioapic){ entry->ioapic.address, entry->ioapic.first_gsi };
        break;
    case MADT_OVERRIDE:
        add_override(entry);
        break;
    case MADT_LAPIC_ADDRESS:
        found->lapic = entry->lapic_address.address;
        break;
    default:
        break;
    }
}

void acpi_init(void)
{
    const struct madt *madt;
    const char *at, *end;

    for (unsigned i = 0; i < ARRAY_LEN(acpi_interrupts.isa); i++)
        acpi_interrupts.isa[i].gsi = i;
    acpi_interrupts.lapic = DEFAULT_LAPIC;
    find_tables();
    madt = arch_acpi_table("APIC");
    if (madt == NULL) {
        log_warning("no MADT: one CPU, no device interrupts");
        return;
    }
    acpi_interrupts.lapic = madt->lapic;
    at = (const char *)(madt + 1);
    end = (const char *)madt + madt->header.length;
    while (at + 2 <= end) {
        const struct madt_entry *entry = (const void *)at;

        if (entry->length < 2 || at + entry->length > end)
            break;
        read_entry(entry);
        at += entry->length;
    }
}
