// SPDX-License-Identifier: MIT
// radix.h - pointers by a 64-bit key, for the pages of files: dense runs cost little more than the
// pointers.
//
// The caller's lock guards it. No function sleeps.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct radix_node;

struct radix {
    struct radix_node *top; // NULL: empty
};

// NULL: nothing there.
void *radix_find(const struct radix *radix, uint64_t key);
// The values of RADIX_RUN keys from the multiple of it at or below key on, NULL where there is
// none; NULL: there is none in all of them.
#define RADIX_RUN 16
void *const *radix_run(const struct radix *radix, uint64_t key);
// Nothing may be there yet; value is not NULL. account pays for the nodes. Errors: -ENOMEM, nothing
// changed.
int radix_insert(struct radix *radix, uint64_t key, void *value,
                 struct account *account) MUST_CHECK;
// Returns: what was there, or NULL.
void *radix_remove(struct radix *radix, uint64_t key);
// The value of the lowest key that is not below *key, and *key is that key; NULL: none.
void *radix_next(const struct radix *radix, uint64_t *key);
