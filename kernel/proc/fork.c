// SPDX-License-Identifier: MIT
// fork.c - fork, vfork and clone: a new thread of the calling process, or a new member of its box.
//
// Everything that can fail is done before the child is linked, and linking tests the doors; after
// that the child starts.

#include <string.h>

#include "abi/errors.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "kernel/ipc/posix_timer.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/groups.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/handle.h"

#define CLONE_NEW_ANY                                                                             \
    (CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |                \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_INTO_CGROUP)
// All that is served; the last five have nothing to say here.
#define CLONE_ACCEPTED                                                                            \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | CLONE_VFORK |              \
     CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |                   \
     CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND | CLONE_SYSVSEM | CLONE_DETACHED |                  \
     CLONE_UNTRACED | CLONE_IO)

static int check(const struct clone_request *request)
{
    uint64_t flags = request->flags;

    if ((flags & (CLONE_NEW_ANY | CLONE_PARENT | CLONE_PTRACE)) || (flags & ~CLONE_ACCEPTED))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && (!(flags & CLONE_VM) || (flags & CLONE_CLEAR_SIGHAND)))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
        return -EINVAL;
    if (request->exit_signal < 0 || request->exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    // Loading a base that is no address faults in the kernel.
    if ((flags & CLONE_SETTLS) && request->tls >= USER_END)
        return -EPERM;
    return 0;
}

// --- The new thread ---

void clone_set_up_thread(struct uthread *thread, const struct clone_request *request)
{
    struct uthread *self = uthread_current();
    struct trapframe *frame = arch_thread_frame(&thread->thread);
    bool tls = (request->flags & CLONE_SETTLS) != 0;

    memcpy(frame, arch_thread_frame(&self->thread), sizeof(*frame));
    arch_frame_set_result(frame, 0);
    if (request->stack != 0)
        arch_frame_set_sp(frame, request->stack);
    arch_fpu_copy(&thread->thread);
    arch_set_fs_base(&thread->thread, tls ? request->tls : arch_fs_base(&self->thread));
    arch_set_gs_base(&thread->thread, arch_gs_base(&self->thread));
    memcpy(thread->thread.name, self->thread.name, sizeof(thread->thread.name));
    thread_inherit_affinity(&thread->thread);
    thread->blocked = self->restore_mask ? self->saved_mask : self->blocked;
    // Its own memory keeps its own alternate stack; vfork's child runs on its parent's.
    if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK))
        thread->altstack = self->altstack;
    if (request->flags & CLONE_CHILD_CLEARTID)
        thread->clear_child_tid = request->child_tid;
    if (request->flags & CLONE_CHILD_SETTID)
        thread->set_child_tid = request->child_tid;
}

// A bad address is nobody's loss, as in Linux.
void clone_tell_number(const struct clone_request *request, pid_t number)
{
    int32_t tid = number;

    if ((request->flags & CLONE_PARENT_SETTID) &&
        arch_copy_to_user(request->parent_tid, &tid, sizeof(tid)) != 0)
        return;
}

static int64_t clone_thread(const struct clone_request *request)
{
    int64_t number = process_new_thread(process_current(), 0, 0, request);

    return number == -ESRCH ? -EAGAIN : number;
}

// --- The new process ---

static int copy_space(struct process *from, struct process *to, bool share)
{
    int error;

    if (share) {
        space_get(from->space);
        to->space = from->space;
        return 0;
    }
    error = space_create(to->box->account, &to->space);
    return error != 0 ? error : space_fork(from->space, to->space);
}

static int copy_fds(struct process *from, struct process *to, bool share)
{
    if (!share)
        return fdtab_copy(from->fds, to->box->account, &to->fds);
    fdtab_get(from->fds);
    to->fds = from->fds;
    return 0;
}

static int copy_directory(struct process *from, struct process *to, bool share)
{
    if (!share)
        return directory_copy(from->directory, to->box->account, &to->directory);
    directory_get(from->directory);
    to->directory = from->directory;
    return 0;
}

static int copy_signals(struct process *from, struct process *to, uint64_t flags)
{
    if (flags & CLONE_CLEAR_SIGHAND)
        return signals_create(to->box->account, &to->signals);
    return signals_fork(from->signals, to->box->account, (flags & CLONE_SIGHAND) != 0,
                        &to->signals);
}

// Copies what is plain data.
static void copy_values(struct process *from, struct process *to)
{
    uint64_t irq = spin_lock_irq_save(&from->lock);

    to->uid = from->uid;
    to->euid = from->euid;
    to->suid = from->suid;
    to->gid = from->gid;
    to->egid = from->egid;
    to->sgid = from->sgid;
    to->priority = from->priority;
    memcpy(to->name, from->name, sizeof(to->name));
    memcpy(to->rlimits, from->rlimits, sizeof(to->rlimits));
    to->exe = from->exe;
    if (to->exe.node != NULL)
        place_get(&to->exe);
    spin_unlock_irq_restore(&from->lock, irq);
}

