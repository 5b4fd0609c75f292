// SPDX-License-Identifier: MIT
// session.c - sessions and process groups.

#include "kernel/proc/session.h"

#include "abi/errors.h"
#include "abi/signal.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/record.h"
#include "kernel/sync/spinlock.h"

static SLAB_CACHE(session_cache, "session", struct session);
static SLAB_CACHE(group_cache, "process group", struct process_group);

struct session *session_alloc(struct account *account)
{
    return slab_alloc(&session_cache, account);
}

struct process_group *group_alloc(struct account *account)
{
    return slab_alloc(&group_cache, account);
}

void session_free(struct session *session)
{
    slab_free(&session_cache, session);
}

void group_free(struct process_group *group)
{
    slab_free(&group_cache, group);
}

void group_join(struct process_group *group, struct record *record)
{
    record->group = group;
    record->group_id = group->entry.number;
    record->session_id = group->session->id;
    list_push_back(&group->members, &record->group_link);
}

void group_start(struct process_group *group, struct session *session, struct record *leader)
{
    group->session = session;
    group->box = leader->box;
    list_init(&group->members);
    pid_group_insert(&leader->box->pids, &group->entry, leader->pid);
    if (session->groups++ == 0)
        session->id = leader->pid;
    group_join(group, leader);
}

static struct process_group *group_find(struct box *box, pid_t number)
{
    struct pid_entry *entry = pid_group_find(&box->pids, number);

    return entry == NULL ? NULL : container_of(entry, struct process_group, entry);
}

static void group_end(struct process_group *group)
{
    pid_group_remove(&group->box->pids, &group->entry);
    group_free(group);
}

void group_leave(struct record *record)
{
    struct process_group *group = record->group;
    struct session *session = group->session;
    struct process_group *first;

    list_remove(&record->group_link);
    record->group = NULL;
    if (!list_empty(&group->members))
        return;
    // The session's own group stays for its number until it is the only one.
    if (group->entry.number != session->id) {
        first = group_find(group->box, session->id);
        group_end(group);
        session->groups--;
        group = first;
    }
    if (session->groups == 1 && list_empty(&group->members)) {
        group_end(group);
        session_free(session);
    }
}

// --- Changing group and session ---

int session_create(void)
{
    struct process *self = process_current();
    struct record *record = self->record;
    struct session *session = session_alloc(self->box->account);
    struct process_group *group = group_alloc(self->box->account);
    int error = session == NULL || group == NULL ? -ENOMEM : 0;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    if (error == 0 && group_find(self->box, self->pid) != NULL)
        error = -EPERM;
    if (error == 0) {
        group_leave(record);
        group_start(group, session, record);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    if (error == 0)
        return self->pid;
    session_free(session);
    group_free(group);
    return error;
}

// Whether the calling process may change the group of target; tree_lock held.
static int may_set_group(struct process *self, struct record *target)
{
    if (target == NULL || target->box != self->box || target->group == NULL)
        return -ESRCH;
    if (target != self->record && target->parent != self)
        return -ESRCH;
    if (target->session_id != self->record->session_id || target->session_id == target->pid)
        return -EPERM;
    if (target != self->record && target->process != NULL && target->process->has_executed)
        return -EACCES;
    return 0;
}

static struct record *record_find(struct box *box, pid_t pid)
{
    struct pid_entry *entry = pid_entry_find(&box->pids, pid);

    return entry == NULL || entry->kind != PID_PROCESS ? NULL
           : container_of(entry, struct record, own);
}

// tree_lock held. *fresh is used up, and set to NULL, if a new group is needed.
static int set_group_locked(struct process *self, pid_t pid, pid_t number,
                            struct process_group **fresh)
{
    struct record *target = record_find(self->box, pid);
    struct process_group *group = group_find(self->box, number);
    int error = may_set_group(self, target);

    if (error != 0)
        return error;
    if (group == NULL && number != pid)
        return -EPERM;
    if (group != NULL && group->session != target->group->session)
        return -EPERM;
    if (group == target->group)
        return 0;
    if (group == NULL) {
        struct session *session = target->group->session;

        session->groups++; // it must not end with the group that is left
        group_leave(target);
        session->groups--;
        group_start(*fresh, session, target);
        *fresh = NULL;
        return 0;
    }
    group->session->groups++; // as above
    group_leave(target);
    group->session->groups--;
    group_join(group, target);
    return 0;
}

int process_set_group(pid_t pid, pid_t number)
{
    struct process *self = process_current();
    struct process_group *fresh;
    uint64_t irq;
    int error;

    if (pid < 0 || number < 0)
        return -EINVAL;
    pid = pid == 0 ? self->pid : pid;
    number = number == 0 ? pid : number;
    fresh = group_alloc(self->box->account);
    if (fresh == NULL)
        return -ENOMEM;
    irq = spin_lock_irq_save(&tree_lock);
    error = set_group_locked(self, pid, number, &fresh);
    spin_unlock_irq_restore(&tree_lock, irq);
    group_free(fresh);
    return error;
}

int process_get_group(pid_t pid)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct record *record = pid == 0 ? self->record : record_find(self->box, pid);
    int group = record == NULL ? -ESRCH : record->group_id;

    spin_unlock_irq_restore(&tree_lock, irq);
    return group;
}

