// SPDX-License-Identifier: MIT
// membarrier.c - memory barriers on behalf of other threads.
//
// Who runs in user mode on another CPU is interrupted by a shootdown of no pages, which is a full
// barrier there before it is answered. Who is not running passes one when it is switched to: a CPU
// that loads a space sets its bit by a locked operation, so either it is in the set read here, or
// what the caller wrote before is seen by it.
#include "abi/membarrier.h"

#include <stdatomic.h>

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/mem/space.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/memory.h"

#define COMMANDS                                                                   \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                     \
     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED | \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)

static void barrier_on(uint64_t cpus)
{
    arch_tlb_shootdown(cpus, 0, 0);
    atomic_thread_fence(memory_order_seq_cst);
}

static uint64_t all_cpus(void)
{
    unsigned cpus = arch_cpu_count();

    return cpus >= 64 ? UINT64_MAX : (UINT64_C(1) << cpus) - 1;
}

CALL2(membarrier, int, command, unsigned, flags)
{
    struct space *space = sys_space();

    if (flags != 0)
        return -EINVAL;
    atomic_thread_fence(memory_order_seq_cst); // what was written before, then who runs
    switch (command) {
    case MEMBARRIER_CMD_QUERY:
        return COMMANDS;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED: // reaches also who did not register
        barrier_on(all_cpus());
        return 0;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        if (!atomic_load(&space->barriers))
            return -EPERM;
        barrier_on(atomic_load(&space->cpus));
        return 0;
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
        atomic_store(&space->barriers, true);
        return 0;
    default:
        return -EINVAL;
    }
}
