// SPDX-License-Identifier: MIT
// uart.h - the first serial port (16550): where log lines go, and the console's bytes come from and
// go to.
#pragma once

#include "kernel/log/log.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

// Sets the port up: 115200 8N1. Returns: whether there is one.
bool uart_init(void);
// Makes the log's lines at or below level appear on it.
void uart_add_log_sink(enum log_level level);

// Sends bytes as they are, waiting for room. Context: any. Does nothing where there is no port.
void uart_write(const char *data, size_t size);

// From now on received bytes go to receive, in the port's interrupt, with interrupts off. Once.
// Errors: -ENODEV no port, or as arch_irq_register.
int uart_start_receive(void (*receive)(const char *data, size_t size)) MUST_CHECK;

// Makes the port a terminal, ttyS0 and console, where there is one. After devfs_init.
void uart_tty_init(void);
