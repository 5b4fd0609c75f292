// SPDX-License-Identifier: MIT
// command.c - what each ctl command does, once it is parsed and allowed.
//
// docs/proc/ctl.md has the errors. // Each does all or nothing: what can fail comes before what
// others can see.

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/resource.h"
#include "kernel/fs/procfs/ctl.h"
#include "kernel/fs/procfs/limit.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/note.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walk.h"
#include "lib/ctl/ctl.h"

typedef int command_fn(const struct subject *subject, const struct ctl_command *command);

// Whether a command to a head means its whole box: from anywhere but inside.
static bool means_box(const struct subject *subject)
{
    return subject->process->head && subject->relation != RELATION_INSIDE;
}

static int do_start(const struct subject *subject, const struct ctl_command *command)
{
    (void)command;
    return process_start(subject->process, 0);
}

static int do_suspend(const struct subject *subject, const struct ctl_command *command)
{
    (void)command;
    if (subject->process == process_current() ||
        (subject->process->head && subject->relation == RELATION_INSIDE))
        return -EDEADLK;
    return process_suspend(subject->process, means_box(subject));
}

static int do_kill(const struct subject *subject, const struct ctl_command *command)
{
    process_kill(subject->process, command->argument_count != 0 ? command->values[0] : -SIGKILL);
    return 0;
}

static int do_quota(const struct subject *subject, const struct ctl_command *command)
{
    return limit_set(subject, (enum quota_key)command->values[0], command->values[1]);
}

// --- fds ---

static int do_close(const struct subject *subject, const struct ctl_command *command)
{
    int64_t first = command->values[0];
    int64_t end = command->values[1];
    struct fdtab *table;
    int error;

    if (command->argument_count == 1)
        return process_close_fd(subject->process, (int)first);
    if (end != -1 && end < first)
        return -EINVAL;
    if (end == first)
        return 0;
    error = process_fds(subject->process, &table);
    if (error != 0)
        return error;
    fdtab_close_range(table, (unsigned)first, end == -1 ? UINT32_MAX : (unsigned)end - 1, false);
    fdtab_put(table);
    return 0;
}

// Puts handle at fd of the process; takes over the reference. Errors: as process_add_fd_as.
static int put_fd(struct process *process, int64_t fd, struct handle *handle)
{
    int error = fd > INT32_MAX ? -EBADF : process_add_fd_as(process, handle, (int)fd, false);

    if (error != 0)
        handle_put(handle);
    return error;
}

static int do_dup2(const struct subject *subject, const struct ctl_command *command)
{
    struct handle *handle;
    int error = process_read_fd(subject->process, (int)command->values[0], &handle);

    if (error != 0)
        return error;
    if (command->values[0] == command->values[1]) {
        handle_put(handle);
        return 0;
    }
    return put_fd(subject->process, command->values[1], handle);
}

static int do_give(const struct subject *subject, const struct ctl_command *command)
{
    unsigned rights = command->argument_count == 3 ? (unsigned)command->values[2] : RIGHT_ALL;
    struct handle *mine, *given = NULL;
    int error = process_read_fd(process_current(), (int)command->values[0], &mine);

    if (error != 0)
        return error;
    if (procfs_handle_is_of(mine, subject->box))
        error = -EPERM;
    else
        error = handle_enter_box(mine, rights, subject->box->account, &given);
    handle_put(mine);
    return error != 0 ? error : put_fd(subject->process, command->values[1], given);
}

// --- Names ---

// Takes over the grant.
static int bind_grant(const struct subject *subject, const char *name, struct grant *grant)
{
    int error = process_add_fs(subject->process, grant, name);

    grant_put(grant);
    return error;
}

static int bind_place(const struct subject *subject, const char *name, const struct place *place,
                      unsigned rights)
{
    struct grant *grant;
    int error = place_grant(place, rights, subject->box->account, &grant);

    return error != 0 ? error : bind_grant(subject, name, grant);
}

