// unit: lib/base/rbtree.c
// SPDX-License-Identifier: MIT
// test_rbtree.c - random insertions and removals against a sorted array, with all invariants
// checked.

#include "lib/base/rbtree.h"

#include <stdlib.h>

#include "tests/unit/tap.h"

#define ITEMS 400
#define STEPS 60000

struct item {
    struct rb_node node;
    unsigned key;
    unsigned data, least; // least: the smallest data in this subtree
    bool present;
};

static struct item items[ITEMS];
static uint64_t seed = 42;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static struct item *item_of(struct rb_node *node)
{
    return rb_entry(node, struct item, node);
}

static unsigned least_of(const struct item *item)
{
    unsigned least = item->data;

    if (item->node.left != NULL)
        least = MIN(least, item_of(item->node.left)->least);
    if (item->node.right != NULL)
        least = MIN(least, item_of(item->node.right)->least);
    return least;
}

static void augment(struct rb_node *node)
{
    item_of(node)->least = least_of(item_of(node));
}

static void insert(struct rb_root *root, struct item *item)
{
    struct rb_node **place = &root->top, *parent = NULL;

    while (*place != NULL) {
        parent = *place;
        place = item->key < item_of(parent)->key ? &parent->left : &parent->right;
    }
    rb_link(&item->node, parent, place);
    rb_insert(root, &item->node, augment);
    item->present = true;
}

// Returns: black nodes on each path below node, or -1 where an invariant is broken.
static int check(const struct rb_node *node, const struct rb_node *parent)
{
    int left, right;
    bool red;

    if (node == NULL)
        return 0;
    red = (node->parent_colour & 1) != 0;
    if (rb_parent(node) != parent)
        return -1;
    if (red && (parent == NULL || (parent->parent_colour & 1) != 0))
        return -1;
    if (item_of((struct rb_node *)node)->least != least_of(item_of((struct rb_node *)node)))
        return -1;
    left = check(node->left, node);
    right = check(node->right, node);
    return left < 0 || left != right ? -1 : left + !red;
}

// Whether the tree holds exactly the present items, in order, both ways.
static bool same_order(const struct rb_root *root)
{
    struct rb_node *forward = rb_first(root), *backward = rb_last(root);

    for (unsigned i = 0; i < ITEMS; i++) {
        if (items[i].present) {
            if (forward != &items[i].node)
                return false;
            forward = rb_next(forward);
        }
        if (items[ITEMS - 1 - i].present) {
            if (backward != &items[ITEMS - 1 - i].node)
                return false;
            backward = rb_prev(backward);
        }
    }
    return forward == NULL && backward == NULL;
}

int main(void)
{
    struct rb_root root = { NULL };
    unsigned inserted = 0, removed = 0, updated = 0;
    bool valid = true, ordered = true;

    for (unsigned i = 0; i < ITEMS; i++)
        items[i].key = i;
    ok(rb_first(&root) == NULL && rb_last(&root) == NULL, "an empty tree has no first and no last");
    for (unsigned step = 0; step < STEPS && valid && ordered; step++) {
        struct item *item = &items[draw(ITEMS)];
        // The tree grows and shrinks in turns, so that both small and large ones are seen.
        bool growing = step / 2000 % 2 == 0;

        if (!item->present && (growing || draw(4) == 0)) {
            item->data = draw(1000);
            insert(&root, item);
            inserted++;
        } else if (item->present && (!growing || draw(4) == 0)) {
            rb_remove(&root, &item->node, augment);
            item->present = false;
            removed++;
        } else if (item->present) {
            item->data = draw(1000);
            rb_update(&item->node, augment);
            updated++;
        }
        if (step % 16 == 0) {
            valid = check(root.top, NULL) >= 0;
            ordered = same_order(&root);
        }
    }
    ok(valid, "colours, parents and summaries hold after every step (seed 42)");
    ok(ordered, "the order is that of the model");
    ok(inserted > 5000 && removed > 5000 && updated > 2000,
       "each operation happened often: %u inserted, %u removed, %u updated", inserted, removed,
       updated);
    for (unsigned i = 0; i < ITEMS; i++) {
        if (items[i].present)
            rb_remove(&root, &items[i].node, NULL);
    }
    ok(root.top == NULL, "a tree emptied without augmentation is empty");
    return done_testing();
}
