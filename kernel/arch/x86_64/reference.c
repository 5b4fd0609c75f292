// SPDX-License-Identifier: MIT
// reference.c - counters of known frequency: HPET, ACPI power-management timer, PIT.
//
// Sources: IA-PC HPET 1.0a 2.3; ACPI 6.4 4.8.3.3; Intel 8254 data sheet.

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/time.h"

#define FEMTOSECONDS UINT64_C(1000000000000000)
#define HPET_PERIOD 0x4 // high half of the capabilities: femtoseconds a tick
#define HPET_CONFIG 0x10
#define HPET_COUNTER 0xf0
#define HPET_WIDE 0x2000 // in the low half of the capabilities: 64 bits
#define HPET_ENABLE 1
#define PM_TIMER_FREQUENCY 3579545
#define FADT_PM_TIMER 76      // offset of PM_TMR_BLK
#define FADT_PM_TIMER_LENGTH 91
#define PIT_FREQUENCY 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61 // bit 0: gate of channel 2; bit 1: speaker

struct hpet_table {
    struct acpi_header header;
    uint32_t id;
    struct acpi_address address;
} PACKED;

static volatile uint32_t *hpet;
static uint16_t pm_timer_port;

// In halves, since not every HPET can be read 64 bits at once.
static uint64_t read_hpet_wide(void)
{
    volatile uint32_t *counter = hpet + HPET_COUNTER / 4;
    uint32_t high, low;

    do {
        high = counter[1];
        low = counter[0];
    } while (counter[1] != high);
    return (uint64_t)high << 32 | low;
}

static uint64_t read_hpet_narrow(void)
{
    return hpet[HPET_COUNTER / 4];
}

static uint64_t read_pm_timer(void)
{
    return arch_in32(pm_timer_port) & 0xffffff;
}

// Channel 2 counts down from 65,535 and begins again.
static uint64_t read_pit(void)
{
    uint32_t low, high;

    arch_out8(PIT_COMMAND, 0x80); // latch channel 2
    low = arch_in8(PIT_CHANNEL_2);
    high = arch_in8(PIT_CHANNEL_2);
    return 0xffff - (high << 8 | low);
}

static bool find_hpet(struct reference *reference)
{
    const struct hpet_table *table = arch_acpi_table("HPET");
    uint32_t period;
    bool wide;

    if (table == NULL || table->address.space != 0)
        return false;
    hpet = arch_map_device(table->address.address, PAGE_SIZE);
    if (hpet == NULL)
        return false;
    period = hpet[HPET_PERIOD / 4];
    if (period == 0 || period > 100000000) // the standard's limit, 100 ns
        return false;
    hpet[HPET_CONFIG / 4] |= HPET_ENABLE;
    wide = (hpet[0] & HPET_WIDE) != 0;
    *reference = (struct reference){
        "HPET", wide ? read_hpet_wide : read_hpet_narrow, FEMTOSECONDS / period,
        wide ? UINT64_MAX : UINT32_MAX,
    };
    return true;
}

static bool find_pm_timer(struct reference *reference)
{
    const struct acpi_header *fadt = arch_acpi_table("FACP");
    const uint8_t *bytes = (const uint8_t *)fadt;

    if (fadt == NULL || fadt->length <= FADT_PM_TIMER_LENGTH || bytes[FADT_PM_TIMER_LENGTH] != 4)
        return false;
    pm_timer_port = (uint16_t)(bytes[FADT_PM_TIMER] | bytes[FADT_PM_TIMER + 1] << 8);
    if (pm_timer_port == 0)
        return false;
    *reference =
        (struct reference){ "ACPI timer", read_pm_timer, PM_TIMER_FREQUENCY, 0xffffff };
    return true;
}

static bool find_pit(struct reference *reference)
{
    uint64_t first;

    arch_out8(PIT_GATE, (arch_in8(PIT_GATE) & ~2) | 1);
    arch_out8(PIT_COMMAND, 0xb4); // channel 2, both bytes, mode 2 (rate generator), binary
    arch_out8(PIT_CHANNEL_2, 0xff);
    arch_out8(PIT_CHANNEL_2, 0xff);
    *reference = (struct reference){ "PIT", read_pit, PIT_FREQUENCY, 0xffff };
    first = read_pit();
    for (unsigned i = 0; i < 10000; i++) { // where there is no PIT, it never moves
        if (read_pit() != first)
            return true;
    }
    return false;
}

const struct reference *reference_find(void)
{
    static struct reference found;

    if (find_hpet(&found) || find_pm_timer(&found) || find_pit(&found))
        return &found;
    return NULL;
}
