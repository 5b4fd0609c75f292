// SPDX-License-Identifier: MIT
// process.c - the object: making, counting and freeing it, and handing out its parts.

#include "kernel/proc/process.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/groups.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/node.h"

static SLAB_CACHE(process_cache, "process", struct process);
static SLAB_CACHE(directory_cache, "directory", struct directory);

static struct process kernel_process;

#define NOFILE_SOFT 1024
#define NOFILE_HARD 65536
#define STACK_SOFT (8 * 1024 * 1024)

static void limits_init(struct process *process)
{
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        process->rlimits[i][0] = process->rlimits[i][1] = RLIM_INFINITY;
    process->rlimits[RLIMIT_NOFILE][0] = NOFILE_SOFT;
    process->rlimits[RLIMIT_NOFILE][1] = NOFILE_HARD;
    process->rlimits[RLIMIT_STACK][0] = STACK_SOFT;
    process->rlimits[RLIMIT_CORE][0] = 0;
    for (unsigned i = 0; i < 2; i++)
        process->rlimits[RLIMIT_NICE][i] = process->rlimits[RLIMIT_RTPRIO][i] = 0;
}

static void process_init(struct process *process, struct box *box)
{
    refcount_init(&process->ref, 1);
    spin_init(&process->lock, RANK_PROCESS);
    mutex_init(&process->exec_lock, RANK_EXEC);
    process->box = box;
    list_init(&process->children);
    list_init(&process->reports);
    waitq_init(&process->child_events);
    list_init(&process->member_link);
    list_init(&process->reap_link);
    list_init(&process->threads);
    waitq_init(&process->thread_events);
    process->start_ns = clock_now();
    limits_init(process);
}

struct process *process_get_kernel(void)
{
    if (kernel_process.box == NULL) {
        process_init(&kernel_process, box_outermost());
        memcpy(kernel_process.name, "kernel", sizeof("kernel"));
        atomic_store(&kernel_process.state, PROCESS_RUNNING);
        kernel_process.priority = 63;
    }
    return &kernel_process;
}

struct process *process_current(void)
{
    struct process *process = thread_current()->process;

    return process == NULL ? process_get_kernel() : process;
}

int process_alloc(struct box *box, struct account *record_account, struct process **process)
{
    struct process *made;
    int error = account_charge(box->account, RESOURCE_PROCESSES, 1, NULL);

    if (error != 0)
        return error;
    error = -ENOMEM;
    made = slab_alloc(&process_cache, box->account);
    if (made == NULL)
        goto uncharge;
    process_init(made, box);
    error = record_create(record_account, &made->record);
    if (error != 0)
        goto free;
    error = env_create(box->account, &made->env);
    if (error != 0)
        goto put_record;
    made->record->start_ns = made->start_ns;
    box_get(box);
    *process = made;
    return 0;

put_record:
    record_put(made->record);
free:
    slab_free(&process_cache, made);
uncharge:
    account_uncharge(box->account, RESOURCE_PROCESSES, 1);
    return error;
}

void process_get(struct process *process)
{
    refcount_get(&process->ref);
}

// From now on nobody finds the struct by its record. Keeps in the record what stays.
static void detach_record(struct process *process)
{
    struct record *record = process->record;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    record->process = NULL;
    memcpy(record->name, process->name, sizeof(record->name));
    record->usage = process->usage;
    record->end_ns = clock_now();
    if (process->head)
        process->box->head = NULL;
    usage_add(&process->box->usage, &process->usage);
    spin_unlock_irq_restore(&tree_lock, irq);
}

// The last reference is gone; only memory is left to free. Any context, the switch code included.
static void process_free(struct process *process)
{
    struct record *record = process->record;
    struct box *box = process->box;
    bool linked = record->claimed, head = process->head;

    if (linked)
        detach_record(process);
    signals_destroy(process->signals);
    env_destroy(process->env);
    kfree(process->cmdline);
    slab_free(&process_cache, process);
    account_uncharge(box->account, RESOURCE_PROCESSES, 1);
    if (!linked)
        record_put(record);
    else if (!head)
        record_publish(record);
    box_put(box); // of a head: the box publishes its record when it has settled
}

void process_put(struct process *process)
{
    if (refcount_put(&process->ref))
        process_free(process);
}

int directory_create(struct account *account, struct directory **directory)
{
    struct directory *made = slab_alloc(&directory_cache, account);

    if (made == NULL)
        return -ENOMEM;
    refcount_init(&made->ref, 1);
    spin_init(&made->lock, RANK_PROCESS_PART);
    made->umask = 022;
    *directory = made;
    return 0;
}

// A counted copy of the cwd.
static void directory_read(struct directory *directory, struct place *cwd, mode_t *umask)
{
    uint64_t irq = spin_lock_irq_save(&directory->lock);

    *cwd = directory->cwd;
    *umask = directory->umask;
    if (cwd->node != NULL)
        place_get(cwd);
    spin_unlock_irq_restore(&directory->lock, irq);
}

int directory_copy(struct directory *from, struct account *account, struct directory **directory)
{
    int error = directory_create(account, directory);

    if (error == 0)
        directory_read(from, &(*directory)->cwd, &(*directory)->umask);
    return error;
}

void directory_get(struct directory *directory)
{
    refcount_get(&directory->ref);
}

