// SPDX-License-Identifier: MIT
// futex_robust.c - the robust list of a thread that ends: locks that it held pass on, marked with
// FUTEX_OWNER_DIED.
//
// The list is in user memory and may be anything: each read may fail, which ends the walk, and its
// length is bounded.
#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/futex_private.h"

// One word of the list, for the thread tid. pending: it was being taken or released.
static int release_word(vaddr_t address, uint32_t tid, bool with_owner, bool pending)
{
    for (;;) {
        uint32_t word, old;
        int error = arch_copy_from_user(&word, address, sizeof(word));

        if (error != 0 || address % sizeof(word) != 0)
            return -EFAULT;
        if (pending && !with_owner && word == 0)
            futex_wake_address(address); // released, but its waiter was not yet woken
        if ((word & FUTEX_TID_MASK) != tid)
            return 0;
        if (with_owner && (word & FUTEX_WAITERS) && futex_pass_on_dead(address, word))
            return 0;
        error =
            arch_user_cmpxchg_u32(address, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old);
        if (error == -EAGAIN && futex_touch(address, true) != 0)
            return -EFAULT;
        if (error != 0 && error != -EAGAIN)
            return error;
        if (error == 0 && old == word) {
            if (word & FUTEX_WAITERS)
                futex_wake_address(address);
            return 0;
        }
    }
}

static void walk(vaddr_t head_address, uint32_t tid)
{
    struct linux_robust_list_head head;
    vaddr_t entry, pending;

    if (arch_copy_from_user(&head, head_address, sizeof(head)) != 0)
        return;
    pending = head.list_op_pending & ~UINT64_C(1);
    entry = head.list;
    for (unsigned i = 0; i < ROBUST_LIST_LIMIT && (entry & ~UINT64_C(1)) != head_address; i++) {
        vaddr_t at = entry & ~UINT64_C(1);
        vaddr_t next;

        // The next one first: the memory of a lock may be gone once it is passed on.
        if (arch_copy_from_user(&next, at, sizeof(next)) != 0)
            return;
        if (at != pending &&
            release_word(at + (uint64_t)head.futex_offset, tid, entry & 1, false) != 0)
            return;
        entry = next;
        (void)thread_relax();
    }
    if (pending != 0 && release_word(pending + (uint64_t)head.futex_offset, tid,
                                     head.list_op_pending & 1, true) != 0)
        return;
}

void futex_thread_exit(vaddr_t head, uint32_t tid)
{
    if (head != 0)
        walk(head, tid);
    if (futex_owners_awaited())
        futex_owner_exit(tid);
}
