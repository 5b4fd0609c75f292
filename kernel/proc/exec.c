// SPDX-License-Identifier: MIT
// exec.c - putting a new program in the place of the old: the commit, which cannot fail.
//
// Of the calling process: the other threads are told to leave; when they have, the image is taken
// over. Of a new process: at once, and process_start begins it. Of a suspended one: the image waits
// in process->image, and the first thread to go on takes it over.

#include "abi/errors.h"
#include "abi/signal.h"
#include "kernel/ipc/futex.h"
#include "kernel/ipc/posix_timer.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

#include <string.h>

size_t process_exec_limit(void)
{
    uint64_t quarter = process_rlimit(RLIMIT_STACK) / 4;

    return MIN(MAX(quarter, (uint64_t)EXEC_STRING_MAX), (uint64_t)(6 * 1024 * 1024));
}

// Exchanges what is visible of the process with what the image holds; exec_image_free then puts the
// old.
static void exchange(struct process *process, struct exec_image *image)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct space *space = process->space;
    struct place exe = process->exe;
    char *cmdline = process->cmdline;

    process->space = image->space;
    process->exe = image->exe;
    process->cmdline = image->cmdline;
    process->cmdline_size = image->cmdline_size;
    memcpy(process->name, image->name, sizeof(process->name));
    process->has_executed = true;
    image->space = space;
    image->exe = exe;
    image->cmdline = cmdline;
    if (image->fds != NULL) {
        struct fdtab *fds = process->fds;

        process->fds = image->fds;
        image->fds = fds;
    }
    spin_unlock_irq_restore(&process->lock, irq);
}

static void adopt(struct process *process, struct exec_image *image)
{
    exchange(process, image);
    if (image->replace_env) {
        env_install(process->env, image->env);
        image->env = NULL;
    }
    signals_exec(process->signals, image->actions);
    image->actions = NULL;
    fdtab_close_on_exec(process->fds);
}

// --- The calling process ---

// Waits until this is the only thread. Errors: -EAGAIN another's exec is under way, -EINTR killed.
static int be_alone(struct process *process, struct uthread *self)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    bool busy = process->exec_thread != NULL;
    int error;

    if (!busy)
        process->exec_thread = self;
    spin_unlock_irq_restore(&process->lock, irq);
    if (busy)
        return -EAGAIN;
    process_kill_threads(process, self);
    error = WAIT_EVENT(&process->thread_events, WAIT_KILLABLE, NSEC_NEVER,
                       process->thread_count == 1);
    if (error == 0 && !thread_killed())
        return 0;
    process->exec_thread = NULL;
    return -EINTR;
}

// The thread that is left bears the process's number.
static void take_number(struct process *process, struct uthread *self)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    pid_release(&process->box->pids, &self->pid);
    self->tid = process->pid;
    process->record->exit_signal = process->head ? 0 : SIGCHLD;
    spin_unlock_irq_restore(&tree_lock, irq);
}

static void reset_thread(struct uthread *self, const struct exec_image *image)
{
    struct trapframe *frame = arch_thread_frame(&self->thread);

    self->altstack = (struct linux_stack){ .ss_flags = SS_DISABLE };
    self->clear_child_tid = 0;
    self->robust_list = 0;
    self->restart = NULL;
    self->note_length = 0;
    memcpy(self->thread.name, image->name, sizeof(self->thread.name));
    arch_set_fs_base(&self->thread, 0);
    arch_set_gs_base(&self->thread, 0);
    arch_fpu_reset();
    arch_frame_init(frame, image->entry, image->sp);
}

// The calling thread is alone and runs the image from now on.
static void commit(struct process *process, struct exec_image *image)
{
    struct uthread *self = uthread_current();

    futex_thread_exit(self->robust_list, (uint32_t)self->tid);
    take_number(process, self);
    reset_thread(self, image);
    adopt(process, image);
    kill_point(KILL_AT_EXEC_COMMIT, process);
    thread_set_space(process->space);
    posix_timers_exec(process);
    vfork_release(self);
    process->exec_thread = NULL;
    exec_image_free(image);
}

int process_exec_current(struct handle *handle, const char *path, const char *const *argv,
                         const char *const *envp)
{
    struct process *process = process_current();
    struct exec_image *image;
    int error;

    kill_point(KILL_AT_EXEC_BEGIN, process);
    error = exec_image_build(process, handle, path, argv, envp, true, &image);
    if (error != 0)
        return error;
    kill_point(KILL_AT_EXEC_BUILT, process);
    error = be_alone(process, uthread_current());
    if (error != 0) {
        exec_image_free(image);
        return error;
    }
    kill_point(KILL_AT_EXEC_ALONE, process);
    commit(process, image);
    kill_point(KILL_AT_EXEC_DONE, process);
    return 0;
}

void exec_image_begin(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct exec_image *image = process->image;

    process->image = NULL;
    spin_unlock_irq_restore(&process->lock, irq);
    if (image == NULL)
        return;
    if (be_alone(process, uthread_current()) == 0)
        commit(process, image);
    else
        exec_image_free(image);
}

// --- Another process ---

static bool may_exec(struct process *process)
{
    return atomic_load(&process->state) == PROCESS_NEW || process_is_suspended(process);
}

// Keeps the image for later. Returns what is to be freed: the one before, or the image itself if
// the process has gone on.
static struct exec_image *keep_image(struct process *process, struct exec_image *image, int *error)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct exec_image *old = image;

    *error = -EBUSY;
    if (atomic_load(&process->flags) & PROCESS_DYING || process->space == NULL) {
        *error = -ESRCH;
    } else if (may_exec(process)) {
        *error = 0;
        old = process->image;
        process->image = image;
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return old;
}

static size_t count(const char *const *argv)
{
    size_t argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return argc;
}

int process_exec_other(struct process *process, struct handle *handle, const char *path,
                       const char *const *argv)
{
    struct exec_image *image;
    char **envp;
    int error;

    if (atomic_load(&process->flags) & PROCESS_DYING)
        return -ESRCH;
    if (!may_exec(process))
        return -EBUSY;
    error = env_list(process->env, &envp);
    if (error != 0)
        return error;
    error = exec_image_build(process, handle, path, argv, (const char *const *)envp, false, &image);
    kfree(envp);
    if (error != 0)
        return error;
    mutex_lock(&process->exec_lock);
    kill_point(KILL_AT_EXEC_KEEP, process);
    if (atomic_load(&process->state) == PROCESS_NEW)
        error = process_set_cmdline(process, argv, count(argv));
    if (error == 0)
        image = keep_image(process, image, &error);
    mutex_unlock(&process->exec_lock);
    exec_image_free(image);
    return error;
}

bool exec_image_take_new(struct process *process, vaddr_t *entry, vaddr_t *sp)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct exec_image *image = process->image;

    process->image = NULL;
    spin_unlock_irq_restore(&process->lock, irq);
    if (image == NULL)
        return false;
    *entry = image->entry;
    *sp = image->sp;
    adopt(process, image);
    exec_image_free(image);
    return true;
}
