// SPDX-License-Identifier: MIT
// vm: smp
// test_note.c - docs/notes.md: types of notes, their queue, what is read of it, and who may send what.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/vm/proc.h"

static char text[4096];

static int note(int pid, const char *words)
{
    return proc_write(pid, "note", words);
}

// The exit code of a child; -N for signal N.
static int status_of(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// --- Types ---

static const struct {
    const char *type;
    int number; // Linux's
    bool forgeable;
} types[] = {
    { "hangup", 1, true },        { "interrupt", 2, true },  { "quit", 3, true },
    { "illegal", 4, false },      { "trap", 5, false },      { "abort", 6, true },
    { "buserror", 7, false },     { "divbyzero", 8, false }, { "kill", 9, true },
    { "user1", 10, true },        { "segfault", 11, false }, { "user2", 12, true },
    { "pipe", 13, true },         { "alarm", 14, true },     { "terminate", 15, true },
    { "child", 17, true },        { "continue", 18, true },  { "stop", 19, true },
    { "ttystop", 20, true },      { "ttyinput", 21, true },  { "ttyoutput", 22, true },
    { "urgent", 23, true },       { "cputime", 24, true },   { "filesize", 25, true },
    { "virtualalarm", 26, true }, { "profile", 27, true },   { "winch", 28, true },
    { "io", 29, true },           { "power", 30, true },     { "badcall", 31, false },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

// A child that blocks all signals, says that it is ready, and runs run.
static pid_t spawn_blocked(int (*run)(void))
{
    int ends[2];
    char byte;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        if (write(ends[1], "r", 1) != 1)
            _exit(99);
        close(ends[0]);
        close(ends[1]);
        _exit(run());
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static int take_signal(void)
{
    struct timespec limit = { .tv_sec = 10 };
    siginfo_t info;
    sigset_t all;

    sigfillset(&all);
    return sigtimedwait(&all, &info, &limit);
}

static int wait_for_ever(void)
{
    while (pause() < 0)
        ;
    return 99;
}

CASE("each type of note arrives as its signal")
{
    pid_t pid;
    int status;

    for (size_t i = 0; i < TYPES; i++) {
        if (!types[i].forgeable || types[i].number == SIGKILL || types[i].number == SIGSTOP)
            continue;
        pid = spawn_blocked(take_signal);
        CHECK_EQUAL(note(pid, types[i].type), 0);
        CHECK_EQUAL(status_of(pid), types[i].number);
    }
    pid = spawn_blocked(wait_for_ever);
    CHECK_EQUAL(note(pid, "stop"), 0);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHECK_EQUAL(WSTOPSIG(status), SIGSTOP);
    CHECK_EQUAL(note(pid, "continue"), 0);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    CHECK_EQUAL(note(pid, "kill"), 0);
    CHECK_EQUAL(status_of(pid), -SIGKILL);
}

CASE("a note's default action is its signal's: some end, some are ignored")
{
    static const char *const ignored[] = { "child", "urgent", "winch", "continue",
                                           "winch with text" };
    int there[2], back[2];
    char byte = 'x';
    pid_t pid;

    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid = fork();
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
            ;
        _exit(3);
    }
    close(there[0]);
    close(back[1]);
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        CHECK_EQUAL(note(pid, ignored[i]), 0);
        CHECK(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    }
    CHECK_EQUAL(note(pid, "io"), 0);
    CHECK_EQUAL(read(back[0], &byte, 1), 0);
    CHECK_EQUAL(status_of(pid), -SIGIO);
}

CASE("notes of faults are the kernel's alone: EPERM, with text or without, from around too")
{
    struct test_box box;
    unsigned refused = 0;
    char words[64];

    CHECK(box_shell(&box, "", "sleep 100") == 0);
    for (size_t i = 0; i < TYPES; i++) {
        if (types[i].forgeable)
            continue;
        snprintf(words, sizeof(words), "%s at 0x1234", types[i].type);
        CHECK_EQUAL(note(box.pid, types[i].type), -EPERM);
        CHECK_EQUAL(note(box.pid, words), -EPERM);
        CHECK_EQUAL(note(getpid(), types[i].type), -EPERM);
        CHECK_EQUAL(note(getpid(), words), -EPERM);
        refused++;
    }
    CHECK_EQUAL(refused, 6);
    CHECK(strcmp(box_status(box.pid, "Exit"), "-") == 0);
    finish(&box);
}

CASE("kill sends a fault's signal that a note may not name")
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(wait_for_ever());
    CHECK_EQUAL(note(pid, "segfault"), -EPERM);
    CHECK_EQUAL(kill(pid, SIGSEGV), 0);
    CHECK_EQUAL(status_of(pid), -SIGSEGV);
}

// --- The text in a handler ---

static char heard[256];
static volatile sig_atomic_t heard_length, heard_again;

static void hear(int number)
{
    int fd = open("/proc/self/note", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char more[16];

    (void)number;
    heard_length = (sig_atomic_t)read(fd, heard, sizeof(heard));
    heard_again = read(fd, more, sizeof(more)) < 0 ? -errno : 0;
    close(fd);
}

CASE("a handler finds the note's text in /proc/self/note")
{
    CHECK(signal(SIGUSR1, hear) != SIG_ERR);
    CHECK_EQUAL(note(getpid(), "user1 weather is fine\n"), 0);
    CHECK_EQUAL(heard_length, 21);
    CHECK(memcmp(heard, "user1 weather is fine", 21) == 0);
    CHECK_EQUAL(heard_again, -EAGAIN);
}

CASE("a note of 255 bytes is taken whole, one of 256 refused")
{
    char words[258];

    CHECK(signal(SIGUSR1, hear) != SIG_ERR);
    memset(words, 'x', sizeof(words));
    memcpy(words, "user1 ", 6);
    words[255] = '\0';
    CHECK_EQUAL(note(getpid(), words), 0);
    CHECK_EQUAL(heard_length, 255);
    CHECK(memcmp(heard, words, 255) == 0);
    words[255] = 'x';
    words[256] = '\0';
    CHECK_EQUAL(note(getpid(), words), -EINVAL);
    words[255] = '\n'; // a line's end is not part of it
    CHECK_EQUAL(note(getpid(), words), 0);
}

// --- The queue ---

CASE("a note of one byte is taken, one of none or with a NUL refused")
{
    int fd = open("/proc/self/note", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    CHECK_EQUAL(write(fd, "x", 1), 1);
    CHECK_EQUAL(read(fd, text, sizeof(text)), 1);
    CHECK_EQUAL(text[0], 'x');
    CHECK(write(fd, "", 0) < 0 && errno == EINVAL);
    CHECK(write(fd, "\n", 1) < 0 && errno == EINVAL);
    CHECK(write(fd, "a\0b", 3) < 0 && errno == EINVAL);
    CHECK(write(fd, "a\0", 2) < 0 && errno == EINVAL);
    CHECK(read(fd, text, sizeof(text)) < 0 && errno == EAGAIN);
}

// Whether the next read of note gives these words.
static bool reads(int fd, const char *words)
{
    ssize_t length = read(fd, text, sizeof(text));

    return length == (ssize_t)strlen(words) && memcmp(text, words, strlen(words)) == 0;
}

static int read_types(void)
{
    int fd = open("/proc/self/note", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    sigset_t pending;

    if (poll(&poll_fd, 1, 0) != 0)
        return 1;
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGUSR1);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 1 });
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 });
    if (poll(&poll_fd, 1, 0) != 1 || note(getpid(), "hangup with text") != 0)
        return 2;
    // The oldest first.
    if (!reads(fd, "terminate") || !reads(fd, "user1") || !reads(fd, "signal") ||
        !reads(fd, "signal"))
        return 3;
    if (!reads(fd, "hangup with text"))
        return 4;
    if (read(fd, text, sizeof(text)) >= 0 || errno != EAGAIN || poll(&poll_fd, 1, 0) != 0)
        return 6;
    return sigpending(&pending) == 0 && sigisemptyset(&pending) ? 5 : 7;
}

