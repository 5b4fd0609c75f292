// SPDX-License-Identifier: MIT
// test_state.c - what a process is said to be, and what is left of it: adoption, suspension, figures, notes.
//
// vm: smp
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/program.h"

static int status_of(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// --- Orphans ---

// A child whose child leaves a dead one of its own, exited with 33, to whoever adopts; the child goes on. Returns the
// child's number, and that of the dead one.
static pid_t leave_dead_orphan(pid_t *orphan)
{
    int ends[2];
    pid_t child;
    char byte;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    child = fork();
    if (child == 0) {
        pid_t between, dead;
        siginfo_t info;

        signal(SIGCHLD, SIG_DFL);
        between = fork();
        if (between == 0) {
            dead = fork();
            if (dead == 0)
                _exit(33);
            if (waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT) != 0 ||
                write(ends[1], &dead, sizeof(dead)) != sizeof(dead))
                _exit(1);
            _exit(0);
        }
        if (status_of(between) == 0 && write(ends[1], "g", 1) == 1)
            pause_for_ever();
        _exit(1);
    }
    close(ends[1]);
    CHECK(read(ends[0], orphan, sizeof(*orphan)) == sizeof(*orphan));
    CHECK(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
    return child;
}

static void end(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

CASE("a subreaper hears by SIGCHLD of an orphan that was dead already")
{
    struct timespec limit = { .tv_sec = 20 };
    siginfo_t info;
    sigset_t set;
    pid_t child, orphan;
    int status;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    child = leave_dead_orphan(&orphan);
    CHECK_EQUAL(sigtimedwait(&set, &info, &limit), SIGCHLD);
    CHECK_EQUAL(info.si_pid, orphan);
    CHECK(info.si_code == CLD_EXITED && info.si_status == 33);
    CHECK(waitpid(orphan, &status, 0) == orphan && WIFEXITED(status) && WEXITSTATUS(status) == 33);
    end(child);
}

CASE("an orphan that was dead already leaves no record with a subreaper that ignores SIGCHLD")
{
    pid_t child, orphan;

    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    child = leave_dead_orphan(&orphan);
    CHECK(kill(orphan, 0) < 0 && errno == ESRCH);
    CHECK(waitpid(orphan, NULL, 0) < 0 && errno == ECHILD);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, NULL, 0) < 0 && errno == ECHILD);
}

// Leaves a living orphan, which says 'a' once it has another parent; waits until it has said so or has ended.
// Returns what was heard.
static int leave_living_orphan(void)
{
    int ends[2], heard;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0)
        _exit(97);
    child = fork();
    if (child == 0) {
        child = getpid();
        if (fork() == 0) {
            while (getppid() == child)
                sched_yield();
            if (write(ends[1], "a", 1) != 1)
                _exit(1);
            pause_for_ever();
        }
        _exit(0);
    }
    close(ends[1]);
    if (status_of(child) != 0)
        _exit(96);
    heard = hear(ends[0]);
    close(ends[0]);
    return heard;
}

PROGRAM("ask-to-adopt")
{
    int on = -1;

    if (prctl(PR_GET_CHILD_SUBREAPER, &on) != 0 || on != 0)
        return 1;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || prctl(PR_GET_CHILD_SUBREAPER, &on) != 0 || on != 1)
        return 2;
    return leave_living_orphan() == 0 ? 6 : 3;
}

CASE("with adopt off a head adopts nobody, whatever it asks of prctl")
{
    struct test_box box;
    int report = box_program(&box, "adopt off\n", "ask-to-adopt");

    CHECK(report >= 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    close(report);
    box_close(&box);
}

PROGRAM("ask-not-to-adopt")
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 0) != 0)
        return 1;
    return leave_living_orphan() == 'a' ? 5 : 2;
}

CASE("a head adopts the orphans of its box, whatever it asks of prctl")
{
    struct test_box box;
    int report = box_program(&box, "", "ask-not-to-adopt");

    CHECK(report >= 0);
    CHECK_EQUAL(box_wait(box.pid), 5);
    close(report);
    box_close(&box);
}

// --- Suspension ---

PROGRAM("one-member")
{
    pid_t member = fork();

    if (member == 0) {
        say('m');
        pause_for_ever();
    }
    return member == 2 ? status_of(member) : 99;
}