// The path is the writer's.
static int do_bind(const struct subject *subject, const struct ctl_command *command)
{
    unsigned rights = command->argument_count == 3 ? (unsigned)command->values[2] : RIGHT_ALL;
    struct place cwd, place;
    struct walker walker;
    int error;

    if (strlen(command->texts[1]) >= PATH_MAX_BYTES)
        return -ENAMETOOLONG;
    process_walker(&walker, &cwd, true);
    error = walk(&walker, command->texts[1], 0, &place);
    if (error == 0) {
        error = bind_place(subject, command->texts[0], &place, rights);
        place_put(&place);
    }
    place_put(&cwd);
    return error;
}

// A tree of the target's own, empty: what its programs may make anything in.
static int do_tree(const struct subject *subject, const struct ctl_command *command)
{
    unsigned rights = command->argument_count == 2 ? (unsigned)command->values[1] : RIGHT_ALL;
    struct account *account = subject->box->account;
    struct grant *grant;
    struct tree *tree;
    int error = ramfs_create(account, &tree);

    if (error != 0)
        return error;
    error = grant_create(NULL, tree->root, rights, account, &grant);
    node_put(tree->root);
    return error != 0 ? error : bind_grant(subject, command->texts[0], grant);
}

static int do_unbind(const struct subject *subject, const struct ctl_command *command)
{
    return process_rm_fs(subject->process, command->texts[0]);
}

// --- inherit ---

// Gives the target a handle on what is at fd of mine. What is closed on exec, and what cannot be
// given, stays behind.
static int inherit_fd(const struct subject *subject, struct fdtab *mine, int fd)
{
    struct handle *handle, *given;
    int flags = fdtab_flags(mine, fd);
    int error = 0;

    if (flags < 0 || (flags & FD_CLOEXEC) != 0 || fdtab_find(mine, fd, &handle) != 0)
        return 0;
    if (!procfs_handle_is_of(handle, subject->box)) {
        error = handle_enter_box(handle, RIGHT_ALL, subject->box->account, &given);
        if (error == 0)
            error = put_fd(subject->process, fd, given);
    }
    handle_put(handle);
    return error;
}

static int inherit_fds(const struct subject *subject)
{
    struct fdtab *mine = process_current()->fds;
    struct fdtab *table;
    int error = process_fds(subject->process, &table);

    if (error != 0)
        return error;
    if (fdtab_next(table, 0) >= 0) {
        fdtab_put(table);
        return -EBUSY;
    }
    for (int fd = fdtab_next(mine, 0); fd >= 0 && error == 0; fd = fdtab_next(mine, fd + 1))
        error = inherit_fd(subject, mine, fd);
    if (error != 0)
        fdtab_close_range(table, 0, UINT32_MAX, false);
    fdtab_put(table);
    return error;
}

static int inherit_names(const struct subject *subject)
{
    struct names *names;
    int error = subject_names(subject, &names);

    if (error != 0)
        return error;
    error = names_inherit(box_current()->names, names);
    names_put(names);
    return error;
}

static int do_inherit(const struct subject *subject, const struct ctl_command *command)
{
    switch (command->values[0]) {
    case CTL_FDS:
        return inherit_fds(subject);
    case CTL_ENV:
        return process_copy_env(subject->process, process_current());
    default:
        return inherit_names(subject);
    }
}

// --- Programs ---

// The words from first on as a list ended by NULL, freed by one kfree.
static const char **make_argv(const struct ctl_command *command, unsigned first)
{
    unsigned count = command->word_count - first;
    const char **argv = kmalloc((count + 1) * sizeof(*argv), account_current());
    const char *word = ctl_word(command, first);

    if (argv == NULL)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        argv[i] = word;
        word += strlen(word) + 1;
    }
    return argv;
}

static int exec_handle(const struct subject *subject, struct handle *handle,
                       const struct ctl_command *command, unsigned first)
{
    const char **argv = make_argv(command, first);
    int error;

    if (argv == NULL)
        return -ENOMEM;
    error = process_exec_other(subject->process, handle, argv[0], argv);
    kfree(argv);
    return error;
}

