// SPDX-License-Identifier: MIT
// timer_tree.h - timers in the order of their deadlines, as pure code; equal deadlines keep their
// order.
#pragma once

#include "kernel/sched/timer.h"

struct timer_tree {
    struct rb_root root;
    struct timer *first; // NULL: empty
};

void timer_tree_insert(struct timer_tree *tree, struct timer *timer);
void timer_tree_remove(struct timer_tree *tree, struct timer *timer);

static inline nsec_t timer_tree_next(const struct timer_tree *tree)
{
    return tree->first != NULL ? tree->first->deadline : NSEC_NEVER;
}
