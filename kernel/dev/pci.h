// SPDX-License-Identifier: MIT
// pci.h - finding PCI functions and reading their configuration, through the ports of the first
// host bridge.
//
// Memory windows and interrupt lines are as the firmware set them.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct pci_function {
    uint8_t bus, device, function;
    uint16_t vendor, id;
};

bool pci_present(void);

// Calls each for every function of every bus. Context: start-up.
void pci_for_each(void (*each)(const struct pci_function *function));

uint32_t pci_read32(const struct pci_function *function, unsigned offset);
uint16_t pci_read16(const struct pci_function *function, unsigned offset);
uint8_t pci_read8(const struct pci_function *function, unsigned offset);

// Lets the function answer at its memory windows and start transfers of its own.
void pci_enable(const struct pci_function *function);
// The address of a memory window (BAR 0-5). Returns: false if it is none, or not set.
bool pci_window(const struct pci_function *function, unsigned bar, paddr_t *address);
// The global number of its interrupt pin's interrupt. Returns: false if it has none.
bool pci_interrupt(const struct pci_function *function, unsigned *gsi);
// The offset of the capability after the one at offset (0: of the first); 0: there is none.
unsigned pci_next_capability(const struct pci_function *function, unsigned offset);
