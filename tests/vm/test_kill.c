// SPDX-License-Identifier: MIT
// vm: smp -m 512M
// test_kill.c - boxes killed at every step of their life, and while all in them spawn.
//
// A box does something again and again; /dev/kill-points has it killed when it passes a chosen point
// for the nth time. After each kill its wait returns in time, and the ledger reads in the next call
// what it read after a box that ended by itself. KILLS in the environment sets how many kills are made,
// KILLS_EACH how many each point must have had.
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/kill/doings.h"
#include "tests/vm/vmtest.h"

#define PATIENCE_MS 20000
#define LEDGER_SIZE 16384
#define NEST_DEPTH 30 // the test is in a box itself
#define NEST_SPAWNERS 5
#define ROUNDS_MAX 60

// --- The points, and what passes them ---

static const struct step {
    const char *point;
    const char *doing;
    const char *command; // what the test writes to ctl, to pass the point; NULL: the victim passes it
    unsigned passes;     // up to which pass it may be put off; what blocks passes once
} steps[] = {
    { "fork-begin", "fork", NULL, 8 },     { "fork-copied", "fork", NULL, 8 },
    { "fork-link", "fork", NULL, 8 },
    { "fork-start", "fork", NULL, 8 },     { "fork-done", "fork", NULL, 8 },
    { "thread-link", "threads", NULL, 8 }, { "thread-start", "threads", NULL, 8 },
    { "thread-begin", "threads", NULL, 8 }, { "thread-exit", "threads", NULL, 8 },
    { "thread-unlink", "threads", NULL, 8 }, { "thread-exit", "fork", NULL, 8 },
    { "thread-unlink", "fork", NULL, 8 },  { "new-link", "boxes", NULL, 8 },
    { "new-linked", "boxes", NULL, 8 },    { "start-link", "rest", NULL, 1 },
    { "start-done", "rest", NULL, 1 },     { "exec-begin", "exec", NULL, 4 },
    { "exec-built", "exec", NULL, 4 },     { "exec-alone", "exec", NULL, 4 },
    { "exec-commit", "exec", NULL, 4 },    { "exec-done", "exec", NULL, 4 },
    { "wait-exec", "exec", NULL, 2 },      { "exec-keep", "rest", "suspend\nexec /bin/test_kill", 2 },
    { "fault", "memory", NULL, 40 },       { "fault-done", "memory", NULL, 40 },
    { "handler", "signals", NULL, 8 },     { "stop", "stop", NULL, 4 },
    { "park", "stop", NULL, 4 },           { "exit", "fork", NULL, 8 },
    { "teardown", "fork", NULL, 8 },       { "parts-freed", "fork", NULL, 8 },
    { "tree-left", "fork", NULL, 8 },      { "wait-read", "read", NULL, 1 },
    { "wait-read", "terminal", NULL, 1 },  { "wait-write", "write", NULL, 1 },
    { "wait-open", "fifo", NULL, 1 },      { "wait-poll", "poll", NULL, 1 },
    { "wait-epoll", "epoll", NULL, 1 },    { "wait-futex", "futex", NULL, 1 },
    { "wait-child", "child", NULL, 1 },    { "wait-sleep", "sleep", NULL, 1 },
    { "wait-signal", "sigsuspend", NULL, 1 }, { "wait-vfork", "vfork", NULL, 1 },
    { "wait-lock", "lock", NULL, 1 },      { "wait-mutex", "contend", NULL, 4 },
    { "ctl-start", "fork", "start", 3 },   { "ctl-suspend", "fork", "suspend", 3 },
    { "ctl-kill", "fork", "kill", 1 },   { "ctl-quota", "fork", "quota memory 100M", 3 },
    { "ctl-close", "read", "close 40 50", 3 }, { "ctl-dup2", "fork", "dup2 1 9", 3 },
    { "ctl-give", "fork", "give 1 8", 3 }, { "ctl-bind", "fork", "bind x /bin", 3 },
    { "ctl-tree", "fork", "tree y", 3 },   { "ctl-unbind", "fork", "unbind bin", 3 },
    { "ctl-inherit", "fork", "inherit env", 3 }, { "ctl-exec", "rest", "exec /bin/test_kill", 3 },
    { "ctl-execfd", "rest", "execfd 0 x", 3 }, { "ctl-wx", "exec", "wx on", 3 },
    { "ctl-adopt", "fork", "adopt off", 3 }, { "ctl-leash", "fork", "leash on", 3 },
    { "ctl-strict", "fork", "strict on", 3 }, { "ctl-keep", "fork", "keep on", 3 },
    { "ctl-uid", "fork", "uid 5 5", 3 },   { "ctl-reap", "reap", NULL, 8 },
    { "wait-read", "wait", NULL, 1 },      { "wait-read", "note", NULL, 1 },
    { "wait-read", "eventfd", NULL, 1 },   { "wait-read", "timerfd", NULL, 1 },
    { "wait-read", "signalfd", NULL, 1 },  { "wait-other", "sendfile", NULL, 1 },
    { "wait-poll", "select", NULL, 1 },    { "wait-signal", "sigwait", NULL, 1 },
    { "wait-futex", "pi", NULL, 1 },       { "wait-lock", "flock", NULL, 1 },
    { "wait-other", "drain", NULL, 1 },    { "wait-write", "suspend", NULL, 3 },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static char with_record[LEDGER_SIZE]; // while the record of a dead box is kept
static unsigned kills[STEPS];

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

// Furnishes a box that will do what the step says; not started.
static void furnish(struct test_box *box, const char *doing)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\nbind proc /proc rwx\nbind dev /dev rw\ntree t\n"
                            "give 1 1\nexec /bin/test_kill victim %s", doing), 0);
}

