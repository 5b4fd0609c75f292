// SPDX-License-Identifier: MIT
// groups.c - the supplementary groups of a process; see groups.h. A fork shares the list.
#include "kernel/proc/groups.h"

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/process.h"

int groups_create(unsigned count, struct account *account, struct groups **groups)
{
    struct groups *made = kmalloc(sizeof(*made) + count * sizeof(made->ids[0]), account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    made->count = count;
    *groups = made;
    return 0;
}

void groups_put(struct groups *groups)
{
    if (groups != NULL && refcount_put(&groups->ref))
        kfree(groups);
}

struct groups *process_groups(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct groups *groups = process->groups;

    if (groups != NULL)
        refcount_get(&groups->ref);
    spin_unlock_irq_restore(&process->lock, irq);
    return groups;
}

void process_set_groups(struct process *process, struct groups *groups)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct groups *before = process->groups;

    process->groups = groups;
    spin_unlock_irq_restore(&process->lock, irq);
    groups_put(before);
}
