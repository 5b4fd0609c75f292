// SPDX-License-Identifier: MIT
// test_attack_state.c - what a hostile program may try against the kernel's own memory and state: sizes that were counted
// otherwise than they are, objects between two states, names of what is gone.
// vm: smp
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096

// --- Sizes ---

#define STRING_MAX (128 * 1024)

// Sets a variable of the box's environment.
static void set_variable(const struct test_box *box, const char *name, const char *value, size_t size)
{
    char path[384];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/env/%s", box->pid, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, value, size), size);
    close(fd);
}

// exec with one more argument of this many bytes. Returns 0 or a negative errno.
static int exec_with(const struct test_box *box, size_t size)
{
    static const char program[] = "exec /bin/busybox true ";
    char *text = malloc(sizeof(program) + size);
    ssize_t written;

    memcpy(text, program, sizeof(program));
    memset(text + sizeof(program) - 1, 'a', size);
    written = write(box->ctl, text, sizeof(program) - 1 + size);
    free(text);
    return written < 0 ? -errno : 0;
}

CASE("an argument longer than any that execve takes is refused by ctl exec as well")
{
    char *value = malloc(STRING_MAX);
    struct test_box box;

    memset(value, 'v', STRING_MAX);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\n"), 0);
    CHECK_EQUAL(exec_with(&box, STRING_MAX - 1), 0);
    CHECK_EQUAL(exec_with(&box, STRING_MAX), -E2BIG);
    // Counted as 128 KiB, this would fit beside the variable into a quarter of a mebibyte.
    set_variable(&box, "A", value, STRING_MAX - 1024);
    CHECK_EQUAL(exec_with(&box, 2 * STRING_MAX - 256), -E2BIG);
    box_discard(&box);
    free(value);
}

CASE("a variable whose name makes it longer than any string of execve is refused at ctl exec")
{
    char name[256], *value = malloc(STRING_MAX);
    struct test_box box;

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(value, 'v', STRING_MAX);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\n"), 0);
    set_variable(&box, name, value, STRING_MAX);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox true"), -E2BIG);
    box_discard(&box);
    free(value);
}

// --- Between two states ---

#define FORKS 300
#define HELD_BYTES (32 << 20)

struct fork_race {
    atomic_int last;  // number of the last child; the next is greater
    atomic_int found; // children whose ctl was opened
    atomic_int taken; // of which an exec from outside was accepted
    atomic_bool over;
};

// Holds the address space's lock for long: who touches a page waits.
static void *hold_space(void *race_pointer)
{
    struct fork_race *race = race_pointer;

    while (!atomic_load(&race->over)) {
        void *memory = mmap(NULL, HELD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        munmap(memory, HELD_BYTES);
    }
    return NULL;
}

// Another process of the box: gives each child a program as soon as it has a number.
static void take_children(struct fork_race *race)
{
    static const char command[] = "exec /bin/busybox true\nstart\n";
    int seen = 0;

    while (!atomic_load(&race->over)) {
        int last = atomic_load(&race->last), next = last > seen ? last + 1 : seen + 1;
        int ctl = proc_open(next, "ctl", O_WRONLY);

        if (ctl < 0)
            continue;
        atomic_fetch_add(&race->found, 1);
        if (write(ctl, command, sizeof(command) - 1) > 0)
            atomic_fetch_add(&race->taken, 1);
        close(ctl);
        seen = next;
    }
    _exit(0);
}

CASE("a child of fork takes no program from others before it runs, however long its parent is held up")
{
    struct fork_race *race = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *number = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t holder;
    pid_t taker;
    int status;

    atomic_store(&race->last, getpid());
    taker = fork();
    if (taker == 0)
        take_children(race);
    atomic_store(&race->last, taker);
    CHECK(pthread_create(&holder, NULL, hold_space, race) == 0);
    atomic_store(&race->last, taker + 1); // the thread has a number too
    for (int i = 0; i < FORKS; i++) {
        pid_t child;

        CHECK(madvise(number, PAGE, MADV_DONTNEED) == 0); // the kernel has to bring it in to say the number
        child = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, NULL, number, NULL, 0);
        if (child == 0)
            syscall(SYS_exit_group, 0);
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        atomic_store(&race->last, child);
    }
    atomic_store(&race->over, true);
    CHECK(pthread_join(holder, NULL) == 0);
    CHECK(waitpid(taker, &status, 0) == taker && status == 0);
    CHECK(atomic_load(&race->found) > 0);
    CHECK_EQUAL(atomic_load(&race->taken), 0);
}