// Reads `wait`, which must be ready in time. Says so and ends the case if not.
static long long end_of(const struct test_box *box, const char *point)
{
    struct pollfd fd = { .fd = proc_open(box->pid, "wait", O_RDONLY), .events = POLLIN };
    char text[32] = "";
    ssize_t length = -1;

    if (poll(&fd, 1, PATIENCE_MS) == 1)
        length = read(fd.fd, text, sizeof(text) - 1);
    else
        printf("# box %d, told to be killed at %s, has not ended\n", box->pid, point);
    CHECK(length > 0);
    close(fd.fd);
    return atoll(text);
}

static void write_commands(const struct test_box *box, const struct step *step, unsigned count)
{
    char text[64];
    ssize_t done = 0;

    for (unsigned i = 0; step->command != NULL && i < count; i++) {
        snprintf(text, sizeof(text), "%s\n", step->command);
        done += write(box->ctl, text, strlen(text)); // what it says does not matter: the box may be gone
    }
    (void)done;
}

static void kill_once(int points, const struct step *step, uint32_t random)
{
    unsigned nth = 1 + random % step->passes;
    bool before_start = step->command != NULL && random / 64 % 2 == 0;
    char text[64], reason[64];
    struct test_box box;
    int length;

    furnish(&box, step->doing);
    length = snprintf(text, sizeof(text), "%d %u %s", box.pid, nth, step->point);
    CHECK(write(points, text, (size_t)length) == length);
    if (!before_start)
        length = (int)write(box.ctl, "start", 5);
    if (random / 128 % 4 == 0)
        usleep(random / 512 % 3000);
    write_commands(&box, step, nth);
    CHECK_EQUAL(end_of(&box, step->point), -9);
    if (!ledger_same(with_record)) {
        printf("# after a kill at %s, pass %u, of \"%s\"\n", step->point, nth, step->doing);
        CHECK(!"the ledger reads as after any other box");
    }
    snprintf(reason, sizeof(reason), "killed at %s", step->point);
    if (strcmp(box_status(box.pid, "Reason"), reason) != 0) {
        printf("# %s: %s\n", reason, box_status(box.pid, "Reason"));
        CHECK(!"the record names the point");
    }
    box_close(&box);
}

static unsigned number_of(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? (unsigned)atoi(text) : otherwise;
}

