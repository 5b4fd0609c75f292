// SPDX-License-Identifier: MIT
// init.c - the first process: the head of the outermost box, and what its end means.

#include "kernel/proc/process.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/mem/ledger.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/private.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/handle.h"

#define INIT_NAMES_MAX 8
#define PRIORITY_DEFAULT 19
#define LEDGER_SIZE (16 * 1024)

struct init_name {
    const char *text;
    struct node *root;
};

static struct init_name init_names[INIT_NAMES_MAX];
static unsigned init_name_count;
static char *ledger_before, *ledger_after; // test builds
static atomic_bool settled;
static struct waitq events = WAITQ_INIT(events);

void process_add_init_name(const char *name, struct node *root)
{
    assert(init_name_count < INIT_NAMES_MAX);
    init_names[init_name_count++] = (struct init_name){ name, root };
}

static int add_names(struct names *names)
{
    int error = 0;

    for (unsigned i = 0; i < init_name_count && error == 0; i++) {
        struct grant *grant;

        error = grant_create(NULL, init_names[i].root, RIGHT_ALL, &account_root, &grant);
        if (error != 0)
            break;
        error = names_add(names, init_names[i].text, grant);
        grant_put(grant);
    }
    return error;
}

// --- The ledger before init and after ---

static void read_ledger(char *text)
{
    ledger_drop_caches();
    text[MIN(ledger_read(text, LEDGER_SIZE - 1), (size_t)LEDGER_SIZE - 1)] = '\0';
}

// Both texts are allocated before the first is read, so that they do not differ by themselves.
static void UNUSED remember_ledger(void) // test builds
{
    ledger_before = kmalloc(LEDGER_SIZE, NULL);
    ledger_after = kmalloc(LEDGER_SIZE, NULL);
    if (ledger_before != NULL && ledger_after != NULL)
        read_ledger(ledger_before);
}

// Logs each line of after that is not in before. Returns how many.
static unsigned compare(const char *before, char *after)
{
    unsigned differences = 0;
    char *end;

    for (char *line = after; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        size_t length = (size_t)(end - line);
        const char *at = before;

        while (at != NULL && strncmp(at, line, length + 1) != 0) {
            at = strchr(at, '\n');
            at = at == NULL || at[1] == '\0' ? NULL : at + 1;
        }
        *end = '\0';
        if (at == NULL) {
            log_error("ledger differs at power-off: %s", line);
            differences++;
        }
    }
    return differences;
}

static void UNUSED check_ledger(void) // test builds
{
    if (ledger_before == NULL || ledger_after == NULL)
        return;
    read_ledger(ledger_after);
    if (compare(ledger_before, ledger_after) == 0)
        log_info("ledger exact at power-off");
    if (ledger_verify() != 0)
        log_error("ledger: the recount failed");
}

void init_box_settled(void)
{
    atomic_store(&settled, true);
    waitq_wake(&events, WAKE_ALL, 0);
}

// The calling thread has nothing else to do. Gives the record back.
static void NORETURN wait_for_end(struct record *record)
{
    char reason[RECORD_REASON_SIZE], by[RECORD_BY_SIZE];
    int error = WAIT_EVENT(&events, WAIT_MUTEX, NSEC_NEVER, atomic_load(&settled));

    (void)error; // such a wait ends by its event alone
    record_reason(record, reason);
    record_by(record, by);
    log_info("init ended: %ld, %s (by %s)", record->status, reason, by);
    record_put(record);
#ifdef BOXWORK_DEBUG
    check_ledger();
#endif
    arch_power_off();
}

// --- Its start ---

// The console, if there is one, as fds 0, 1 and 2.
static void open_console(struct process *process)
{
    struct walker walker;
    struct place cwd;
    struct handle *handle;

    if (process_walker_of(process, &walker, &cwd) != 0)
        return;
    if (vfs_open(&walker, "/dev/console", O_RDWR | O_NOCTTY, 0, 0, &handle) == 0) {
        for (int fd = 0; fd < 3; fd++) {
            handle_get(handle);
            if (process_add_fd_as(process, handle, fd, false) == 0)
                continue;
            log_warning("init has no fd %d", fd);
            handle_put(handle);
        }
        handle_put(handle);
    }
    process_walker_put(&walker, &cwd);
}

static int set_program(struct process *process, const char *path, const char *const *argv)
{
    struct walker walker;
    struct place cwd;
    struct handle *handle;
    int error = process_walker_of(process, &walker, &cwd);

    if (error != 0)
        return error;
    error = vfs_open(&walker, path, O_RDONLY | VFS_OPEN_EXEC, 0, 0, &handle);
    process_walker_put(&walker, &cwd);
    if (error != 0)
        return error;
    error = process_exec_other(process, handle, path, argv);
    handle_put(handle);
    return error;
}

static int set_up(struct process *process, const char *path, const char *const *argv,
                  const char *const *envp)
{
    int error = env_replace(process->env, envp);

    if (error == 0)
        error = add_names(process->box->names);
    if (error != 0)
        return error;
    open_console(process);
    error = set_program(process, path, argv);
    if (error == 0)
        error = process_start(process, 0);
    return error;
}

int process_start_init(const char *path, const char *const *argv, const char *const *envp)
{
    struct box *box = box_outermost();
    struct process *process;
    struct record *record;
    int error;

#ifdef BOXWORK_DEBUG
    remember_ledger();
#endif
    error = names_create(&account_root, &box->names);
    if (error == 0)
        error = process_new_in(box, process_get_kernel(), PRIORITY_DEFAULT, &process);
    if (error != 0)
        return error;
    box_put(box); // the outermost box lives as long as init
    record = process->record;
    record_get(record);
    error = set_up(process, path, argv, envp);
    if (error != 0) {
        record_put(record);
        return error;
    }
    process_put(process);
    wait_for_end(record);
}
