// SPDX-License-Identifier: MIT
// wait.c - waiting for children: wait4, waitid; pidfds.
#include "abi/wait.h"

#include "abi/eventfd.h"
#include "kernel/proc/box.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"

// Errors: as process_wait_for; without children to report and WNOHANG, request->pid is 0.
static int wait_for(struct wait_request *request)
{
    int error;

    if (request->which != P_ALL)
        return process_wait_for(request);
    error = process_wait_any_child(process_current(), request, !(request->options & WNOHANG));
    return error == -EAGAIN ? 0 : error;
}

CALL4(wait4, pid_t, pid, vaddr_t, status_to, unsigned, options, vaddr_t, usage_to)
{
    struct wait_request request = { .which = P_ALL };
    int32_t word;
    int error;

    if (options & ~(unsigned)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid > 0)
        request.which = P_PID;
    else if (pid != -1)
        request.which = P_PGID;
    request.id = pid > 0 ? pid : -pid;
    request.options = (options & ~(unsigned)__WNOTHREAD) | WEXITED;
    error = wait_for(&request);
    if (error != 0)
        return restartable(error);
    if (request.pid == 0)
        return 0;
    word = wait_status_word(&request);
    if (status_to != 0 && user_store(status_to, &word) != 0)
        return -EFAULT;
    if (usage_to != 0 && user_store(usage_to, &request.usage) != 0)
        return -EFAULT;
    return request.pid;
}

static int wait_by_id(struct wait_request *request)
{
    struct handle *handle;
    bool again = false; // a nonblocking pidfd says EAGAIN where WNOHANG says nothing
    int error;

    if (request->which != P_PIDFD)
        return wait_for(request);
    error = fd_get_file(request->id, &handle);
    if (error != 0)
        return error;
    request->record = pidfd_record(handle);
    if (handle_nonblocking(handle) && !(request->options & WNOHANG)) {
        request->options |= WNOHANG;
        again = true;
    }
    error = request->record == NULL ? -EBADF : process_wait_for(request);
    if (error == 0 && request->pid == 0 && again)
        error = -EAGAIN;
    handle_put(handle);
    return error;
}

static int store_info(vaddr_t to, const struct wait_request *request)
{
    struct linux_siginfo info = { .si_signo = 0 };

    if (request->pid != 0) {
        info.si_signo = SIGCHLD;
        info.si_code = request->code;
        info.si_pid = request->pid;
        info.si_uid = request->uid;
        info.si_status = request->status;
    }
    return user_store(to, &info);
}

CALL5(waitid, int, which, pid_t, id, vaddr_t, info_to, unsigned, options, vaddr_t, usage_to)
{
    struct wait_request request = { .which = which, .id = id, .options = options };
    int error;

    if (options & ~(unsigned)(WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD |
                              __WALL | __WCLONE) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (which < P_ALL || which > P_PIDFD || (which == P_PID && id <= 0) ||
        (which != P_ALL && id < 0))
        return -EINVAL;
    request.options &= ~(unsigned)__WNOTHREAD;
    error = wait_by_id(&request);
    if (error != 0)
        return restartable(error);
    if (info_to != 0 && store_info(info_to, &request) != 0)
        return -EFAULT;
    if (usage_to != 0 && request.pid != 0 && user_store(usage_to, &request.usage) != 0)
        return -EFAULT;
    return 0;
}

int fd_get_process(int fd, unsigned rights, struct process **process)
{
    struct handle *handle;
    struct record *record;
    int error = fd_get_file(fd, &handle);

    if (error != 0)
        return error;
    record = pidfd_record(handle);
    if ((handle->rights & rights) != rights)
        record = NULL;
    *process = record != NULL ? record_process(record) : NULL;
    if (record == NULL)
        error = -EBADF;
    else if (*process == NULL)
        error = -ESRCH;
    handle_put(handle);
    return error;
}

CALL2(pidfd_open, pid_t, pid, unsigned, flags)
{
    struct record *record;
    struct handle *handle;
    int error;

    if (flags & ~(unsigned)PIDFD_NONBLOCK || pid <= 0)
        return -EINVAL;
    record = pid_find_record(box_current(), pid, false);
    if (record == NULL)
        return -ESRCH;
    error = pidfd_create(record, flags, &handle);
    record_put(record);
    return error != 0 ? error : fd_install(handle, true);
}

// Between members of one box alone: what enters another box gets a grant of its own, by ctl give.
static int find_fd_of(struct process *process, int fd, struct handle **handle)
{
    struct fdtab *fds;
    int error = process->box == box_current() ? process_fds(process, &fds) : -EPERM;

    if (error != 0)
        return error;
    error = fdtab_find(fds, fd, handle);
    fdtab_put(fds);
    return error;
}

CALL3(pidfd_getfd, int, pidfd, int, fd, unsigned, flags)
{
    struct process *process;
    struct handle *handle;
    int error;

    if (flags != 0)
        return -EINVAL;
    error = fd_get_process(pidfd, RIGHT_WRITE, &process);
    if (error != 0)
        return error;
    error = find_fd_of(process, fd, &handle);
    process_put(process);
    return error != 0 ? error : fd_install(handle, true);
}
