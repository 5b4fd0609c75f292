// SPDX-License-Identifier: MIT
// limit.h - internal to procfs: what a box has used, and may use, by the keys of `quota`.
#pragma once

#include "abi/ctl.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct box;
struct subject;
struct text;

// Fields: bytes, counts, percent or nanoseconds, as the key has them. INT64_MAX: no limit; -1: not
// kept.
struct limit_state {
    int64_t used, peak, limit;
};

void limit_init(void);

// limit is the least one on the way up to the machine.
void limit_get(struct box *box, enum quota_key key, struct limit_state *state);

// Sets the box's own limit. A looser one is for boxes around alone, not past what a box further out
// has set.
// Errors: -EPERM, -EINVAL (0 where it would mean none), -ESRCH.
int limit_set(const struct subject *subject, enum quota_key key, int64_t limit) MUST_CHECK;

// A value as `quota` prints it: "none", "-", nanoseconds with their unit.
void limit_print(struct text *text, enum quota_key key, int64_t value);
