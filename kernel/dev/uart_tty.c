// SPDX-License-Identifier: MIT
// uart_tty.c - the serial port as a terminal: /dev/ttyS0 and /dev/console.

#include "kernel/dev/tty.h"
#include "kernel/dev/uart.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"

#define DEVICE_TTYS0 (4 << 8 | 64)
#define WRITE_MAX 1024 // bytes sent under one hold of the terminal's lock

static size_t serial_write(struct tty *tty, const uint8_t *bytes, size_t count)
{
    (void)tty;
    uart_write((const char *)bytes, count);
    return count;
}

static size_t serial_room(const struct tty *tty)
{
    (void)tty;
    return WRITE_MAX;
}

// Sending waits for the port, so nothing is ever pending.
static size_t serial_pending(const struct tty *tty)
{
    (void)tty;
    return 0;
}

static void serial_flush(struct tty *tty)
{
    (void)tty;
}

static const struct tty_driver driver = {
    .write = serial_write,
    .room = serial_room,
    .pending = serial_pending,
    .flush = serial_flush,
};
static struct tty serial;

// What finds no room is lost, as on any serial line without flow control.
static void received(const char *data, size_t size)
{
    (void)tty_receive(&serial, (const uint8_t *)data, size);
}

void uart_tty_init(void)
{
    tty_init(&serial, &driver, DEVICE_TTYS0, &account_root);
    if (uart_start_receive(received) != 0)
        return;
    if (tty_add_device("ttyS0", &serial) != 0 || tty_add_device("console", &serial) != 0)
        log_error("no memory for the serial terminal");
}