void directory_put(struct directory *directory)
{
    if (!refcount_put(&directory->ref))
        return;
    if (directory->cwd.node != NULL)
        place_put(&directory->cwd);
    slab_free(&directory_cache, directory);
}

// As if the dead were cleaned up when the next one comes: gives the space of the one before.
static struct space *exchange_late(struct space *space)
{
    static struct space *_Atomic late;

    return atomic_exchange(&late, space);
}

void process_release_parts(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct space *space = process->space;
    struct fdtab *fds = process->fds;
    struct directory *directory = process->directory;
    struct exec_image *image = process->image;
    struct place exe = process->exe;

    process->space = NULL;
    process->fds = NULL;
    process->directory = NULL;
    process->image = NULL;
    process->exe = (struct place){ 0 };
    spin_unlock_irq_restore(&process->lock, irq);
    process_set_groups(process, NULL);
    if (fds != NULL)
        fdtab_put(fds);
    exec_image_free(image);
    if (planted("late-free"))
        space = exchange_late(space);
    if (space != NULL)
        space_put(space);
    if (directory != NULL)
        directory_put(directory);
    if (exe.node != NULL)
        place_put(&exe);
}

int process_space(struct process *process, struct space **space)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    int error = process->space == NULL ? -ESRCH : 0;

    if (error == 0) {
        *space = process->space;
        space_get(*space);
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return error;
}

int process_fds(struct process *process, struct fdtab **fds)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    int error = process->fds == NULL ? -ESRCH : 0;

    if (error == 0) {
        *fds = process->fds;
        fdtab_get(*fds);
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return error;
}

static struct directory *process_directory(struct process *process)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    struct directory *directory = process->directory;

    if (directory != NULL)
        directory_get(directory);
    spin_unlock_irq_restore(&process->lock, irq);
    return directory;
}

// The top of what the box sees, as a place, counted. Errors: -ESRCH the box is empty.
static int root_place(struct box *box, struct place *root)
{
    struct names *names = box_names(box);

    if (names == NULL)
        return -ESRCH;
    root->grant = names->root;
    root->node = names->root->top;
    place_get(root);
    names_put(names);
    return 0;
}

int process_cwd(struct process *process, struct place *cwd)
{
    struct directory *directory = process_directory(process);
    mode_t umask;

    if (directory == NULL)
        return -ESRCH;
    directory_read(directory, cwd, &umask);
    directory_put(directory);
    return cwd->node == NULL ? root_place(process->box, cwd) : 0;
}

int process_set_cwd(struct process *process, const struct place *cwd)
{
    struct directory *directory = process_directory(process);
    struct place old;
    uint64_t irq;

    if (directory == NULL)
        return -ESRCH;
    place_get(cwd);
    irq = spin_lock_irq_save(&directory->lock);
    old = directory->cwd;
    directory->cwd = *cwd;
    spin_unlock_irq_restore(&directory->lock, irq);
    if (old.node != NULL)
        place_put(&old);
    directory_put(directory);
    return 0;
}

int process_exe(struct process *process, struct place *exe)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);

    *exe = process->exe;
    if (exe->node != NULL)
        place_get(exe);
    spin_unlock_irq_restore(&process->lock, irq);
    return exe->node == NULL ? -ENOENT : 0;
}

mode_t process_set_umask(mode_t umask)
{
    struct directory *directory = process_current()->directory;
    uint64_t irq = spin_lock_irq_save(&directory->lock);
    mode_t old = directory->umask;

    directory->umask = umask & 0777;
    spin_unlock_irq_restore(&directory->lock, irq);
    return old;
}

// Everything but the names.
static int walker_fill(struct process *process, struct walker *walker, struct place *cwd)
{
    int error = process_cwd(process, cwd);
    uint64_t irq;

    if (error != 0)
        return error;
    irq = spin_lock_irq_save(&process->lock);
    *walker = (struct walker){
        .base = cwd,
        .uid = process->euid,
        .gid = process->egid,
        .umask = process->directory == NULL ? 0 : process->directory->umask,
        .account = account_current(),
    };
    spin_unlock_irq_restore(&process->lock, irq);
    return 0;
}

// Its labels may be changed by other threads meanwhile: each is one word, and belongs to no check.
void process_walker(struct walker *walker, struct place *base, bool at_cwd)
{
    struct process *process = process_current();

    *base = (struct place){ .node = NULL };
    *walker = (struct walker){
        .names = process->box->names,
        .base = base,
        .uid = process->euid,
        .gid = process->egid,
        .umask = process->directory->umask,
        .account = account_current(),
    };
    if (at_cwd) {
        int error = process_cwd(process, base);

        assert(error == 0);
    }
}

int process_walker_of(struct process *process, struct walker *walker, struct place *cwd)
{
    int error = walker_fill(process, walker, cwd);

    if (error != 0)
        return error;
    walker->names = box_names(process->box);
    if (walker->names == NULL) {
        place_put(cwd);
        return -ESRCH;
    }
    return 0;
}

void process_walker_put(struct walker *walker, struct place *cwd)
{
    place_put(cwd);
    names_put(walker->names);
}

pid_t process_number(const struct process *process, const struct box *box)
{
    if (process->box == box)
        return process->pid;
    return process->head && process->box->outer == box ? process->outer_pid : 0;
}
