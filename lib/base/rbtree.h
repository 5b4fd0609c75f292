// SPDX-License-Identifier: MIT
// rbtree.h - intrusive red-black trees, with an optional augmentation.
//
// The caller walks down to find a place (rb_root.top, node->left, node->right), links a node with
// rb_link and rebalances with rb_insert; so each tree has a search of its own, and no comparison
// goes through a pointer. An augmented tree passes a function that recomputes one node's summary
// from its own data and its two children; it is called bottom-up wherever a subtree changed.
// No function allocates or locks. All are O(log n); rb_first and rb_last are O(log n) walks.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

struct rb_node {
    uintptr_t parent_colour; // the parent's address; bit 0 is set on a red node
    struct rb_node *left;
    struct rb_node *right;
};

struct rb_root {
    struct rb_node *top;
};

typedef void rb_augment_fn(struct rb_node *node);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
    return (struct rb_node *)(node->parent_colour & ~(uintptr_t)1);
}

// Makes node a red leaf below parent, at *place (which is &root->top, &parent->left or ->right).
static inline void rb_link(struct rb_node *node, struct rb_node *parent, struct rb_node **place)
{
    node->parent_colour = (uintptr_t)parent | 1;
    node->left = NULL;
    node->right = NULL;
    *place = node;
}

// Restores balance after rb_link. augment may be NULL.
void rb_insert(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment);

// Takes node out of the tree. augment may be NULL.
void rb_remove(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment);

// Recomputes the summaries from node up to the top, after node's own data changed.
void rb_update(struct rb_node *node, rb_augment_fn *augment);

// The nodes in order; NULL at the ends and for an empty tree.
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#define rb_entry(node, type, member) container_of(node, type, member)
