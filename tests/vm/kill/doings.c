// SPDX-License-Identifier: MIT
// doings.c - what the boxes do that are killed: each passes some kill points again and again, or blocks at one.
#define _GNU_SOURCE
#include "tests/vm/kill/doings.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/box.h"

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void fork_for_ever(void)
{
    for (;;) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(3);
        waitpid(pid, NULL, 0);
    }
}

static void *nothing(void *argument)
{
    return argument;
}

static void make_threads(void)
{
    for (;;) {
        pthread_t threads[4];

        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, nothing, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
    }
}

static void make_boxes(void)
{
    for (;;) {
        struct test_box box;

        if (box_new(&box) == 0)
            box_close(&box);
    }
}

static void exec_again(void)
{
    pthread_t thread;

    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, sleep_for_ever, NULL);
    execl("/bin/test_kill", "test_kill", "victim", "exec", (char *)NULL);
}

static void touch_memory(void)
{
    for (;;) {
        char *at = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        memset(at, 1, 1 << 16);
        munmap(at, 1 << 16);
    }
}

static void on_signal(int number)
{
    (void)number;
}

static void raise_signals(void)
{
    signal(SIGUSR1, on_signal);
    for (;;)
        raise(SIGUSR1);
}

static void stop_and_continue(void)
{
    pid_t pid = fork();

    for (;;) {
        if (pid == 0) {
            raise(SIGSTOP);
        } else {
            waitpid(pid, NULL, WUNTRACED);
            kill(pid, SIGCONT);
        }
    }
}

// A child that ends by being killed, so that whoever waits is waiting when the end comes.
static void wait_for_child(void)
{
    if (fork() == 0)
        sleep_for_ever(NULL);
    while (wait(NULL) < 0)
        ;
}

static void read_pipe(void)
{
    int fds[2];
    char byte;

    if (pipe(fds) == 0 && fork() == 0)
        sleep_for_ever(NULL);
    while (read(fds[0], &byte, 1) != 0)
        ;
}

// A slave whose master nobody reads or writes; -1 on failure.
static int open_terminal(void)
{
    int master = open("/dev/ptmx", O_RDWR), number, unlock = 0;
    char name[32];

    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) != 0 || ioctl(master, TIOCGPTN, &number) != 0)
        return -1;
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    return open(name, O_RDWR | O_NOCTTY);
}

static void read_terminal(void)
{
    char byte;

    if (read(open_terminal(), &byte, 1) == 1)
        return;
}

static void drain_terminal(void)
{
    int slave = open_terminal();

    if (write(slave, "x", 1) == 1)
        tcdrain(slave);
}

// Waits again and again for a child that computes to rest.
static void suspend_child(void)
{
    pid_t pid = fork();
    int ctl;

    if (pid == 0)
        for (volatile long count = 0;; count++)
            ;
    ctl = proc_open(pid, "ctl", O_RDWR);
    while (write(ctl, "suspend && start", 16) == 16)
        ;
}

static void write_pipe(void)
{
    static char bytes[65536];
    int fds[2];

    if (pipe(fds) == 0)
        while (write(fds[1], bytes, sizeof(bytes)) > 0)
            ;
}

static void open_fifo(void)
{
    if (mkfifo("/t/fifo", 0600) == 0)
        open("/t/fifo", O_RDONLY);
}

static void poll_pipe(void)
{
    int fds[2];
    struct pollfd fd;

    if (pipe(fds) == 0) {
        fd = (struct pollfd){ .fd = fds[0], .events = POLLIN };
        poll(&fd, 1, -1);
    }
}

static void wait_epoll(void)
{
    int fds[2], set = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN };

    if (pipe(fds) == 0 && epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event) == 0)
        epoll_wait(set, &event, 1, -1);
}