// Everything of the child that can fail. What was made when it does is in the child, to be
// released.
static int copy_process(struct process *from, struct process *to, uint64_t flags)
{
    int error;

    copy_values(from, to);
    to->groups = process_groups(from);
    error = env_copy(to->env, from->env);
    if (error == 0)
        error = process_copy_cmdline(from, to);
    if (error == 0)
        error = copy_signals(from, to, flags);
    if (error == 0)
        error = copy_fds(from, to, (flags & CLONE_FILES) != 0);
    if (error == 0)
        error = copy_directory(from, to, (flags & CLONE_FS) != 0);
    if (error == 0)
        error = copy_space(from, to, (flags & CLONE_VM) != 0);
    return error;
}

// Links the child and its thread into the tree at once: a member that others find is never one
// that is still to be started. Errors: -EAGAIN the parent or a box around is ending, or no number
// is left.
static int link_child(struct process *child, struct uthread *thread, int exit_signal)
{
    struct process *parent = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    int error = 0;

    if (box_door_closed(child->box) ||
        ((atomic_load(&parent->flags) & PROCESS_DYING) && !planted("door-open")))
        error = -EAGAIN;
    if (error == 0)
        error = tree_link_member(child, parent, parent);
    if (error == 0) {
        child->record->exit_signal = exit_signal;
        error = uthread_link_locked(thread, true);
        assert(error == 0); // it is new, and no door is closed
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

// A pidfd of the child in the calling process, written to user memory. Returns the fd.
static int give_pidfd(struct process *child, const struct clone_request *request)
{
    struct process *self = process_current();
    struct handle *handle;
    int32_t fd;
    int error = pidfd_create(child->record, 0, &handle);

    if (error != 0)
        return error;
    fd = process_add_fd(self, handle, 0, true);
    if (fd < 0) {
        handle_put(handle);
        return fd;
    }
    if (arch_copy_to_user(request->pidfd, &fd, sizeof(fd)) == 0)
        return fd;
    error = process_close_fd(self, fd);
    return error != 0 ? error : -EFAULT;
}

// Undoes a child that was not linked.
static void drop_child(struct process *child, struct uthread *thread)
{
    process_release_parts(child);
    if (thread != NULL)
        uthread_destroy(thread);
    process_put(child);
}

// Links process and thread, and starts it. The number of the child, which may be gone by then, or
// an error.
static int64_t begin_child(struct process *child, struct uthread *thread,
                           const struct clone_request *request,
                           struct vfork *vfork)
{
    pid_t number;
    int error;

    kill_point(KILL_AT_FORK_LINK, child);
    error = link_child(child, thread, request->exit_signal);
    if (error != 0)
        return error;
    number = child->pid;
    clone_tell_number(request, number);
    if (vfork != NULL) {
        vfork_get(vfork);
        thread->vfork = vfork;
    }
    thread_post(&thread->thread, WORK_PARK); // a suspension may have begun before it was linked
    kill_point(KILL_AT_FORK_START, process_current());
    thread_start(&thread->thread);
    kill_point(KILL_AT_FORK_DONE, process_current());
    return number;
}

static int64_t clone_process(const struct clone_request *request, struct vfork *vfork)
{
    struct process *self = process_current();
    struct uthread *thread = NULL;
    struct process *child;
    int64_t result = process_alloc(self->box, self->box->account, &child);
    int fd = -1;

    if (result != 0)
        return result;
    result = copy_process(self, child, request->flags);
    kill_point(KILL_AT_FORK_COPIED, self);
    if (result == 0)
        result = uthread_create(child, &thread);
    if (result == 0 && (request->flags & CLONE_PIDFD)) {
        fd = give_pidfd(child, request);
        result = fd < 0 ? fd : 0;
    }
    if (result == 0) {
        clone_set_up_thread(thread, request);
        result = begin_child(child, thread, request, vfork);
    }
    if (result > 0)
        return result;
    if (fd >= 0)
        (void)!process_close_fd(self, fd); // the program itself may have closed it meanwhile
    drop_child(child, thread);
    return result;
}

static int64_t clone_vfork(const struct clone_request *request)
{
    struct vfork *vfork;
    int64_t number;
    int error = vfork_create(process_current()->box->account, &vfork);

    if (error != 0)
        return error;
    number = clone_process(request, vfork);
    if (number > 0)
        vfork_wait(vfork);
    vfork_put(vfork);
    return number;
}

static int64_t clone(const struct clone_request *request)
{
    if (request->flags & CLONE_THREAD)
        return clone_thread(request);
    return request->flags & CLONE_VFORK ? clone_vfork(request) : clone_process(request, NULL);
}

int64_t process_clone(const struct clone_request *request)
{
    int64_t result = check(request);

    if (result != 0)
        return result;
    kill_point(KILL_AT_FORK_BEGIN, process_current());
    result = clone(request);
    if (result < 0)
        process_await_own_end(); // that may be why
    return result;
}
