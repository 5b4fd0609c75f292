// SPDX-License-Identifier: MIT
// vfork.c - a parent that waits until its child no longer uses its memory: until the child's exec
// or end.
//
// The meeting point is counted by both, so that neither keeps the other's structs: a killed parent
// just leaves.

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/private.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"

struct vfork {
    struct refcount ref;
    atomic_bool released;
    struct waitq queue;
};

static SLAB_CACHE(vfork_cache, "vfork", struct vfork);

int vfork_create(struct account *account, struct vfork **vfork)
{
    struct vfork *made = slab_alloc(&vfork_cache, account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    waitq_init(&made->queue);
    *vfork = made;
    return 0;
}

void vfork_get(struct vfork *vfork)
{
    refcount_get(&vfork->ref);
}

void vfork_put(struct vfork *vfork)
{
    if (refcount_put(&vfork->ref))
        slab_free(&vfork_cache, vfork);
}

void vfork_wait(struct vfork *vfork)
{
    struct uthread *self = uthread_current();
    int error;

    thread_set_parked(self, true);
    error = WAIT_EVENT(&vfork->queue, WAIT_KILLABLE, NSEC_NEVER, atomic_load(&vfork->released));
    (void)error; // killed: it leaves on its way to user mode
    thread_set_parked(self, false);
}

void vfork_release(struct uthread *thread)
{
    struct process *process = thread->process;
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct vfork *vfork = thread->vfork;

    thread->vfork = NULL;
    spin_unlock_irq_restore(&process->lock, irq);
    if (vfork == NULL)
        return;
    atomic_store(&vfork->released, true);
    waitq_wake(&vfork->queue, WAKE_ALL, 0);
    vfork_put(vfork);
}