// The path is the target's; links of /proc that lead without text would lead by the writer's
// authority.
static int do_exec(const struct subject *subject, const struct ctl_command *command)
{
    struct walker walker;
    struct handle *handle;
    struct place base;
    int error;

    if (subject->process == process_current())
        return -EBUSY;
    if (strlen(command->texts[0]) >= PATH_MAX_BYTES)
        return -ENAMETOOLONG;
    error = process_walker_of(subject->process, &walker, &base);
    if (error != 0)
        return error;
    error = vfs_open(&walker, command->texts[0], O_RDONLY | VFS_OPEN_EXEC, 0,
                     subject->relation != RELATION_INSIDE ? WALK_NO_MAGIC : 0, &handle);
    process_walker_put(&walker, &base);
    if (error != 0)
        return error;
    error = exec_handle(subject, handle, command, 1);
    handle_put(handle);
    return error;
}

// The program enters the target's box as a given handle does.
static int do_execfd(const struct subject *subject, const struct ctl_command *command)
{
    struct handle *mine, *given;
    int error = process_read_fd(process_current(), (int)command->values[0], &mine);

    if (error != 0)
        return error;
    if (!node_is_regular(mine->node) || (mine->rights & RIGHT_EXECUTE) == 0 ||
        (mine->node->mode & 0111) == 0)
        error = -EACCES;
    else
        error = handle_enter_box(mine, RIGHT_READ | RIGHT_EXECUTE, subject->box->account, &given);
    handle_put(mine);
    if (error != 0)
        return error;
    error = exec_handle(subject, given, command, 2);
    handle_put(given);
    return error;
}

// --- Switches ---

// For new images, and for the space that the process has now.
static int do_wx(const struct subject *subject, const struct ctl_command *command)
{
    struct space *space;
    uint64_t state = spin_lock_irq_save(&tree_lock);

    subject->box->write_execute = command->values[0] != 0;
    spin_unlock_irq_restore(&tree_lock, state);
    if (process_space(subject->process, &space) != 0)
        return 0;
    mutex_lock(&space->lock);
    space->write_execute = command->values[0] != 0;
    mutex_unlock(&space->lock);
    space_put(space);
    return 0;
}

static int do_switch(const struct subject *subject, const struct ctl_command *command)
{
    bool on = command->values[0] != 0;
    uint64_t state = spin_lock_irq_save(&tree_lock);

    switch (command->number) {
    case CTL_adopt:
        subject->process->adopts = on;
        break;
    case CTL_leash:
        subject->box->leash = on;
        break;
    case CTL_strict:
        subject->box->strict = on;
        break;
    default:
        subject->box->keep = on;
        break;
    }
    spin_unlock_irq_restore(&tree_lock, state);
    return 0;
}

static int do_uid(const struct subject *subject, const struct ctl_command *command)
{
    struct process *process = subject->process;
    uint64_t state = spin_lock_irq_save(&process->lock);

    process->uid = process->euid = process->suid = (uid_t)command->values[0];
    if (command->argument_count == 2)
        process->gid = process->egid = process->sgid = (gid_t)command->values[1];
    spin_unlock_irq_restore(&process->lock, state);
    return 0;
}

static command_fn *const commands[CTL_COUNT] = {
    [CTL_start] = do_start,     [CTL_suspend] = do_suspend, [CTL_kill] = do_kill,
    [CTL_quota] = do_quota,     [CTL_close] = do_close,     [CTL_dup2] = do_dup2,
    [CTL_give] = do_give,       [CTL_bind] = do_bind,       [CTL_unbind] = do_unbind,
    [CTL_inherit] = do_inherit, [CTL_exec] = do_exec,       [CTL_execfd] = do_execfd,
    [CTL_wx] = do_wx,           [CTL_adopt] = do_switch,    [CTL_leash] = do_switch,
    [CTL_strict] = do_switch,   [CTL_keep] = do_switch,     [CTL_uid] = do_uid,
    [CTL_tree] = do_tree,
};

int ctl_do(const struct subject *subject, const struct ctl_command *command)
{
    kill_point(KILL_AT_CTL + command->number, subject->process);
    return commands[command->number](subject, command);
}
