// SPDX-License-Identifier: MIT
// timer_tree.c - timers in the order of their deadlines.
#include "kernel/sched/timer_tree.h"

static struct timer *timer_of(struct rb_node *node)
{
    return node != NULL ? rb_entry(node, struct timer, node) : NULL;
}

void timer_tree_insert(struct timer_tree *tree, struct timer *timer)
{
    struct rb_node **place = &tree->root.top;
    struct rb_node *parent = NULL;
    bool leftmost = true;

    while (*place != NULL) {
        parent = *place;
        if (timer->deadline < timer_of(parent)->deadline) {
            place = &parent->left;
        } else {
            place = &parent->right;
            leftmost = false;
        }
    }
    rb_link(&timer->node, parent, place);
    rb_insert(&tree->root, &timer->node, NULL);
    if (leftmost)
        tree->first = timer;
}

void timer_tree_remove(struct timer_tree *tree, struct timer *timer)
{
    if (tree->first == timer)
        tree->first = timer_of(rb_next(&timer->node));
    rb_remove(&tree->root, &timer->node, NULL);
}