int process_get_session(pid_t pid)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct record *record = pid == 0 ? self->record : record_find(self->box, pid);
    int session = record == NULL ? -ESRCH : record->session_id;

    spin_unlock_irq_restore(&tree_lock, irq);
    return session;
}

// --- Signals to many ---

// tree_lock held.
static void send_to(struct record *record, unsigned number, const struct linux_siginfo *info)
{
    struct process *process = record->process;
    uint64_t irq;
    int error;

    if (process == NULL || number == 0)
        return;
    irq = spin_lock_irq_save(&process->lock);
    error = signal_send_locked(process, NULL, number, info);
    (void)error; // it is ending, or its queue is full: as Linux, the others count
    spin_unlock_irq_restore(&process->lock, irq);
}

static void send_to_group(struct process_group *group, unsigned number,
                          const struct linux_siginfo *info)
{
    struct linux_siginfo kernel = { .si_signo = (int32_t)number, .si_code = SI_KERNEL };
    struct record *record;

    list_for_each(record, &group->members, group_link)
        send_to(record, number, info == NULL ? &kernel : info);
}

int signal_send_group(struct box *box, pid_t number, unsigned signal,
                      const struct linux_siginfo *info)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct process_group *group = group_find(box, number);
    int error = group == NULL || list_empty(&group->members) ? -ESRCH : 0;

    if (error == 0)
        send_to_group(group, signal, info);
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

