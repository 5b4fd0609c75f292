// SPDX-License-Identifier: MIT
// thread.h - threads as the scheduler knows them: a kernel stack, a state, a share of a CPU.
//
// States:  new -> runnable <-> running -> blocked -> runnable ... running -> dead
// A thread is embedded in an object of its owner (struct uthread of proc/thread.h, or a kernel
// thread's own), which the owner frees when the reaper function is called for it: by the thread that runs next on
// that CPU, once the dead one has left its stack for good.
//
// The kernel is not preempted: a thread in the kernel gives up its CPU where it blocks, where it
// calls thread_relax, and on its way back to user mode. Long loops call thread_relax.
#pragma once

#include <stdatomic.h>

#include "kernel/arch/arch.h"
#include "kernel/sched/eevdf.h"
#include "kernel/sched/timer.h"
#include "lib/base/list.h"
#include "lib/base/rbtree.h"

struct account;
struct mutex;
struct process;
struct sched_group;
struct space;

#define THREAD_MUTEX_MAX 12 // held at once by one thread

enum thread_state {
    THREAD_NEW,
    THREAD_RUNNABLE, // on a run queue, or running
    THREAD_BLOCKED,
    THREAD_DEAD,
};

// What a thread must do before it returns to user mode: bits of thread->work.
enum thread_work {
    WORK_RESCHEDULE = 1 << 0, // another thread should run
    WORK_KILL = 1 << 1,       // leave: the process or this thread ends. Ends every wait
    WORK_NOTE = 1 << 2,       // look for signals. Ends interruptible waits
    WORK_PARK = 1 << 3,       // suspended, stopped or throttled: wait before user mode
    WORK_TASK = 1 << 4,       // the owner's own reasons (restoring a signal mask, tracing)
};

enum wait_mode {
    WAIT_MUTEX,         // ends by wake-up alone: for locks whose holders never wait for user space
    WAIT_KILLABLE,      // ends at WORK_KILL
    WAIT_INTERRUPTIBLE, // ends at WORK_KILL and WORK_NOTE
};

// Fields: I set once · a atomic · q under the run queue's lock · s by the thread itself
struct thread {
    struct arch_thread arch; // s  saved stack pointer, FPU area, FS and GS bases
    vaddr_t stack_top;       // I  of the kernel stack; 0: a CPU's idle thread, on its boot stack
    struct process *process; // I  not counted; NULL for a kernel thread
    struct space *space;     // s  whose page tables it runs on; NULL for a kernel thread
    struct account *account; // s  whom its allocations are charged to; NULL: the machine
    struct account *full;    // s  the account that refused its last charge
    void (*entry)(void *);   // I
    void *argument;          // I
    atomic_uint work;        // a  THREAD_WORK bits
    atomic_uint wait_bits;   // a  the work bits that end the wait it is in
    atomic_int state;        // a  enum thread_state
    atomic_bool on_cpu;      // a  still running, or its context not yet saved
    atomic_bool woken;       // a  a wake-up came since thread_block_prepare; true outside of waits
    atomic_bool timed_out;   // a  block_timer fired
    bool is_idle;            // I  a CPU's own thread, which runs when nothing else does
    unsigned cpu;            // q  where it runs or last ran; changed under that CPU's lock
    uint64_t affinity;       // q  the CPUs it may run on, bit n for CPU n
    struct sched_group *group;  // q  the box it shares with; NULL: the kernel's
    struct sched_entity entity; // q
    struct list run_link;       // q  in its run queue's list of threads
    unsigned priority;          // q  0-63, as /proc/PID/prio shows it
    nsec_t arrived_ns;          // q  when it came to this CPU
    nsec_t recent_ns, sampled_ns, sampled_runtime_ns; // q  for balance.c: what it ran lately
    nsec_t woke_ns; // s  when it last woke another thread, since it last blocked; 0: it has not
    unsigned quick_blocks;    // s  how often lately it blocked right after waking another
    struct timer block_timer; // s  the deadline of thread_block
    nsec_t start_ns;          // I
    nsec_t runtime_ns;        // q  time on a CPU, user and kernel
    uint64_t switches_voluntary, switches_forced; // q
    unsigned faults_minor, faults_major;          // s
    const void *waiting_for; // s  what thread_block waits on, for the debugger: a code address
    const struct mutex *mutexes[THREAD_MUTEX_MAX]; // s  debug builds: the mutexes it holds
    unsigned mutex_count;                          // s
    char name[16];                                 // shown by ps and in panics; NUL-terminated
};

