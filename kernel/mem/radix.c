// SPDX-License-Identifier: MIT
// radix.c - pointers by a 64-bit key.
//
// A node covers 16 slots of 16^level keys each; level 0 holds the values. The top node covers keys
// from 0 on, and a new top is put above it when a key lies beyond. A node without anything in it is
// freed, and a top that holds nothing but its first slot stays: files that grew once grow again.
#include "kernel/mem/radix.h"

#include "abi/errors.h"
#include "kernel/mem/slab.h"

#define SLOT_BITS 4
#define SLOTS (1U << SLOT_BITS) // RADIX_RUN
#define LEVELS_MAX (64 / SLOT_BITS)

struct radix_node {
    uint8_t level;
    uint8_t used; // slots that are not NULL
    void *slots[SLOTS];
};

static SLAB_CACHE(radix_cache, "page index", struct radix_node);

static unsigned slot_of(const struct radix_node *node, uint64_t key)
{
    return (unsigned)(key >> (node->level * SLOT_BITS)) % SLOTS;
}

static bool covers(const struct radix_node *top, uint64_t key)
{
    return top->level == LEVELS_MAX - 1 || key >> ((top->level + 1U) * SLOT_BITS) == 0;
}

void *const *radix_run(const struct radix *radix, uint64_t key)
{
    struct radix_node *node = radix->top;

    if (node == NULL || !covers(node, key))
        return NULL;
    while (node != NULL && node->level > 0)
        node = node->slots[slot_of(node, key)];
    return node != NULL ? node->slots : NULL;
}

void *radix_find(const struct radix *radix, uint64_t key)
{
    void *const *run = radix_run(radix, key);

    return run != NULL ? run[key % SLOTS] : NULL;
}

static struct radix_node *node_create(unsigned level, struct account *account)
{
    struct radix_node *node = slab_alloc(&radix_cache, account);

    if (node != NULL)
        node->level = (uint8_t)level;
    return node;
}

// Frees the nodes on the way to key that have nothing in them.
static void prune(struct radix *radix, uint64_t key)
{
    struct radix_node *path[LEVELS_MAX];
    unsigned depth = 0;

    for (struct radix_node *node = radix->top; node != NULL;) {
        path[depth++] = node;
        if (node->level == 0)
            break;
        node = node->slots[slot_of(node, key)];
    }
    while (depth > 0 && path[depth - 1]->used == 0) {
        slab_free(&radix_cache, path[--depth]);
        if (depth == 0) {
            radix->top = NULL;
        } else {
            path[depth - 1]->slots[slot_of(path[depth - 1], key)] = NULL;
            path[depth - 1]->used--;
        }
    }
}

// Puts tops above until one covers key.
static int grow(struct radix *radix, uint64_t key, struct account *account)
{
    if (radix->top == NULL) {
        radix->top = node_create(0, account);
        if (radix->top == NULL)
            return -ENOMEM;
    }
    while (!covers(radix->top, key)) {
        struct radix_node *top = radix->top;
        struct radix_node *above;

        if (top->used == 0) { // made just now
            top->level++;
            continue;
        }
        above = node_create(top->level + 1U, account);
        if (above == NULL)
            return -ENOMEM;
        above->slots[0] = top;
        above->used = 1;
        radix->top = above;
    }
    return 0;
}

int radix_insert(struct radix *radix, uint64_t key, void *value, struct account *account)
{
    int error = grow(radix, key, account);
    struct radix_node *node = radix->top;

    while (error == 0 && node->level > 0) {
        void **slot = &node->slots[slot_of(node, key)];

        if (*slot == NULL) {
            *slot = node_create(node->level - 1U, account);
            if (*slot == NULL) {
                error = -ENOMEM;
                break;
            }
            node->used++;
        }
        node = *slot;
    }
    if (error != 0) {
        prune(radix, key);
        return error;
    }
    node->slots[slot_of(node, key)] = value;
    node->used++;
    return 0;
}

void *radix_remove(struct radix *radix, uint64_t key)
{
    struct radix_node *node = radix->top;
    void *value;

    if (node == NULL || !covers(node, key))
        return NULL;
    while (node != NULL && node->level > 0)
        node = node->slots[slot_of(node, key)];
    if (node == NULL)
        return NULL;
    value = node->slots[slot_of(node, key)];
    if (value == NULL)
        return NULL;
    node->slots[slot_of(node, key)] = NULL;
    if (--node->used == 0)
        prune(radix, key);
    return value;
}

// The first key behind the slot that key is in, or 0 where keys end.
static uint64_t behind(const struct radix_node *node, uint64_t key)
{
    unsigned shift = node->level * SLOT_BITS;

    return ((key >> shift) + 1) << shift;
}

void *radix_next(const struct radix *radix, uint64_t *key)
{
    uint64_t at = *key;

    while (radix->top != NULL && covers(radix->top, at)) {
        struct radix_node *node = radix->top;

        while (node->level > 0 && node->slots[slot_of(node, at)] != NULL)
            node = node->slots[slot_of(node, at)];
        if (node->slots[slot_of(node, at)] != NULL) {
            *key = at;
            return node->slots[slot_of(node, at)];
        }
        at = behind(node, at);
        if (at == 0)
            break;
    }
    return NULL;
}