int signal_send_all(unsigned number, const struct linux_siginfo *info)
{
    struct process *self = process_current();
    struct linux_siginfo user = { .si_signo = (int32_t)number, .si_pid = self->pid,
                                  .si_uid = self->uid };
    struct process *process;
    int error = -ESRCH;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    list_for_each(process, &self->box->members, member_link) {
        if (process == self || process->head)
            continue;
        send_to(process->record, number, info == NULL ? &user : info);
        error = 0;
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

// --- Orphaned groups (POSIX 3.240) ---

// Whether a member with this parent ties the group to the rest of its session; tree_lock held.
static bool ties(const struct process *parent, const struct process_group *group)
{
    return parent != NULL && parent->box == group->box && parent->record->group != group &&
           parent->record->session_id == group->session->id;
}

// Whether no living member but except has a parent outside the group in its session; tree_lock
// held.
static bool orphaned_without(const struct process_group *group, const struct record *except)
{
    struct record *record;

    list_for_each(record, &group->members, group_link) {
        struct process *parent = record->parent;

        if (record != except && record->process != NULL && ties(parent, group) &&
            parent->record != except)
            return false;
    }
    return true;
}

bool group_orphaned(void)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool orphaned = self->record->group == NULL || orphaned_without(self->record->group, NULL);

    spin_unlock_irq_restore(&tree_lock, irq);
    return orphaned;
}

static bool has_stopped_member(const struct process_group *group, const struct record *except)
{
    struct record *record;

    list_for_each(record, &group->members, group_link) {
        if (record != except && record->process != NULL &&
            (atomic_load(&record->process->flags) & PROCESS_STOPPED))
            return true;
    }
    return false;
}

// parent is that of the tie that the end takes: a group that it did not tie was orphaned before,
// or stays what it is.
static void check_group(struct process_group *group, const struct process *parent,
                        struct record *ending)
{
    if (group == NULL || !ties(parent, group) || !has_stopped_member(group, ending) ||
        !orphaned_without(group, ending))
        return;
    send_to_group(group, SIGHUP, NULL);
    send_to_group(group, SIGCONT, NULL);
}

void group_check_orphaned(struct process *ending)
{
    struct process_group *checked = ending->record->group;
    struct record *child;

    spin_assert_held(&tree_lock);
    if (atomic_load(&ending->box->stopped) == 0)
        return; // as nearly always: so that ends cost nothing for the size of a group
    check_group(checked, ending->record->parent, ending->record);
    list_for_each(child, &ending->children, child_link) {
        if (child->head || child->process == NULL || child->group == checked)
            continue;
        checked = child->group;
        check_group(checked, ending, ending->record);
    }
}

// --- The terminal ---

static struct session *session_of(struct process *process)
{
    struct record *record = process->record;

    return record == NULL || record->group == NULL ? NULL : record->group->session;
}

bool session_leader(void)
{
    struct record *record = process_current()->record;

    return record != NULL && record->session_id == record->pid;
}

pid_t session_id_current(void)
{
    return process_current()->record->session_id;
}

int session_set_terminal(void *terminal, const struct terminal_ops *ops)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct session *session = session_of(self);
    int error = 0;

    if (session == NULL || session->id != self->pid || session->terminal != NULL)
        error = -EPERM;
    if (error == 0) {
        session->terminal = terminal;
        session->ops = ops;
        session->foreground = self->record->group_id;
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

static void *take_terminal(struct session *session, const struct terminal_ops **ops)
{
    void *terminal = session->terminal;

    *ops = session->ops;
    session->terminal = NULL;
    session->foreground = 0;
    return terminal;
}

void *session_drop_terminal(void)
{
    const struct terminal_ops *ops;
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct session *session = session_of(process_current());
    void *terminal = session == NULL ? NULL : take_terminal(session, &ops);

    spin_unlock_irq_restore(&tree_lock, irq);
    return terminal;
}

void *session_terminal(void)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct session *session = session_of(process_current());
    void *terminal = session == NULL ? NULL : session->terminal;

    if (terminal != NULL)
        session->ops->get(terminal);
    spin_unlock_irq_restore(&tree_lock, irq);
    return terminal;
}

pid_t session_foreground(void)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct session *session = session_of(process_current());
    pid_t foreground = session == NULL ? 0 : session->foreground;

    spin_unlock_irq_restore(&tree_lock, irq);
    return foreground;
}

int session_set_foreground(pid_t number)
{
    struct process *self = process_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct session *session = session_of(self);
    struct process_group *group = group_find(self->box, number);
    int error = 0;

    if (session == NULL || session->terminal == NULL)
        error = -ENOTTY;
    else if (group == NULL || group->session != session)
        error = -EPERM;
    else
        session->foreground = number;
    spin_unlock_irq_restore(&tree_lock, irq);
    return error;
}

void *session_leader_ends(struct record *leader, const struct terminal_ops **ops)
{
    struct session *session = leader->group == NULL ? NULL : leader->group->session;
    struct process_group *group;

    spin_assert_held(&tree_lock);
    if (session == NULL || session->id != leader->pid || session->terminal == NULL)
        return NULL;
    group = group_find(leader->box, session->foreground);
    if (group != NULL) {
        send_to_group(group, SIGHUP, NULL);
        send_to_group(group, SIGCONT, NULL);
    }
    return take_terminal(session, ops);
}
