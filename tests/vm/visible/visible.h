// SPDX-License-Identifier: MIT
// visible.h - what test_visible tries, with whom, and what docs/visible.md says of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Whom a number means, in the order of the columns of docs/visible.md.
enum subject { SELF, MEMBER, INSIDE, DEAD, ENDED, GONE, REUSED, AROUND, BESIDE, SUBJECTS };

// What is tried with a number: the first cell of its row, and the try, which says 0 or an errno.
struct visible_try {
    const char *name;
    int (*run)(pid_t pid);
    const char *file; // that run is about, below /proc/PID, if any
    bool reaps;       // it takes the dead away
};

extern const struct visible_try visible_calls[];
extern const size_t visible_call_count;

// Readies what the calls need: a terminal that the caller controls.
void visible_calls_prepare(void);

// Compares every row of the section of docs/visible.md that heading begins with what comes of it,
// and the rows with those compared: each of both is in the other. result(number, subject)
// gives 0, an errno, or -1: not tried. Returns the number of differences, which it prints.
int visible_compare(const char *heading, const struct visible_try *compared, size_t count,
                    int (*result)(size_t number, enum subject subject));
