// SPDX-License-Identifier: MIT
// uart.c - 16550 serial port: sends by polling, receives by interrupt.
//
// Source: National Semiconductor PC16550D data sheet, chapter 8.

#include "kernel/dev/uart.h"

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/sync/spinlock.h"

#define PORT 0x3f8
#define ISA_INTERRUPT 4
#define FIFO_SIZE 16
#define BURST_MAX 256 // bytes taken in one interrupt
#define SPIN_MAX 1000000  // half a second or more: whoever takes the bytes may be slow
#define SPIN_STUCK 1000   // once that was in vain, until the port moves again

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO_CONTROL = 2,
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_SCRATCH = 7,
};

#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80 // registers 0 and 1 are the divisor
#define FIFO_ENABLE_CLEAR 0x07
#define MODEM_DTR_RTS_OUT2 0x0b // OUT2 lets the interrupt through
#define STATUS_DATA_READY 0x01
#define STATUS_EMPTY 0x20
#define ENABLE_RECEIVED 0x01

static bool present;
static struct spinlock lock = SPINLOCK_INIT(RANK_UART); // the sending side
static bool stuck; // whoever sends: the last wait was in vain
static void (*receiver)(const char *data, size_t size);

static uint8_t uart_in(enum uart_register at)
{
    return arch_in8((uint16_t)(PORT + at));
}

static void uart_out(enum uart_register at, uint8_t value)
{
    arch_out8((uint16_t)(PORT + at), value);
}

bool uart_init(void)
{
    uart_out(UART_SCRATCH, 0x5a);
    present = uart_in(UART_SCRATCH) == 0x5a;
    if (!present)
        return false;
    uart_out(UART_INTERRUPT_ENABLE, 0);
    uart_out(UART_LINE_CONTROL, LINE_DIVISOR);
    uart_out(UART_DATA, 1); // 115200 / 1
    uart_out(UART_INTERRUPT_ENABLE, 0);
    uart_out(UART_LINE_CONTROL, LINE_8N1);
    uart_out(UART_FIFO_CONTROL, FIFO_ENABLE_CLEAR);
    uart_out(UART_MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
    return true;
}

// Waits until the sending FIFO is empty; gives up on a port that is stuck.
static void wait_empty(void)
{
    unsigned most = stuck ? SPIN_STUCK : SPIN_MAX;

    for (unsigned spins = 0; spins < most; spins++) {
        stuck = (uart_in(UART_LINE_STATUS) & STATUS_EMPTY) == 0;
        if (!stuck)
            return;
        arch_relax();
    }
}

static void send(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (i % FIFO_SIZE == 0)
            wait_empty();
        uart_out(UART_DATA, (uint8_t)data[i]);
    }
}

void uart_write(const char *data, size_t size)
{
    uint64_t state;

    if (!present)
        return;
    state = spin_lock_irq_save(&lock);
    send(data, size);
    spin_unlock_irq_restore(&lock, state);
}

// The log calls it under its own lock, or in a panic, when this lock may be held for ever: so
// without.
static void write_log(const char *text, size_t size)
{
    if (present)
        send(text, size);
}

void uart_add_log_sink(enum log_level level)
{
    static struct log_sink sink;

    sink.write = write_log;
    sink.level = level;
    log_add_sink(&sink);
}

static void received(void *argument)
{
    char data[BURST_MAX];
    size_t size = 0;

    (void)argument;
    while (size < sizeof(data) && (uart_in(UART_LINE_STATUS) & STATUS_DATA_READY))
        data[size++] = (char)uart_in(UART_DATA);
    if (size != 0)
        receiver(data, size);
}

int uart_start_receive(void (*receive)(const char *data, size_t size))
{
    int error;

    if (!present)
        return -ENODEV;
    receiver = receive;
    error = arch_irq_register(arch_irq_isa(ISA_INTERRUPT), false, received, NULL);
    if (error == 0)
        uart_out(UART_INTERRUPT_ENABLE, ENABLE_RECEIVED);
    return error;
}