static int cpu_count(void)
{
    cpu_set_t cpus;

    return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

// On one CPU nobody waits for a mutex: the kernel is not preempted while it holds one.
static bool is_passed(const struct step *step)
{
    return strcmp(step->point, "wait-mutex") != 0 || cpu_count() > 1;
}

// Every point that the kernel lists has killed, by its own count: none is without a step.
static void check_all_points(int points)
{
    static char text[8192];
    ssize_t length = pread(points, text, sizeof(text) - 1, 0);

    CHECK(length > 0 && length < (ssize_t)sizeof(text) - 1);
    text[length] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[32];
        unsigned long count;

        CHECK_EQUAL(sscanf(line, "%31s %lu", name, &count), 2);
        if (count == 0 && strcmp(name, "refused") != 0 && (strcmp(name, "wait-mutex") != 0 || cpu_count() > 1)) {
            printf("# no kill at %s\n", name);
            CHECK(!"each point has killed");
        }
    }
}

// The ledger as it is when the record of a dead box is kept, and nothing else of it.
static void take_baseline(void)
{
    for (int i = 0; i < 3; i++) {
        struct test_box box;

        furnish(&box, "rest");
        CHECK(box_do(&box, "start\nkill") == 0);
        CHECK_EQUAL(end_of(&box, "no point"), -9);
        CHECK(ledger_take(with_record, sizeof(with_record)));
        CHECK(strcmp(box_status(box.pid, "Reason"), "killed by SIGKILL") == 0);
        box_close(&box);
    }
}

CASE_LIMIT("a kill at any step leaves nothing, in time", 3000)
{
    int points = open("/dev/kill-points", O_RDWR | O_CLOEXEC);
    unsigned total = number_of("KILLS", cpu_count() >= 4 ? 1000 : 340);
    unsigned each = number_of("KILLS_EACH", total / STEPS);
    unsigned seed = number_of("SEED", (unsigned)time(NULL));
    uint32_t random = seed;

    printf("# seed %u, %u kills\n", seed, total);
    CHECK(points >= 0);
    take_baseline();
    for (unsigned i = 0; i < total; i++) {
        if (!is_passed(&steps[i % STEPS]))
            continue;
        kill_once(points, &steps[i % STEPS], next_random(&random));
        kills[i % STEPS]++;
    }
    for (size_t i = 0; i < STEPS; i++) {
        printf("# %u kills at %s (%s)\n", kills[i], steps[i].point, steps[i].doing);
        CHECK(kills[i] >= each || !is_passed(&steps[i]));
    }
    if (each > 0)
        check_all_points(points);
    close(points);
}

// --- Suspending who is about to end ---

CASE_LIMIT("suspend returns though what it waits for ends instead of resting", 60)
{
    for (int i = 0; i < 300; i++) {
        pid_t pid = fork();
        int ctl;

        if (pid == 0) {
            for (volatile int spin = 0; spin < i * 50; spin++)
                ;
            _exit(0);
        }
        CHECK(pid > 0);
        ctl = proc_open(pid, "ctl", O_RDWR);
        if (write(ctl, "suspend", 7) == 7 && write(ctl, "start", 5) < 0)
            CHECK_EQUAL(errno, ESRCH);
        close(ctl);
        CHECK(waitpid(pid, NULL, 0) == pid);
    }
}

// --- Kills while every member spawns ---

struct shared {
    atomic_int members; // that spawn
    atomic_int go;      // when all are there: a futex
    atomic_int killing;
    atomic_long spawned, spawned_late; // the latter after the kill began
    atomic_long failed; // that the spawner was told of
};

static struct shared *map_shared(void)
{
    int fd = open("/tmp/shared", O_RDWR | O_CREAT, 0600);
    struct shared *shared;

    CHECK(fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(shared != MAP_FAILED);
    close(fd);
    return shared;
}

static void spawn_for_ever(struct shared *shared)
{
    atomic_fetch_add(&shared->members, 1);
    while (atomic_load(&shared->go) == 0)
        syscall(SYS_futex, &shared->go, 0, 0, NULL); // FUTEX_WAIT
    for (;;) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        if (pid > 0) {
            atomic_fetch_add(&shared->spawned, 1);
            atomic_fetch_add(&shared->spawned_late, atomic_load(&shared->killing));
            waitpid(pid, NULL, 0);
        } else {
            atomic_fetch_add(&shared->failed, 1);
        }
    }
}