// Writes to /proc/HEAD/box/N/ctl. Returns 0 or a negative errno.
static int tell_member(const struct test_box *box, const char *text)
{
    int fd = proc_open(box->pid, "box/2/ctl", O_WRONLY), error = 0;

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        error = -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

// A line of the member's status.
static void member_status(const struct test_box *box, const char *line, char *value, size_t size)
{
    char text[4096], *found;

    CHECK(proc_read(box->pid, "box/2/status", text, sizeof(text)) > 0);
    found = strstr(text, line);
    CHECK(found != NULL);
    found += strlen(line);
    snprintf(value, size, "%.*s", (int)strcspn(found, "\n"), found);
}

CASE("a member of a suspended box is shown as suspended, and takes a program")
{
    static const char program[] = "exec /bin/busybox sh -c 'exit 7'";
    struct test_box box;
    char value[64];
    int report = box_program(&box, "", "one-member");

    CHECK(report >= 0 && hear(report) == 'm');
    member_status(&box, "\nFlags:\t", value, sizeof(value));
    CHECK(strcmp(value, "NONE") == 0);
    CHECK_EQUAL(tell_member(&box, program), -EBUSY);
    CHECK(box_do(&box, "suspend") == 0);
    member_status(&box, "\nFlags:\t", value, sizeof(value));
    CHECK(strcmp(value, "SUSPENDED ") == 0);
    member_status(&box, "\nState:\t", value, sizeof(value));
    CHECK(strcmp(value, "T (stopped)") == 0);
    CHECK_EQUAL(tell_member(&box, program), 0);
    CHECK(box_do(&box, "start") == 0);
    CHECK_EQUAL(box_wait(box.pid), 7);
    close(report);
    box_close(&box);
}

CASE("start begins a new process, suspended before or not")
{
    struct test_box box;

    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nexec /bin/busybox sh -c 'exit 4'\nsuspend") == 0);
    CHECK(strcmp(box_status(box.pid, "Flags"), "SUSPENDED ") == 0);
    CHECK(box_do(&box, "start") == 0);
    CHECK_EQUAL(box_wait(box.pid), 4);
    box_close(&box);
}

// --- Figures ---

static long kib_of(const char *line)
{
    return atol(box_status(getpid(), line));
}

CASE("VmPeak is the most that was mapped at a time, VmSize what is now")
{
    enum { KIB = 16384 };
    long size = kib_of("VmSize"), peak = kib_of("VmPeak");
    void *memory, *place;

    CHECK(size > 0 && peak >= size && peak < size + KIB);
    memory = mmap(NULL, KIB * 1024, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_EQUAL(kib_of("VmSize"), size + KIB);
    CHECK(munmap(memory, KIB * 1024) == 0);
    CHECK_EQUAL(kib_of("VmSize"), size);
    CHECK_EQUAL(kib_of("VmPeak"), size + KIB);
    memory = mmap(NULL, KIB * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    place = mmap(NULL, KIB * 1024, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED && munmap(place, KIB * 1024) == 0);
    peak = kib_of("VmPeak");
    CHECK(mremap(memory, KIB * 1024, KIB * 1024, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    CHECK_EQUAL(kib_of("VmPeak"), peak); // a move is in one place at a time
    CHECK(munmap(place, KIB * 1024) == 0);
}

// LIMIT of a line of /proc/PID/quota.
static void quota_limit(int pid, const char *key, char *limit)
{
    char text[1024], format[64], *line;

    CHECK(proc_read(pid, "quota", text, sizeof(text)) > 0);
    line = strstr(text, key);
    CHECK(line != NULL);
    snprintf(format, sizeof(format), "%s %%*s %%*s %%63s", key);
    CHECK_EQUAL(sscanf(line, format, limit), 1);
}

PROGRAM("inner-quota")
{
    struct test_box inner;
    char limit[64];

    if (box_new(&inner) != 0)
        return 1;
    quota_limit(inner.pid, "cputime", limit);
    if (strcmp(limit, "100000000000ns") != 0)
        return 2;
    if (box_do(&inner, "quota cputime 200s") != 0)
        return 3;
    quota_limit(inner.pid, "cputime", limit);
    if (strcmp(limit, "100000000000ns") != 0)
        return 4;
    if (box_do(&inner, "quota cputime 50s") != 0)
        return 5;
    quota_limit(inner.pid, "cputime", limit);
    box_discard(&inner);
    return strcmp(limit, "50000000000ns") == 0 ? 6 : 7;
}

CASE("a limit of processor time shows as the least of those around")
{
    struct test_box box;
    int report = box_program(&box, "quota cputime 100s\n", "inner-quota");

    CHECK(report >= 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    close(report);
    box_close(&box);
}

// --- Notes ---

// Returns 0 or a negative errno.
static int note(const char *path, const char *words)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, words, strlen(words)) != (ssize_t)strlen(words))
        error = -errno;
    close(fd);
    return error;
}

// Fills its own queue, and says whether that took 63 notes.
PROGRAM("full")
{
    int reader = open("/proc/self/note", O_RDONLY | O_CLOEXEC), count = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    if (reader < 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return 1;
    while (count < 100 && note("/proc/self/note", "filler") == 0)
        count++;
    say(errno == EAGAIN && count == 63 ? 'f' : 'x');
    pause_for_ever();
    return 1;
}

PROGRAM("beside")
{
    int with_text = note("/peer/note", "user1 text"), unknown = note("/peer/note", "filler");

    if (with_text != -EAGAIN || unknown != -EAGAIN)
        return 1;
    return note("/peer/note", "winch") == 0 ? 6 : 2; // takes no slot
}

CASE("the last slot takes a real-time signal from around, and no note from a box beside")
{
    struct test_box box, beside;
    int report = box_program(&box, "", "full"), other;
    char extra[64];

    CHECK(report >= 0 && hear(report) == 'f');
    snprintf(extra, sizeof(extra), "bind peer /proc/%d rw\n", box.pid);
    other = box_program(&beside, extra, "beside");
    CHECK(other >= 0);
    CHECK_EQUAL(box_wait(beside.pid), 6);
    CHECK(kill(box.pid, SIGRTMIN) == 0);
    CHECK(kill(box.pid, SIGRTMIN) < 0 && errno == EAGAIN);
    CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
    close(report);
    close(other);
    box_close(&box);
    box_close(&beside);
}

CASE("a text of 255 bytes that ends a process is its reason, whole")
{
    char words[256], path[64];
    struct test_box box;

    memset(words, 'x', sizeof(words) - 1);
    memcpy(words, "terminate ", 10);
    words[254] = 'y';
    words[255] = '\0';
    CHECK(box_shell(&box, "", "exec sleep 100") == 0);
    snprintf(path, sizeof(path), "/proc/%d/note", box.pid);
    CHECK_EQUAL(note(path, words), 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGTERM);
    CHECK(strcmp(box_status(box.pid, "Reason"), words) == 0);
    box_close(&box);
}

// What handlers found in /proc/self/note, by signal.
static struct {
    char text[64];
    int result; // of read: length, or a negative errno
} found[_NSIG];
static atomic_int inside, meet; // how many handlers have been entered; how many wait for each other

static void read_note(int number)
{
    int fd = open("/proc/self/note", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t length;

    atomic_fetch_add(&inside, 1);
    while (atomic_load(&inside) < atomic_load(&meet))
        sched_yield();
    length = read(fd, found[number].text, sizeof(found[number].text));
    found[number].result = length < 0 ? -errno : (int)length;
    close(fd);
}

static void read_nothing(int number)
{
    (void)number;
    atomic_fetch_add(&inside, 1);
}

CASE("a handler whose signal had no text reads none")
{
    CHECK(signal(SIGUSR1, read_note) != SIG_ERR && signal(SIGUSR2, read_nothing) != SIG_ERR);
    CHECK_EQUAL(note("/proc/self/note", "user2 unread"), 0);
    CHECK_EQUAL(atomic_load(&inside), 1);
    CHECK(raise(SIGUSR1) == 0);
    CHECK_EQUAL(found[SIGUSR1].result, -EAGAIN);
    CHECK_EQUAL(note("/proc/self/note", "user1 read"), 0);
    CHECK_EQUAL(found[SIGUSR1].result, 10);
}

static void *take_one(void *number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, (int)(intptr_t)number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    while (found[(intptr_t)number].result == 0)
        sched_yield();
    return NULL;
}

CASE("handlers in two threads read each its own text")
{
    pthread_t threads[2];
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(signal(SIGUSR1, read_note) != SIG_ERR && signal(SIGUSR2, read_note) != SIG_ERR);
    atomic_store(&meet, 2);
    CHECK(pthread_create(&threads[0], NULL, take_one, (void *)(intptr_t)SIGUSR1) == 0);
    CHECK(pthread_create(&threads[1], NULL, take_one, (void *)(intptr_t)SIGUSR2) == 0);
    CHECK_EQUAL(note("/proc/self/note", "user1 of the one"), 0);
    CHECK_EQUAL(note("/proc/self/note", "user2 of the other"), 0);
    CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
    CHECK(found[SIGUSR1].result == 16 && memcmp(found[SIGUSR1].text, "user1 of the one", 16) == 0);
    CHECK(found[SIGUSR2].result == 18 && memcmp(found[SIGUSR2].text, "user2 of the other", 18) == 0);
}
