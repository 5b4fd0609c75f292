// SPDX-License-Identifier: MIT
// symbols.c - names of functions by address, from the table that tools/symbols.sh makes at the
// second link.

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"

// Sorted by address. Both fields keep the table small: 8 bytes a function.
struct symbol {
    uint32_t offset; // of the function from IMAGE_BASE
    uint32_t name;   // of its name from the first name
};

extern const struct symbol symbols_start[], symbols_end[];
extern const char symbol_names[];

bool symbol_find(uint64_t address, const char **name, uint64_t *offset)
{
    size_t low = 0, high = (size_t)(symbols_end - symbols_start);

    if (address < IMAGE_BASE || high == 0)
        return false;
    // The last symbol that is not above the address lies in [low, high).
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (IMAGE_BASE + symbols_start[middle].offset <= address)
            low = middle;
        else
            high = middle;
    }
    if (IMAGE_BASE + symbols_start[low].offset > address)
        return false;
    *name = symbol_names + symbols_start[low].name;
    *offset = address - IMAGE_BASE - symbols_start[low].offset;
    return true;
}