// Becomes count processes that spawn.
static int crowd_of(struct shared *shared, int count)
{
    for (int i = 1; i < count; i++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0)
            spawn_for_ever(shared);
    }
    spawn_for_ever(shared);
    return 0;
}

// Boxes in boxes; each head spawns, and so do members of each.
static int nest(int depth)
{
    struct shared *shared = map_shared();
    struct test_box box;

    if (depth > 1) {
        CHECK(box_new(&box) == 0);
        CHECK(box_do(&box, "bind bin /bin rx\nbind proc /proc rwx\nbind tmp /tmp rwc\ngive 1 1\n"
                           "exec /bin/test_kill nest %d\nstart", depth - 1) == 0);
    }
    return crowd_of(shared, NEST_SPAWNERS + 1);
}

static int crowd(int count)
{
    return crowd_of(map_shared(), count);
}

static long refused(void)
{
    int fd = open("/dev/kill-points", O_RDONLY | O_CLOEXEC);
    char text[4096];
    ssize_t length = read(fd, text, sizeof(text) - 1);
    char *line;

    CHECK(length > 0);
    text[length] = '\0';
    line = strstr(text, "refused ");
    close(fd);
    return line != NULL ? atol(line + 8) : 0;
}

// One box doing what, with that many that spawn, killed by one write. Returns how many spawns were
// refused after the kill began.
static long kill_spawning(struct shared *shared, const char *what, int number, int members)
{
    static char before[LEDGER_SIZE];
    long late = refused();
    struct test_box box;
    bool ledger;

    memset(shared, 0, sizeof(*shared));
    ledger = ledger_take(before, sizeof(before));
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nbind proc /proc rwx\nbind tmp /tmp rwc\ngive 1 1\n"
                       "exec /bin/test_kill %s %d\nstart", what, number) == 0);
    for (int i = 0; i < 24000 && atomic_load(&shared->members) < members; i++)
        usleep(5000);
    CHECK_EQUAL(atomic_load(&shared->members), members);
    atomic_store(&shared->go, 1);
    syscall(SYS_futex, &shared->go, 1, members); // FUTEX_WAKE
    usleep(200000);
    atomic_store(&shared->killing, 1);
    CHECK(box_do(&box, "kill") == 0);
    CHECK_EQUAL(end_of(&box, "any moment"), -9);
    box_close(&box);
    CHECK(ledger && ledger_same(before));
    late = refused() - late;
    printf("# %ld spawns, %ld done and %ld refused after the kill began\n", atomic_load(&shared->spawned),
           atomic_load(&shared->spawned_late), late);
    CHECK_EQUAL(atomic_load(&shared->failed), 0); // who is refused does not live to see it
    return late;
}

// Again and again until a kill has met somebody who was spawning. On one CPU none can be: the kernel
// is not preempted, and the kill is over before another runs.
static void kill_until_met(const char *what, int number, int members)
{
    struct shared *shared = map_shared();
    int rounds = cpu_count() > 1 ? ROUNDS_MAX : 2;
    long late = 0;

    for (int i = 0; i < rounds && late == 0; i++)
        late = kill_spawning(shared, what, number, members);
    CHECK(late > 0 || cpu_count() == 1);
    unlink("/tmp/shared");
}

CASE_LIMIT("boxes 30 deep, all of whose members spawn, end by one write", 240)
{
    kill_until_met("nest", NEST_DEPTH, NEST_DEPTH * (NEST_SPAWNERS + 1));
}

CASE_LIMIT("a thousand members that all spawn end by one write", 240)
{
    kill_until_met("crowd", 1000, 1000);
}

// --- What this program does in boxes ---

static int command(int argc, char **argv)
{
    if (argc != 3)
        return -1;
    if (strcmp(argv[1], "victim") == 0)
        return be_victim(argv[2]);
    if (strcmp(argv[1], "nest") == 0)
        return nest(atoi(argv[2]));
    return strcmp(argv[1], "crowd") == 0 ? crowd(atoi(argv[2])) : -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}
