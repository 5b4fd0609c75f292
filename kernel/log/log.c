// SPDX-License-Identifier: MIT
// log.c - the ring of log lines, and the sinks they go to.
//
// The ring keeps the last RING_SIZE bytes; a position is a count of bytes since boot. One lock
// covers ring and sinks, so lines stay whole and in order. In a panic the lock is left aside: its
// holder may be the one that panics.

#include "kernel/log/log.h"

#include <stdatomic.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

#define RING_SIZE (UINT64_C(64) << 10)
#define LINE_MAX 320

static struct spinlock lock = SPINLOCK_INIT(RANK_LOG);
// Under lock.
static char ring[RING_SIZE];
static uint64_t ring_end; // bytes ever written
static struct log_sink *sinks;
static atomic_bool in_panic;

LOCKS_NOT_CHECKED
static bool lock_unless_panic(uint64_t *state)
{
    if (atomic_load_explicit(&in_panic, memory_order_relaxed))
        return false;
    *state = spin_lock_irq_save(&lock);
    return true;
}

LOCKS_NOT_CHECKED
static void unlock(bool locked, uint64_t state)
{
    if (locked)
        spin_unlock_irq_restore(&lock, state);
}

static void put_ring(const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t at = ring_end % RING_SIZE;
        size_t part = MIN(size - done, RING_SIZE - at);

        memcpy(ring + at, text + done, part);
        ring_end += part;
        done += part;
    }
}

static void put_sinks(enum log_level level, const char *text, size_t size)
{
    for (struct log_sink *sink = sinks; sink != NULL; sink = sink->next) {
        if (level <= sink->level)
            sink->write(text, size);
    }
    // Before there is a sink, only what is serious: most lines are shown when the first is added.
    for (size_t i = 0; sinks == NULL && level <= LOG_ERROR && i < size; i++)
        arch_early_putc(text[i]);
}

void log_vprint(enum log_level level, const char *format, va_list arguments)
{
    char line[LINE_MAX];
    uint64_t now_us = arch_clock_ns() / NSEC_PER_USEC, state = 0;
    int length = fmt_print(line, sizeof(line), "[%5lu.%06lu] ", now_us / 1000000, now_us % 1000000);
    bool locked;

    // One byte less, for the newline.
    length += fmt_vprint(line + length, sizeof(line) - 1 - (size_t)length, format, arguments);
    length = MIN(length, LINE_MAX - 2);
    line[length++] = '\n';
    locked = lock_unless_panic(&state);
    put_ring(line, (size_t)length);
    put_sinks(level, line, (size_t)length);
    unlock(locked, state);
}

void log_print(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_vprint(level, format, arguments);
    va_end(arguments);
}

static size_t read_ring(uint64_t *position, char *to, size_t size)
{
    uint64_t oldest = ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;
    size_t done = 0;

    *position = MIN(MAX(*position, oldest), ring_end);
    while (done < size && *position < ring_end) {
        size_t at = *position % RING_SIZE;
        size_t part = MIN(MIN(size - done, RING_SIZE - at), ring_end - *position);

        memcpy(to + done, ring + at, part);
        *position += part;
        done += part;
    }
    return done;
}

size_t log_read(uint64_t *position, char *to, size_t size)
{
    uint64_t state = 0;
    bool locked = lock_unless_panic(&state);
    size_t done = read_ring(position, to, size);

    unlock(locked, state);
    return done;
}

// What the ring holds already goes to the new sink at once, if it takes ordinary lines.
void log_add_sink(struct log_sink *sink)
{
    uint64_t state = spin_lock_irq_save(&lock), position = 0;
    char part[128];
    size_t size;

    while (sink->level >= LOG_INFO && (size = read_ring(&position, part, sizeof(part))) > 0)
        sink->write(part, size);
    sink->next = sinks;
    sinks = sink;
    spin_unlock_irq_restore(&lock, state);
}

void log_enter_panic(void)
{
    atomic_store(&in_panic, true);
}
