// SPDX-License-Identifier: MIT
// test_attack_races.c - what a hostile program may try by doing much at a time: memory, fds, names, signals and ends of its threads and
// processes race with each other, and corrupt nothing.
// vm: smp
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096

static atomic_int stop_racing;
static char *arena;
static int shared_fd;

#define ARENA (64 * PAGE)

static void *race_maps(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed * 2654435761U;

    while (!stop_racing) {
        char *at;
        size_t size;

        state = state * 1103515245 + 12345;
        at = arena + (state >> 8) % 64 * PAGE;
        size = ((state >> 16) % 16 + 1) * PAGE;
        if (at + size > arena + ARENA)
            size = (size_t)(arena + ARENA - at);
        switch (state >> 24 & 7) {
        case 0: munmap(at, size); break;
        case 1: mprotect(at, size, PROT_READ); break;
        case 2: madvise(at, size, MADV_DONTNEED); break;
        case 3: mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, arena + (state >> 10) % 48 * PAGE); break;
        case 4: mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shared_fd, 0); break;
        case 5: if (ftruncate(shared_fd, (off_t)(state >> 12) % ARENA) != 0) abort(); break;
        default: mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
        }
    }
    return NULL;
}

// Only system calls touch the arena, so that a missing page is an error and not a signal.
static void *race_copies(void *unused)
{
    int fds[2];

    (void)unused;
    if (pipe2(fds, O_NONBLOCK) != 0)
        abort();
    while (!stop_racing) {
        for (int page = 0; page < 64; page += 3) {
            ssize_t length = write(fds[1], arena + page * PAGE, 3 * PAGE);

            if (length > 0 && read(fds[0], arena + (63 - page) * PAGE, (size_t)length) < 0 && read(fds[0], (char[3 * PAGE]){ 0 }, 3 * PAGE) < 0)
                continue;
            if (pread(shared_fd, arena + page * PAGE, PAGE, 0) > 0 && pwrite(shared_fd, arena + page * PAGE, PAGE, PAGE) < 0)
                continue;
        }
    }
    close(fds[0]);
    close(fds[1]);
    return NULL;
}

static void race_memory(void)
{
    pthread_t threads[4];

    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, i < 2 ? race_maps : race_copies, (void *)(uintptr_t)(i + 1)) != 0)
            _exit(1);
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();

        if (child == 0) {
            for (int page = 0; page < 64; page++)
                syscall(SYS_getrandom, arena + page * PAGE, 16, 0);
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
        usleep(20000);
    }
    stop_racing = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    _exit(0);
}

CASE_LIMIT("threads that map, move, cut, copy and fork at once corrupt nothing", 60)
{
    shared_fd = open("/tmp/attack.map", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(shared_fd >= 0 && unlink("/tmp/attack.map") == 0 && ftruncate(shared_fd, ARENA) == 0);
    CHECK_EQUAL(in_child(race_memory), 0);
}

static int race_set, race_pipe[2];

static void *race_fds(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed * 2654435761U;
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT }, got[8];
    char byte;

    while (!stop_racing) {
        int fd;

        state = state * 1103515245 + 12345;
        fd = 40 + (int)(state >> 8) % 8;
        switch (state >> 24 & 7) {
        case 0: close(fd); break;
        case 1: dup2(race_pipe[state >> 20 & 1], fd); break;
        case 2: dup2(race_set, fd); break;
        case 3: epoll_ctl(race_set, EPOLL_CTL_ADD, fd, &event); break;
        case 4: epoll_ctl(race_set, EPOLL_CTL_DEL, fd, &event); break;
        case 5: if (write(race_pipe[1], "x", 1) == 1 && read(race_pipe[0], &byte, 1) < 0) continue; break;
        case 6: {
            int inner = epoll_create1(EPOLL_CLOEXEC), events = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

            epoll_ctl(inner, EPOLL_CTL_ADD, events, &event);
            epoll_ctl(inner, EPOLL_CTL_ADD, race_pipe[0], &event);
            epoll_ctl(race_set, EPOLL_CTL_ADD, inner, &event);
            epoll_ctl(race_set, EPOLL_CTL_ADD, events, &event);
            close(state & 0x1000 ? inner : events);
            close(state & 0x1000 ? events : inner);
            break;
        }
        default: epoll_wait(race_set, got, 8, 0); break;
        }
    }
    return NULL;
}

static void race_descriptors(void)
{
    pthread_t threads[4];

    race_set = epoll_create1(0);
    if (race_set < 0 || pipe2(race_pipe, O_NONBLOCK) != 0)
        _exit(1);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, race_fds, (void *)(uintptr_t)(i + 1)) != 0)
            _exit(1);
    usleep(1500000);
    stop_racing = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    _exit(0);
}