#define NOTED 400
#define BUSY_TIMERS 500

// Spends most of its time in interrupts, so that what it does in the kernel is often held up.
static void be_interrupted(void)
{
    const struct itimerspec setting = { { 0, 20000 }, { 0, 20000 } };
    int number;

    signal(SIGALRM, SIG_IGN);
    for (int i = 0; i < BUSY_TIMERS; i++) {
        if (syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &number) != 0 ||
            syscall(SYS_timer_settime, number, 0, &setting, NULL) != 0)
            _exit(1);
    }
}

// A process of the box: sends notes to each child that says its number, until it is gone.
static void send_notes(const atomic_int *target, const atomic_bool *over)
{
    be_interrupted();
    while (!atomic_load(over)) {
        int pid = atomic_load(target);
        int note = pid != 0 ? proc_open(pid, "note", O_WRONLY) : -1;

        while (note >= 0 && (write(note, "word", 4) > 0 || errno == EAGAIN))
            ;
        close(note);
    }
    _exit(0);
}

CASE("a note that comes as its receiver ends is not left behind")
{
    struct {
        atomic_int target;
        atomic_bool over;
    } *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t sender = fork();
    int status;

    if (sender == 0)
        send_notes(&shared->target, &shared->over);
    for (int i = 0; i < NOTED; i++) {
        pid_t child = fork();

        if (child == 0) {
            if (open("/proc/self/note", O_RDONLY) < 0)
                _exit(1);
            atomic_store(&shared->target, getpid());
            usleep(300 + i % 7 * 100);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&shared->over, true);
    CHECK(waitpid(sender, &status, 0) == sender && status == 0);
}

// A file whose mapping grew below its first page was mapped at pages that truncation knew nothing of.
CASE("only memory of its own grows downwards, not a file")
{
    int fd = (int)syscall(SYS_memfd_create, "grows", 0);
    char *top;

    CHECK(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_GROWSDOWN, fd, PAGE) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, PAGE) == MAP_FAILED && errno == EINVAL);
    top = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
    CHECK(top != MAP_FAILED);
    top[-PAGE] = 1;
    munmap(top - PAGE, 2 * PAGE);
    close(fd);
}

// --- Names of what is gone ---

#define STALE_FILES 64
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

// A page of a new file without a name.
static uint32_t *new_file_page(void)
{
    int fd = (int)syscall(SYS_memfd_create, "word", 0);
    uint32_t *word;

    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(word != MAP_FAILED);
    close(fd);
    return word;
}

static void *wait_on_word(void *word)
{
    struct timespec time = { .tv_sec = 2 };

    return syscall(SYS_futex, word, FUTEX_WAIT, 0, &time, NULL, 0) == 0 ? word : NULL;
}

CASE("who waits on a word of a file that is gone takes no wake-up meant for another file")
{
    cpu_set_t one;
    pthread_t waiter;
    void *woken;
    uint32_t *gone = new_file_page(), *files[STALE_FILES];

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0); // so that memory given back is what is taken next
    CHECK(pthread_create(&waiter, NULL, wait_on_word, gone) == 0);
    usleep(200000);
    CHECK(munmap(gone, PAGE) == 0);
    for (int i = 0; i < STALE_FILES; i++) {
        files[i] = new_file_page();
        CHECK_EQUAL(syscall(SYS_futex, files[i], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    }
    for (int i = 0; i < STALE_FILES; i++)
        munmap(files[i], PAGE);
    CHECK(pthread_join(waiter, &woken) == 0 && woken == NULL);
}