CASE("a signal that is blocked is read from note as its type")
{
    CHECK_EQUAL(status_of(spawn_blocked(read_types)), 5);
}

static int read_one(void)
{
    int fd = open("/proc/self/note", O_RDONLY | O_CLOEXEC);

    return reads(fd, "terminate") ? 5 : 1;
}

CASE("a read of note waits for a signal that is blocked, too")
{
    pid_t pid = spawn_blocked(read_one);

    CHECK_EQUAL(kill(pid, SIGTERM), 0);
    CHECK_EQUAL(status_of(pid), 5);
}

CASE("nobody else reads a process's note, nor is told by poll that it has one")
{
    pid_t pid = spawn_blocked(wait_for_ever);
    struct pollfd poll_fd = { .events = POLLIN | POLLOUT };
    int status;

    CHECK(proc_open(pid, "note", O_RDONLY) < 0 && errno == EACCES);
    poll_fd.fd = proc_open(pid, "note", O_RDWR | O_NONBLOCK); // as shells open
    CHECK_EQUAL(write(poll_fd.fd, "user1 with text", 15), 15);
    CHECK_EQUAL(poll(&poll_fd, 1, 0), 1);
    CHECK_EQUAL(poll_fd.revents, POLLOUT);
    CHECK(read(poll_fd.fd, text, sizeof(text)) < 0 && errno == EACCES);
    // Its being open elsewhere is no listening: a note of no known type ends the process.
    CHECK_EQUAL(note(pid, "weather is bad"), 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    CHECK_EQUAL(WTERMSIG(status), SIGTERM);
}

CASE("the text of a note that ends a process is its reason, the note its status")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "exec sleep 100") == 0);
    CHECK_EQUAL(note(box.pid, "hangup the line is dead"), 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGHUP);
    CHECK(strcmp(box_status(box.pid, "Reason"), "hangup the line is dead") == 0);
    box_close(&box);
}

