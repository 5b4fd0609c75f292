// SPDX-License-Identifier: MIT
// grant.c - grants: a node as top, rights, and where they came from; see grant.h.

#include "kernel/ns/grant.h"

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/node.h"

static SLAB_CACHE(grant_cache, "grant", struct grant);
static struct spinlock grant_lock = SPINLOCK_INIT(RANK_GRANT);

static const char letters[] = "rwxc";

int grant_create(struct grant *from, struct node *top, unsigned rights, struct account *account,
                 struct grant **grant)
{
    struct grant *made = slab_alloc(&grant_cache, account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    made->top = top;
    node_get(top);
    made->rights = from != NULL ? rights & from->rights : rights;
    made->account = account;
    made->from = from;
    list_init(&made->derived);
    list_init(&made->derived_link);
    if (from != NULL) {
        grant_get(from);
        spin_lock(&grant_lock);
        list_push_back(&from->derived, &made->derived_link);
        // Whoever revokes marks what is linked; what is linked afterwards looks for itself.
        atomic_store(&made->revoked, atomic_load(&from->revoked));
        spin_unlock(&grant_lock);
    }
    *grant = made;
    return 0;
}

void grant_get(struct grant *grant)
{
    refcount_get(&grant->ref);
}

// A chain of grants goes in a loop: each holds the one it came from.
void grant_put(struct grant *grant)
{
    while (grant != NULL && refcount_put(&grant->ref)) {
        struct grant *from = grant->from;

        if (from != NULL) {
            spin_lock(&grant_lock);
            list_remove(&grant->derived_link);
            spin_unlock(&grant_lock);
        }
        node_put(grant->top);
        slab_free(&grant_cache, grant);
        grant = from;
    }
}

int rights_parse(const char *text, size_t length, unsigned *rights)
{
    unsigned found = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned bit = 0;

        while (bit < 4 && letters[bit] != text[i])
            bit++;
        if (bit == 4 || (found & 1U << bit) != 0)
            return -EINVAL;
        found |= 1U << bit;
    }
    if (found == 0)
        return -EINVAL;
    *rights = found;
    return 0;
}

void rights_print(unsigned rights, char text[5])
{
    for (unsigned bit = 0; bit < 4; bit++)
        if ((rights & 1U << bit) != 0)
            *text++ = letters[bit];
    *text = '\0';
}
