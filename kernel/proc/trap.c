// SPDX-License-Identifier: MIT
// trap.c - faults of programs: what they become for the program, and the words that say why.

#include "abi/errors.h"
#include "abi/signal.h"
#include "kernel/mem/account.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/thread.h"

// --- Page faults ---

static const char *access_text(enum fault_access access)
{
    static const char *const texts[] = { "read of", "write to", "execution of" };

    return texts[access];
}

// The program has run out of memory: nothing of its own doing can be told it, so it ends.
static void end_for_memory(struct process *process, vaddr_t address)
{
    struct account *full = account_last_full();

    if (full == NULL || full == &account_root)
        process_kill_reason(process, -SIGKILL, "out of memory: the machine is full (at %#lx)",
                            address);
    else
        process_kill_reason(process, -SIGKILL, "memory quota of box %d is full (at %#lx)",
                            full->box_number, address);
}

static void report(struct trapframe *frame, vaddr_t address, enum fault_access access,
                   enum fault_reason reason)
{
    struct process *process = process_current();
    uint64_t ip = arch_frame_ip(frame);

    switch (reason) {
    case FAULT_QUOTA:
        end_for_memory(process, address);
        break;
    case FAULT_NULL:
        signal_fault(SIGSEGV, SEGV_MAPERR, address, "null pointer: %s address %#lx (ip %#lx)",
                     access_text(access), address, ip);
        break;
    case FAULT_STACK:
        signal_fault(SIGSEGV, SEGV_MAPERR, address, "stack overflow at %#lx (ip %#lx)", address,
                     ip);
        break;
    case FAULT_PAST_END:
    case FAULT_REVOKED:
        signal_fault(SIGBUS, BUS_ADRERR, address, "bus error: %s at %#lx (ip %#lx)",
                     fault_reason_text(reason), address, ip);
        break;
    case FAULT_UNMAPPED:
    case FAULT_KERNEL_ADDRESS:
        signal_fault(SIGSEGV, SEGV_MAPERR, address, "segfault: %s %s at %#lx (ip %#lx)",
                     access_text(access), fault_reason_text(reason), address, ip);
        break;
    default:
        signal_fault(SIGSEGV, SEGV_ACCERR, address, "segfault: %s at %#lx (ip %#lx)",
                     fault_reason_text(reason), address, ip);
        break;
    }
}

// This call has touched, or would touch, user memory in vain.
static void note_bad_pointer(vaddr_t address, enum fault_access access, enum fault_reason reason)
{
    if (thread_current()->process != NULL)
        uthread_current()->bad_pointer =
            (struct bad_pointer){ address, arch_thread_user_ns(thread_current()), (uint8_t)access,
                                  (uint8_t)reason };
}

int process_page_fault(struct trapframe *frame, vaddr_t address, unsigned access, bool user)
{
    struct space *space = thread_current()->space;
    enum fault_reason reason = FAULT_UNMAPPED;
    int error = -EFAULT;

    kill_point(KILL_AT_FAULT, process_current());
    if (space != NULL)
        error = space_fault(space, address, access, &reason);
    kill_point(KILL_AT_FAULT_DONE, process_current());
    if (error == 0)
        return 0;
    if (user)
        report(frame, address, access, reason);
    else if (reason == FAULT_QUOTA)
        end_for_memory(process_current(), address);
    else
        note_bad_pointer(address, access, reason);
    return error;
}

void process_bad_pointer(const char *call, uint64_t ip)
{
    struct bad_pointer bad = uthread_current()->bad_pointer;

    if (!box_current()->strict)
        return;
    if (bad.user_ns == arch_thread_user_ns(thread_current()))
        process_kill_reason(process_current(), -SIGSEGV,
                            "segfault in system call %s: %s address %#lx: %s (ip %#lx)", call,
                            access_text(bad.access), bad.address, fault_reason_text(bad.reason),
                            ip);
    else
        process_kill_reason(process_current(), -SIGSEGV,
                            "segfault in system call %s: a bad pointer (ip %#lx)", call, ip);
}

// --- Other exceptions (Intel SDM 3A table 6-1) ---

struct exception {
    unsigned vector;
    unsigned signal;
    int code;
    const char *text;
};

static const struct exception exceptions[] = {
    { 0, SIGFPE, FPE_INTDIV, "division by zero or overflow of a quotient" },
    { 1, SIGTRAP, TRAP_TRACE, "debug trap" },
    { 3, SIGTRAP, TRAP_BRKPT, "breakpoint" },
    { 4, SIGSEGV, SI_KERNEL, "overflow trap" },
    { 5, SIGSEGV, SI_KERNEL, "bound range exceeded" },
    { 6, SIGILL, ILL_ILLOPN, "illegal instruction" },
    { 7, SIGFPE, FPE_FLTINV, "floating-point unit not available" },
    { 10, SIGSEGV, SI_KERNEL, "invalid task segment" },
    { 11, SIGBUS, BUS_ADRERR, "segment not present" },
    { 12, SIGBUS, BUS_ADRERR, "stack segment fault" },
    { 13, SIGSEGV, SI_KERNEL,
      "general protection fault: a privileged instruction, or an address that is none" },
    { 16, SIGFPE, FPE_FLTINV, "x87 floating-point error" },
    { 17, SIGBUS, BUS_ADRALN, "unaligned access" },
    { 19, SIGFPE, FPE_FLTINV, "SIMD floating-point error" },
};

void process_exception(struct trapframe *frame, unsigned vector, uint64_t error)
{
    uint64_t ip = arch_frame_ip(frame);

    for (unsigned i = 0; i < ARRAY_LEN(exceptions); i++) {
        const struct exception *exception = &exceptions[i];

        if (exception->vector != vector)
            continue;
        signal_fault(exception->signal, exception->code, ip, "%s (ip %#lx)", exception->text, ip);
        return;
    }
    signal_fault(SIGSEGV, SI_KERNEL, ip, "exception %u, error %#lx (ip %#lx)", vector, error, ip);
}

// --- Probes ---

static int probe(vaddr_t address, size_t size, enum fault_access access)
{
    struct space *space = thread_current()->space;
    enum fault_reason reason = FAULT_KERNEL_ADDRESS;
    vaddr_t end = address + size;
    vaddr_t at = address;
    int error = end < address || end > USER_END ? -EFAULT : 0;

    while (error == 0 && at < end) {
        error = space_fault(space, at, access, &reason);
        if (error != 0)
            break;
        if (thread_relax())
            return -EINTR;
        at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
    }
    if (error == 0)
        return 0;
    if (reason == FAULT_QUOTA)
        end_for_memory(process_current(), at);
    else
        note_bad_pointer(at, access, reason);
    return -EFAULT;
}

int probe_for_read(vaddr_t address, size_t size)
{
    return probe(address, size, FAULT_READ);
}

int probe_for_write(vaddr_t address, size_t size)
{
    return probe(address, size, FAULT_WRITE);
}