// Sends notes of no known type until no more are taken; returns how many were.
static int fill(int pid)
{
    int count = 0, error;

    while ((error = note(pid, "filler")) == 0 && count < 1000)
        count++;
    return error == -EAGAIN ? count : -1;
}

CASE("64 notes queue, the last slot for boxes around; then EAGAIN, and kill works all the same")
{
    struct test_box box;
    int ends[2];
    char byte;

    CHECK(pipe(ends) == 0);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nbind proc /proc rwx\nexec /bin/test_note fill-own-notes"
                       "\nstart") == 0);
    CHECK_EQUAL(box_wait(box.pid), 63);
    box_close(&box);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box,
                 "bind bin /bin rx\nbind proc /proc rwx\ngive %d 1\n"
                 "exec /bin/test_note keep-notes\nstart",
                 ends[1]) == 0);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK_EQUAL(fill(box.pid), 64);
    CHECK_EQUAL(note(box.pid, "terminate"), 0); // a pending bit, no slot
    CHECK_EQUAL(note(box.pid, "terminate with text"), -EAGAIN);
    CHECK_EQUAL(note(box.pid, "kill at last"), 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGKILL);
    CHECK(strcmp(box_status(box.pid, "Reason"), "kill at last") == 0);
    box_close(&box);
}

// Takes and returns how many of these notes there are; -1: others are among them.
static int drain(int fd, const char *words, const char *others)
{
    int count = 0;

    for (;;) {
        ssize_t length = read(fd, text, sizeof(text));
        const char *wanted = count % 2 == 0 ? words : others;

        if (length < 0)
            return errno == EAGAIN ? count : -1;
        if (length != (ssize_t)strlen(wanted) || memcmp(text, wanted, (size_t)length) != 0)
            return -1;
        count++;
    }
}

static int keep_notes(void)
{
    int fd = open("/proc/self/note", O_RDONLY | O_CLOEXEC);
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (fd >= 0 && write(1, "r", 1) == 1)
        pause();
    return 99;
}

// Fills the queue with texts, then with real-time signals and texts in turn. Returns how many there was room for.
static int fill_own_notes(void)
{
    int fd = open("/proc/self/note", O_RDONLY | O_NONBLOCK | O_CLOEXEC), sent = 0;
    sigset_t all, pending;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (fd < 0 || fill(getpid()) != 63)
        return 99;
    if (note(getpid(), "user1 with text") != -EAGAIN ||
        sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }) == 0 || errno != EAGAIN)
        return 98;
    if (sigpending(&pending) != 0 || !sigisemptyset(&pending) ||
        drain(fd, "filler", "filler") != 63)
        return 97;
    while (sent % 2 == 0 ? sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }) == 0
                         : note(getpid(), "filler") == 0)
        sent++;
    return drain(fd, "signal", "filler") == sent ? sent : 96;
}

// --- Who takes a note ---

// Reading threads: one that takes notes, one that blocks them.
static int ends_taker[2], ends_blocker[2];
static volatile int taker_result, blocker_result;
static volatile int handlers;

static void count_handler(int number)
{
    (void)number;
    handlers++;
}

static void *take(void *unused)
{
    char byte;

    taker_result = read(ends_taker[0], &byte, 1) < 0 ? -errno : 1;
    return unused;
}

static void *block(void *unused)
{
    char byte;

    blocker_result = read(ends_blocker[0], &byte, 1) < 0 ? -errno : (int)byte;
    return unused;
}

CASE("a note ends the wait of the thread that takes it, with EINTR, and no other's")
{
    struct sigaction action = { .sa_handler = count_handler };
    pthread_t taker, blocker;
    sigset_t set;

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && pipe(ends_taker) == 0 &&
          pipe(ends_blocker) == 0);
    CHECK(pthread_create(&taker, NULL, take, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0); // the next thread begins with it
    CHECK(pthread_create(&blocker, NULL, block, NULL) == 0);
    // One that comes before the thread waits runs its handler, and is no wait's end: so, again.
    while (taker_result == 0) {
        CHECK_EQUAL(note(getpid(), "user1"), 0);
        sched_yield();
    }
    CHECK(pthread_join(taker, NULL) == 0);
    CHECK_EQUAL(taker_result, -EINTR);
    CHECK(handlers >= 1);
    CHECK_EQUAL(blocker_result, 0);
    CHECK(write(ends_blocker[1], "b", 1) == 1 && pthread_join(blocker, NULL) == 0);
    CHECK_EQUAL(blocker_result, 'b');
}

static int command(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "keep-notes") == 0)
        return keep_notes();
    if (argc == 2 && strcmp(argv[1], "fill-own-notes") == 0)
        return fill_own_notes();
    return -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}
