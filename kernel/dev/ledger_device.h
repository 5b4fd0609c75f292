// SPDX-License-Identifier: MIT
// ledger_device.h - /dev/ledger: the resource ledger as a file.
#pragma once

// Adds it to the machine's devices. Only the outermost box names those.
void ledger_init_device(void);
