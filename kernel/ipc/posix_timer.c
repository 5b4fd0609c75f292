// SPDX-License-Identifier: MIT
// posix_timer.c - the timers of a process: their numbers, and the three interval timers.
//
// Locking: timers->lock (mutex, rank POSIX_TIMERS) guards the table and serialises arming. A
// process gets its table with its first timer, under process->lock, and keeps it to its end.
#include "kernel/ipc/posix_timer.h"

#include "abi/errors.h"
#include "abi/time.h"
#include "kernel/ipc/posix_timer_private.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/mutex.h"

#define INTERVAL_TIMERS 3
#define TIMERS_MAX 32768

// Fields: m under lock
struct posix_timers {
    struct mutex lock;
    struct posix_timer **table;  // m  by number; NULL: free
    int room;                    // m
    int first_free;              // m  no number below it is free
    struct posix_timer *interval[INTERVAL_TIMERS]; // m  made at first use
};

static SLAB_CACHE(timers_cache, "timer table", struct posix_timers);
static SLAB_CACHE(timer_cache, "timer", struct posix_timer);

static struct posix_timers *timers_of(struct process *process)
{
    return __atomic_load_n(&process->timers, __ATOMIC_ACQUIRE);
}

// The calling process's table, made if it has none. NULL: no memory.
static struct posix_timers *timers_get(void)
{
    struct process *process = process_current();
    struct posix_timers *timers = timers_of(process);
    struct posix_timers *made;
    uint64_t state;

    if (timers != NULL)
        return timers;
    made = slab_alloc(&timers_cache, account_current());
    if (made == NULL)
        return NULL;
    mutex_init(&made->lock, RANK_POSIX_TIMERS);
    state = spin_lock_irq_save(&process->lock);
    timers = process->timers;
    if (timers == NULL)
        __atomic_store_n(&process->timers, made, __ATOMIC_RELEASE);
    spin_unlock_irq_restore(&process->lock, state);
    if (timers == NULL)
        return made;
    slab_free(&timers_cache, made);
    return timers;
}

static int grow_table(struct posix_timers *timers)
{
    int room = timers->room != 0 ? 2 * timers->room : 8;
    struct posix_timer **table;

    if (room > TIMERS_MAX)
        return -EAGAIN;
    table = kmalloc((size_t)room * sizeof(*table), account_current());
    if (table == NULL)
        return -EAGAIN;
    for (int i = 0; i < timers->room; i++)
        table[i] = timers->table[i];
    kfree(timers->table);
    timers->table = table;
    timers->room = room;
    return 0;
}

// Gives timer the lowest free number.
static int add_to_table(struct posix_timers *timers, struct posix_timer *timer)
{
    int number = timers->first_free;
    int error;

    while (number < timers->room && timers->table[number] != NULL)
        number++;
    if (number == timers->room) {
        error = grow_table(timers);
        if (error != 0)
            return error;
    }
    timers->table[number] = timer;
    timers->first_free = number + 1;
    return number;
}

static void free_timer(struct posix_timer *timer)
{
    if (timer == NULL)
        return;
    posix_timer_fini(timer);
    if (planted("leak-timer"))
        return;
    slab_free(&timer_cache, timer);
}

