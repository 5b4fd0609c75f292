// SPDX-License-Identifier: MIT
// ledger.h - counts of all live objects by type and frames by use, and the walk that proves them.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

// A kind of object that is no slab cache of its own (fds, timers, names): a line with a per-CPU
// counter.
struct ledger_line {
    const char *name;
    int64_t counts[64]; // one a CPU, so that counting shares no cache line; summed on reading
    struct ledger_line *next;
    bool registered;
};
#define LEDGER_LINE(variable, text) struct ledger_line variable = { .name = (text) }
void ledger_add(struct ledger_line *line, int64_t amount); // context: any

// Writes "NAME COUNT\n" lines, sorted by name, those of one name added up, those with 0 left out.
// Returns the length (cut at size).
size_t ledger_read(char *to, size_t size);

// Recounts by walking: every frame is on a free list, in a CPU's cache, or tagged with a use and an
// account; sums equal the counters.
// What changes meanwhile makes it begin again. Context: thread, no lock held.
// Errors: -EIO after logging each difference, -EBUSY the machine did not stand still, -ENOMEM.
int ledger_verify(void) MUST_CHECK;

// Gives back what is cached for speed: this CPU's frames and objects, spare stacks, and what
// ledger_on_drop names (page and name caches). Context: thread, no spin lock held.
void ledger_drop_caches(void);
// Start-up. drop may sleep, and takes only locks that rank behind SPACE.
void ledger_on_drop(void (*drop)(void));

// Fault injection (test builds): the nth allocation from now, of any allocator, fails for this
// process; 0: none.
struct process;
void alloc_fail_set(struct process *process, uint64_t nth);