CASE_LIMIT("threads that watch, close and replace the same fds corrupt nothing", 60)
{
    CHECK_EQUAL(in_child(race_descriptors), 0);
}

static void race_names(int seed)
{
    unsigned state = (unsigned)seed * 2654435761U;

    for (;;) {
        char from[64], to[64], byte[256];

        state = state * 1103515245 + 12345;
        snprintf(from, sizeof(from), "/tmp/attack.names/%u/%u", state >> 8 & 3, state >> 10 & 3);
        snprintf(to, sizeof(to), "/tmp/attack.names/%u/%u/%u", state >> 12 & 3, state >> 14 & 3, state >> 16 & 3);
        switch (state >> 24 & 7) {
        case 0: mkdir(from, 0700); break;
        case 1: rmdir(from); break;
        case 2: if (rename(from, to) != 0) continue; break;
        case 3: if (rename(to, from) != 0) continue; break;
        case 4: syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 2); break;
        case 5: if (chdir(to) != 0) continue; break;
        case 6: close(getcwd(byte, sizeof(byte)) != NULL ? open("../..", O_RDONLY) : -1); break;
        default:
            if (symlink("../../1", to) != 0 && unlink(from) != 0 && link(to, from) != 0)
                continue;
            break;
        }
    }
}

CASE_LIMIT("processes that rename a tree into itself and out of it are stopped by one kill", 60)
{
    pid_t first = 0;

    CHECK(mkdir("/tmp/attack.names", 0700) == 0);
    for (int i = 0; i < 4; i++) {
        char path[64];

        snprintf(path, sizeof(path), "/tmp/attack.names/%d", i);
        CHECK(mkdir(path, 0700) == 0);
    }
    for (int i = 0; i < 6; i++) {
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0) {
            setpgid(0, first);
            race_names(i + 1);
        }
        if (first == 0)
            first = child;
        setpgid(child, first);
    }
    usleep(1500000);
    CHECK(kill(-first, SIGKILL) == 0);
    for (int i = 0; i < 6; i++)
        CHECK(waitpid(-first, NULL, 0) > 0);
    CHECK(system("rm -rf /tmp/attack.names") == 0);
}

static void do_nothing(int number)
{
    (void)number;
}

static void storm(void)
{
    struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_NODEFER };

    for (int number = 1; number <= 64; number++)
        sigaction(number, &action, NULL);
    for (;;) {
        kill(0, SIGUSR1);
        kill(0, SIGRTMIN + 3);
        kill(0, SIGTSTP);
        kill(0, SIGCONT);
    }
}

CASE_LIMIT("a storm of signals is over with one kill of its group", 30)
{
    pid_t first = 0;

    for (int i = 0; i < 8; i++) {
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0) {
            setpgid(0, first);
            storm();
        }
        if (first == 0)
            first = child;
        setpgid(child, first);
    }
    usleep(500000);
    CHECK(kill(-first, SIGKILL) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(waitpid(-first, NULL, 0) > 0);
}

static void *exec_away(void *unused)
{
    (void)unused;
    execl("/bin/busybox", "true", NULL);
    return NULL;
}

static void race_exec(void)
{
    pthread_t thread;

    for (int i = 0; i < 3; i++)
        if (pthread_create(&thread, NULL, exec_away, NULL) != 0)
            _exit(0);
    if (getpid() & 1)
        _exit(0);
    pthread_create(&thread, NULL, race_maps, NULL);
    vfork();
    _exit(0);
}

CASE_LIMIT("several threads that exec, fork and exit at once leave one end", 60)
{
    shared_fd = open("/tmp/attack.map", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(shared_fd >= 0 && unlink("/tmp/attack.map") == 0);
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // for what vfork made in one that was killed
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();
        int status;

        CHECK(child >= 0);
        if (child == 0)
            race_exec();
        if (i % 3 == 0)
            kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child);
    }
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static void open_fifos(void)
{
    close(open("/tmp/attack.wait", O_RDONLY));
}

CASE("opens of a fifo that nobody answers end with a kill")
{
    pid_t children[50];

    CHECK(mkfifo("/tmp/attack.wait", 0600) == 0);
    for (int i = 0; i < 50; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            open_fifos();
            _exit(0);
        }
    }
    usleep(100000);
    for (int i = 0; i < 50; i++)
        CHECK(kill(children[i], SIGKILL) == 0 && waitpid(children[i], NULL, 0) == children[i]);
    CHECK(unlink("/tmp/attack.wait") == 0);
}
