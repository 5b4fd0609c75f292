// SPDX-License-Identifier: MIT
// rtc.c - sets the wall clock at boot, from the CMOS clock.
//
// Source: Motorola MC146818A data sheet: registers 0 to 9, A, B.

#include "kernel/arch/x86_64/time.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define STATUS_A 0x0a
#define STATUS_B 0x0b
#define UPDATING 0x80 // of A: the registers are about to change
#define BINARY 0x04   // of B: not BCD
#define HOURS_24 0x02 // of B
#define AFTERNOON 0x80 // of the hour, where it counts to 12

struct rtc_time {
    uint8_t second, minute, hour, day, month, year;
};

static uint8_t cmos_read(uint8_t at)
{
    arch_out8(CMOS_INDEX, at);
    return arch_in8(CMOS_DATA);
}

static struct rtc_time read_registers(void)
{
    return (struct rtc_time){
        cmos_read(0), cmos_read(2), cmos_read(4), cmos_read(7), cmos_read(8), cmos_read(9),
    };
}

static bool equal(const struct rtc_time *a, const struct rtc_time *b)
{
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->year == b->year;
}

// Two readings that agree, with no update under way; after a number of tries what there is (no
// clock).
static struct rtc_time read_stable(void)
{
    struct rtc_time time = read_registers(), again;

    for (unsigned tries = 0; tries < 1000; tries++) {
        if (cmos_read(STATUS_A) & UPDATING)
            continue;
        again = read_registers();
        if (equal(&time, &again))
            break;
        time = again;
    }
    return time;
}

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 15));
}

static void decode(struct rtc_time *time)
{
    uint8_t status = cmos_read(STATUS_B);
    bool afternoon = !(status & HOURS_24) && (time->hour & AFTERNOON);

    time->hour &= (uint8_t)~AFTERNOON;
    if (!(status & BINARY)) {
        uint8_t *fields = &time->second;

        for (unsigned i = 0; i < sizeof(*time); i++)
            fields[i] = from_bcd(fields[i]);
    }
    if (!(status & HOURS_24))
        time->hour = (uint8_t)(time->hour % 12 + (afternoon ? 12 : 0));
}

// Days since 1970-01-01 of a date from 2000 on.
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
    static const uint16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    unsigned leap_days = (year - 1968) / 4; // 2000 is one; the next century's end is far
    bool leap_ahead = year % 4 == 0 && month <= 2;

    return (year - 1970) * UINT64_C(365) + leap_days - leap_ahead + before[month - 1] + day - 1;
}

void rtc_init(void)
{
    struct rtc_time time = read_stable();
    uint64_t seconds;

    decode(&time);
    if (time.month < 1 || time.month > 12 || time.day < 1 || time.day > 31)
        return; // no clock: 1970
    seconds = days_of(2000 + time.year, time.month, time.day) * 86400;
    seconds += time.hour * UINT64_C(3600) + time.minute * UINT64_C(60) + time.second;
    // The reading is of now, not of boot.
    arch_set_wall_offset(seconds * NSEC_PER_SEC - arch_clock_ns());
}