// The calling thread; never NULL once the scheduler is up.
static inline struct thread *thread_current(void)
{
    return arch_current();
}

// Prepares a thread that will run entry(argument) in the kernel on a new kernel stack.
// account pays for the stack and the FPU area; NULL: the machine. group NULL: the kernel's.
// Errors: -ENOMEM, and then nothing is held.
int thread_init(struct thread *thread, const char *name, void (*entry)(void *), void *argument,
                struct account *account, struct sched_group *group, unsigned priority) MUST_CHECK;

// Undoes thread_init for a thread that was never started, or was handed to the reaper function.
void thread_fini(struct thread *thread);

// Makes a new thread runnable. Context: any but interrupt.
void thread_start(struct thread *thread);

// Makes and starts a kernel thread in one step; it frees itself when entry returns.
// Errors: -ENOMEM.
int thread_create_kernel(const char *name, void (*entry)(void *), void *argument) MUST_CHECK;

// Ends the calling thread. The reaper function is called for it by the next thread's switch code.
void NORETURN thread_exit(void);

// Registers what is called for a dead user thread (thread->process not NULL), once, from the switch
// code of the next thread: interrupts off, no lock held; it may take spin locks of IRQ ranks only,
// free memory, and may not block.
void thread_set_reaper(void (*reap)(struct thread *thread));

// Waiting: prepare, look at the condition, then block or cancel. WAIT_EVENT of waitq.h does it all.
void thread_block_prepare(void);
void thread_block_cancel(void);
// deadline_ns: a moment of clock_now(), or NSEC_NEVER.
// Returns: 0 when woken; -EINTR when mode says that the pending work ends the wait; -ETIMEDOUT.
// Context: thread, no spin lock held.
int thread_block(enum wait_mode mode, nsec_t deadline_ns) MUST_CHECK;

#ifdef BOXWORK_DEBUG
// Test builds: called by thread_block before it waits. It may take spin locks, and may not block.
void thread_set_block_hook(void (*hook)(enum wait_mode mode));
#endif

// Ends the thread's wait, or the one it is about to begin. Context: any. Returns: false if it was
// not waiting.
bool thread_wake(struct thread *thread);

// Sets work bits and ends waits that those bits end, on whatever CPU; a thread in user mode there
// comes in at once. Context: any.
void thread_post(struct thread *thread, unsigned work);

// Sleeps until the deadline. Returns: 0 after the deadline, -EINTR.
int thread_sleep_until(nsec_t deadline_ns, enum wait_mode mode) MUST_CHECK;

// Lets others run if they should; for loops whose length user space chooses.
// Returns: true if the thread is being killed, and the loop should end.
bool thread_relax(void);

// Whether WORK_KILL is set for the calling thread / a signal may be pending.
bool thread_killed(void);
bool thread_interrupted(void);

// Gives way to the other threads of this CPU (sched_yield).
void thread_yield(void);

// Moves the calling thread to another address space (NULL: the kernel's own); the space is counted
// by the caller.
void thread_set_space(struct space *space);

// 0-63; sets the weight. Context: any.
void thread_set_priority(struct thread *thread, unsigned priority);

// Errors: -EINVAL when no CPU of the set is present.
int thread_set_affinity(struct thread *thread, uint64_t cpus) MUST_CHECK;
// A new thread may run where the calling one may.
void thread_inherit_affinity(struct thread *thread);

// Time on a CPU up to now, split into user and kernel mode, also while it runs elsewhere.
void thread_times(const struct thread *thread, nsec_t *user_ns, nsec_t *kernel_ns);
