// SPDX-License-Identifier: MIT
// rbtree.c - red-black trees without allocation; see rbtree.h.
//
// Invariants: R1 the top is black; R2 a red node has no red child; R3 every path from a node down
// to NULL passes the same number of black nodes; R4 each summary is that of the node's own subtree.
// Sources: Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms, chapters 13 and 14.

#include "lib/base/rbtree.h"

static bool is_red(const struct rb_node *node)
{
    return node != NULL && (node->parent_colour & 1) != 0;
}

static void set_red(struct rb_node *node)
{
    node->parent_colour |= 1;
}

static void set_black(struct rb_node *node)
{
    node->parent_colour &= ~(uintptr_t)1;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
    node->parent_colour = (uintptr_t)parent | (node->parent_colour & 1);
}

// Puts child (may be NULL) where node hangs below parent (NULL: the top).
static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *node,
                          struct rb_node *child)
{
    if (parent == NULL)
        root->top = child;
    else if (parent->left == node)
        parent->left = child;
    else
        parent->right = child;
    if (child != NULL)
        set_parent(child, parent);
}

// Turns the edge between node and its right (left) child; the child comes up. The summary of the
// subtree as a whole does not change, only those of the two.
static void rotate(struct rb_root *root, struct rb_node *node, bool left, rb_augment_fn *augment)
{
    struct rb_node *child = left ? node->right : node->left;
    struct rb_node *inner = left ? child->left : child->right;

    replace_child(root, rb_parent(node), node, child);
    set_parent(node, child);
    if (left) {
        node->right = inner;
        child->left = node;
    } else {
        node->left = inner;
        child->right = node;
    }
    if (inner != NULL)
        set_parent(inner, node);
    if (augment != NULL) {
        augment(node);
        augment(child);
    }
}

void rb_update(struct rb_node *node, rb_augment_fn *augment)
{
    for (; node != NULL; node = rb_parent(node))
        augment(node);
}

void rb_insert(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment)
{
    struct rb_node *parent;

    if (augment != NULL)
        rb_update(node, augment);
    while ((parent = rb_parent(node)) != NULL && is_red(parent)) {
        struct rb_node *grandparent = rb_parent(parent); // exists: a red node is not the top
        bool left = parent == grandparent->left;
        struct rb_node *uncle = left ? grandparent->right : grandparent->left;

        if (is_red(uncle)) {
            set_black(parent);
            set_black(uncle);
            set_red(grandparent);
            node = grandparent;
            continue;
        }
        if (node == (left ? parent->right : parent->left)) {
            rotate(root, parent, left, augment);
            parent = node;
        }
        set_black(parent);
        set_red(grandparent);
        rotate(root, grandparent, !left, augment);
        break;
    }
    set_black(root->top);
}

// The paths through node (may be NULL), a child of parent, are one black node short.
static void repair_removal(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
                           rb_augment_fn *augment)
{
    while (parent != NULL && !is_red(node)) {
        bool left = node == parent->left;
        struct rb_node *sibling = left ? parent->right : parent->left; // exists, by R3

        if (is_red(sibling)) {
            set_black(sibling);
            set_red(parent);
            rotate(root, parent, left, augment);
            sibling = left ? parent->right : parent->left;
        }
        if (!is_red(sibling->left) && !is_red(sibling->right)) {
            set_red(sibling);
            node = parent;
            parent = rb_parent(node);
            continue;
        }
        if (!is_red(left ? sibling->right : sibling->left)) {
            set_black(left ? sibling->left : sibling->right);
            set_red(sibling);
            rotate(root, sibling, !left, augment);
            sibling = left ? parent->right : parent->left;
        }
        sibling->parent_colour = (uintptr_t)rb_parent(sibling) | (parent->parent_colour & 1);
        set_black(parent);
        set_black(left ? sibling->right : sibling->left);
        rotate(root, parent, left, augment);
        return;
    }
    if (node != NULL)
        set_black(node);
}

void rb_remove(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment)
{
    struct rb_node *child, *parent;
    bool black;

    if (node->left != NULL && node->right != NULL) {
        // The next in order, which has no left child, takes node's place and colour.
        struct rb_node *next = node->right;

        while (next->left != NULL)
            next = next->left;
        child = next->right;
        parent = rb_parent(next) == node ? next : rb_parent(next);
        black = !is_red(next);
        if (parent != next) {
            replace_child(root, parent, next, child);
            next->right = node->right;
            set_parent(next->right, next);
        }
        next->left = node->left;
        set_parent(next->left, next);
        replace_child(root, rb_parent(node), node, next);
        next->parent_colour = node->parent_colour;
    } else {
        child = node->left != NULL ? node->left : node->right;
        parent = rb_parent(node);
        black = !is_red(node);
        replace_child(root, parent, node, child);
    }
    if (augment != NULL)
        rb_update(parent, augment);
    if (black)
        repair_removal(root, child, parent, augment);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *node = root->top;

    while (node != NULL && node->left != NULL)
        node = node->left;
    return node;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *node = root->top;

    while (node != NULL && node->right != NULL)
        node = node->right;
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->right != NULL) {
        struct rb_node *next = node->right;

        while (next->left != NULL)
            next = next->left;
        return next;
    }
    while ((parent = rb_parent(node)) != NULL && node == parent->right)
        node = parent;
    return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->left != NULL) {
        struct rb_node *prev = node->left;

        while (prev->right != NULL)
            prev = prev->right;
        return prev;
    }
    while ((parent = rb_parent(node)) != NULL && node == parent->left)
        node = parent;
    return parent;
}