// Checks what timer_create was told about the signal. target: counted, or NULL for the process.
static int check_event(const struct linux_sigevent *event, struct uthread **target)
{
    *target = NULL;
    if (event == NULL || event->sigev_notify == SIGEV_NONE)
        return 0;
    if (event->sigev_signo < 1 || event->sigev_signo > SIGNAL_COUNT)
        return -EINVAL;
    switch (event->sigev_notify) {
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: // the libc's matter; to the kernel a signal
        return 0;
    case SIGEV_THREAD_ID:
        *target = uthread_find(event->sigev_tid, false);
        return *target != NULL ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

static void set_info(struct posix_timer *timer, const struct linux_sigevent *event, int number)
{
    if (event != NULL && event->sigev_notify == SIGEV_NONE)
        return;
    timer->info.si_signo = event != NULL ? event->sigev_signo : SIGALRM;
    timer->info.si_code = SI_TIMER;
    timer->info.si_timerid = number;
    if (event != NULL)
        timer->info.si_value = event->sigev_value;
    else
        timer->info.si_value.sival_int = number;
}

int posix_timer_create(enum timer_source source, struct uthread *thread,
                       const struct linux_sigevent *event)
{
    struct posix_timers *timers;
    struct posix_timer *timer;
    struct uthread *target;
    int number = check_event(event, &target);

    if (number != 0)
        return number;
    timers = timers_get();
    timer = timers != NULL ? slab_alloc(&timer_cache, account_current()) : NULL;
    if (timer == NULL) {
        if (target != NULL)
            uthread_put(target);
        return -EAGAIN;
    }
    posix_timer_init(timer, source, thread, target);
    if (target != NULL)
        uthread_put(target);
    mutex_lock(&timers->lock);
    number = add_to_table(timers, timer);
    if (number >= 0)
        set_info(timer, event, number);
    mutex_unlock(&timers->lock);
    if (number < 0)
        free_timer(timer);
    return number;
}

// NULL: no such timer.
static struct posix_timer *find_locked(struct posix_timers *timers, int number)
{
    return number >= 0 && number < timers->room ? timers->table[number] : NULL;
}

int posix_timer_set(int number, bool absolute, const struct timer_setting *setting,
                    struct timer_setting *old)
{
    struct posix_timers *timers = timers_of(process_current());
    struct posix_timer *timer;

    if (timers == NULL)
        return -EINVAL;
    mutex_lock(&timers->lock);
    timer = find_locked(timers, number);
    if (timer != NULL) {
        if (old != NULL)
            posix_timer_read(timer, old);
        posix_timer_arm(timer, absolute, setting);
    }
    mutex_unlock(&timers->lock);
    return timer != NULL ? 0 : -EINVAL;
}

int posix_timer_get(int number, struct timer_setting *setting)
{
    struct posix_timers *timers = timers_of(process_current());
    struct posix_timer *timer;

    if (timers == NULL)
        return -EINVAL;
    mutex_lock(&timers->lock);
    timer = find_locked(timers, number);
    if (timer != NULL)
        posix_timer_read(timer, setting);
    mutex_unlock(&timers->lock);
    return timer != NULL ? 0 : -EINVAL;
}

int posix_timer_overrun(int number)
{
    struct posix_timers *timers = timers_of(process_current());
    struct posix_timer *timer;
    int count = -EINVAL;

    if (timers == NULL)
        return -EINVAL;
    mutex_lock(&timers->lock);
    timer = find_locked(timers, number);
    if (timer != NULL)
        count = (int)posix_timer_count_overrun(timer);
    mutex_unlock(&timers->lock);
    return count;
}

int posix_timer_delete(int number)
{
    struct posix_timers *timers = timers_of(process_current());
    struct posix_timer *timer;

    if (timers == NULL)
        return -EINVAL;
    mutex_lock(&timers->lock);
    timer = find_locked(timers, number);
    if (timer != NULL) {
        timers->table[number] = NULL;
        timers->first_free = MIN(timers->first_free, number);
    }
    mutex_unlock(&timers->lock);
    free_timer(timer);
    return timer != NULL ? 0 : -EINVAL;
}

// What setitimer's three go by and send.
static const struct {
    enum timer_source source;
    int signal;
} interval_kinds[INTERVAL_TIMERS] = {
    [ITIMER_REAL] = { TIMER_MONOTONIC, SIGALRM },
    [ITIMER_VIRTUAL] = { TIMER_PROCESS_USER, SIGVTALRM },
    [ITIMER_PROF] = { TIMER_PROCESS_CPU, SIGPROF },
};

// The table is locked.
static struct posix_timer *interval_timer(struct posix_timers *timers, int which)
{
    struct posix_timer *timer = timers->interval[which];

    if (timer != NULL)
        return timer;
    timer = slab_alloc(&timer_cache, account_current());
    if (timer == NULL)
        return NULL;
    posix_timer_init(timer, interval_kinds[which].source, NULL, NULL);
    timer->info.si_signo = interval_kinds[which].signal;
    timer->info.si_code = SI_KERNEL;
    timers->interval[which] = timer;
    return timer;
}

int interval_timer_set(int which, const struct timer_setting *setting, struct timer_setting *old)
{
    struct posix_timers *timers;
    struct posix_timer *timer;

    if (which < 0 || which >= INTERVAL_TIMERS)
        return -EINVAL;
    timers = timers_get();
    if (timers == NULL)
        return -ENOMEM;
    mutex_lock(&timers->lock);
    timer = interval_timer(timers, which);
    if (timer != NULL) {
        posix_timer_read(timer, old);
        posix_timer_arm(timer, false, setting);
    }
    mutex_unlock(&timers->lock);
    return timer != NULL ? 0 : -ENOMEM;
}

int interval_timer_get(int which, struct timer_setting *setting)
{
    struct posix_timers *timers = timers_of(process_current());

    if (which < 0 || which >= INTERVAL_TIMERS)
        return -EINVAL;
    *setting = (struct timer_setting){ 0 };
    if (timers == NULL)
        return 0;
    mutex_lock(&timers->lock);
    if (timers->interval[which] != NULL)
        posix_timer_read(timers->interval[which], setting);
    mutex_unlock(&timers->lock);
    return 0;
}

static void free_table(struct posix_timers *timers)
{
    for (int i = 0; i < timers->room; i++)
        free_timer(timers->table[i]);
    kfree(timers->table);
    timers->table = NULL;
    timers->room = 0;
    timers->first_free = 0;
}

// No thread of the process can make timers any more, so the table needs no lock.
void posix_timers_end(struct process *process)
{
    struct posix_timers *timers = process->timers;

    if (timers == NULL)
        return;
    process->timers = NULL;
    free_table(timers);
    for (int i = 0; i < INTERVAL_TIMERS; i++)
        free_timer(timers->interval[i]);
    slab_free(&timers_cache, timers);
}

// The thread that has called exec is the only one left.
void posix_timers_exec(struct process *process)
{
    if (process->timers != NULL)
        free_table(process->timers);
}
