// SPDX-License-Identifier: MIT
// process_interface.h - /dev/process-interface of test builds: process.h, called as the kernel does.
#pragma once

// Adds it to the machine's devices.
void process_interface_init_device(void);