static void wait_futex(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;

    pthread_create(&thread, NULL, sleep_for_ever, NULL);
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

static void sleep_long(void)
{
    struct timespec time = { .tv_sec = 1000 };

    nanosleep(&time, NULL);
}

static void wait_signal(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigsuspend(&set);
}

static void wait_vfork(void)
{
    if (vfork() == 0)
        sleep_for_ever(NULL);
}

static void wait_lock(void)
{
    int fd = open("/t/lock", O_RDWR | O_CREAT, 0600), fds[2];
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char byte;

    if (fd < 0 || pipe(fds) != 0)
        return;
    if (fork() == 0) {
        fcntl(fd, F_SETLKW, &lock);
        if (write(fds[1], "x", 1) == 1)
            sleep_for_ever(NULL);
    }
    if (read(fds[0], &byte, 1) == 1)
        fcntl(fd, F_SETLKW, &lock);
}

static void read_wait_file(void)
{
    struct test_box box;

    if (box_new(&box) == 0)
        box_wait(box.pid);
}

static void read_note(void)
{
    char text[16];

    if (read(open("/proc/self/note", O_RDONLY), text, sizeof(text)) > 0)
        return;
}

static void read_counter(int fd)
{
    uint64_t count;

    if (read(fd, &count, sizeof(count)) > 0)
        return;
}

static void read_eventfd(void)
{
    read_counter(eventfd(0, 0));
}

static void read_timerfd(void)
{
    read_counter(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void read_signalfd(void)
{
    struct signalfd_siginfo info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (read(signalfd(-1, &set, 0), &info, sizeof(info)) > 0)
        return;
}

static void send_to_full_pipe(void)
{
    int fds[2], zero = open("/bin/test_kill", O_RDONLY);

    if (pipe(fds) == 0)
        while (sendfile(fds[1], zero, NULL, 65536) > 0)
            ;
}

static void select_pipe(void)
{
    int fds[2];
    fd_set set;

    if (pipe(fds) == 0) {
        FD_ZERO(&set);
        FD_SET(fds[0], &set);
        select(fds[0] + 1, &set, NULL, NULL, NULL);
    }
}

static void await_signal(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigwaitinfo(&set, NULL);
}

static void *lock_mutex(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

// A mutex whose holder, a thread of this process, never gives it back.
static void wait_pi_mutex(void)
{
    static pthread_mutex_t mutex;
    pthread_mutexattr_t attributes;
    pthread_t thread;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutex_lock(&mutex);
    if (pthread_create(&thread, NULL, lock_mutex, &mutex) == 0)
        pthread_join(thread, NULL);
}

// Of two opens of one file, the second waits for the first's lock.
static void wait_flock(void)
{
    int first = open("/t/flock", O_RDWR | O_CREAT, 0600), second = open("/t/flock", O_RDWR);

    if (flock(first, LOCK_EX) == 0)
        flock(second, LOCK_EX);
}

static void reap_boxes(void)
{
    for (;;) {
        struct test_box box;

        if (box_new(&box) == 0) {
            box_do(&box, "kill");
            box_wait(box.pid);
            box_do(&box, "reap");
            box_close(&box);
        }
    }
}

// Several that want the same directory at a time.
static void *contend(void *name)
{
    char path[32];

    snprintf(path, sizeof(path), "/t/%d", gettid());
    for (;;) {
        mkdir(path, 0755);
        rmdir(path);
        munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
    }
    return name;
}

static void contend_all(void)
{
    pthread_t thread;

    for (int i = 0; i < 6; i++)
        pthread_create(&thread, NULL, contend, NULL);
    contend(NULL);
}

static void rest(void)
{
    sleep_for_ever(NULL);
}

static const struct doing {
    const char *name;
    void (*run)(void);
} doings[] = {
    { "fork", fork_for_ever },    { "threads", make_threads },   { "boxes", make_boxes },
    { "exec", exec_again },       { "memory", touch_memory },    { "signals", raise_signals },
    { "stop", stop_and_continue }, { "child", wait_for_child },  { "read", read_pipe },
    { "terminal", read_terminal }, { "write", write_pipe },      { "fifo", open_fifo },
    { "poll", poll_pipe },        { "epoll", wait_epoll },       { "futex", wait_futex },
    { "sleep", sleep_long },      { "sigsuspend", wait_signal }, { "vfork", wait_vfork },
    { "lock", wait_lock },        { "contend", contend_all },    { "rest", rest },
    { "wait", read_wait_file },   { "note", read_note },         { "eventfd", read_eventfd },
    { "timerfd", read_timerfd },  { "signalfd", read_signalfd }, { "sendfile", send_to_full_pipe },
    { "select", select_pipe },    { "sigwait", await_signal },   { "pi", wait_pi_mutex },
    { "flock", wait_flock },      { "reap", reap_boxes },        { "drain", drain_terminal },
    { "suspend", suspend_child },
};

int be_victim(const char *name)
{
    for (size_t i = 0; i < sizeof(doings) / sizeof(doings[0]); i++) {
        if (strcmp(name, doings[i].name) == 0)
            doings[i].run();
    }
    return 77; // it should have been killed
}
