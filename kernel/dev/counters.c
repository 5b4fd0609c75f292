// SPDX-License-Identifier: MIT
// counters.c - what the machine has counted, as files.
//
// /dev/interrupts has Linux's form of /proc/interrupts: a column a CPU, a line a kind of interrupt.
// /dev/contention, in test builds, has lines "RANK COUNT": how often somebody had to wait for a lock
// of that rank. Both tell of all boxes, so neither is in the default /dev.
#include "kernel/dev/counters.h"

#include "abi/stat.h"
#include "kernel/arch/arch.h"
#include "kernel/dev/picture.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/sync/rank.h"
#include "kernel/vfs/handle.h"
#include "lib/base/assert.h"
#include "lib/base/fmt.h"

#define MISC_MAJOR 10
#define INTERRUPTS_MINOR 249
#define CONTENTION_MINOR 248

static const struct {
    const char *name, *meaning;
} kinds[INTERRUPT_KINDS] = {
    [INTERRUPT_TIMER] = { "LOC", "Local timer interrupts" },
    [INTERRUPT_RESCHEDULE] = { "RES", "Rescheduling interrupts" },
    [INTERRUPT_SHOOTDOWN] = { "TLB", "TLB shootdowns" },
    [INTERRUPT_DEVICE] = { "DEV", "Device interrupts" },
    [INTERRUPT_OTHER] = { "ERR", "Spurious interrupts and errors" },
};

static size_t print_interrupts(char *text, size_t size)
{
    size_t length = (size_t)fmt_print(text, size, "    ");

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        length += (size_t)fmt_print(text + length, size - length, "       CPU%-2u", cpu);
    for (unsigned kind = 0; kind < INTERRUPT_KINDS; kind++) {
        length += (size_t)fmt_print(text + length, size - length, "\n%s:", kinds[kind].name);
        for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
            length += (size_t)fmt_print(text + length, size - length, " %11lu",
                                        arch_interrupts(cpu, (enum interrupt_kind)kind));
        length += (size_t)fmt_print(text + length, size - length, "   %s", kinds[kind].meaning);
    }
    return length + (size_t)fmt_print(text + length, size - length, "\n");
}

static const struct handle_ops picture_ops = {
    .read = picture_read,
    .close = picture_close,
    .seekable = true,
};

static struct picture_source interrupts_source = { print_interrupts };

static void add(const char *name, unsigned minor, struct picture_source *source)
{
    int error = devfs_add(name, S_IFCHR | 0400, MISC_MAJOR << 8 | minor, &picture_ops, picture_open,
                          source);

    assert(error == 0);
}

#ifdef BOXWORK_DEBUG
static size_t print_contention(char *text, size_t size)
{
    size_t length = 0;

    for (unsigned rank = RANK_NONE + 1; rank < RANK_COUNT; rank++)
        length += (size_t)fmt_print(text + length, size - length, "%s %lu\n",
                                    rank_name((enum lock_rank)rank),
                                    rank_contended((enum lock_rank)rank));
    return length;
}

static struct picture_source contention_source = { print_contention };
#endif

void counters_init_devices(void)
{
    add("interrupts", INTERRUPTS_MINOR, &interrupts_source);
#ifdef BOXWORK_DEBUG
    add("contention", CONTENTION_MINOR, &contention_source);
#endif
}
