// SPDX-License-Identifier: MIT
// planted.c - faults planted on purpose: which one this boot asked for.
#include "kernel/log/planted.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "kernel/arch/arch.h"

static char fault[32];

// Context: start-up, before there is a second CPU.
static void look_up(void)
{
    if (!boot_option("fault", fault, sizeof(fault)) || fault[0] == '\0')
        fault[0] = '-'; // none: no name is "-"
}

bool planted(const char *name)
{
    if (fault[0] == '\0')
        look_up();
    return strcmp(fault, name) == 0;
}

#endif
