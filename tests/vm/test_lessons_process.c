// SPDX-License-Identifier: MIT
// vm: smp
// test_lessons_process.c - faults of the two systems that Boxwork comes from in the life of processes,
// each as a fact that would not hold with it. tests/faults.txt says which planted fault each case finds.
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define DEPTH_MAX 32

static char before[16384];

static int wait_status(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static pid_t spawn(void (*run)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        run();
        _exit(0);
    }
    return pid;
}

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

// Starts this program in a box, to do what vmtest_command says. Returns 0 or an error.
static int program_start(struct test_box *box, const char *what, int number)
{
    return box_do(box, "bind bin /bin rx\nbind tmp /tmp rwc\nbind proc /proc rwx\n"
                       "exec /bin/test_lessons_process %s %d\nstart", what, number);
}

// --- kogata 1: the exit status was lost ---

CASE("a thousand exits with 7 are reported as 7, and a segfault as SIGSEGV")
{
    int sevens = 0;
    pid_t pid;

    for (int i = 0; i < 1000; i++) {
        pid = fork();
        if (pid == 0)
            _exit(7);
        sevens += wait_status(pid) == 7;
    }
    CHECK_EQUAL(sevens, 1000);
    pid = fork();
    if (pid == 0)
        *(volatile char *)(uintptr_t)64 = 1;
    CHECK_EQUAL(wait_status(pid), -SIGSEGV);
}

// --- kogata 2: killing a child panicked the kernel, the caller left on its page tables ---

CASE("who kills a box goes on in its own memory")
{
    static volatile char mine[8192];
    struct test_box box;

    CHECK(box_shell(&box, "", "sleep 100") == 0);
    CHECK(box_do(&box, "kill") == 0);
    for (size_t i = 0; i < sizeof(mine); i += 512)
        mine[i]++;
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
}

// --- kogata 3: killing who is busy in system calls hung ---

static void call_for_ever(void)
{
    int fds[2];
    char byte = 0;

    if (pipe(fds) < 0)
        return;
    for (;;) {
        if (write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1)
            return;
        getppid();
    }
}

CASE_LIMIT("kill returns at once though its victim is busy in system calls", 10)
{
    struct test_box box;

    CHECK(box_shell(&box, "", "while :; do read x < /dev/null; cd /; done") == 0);
    usleep(100000);
    CHECK(box_do(&box, "kill") == 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    for (int i = 0; i < 20; i++) {
        pid_t pid = spawn(call_for_ever);

        usleep(2000);
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK_EQUAL(wait_status(pid), -SIGKILL);
    }
}

// --- kogata 4: a blocked reader never saw its peer's end, nor a kill ---

CASE_LIMIT("a blocked reader sees that its peer is gone", 10)
{
    int fds[2];
    char byte;
    pid_t writer;

    CHECK(pipe(fds) == 0);
    writer = spawn(sleep_for_ever); // it holds the other end
    close(fds[1]);
    CHECK(fork() != 0 || (usleep(20000), kill(writer, SIGKILL), _exit(0), 0));
    CHECK(read(fds[0], &byte, 1) == 0);
    CHECK_EQUAL(wait_status(writer), -SIGKILL);
    CHECK(wait(NULL) > 0);
}

// Forks readers of fd 0, one of them an orphan, and ends with code.
static int leave(int code)
{
    char byte;

    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            if (i == 3 && fork() != 0)
                _exit(0);
            while (read(0, &byte, 1) != 0)
                ;
            pause();
        }
    }
    usleep(100000);
    return code;
}

static int never_written[2];

static void read_for_ever(void)
{
    char byte;

    while (read(never_written[0], &byte, 1) != 0)
        ;
}

CASE_LIMIT("a blocked reader is killed, and so its parent's end is complete", 10)
{
    struct test_box box;
    pid_t pid;

    CHECK(pipe(never_written) == 0);
    pid = spawn(read_for_ever);
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK_EQUAL(wait_status(pid), -SIGKILL);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "give %d 0", never_written[0]) == 0);
    CHECK(program_start(&box, "leave", 4) == 0);
    CHECK_EQUAL(box_wait(box.pid), 4);
    box_close(&box);
}

// --- kogata 12: deep trees recursed on the kernel stack ---

// Makes a box in a box, depth deep; the innermost says that it is there.
static int nest(int depth)
{
    struct test_box box;

    if (depth == 0) {
        int fd = open("/tmp/nested", O_CREAT | O_WRONLY, 0644);

        close(fd);
        sleep_for_ever();
    }
    if (box_new(&box) != 0 || program_start(&box, "nest", depth - 1) != 0)
        return 1;
    sleep_for_ever();
    return 0;
}

static void await_file(const char *path)
{
    for (int i = 0; i < 2000 && access(path, F_OK) != 0; i++)
        usleep(5000);
    CHECK(access(path, F_OK) == 0);
    unlink(path);
}

CASE_LIMIT("boxes in boxes, as deep as they go, end by one kill", 60)
{
    struct test_box box;
    int depth = DEPTH_MAX - 6; // those that the test is in already come on top

    CHECK(box_new(&box) == 0);
    CHECK(program_start(&box, "nest", depth) == 0);
    await_file("/tmp/nested");
    CHECK(box_do(&box, "kill") == 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
}

// --- kogata 13: a child could be attached to a dying parent ---

// Forks and makes boxes.
static int enter(int count)
{
    for (int i = 0; i < count; i++) {
        struct test_box box;

        if (spawn(sleep_for_ever) < 0 || box_new(&box) < 0)
            return 1;
    }
    return 0;
}

CASE_LIMIT("nothing enters a box whose end has begun", 20)
{
    static const char *const points[] = { "fork-link", "new-link" };
    int fd = open("/dev/kill-points", O_WRONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    for (int i = 0; i < 60; i++) {
        struct test_box box;
        char arm[64];

        CHECK(box_new(&box) == 0);
        snprintf(arm, sizeof(arm), "%d %d %s", box.pid, 2 * (i % 4 + 1), points[i % 2]);
        CHECK(write(fd, arm, strlen(arm)) == (ssize_t)strlen(arm));
        CHECK(program_start(&box, "enter", 20) == 0);
        CHECK_EQUAL(box_wait(box.pid), -9);
        CHECK(strncmp(box_status(box.pid, "Reason"), "killed at ", 10) == 0);
        box_close(&box);
    }
    close(fd);
}

// --- kogata 15: a blocking wait without children never returned ---

CASE_LIMIT("waiting without children returns at once", 5)
{
    siginfo_t info;

    CHECK(wait(NULL) < 0 && errno == ECHILD);
    CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
    CHECK(waitpid(12345, NULL, 0) < 0 && errno == ECHILD);
    CHECK(waitid(P_ALL, 0, &info, WEXITED) < 0 && errno == ECHILD);
}

// --- PatchworkOS 1: failing spawns left processes behind ---

static int count_proc(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    closedir(directory);
    return count;
}

CASE_LIMIT("a hundred failing spawns fail at once and leave nothing in /proc", 20)
{
    int count = count_proc();

    for (int i = 0; i < 100; i++) {
        struct test_box box;

        CHECK(box_new(&box) == 0);
        CHECK(box_do(&box, "bind bin /bin rx") == 0);
        CHECK_EQUAL(box_do(&box, "exec /bin/no-such-program"), -ENOENT);
        CHECK_EQUAL(box_do(&box, "start"), -ENOEXEC);
        box_discard(&box);
    }
    CHECK_EQUAL(count_proc(), count);
}

CASE_LIMIT("a process that never ran can be killed", 10)
{
    for (int i = 0; i < 50; i++) {
        struct test_box box;

        CHECK(box_new(&box) == 0 && box_do(&box, "kill") == 0);
        CHECK_EQUAL(box_wait(box.pid), -9);
        box_close(&box);
    }
}

// --- PatchworkOS 3: exits(NULL) panicked, exits(kernel address) told kernel memory ---

CASE("the text of an end is read from the program's own memory alone")
{
    static const uintptr_t addresses[] = { 0, 8, 0xffffffff80100000, 0xffffffff80200000,
                                           0xffff800000100000, 0x8000000000000000 };
    char name[32];

    // The kernel's first: where it is read, that can be seen, while page 0 ends the machine.
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        int fd = proc_open(getpid(), "note", O_WRONLY);

        CHECK(fd >= 0);
        CHECK_EQUAL(syscall(SYS_write, fd, addresses[i], 64), -1);
        CHECK_EQUAL(errno, EFAULT);
        close(fd);
        CHECK_EQUAL(syscall(SYS_prctl, 15, addresses[i], 0, 0, 0), -1); // PR_SET_NAME
        CHECK_EQUAL(errno, EFAULT);
    }
    CHECK(syscall(SYS_prctl, 16, name, 0, 0, 0) == 0); // PR_GET_NAME
    CHECK(strncmp(name, "test_lessons", 12) == 0);
}

// --- PatchworkOS 4: processes without threads that never ended ---

static void *exit_thread(void *unused)
{
    (void)unused;
    usleep(3000);
    syscall(SYS_exit, 5);
    return NULL;
}

static void leave_one_by_one(void)
{
    pthread_t thread;

    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, exit_thread, NULL);
    syscall(SYS_exit, 3);
}

CASE_LIMIT("a process ends when its last thread has left", 10)
{
    for (int i = 0; i < 10; i++)
        CHECK_EQUAL(wait_status(spawn(leave_one_by_one)), 3);
}

static void *block(void *unused)
{
    (void)unused;
    sleep_for_ever();
    return NULL;
}

static void block_five(void)
{
    pthread_t thread;

    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, block, NULL);
    sleep_for_ever();
}

CASE_LIMIT("a kill note ends a process, whatever its threads do", 10)
{
    for (int i = 0; i < 10; i++) {
        pid_t pid = spawn(block_five);
        int fd = proc_open(pid, "note", O_WRONLY);

        usleep(5000);
        CHECK(write(fd, "kill", 4) == 4);
        CHECK_EQUAL(wait_status(pid), -SIGKILL);
        close(fd);
    }
}

// --- PatchworkOS 5: a note started a suspended process, and broke it ---

CASE("a note to a suspended process waits, and arrives when it goes on")
{
    struct test_box box;
    char text[16];
    int fds[2], note;

    CHECK(pipe2(fds, O_NONBLOCK) == 0);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\ngive %d 1", fds[1]) == 0);
    CHECK(box_do(&box, "exec /bin/busybox sh -c 'trap \"echo hup\" HUP; echo on; "
                       "while :; do sleep 0.01; done'\nstart") == 0);
    for (int i = 0; i < 1000 && read(fds[0], text, 3) != 3; i++)
        usleep(5000);
    CHECK(memcmp(text, "on\n", 3) == 0);
    CHECK(box_do(&box, "suspend") == 0);
    note = proc_open(box.pid, "note", O_WRONLY);
    CHECK(write(note, "hangup", 6) == 6);
    close(note);
    usleep(200000);
    CHECK(read(fds[0], text, sizeof(text)) < 0 && errno == EAGAIN);
    CHECK(strstr(box_status(box.pid, "State"), "T") != NULL);
    CHECK(box_do(&box, "start") == 0);
    for (int i = 0; i < 1000 && read(fds[0], text, 4) != 4; i++)
        usleep(5000);
    CHECK(memcmp(text, "hup\n", 4) == 0);
    CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
    box_close(&box);
}

// --- PatchworkOS 6: fault handlers never ran ---

static sigjmp_buf after_fault;
static volatile int handled;

static void on_fault(int number)
{
    (void)number;
    handled++;
    siglongjmp(after_fault, 1);
}

static void fault_twenty_times(void)
{
    signal(SIGSEGV, on_fault);
    signal(SIGFPE, on_fault);
    for (volatile int i = 0; i < 20; i++) {
        if (sigsetjmp(after_fault, 1) != 0)
            continue;
        if (i % 2 == 0)
            *(volatile char *)(uintptr_t)64 = 1;
        else
            __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
    }
    _exit(handled);
}

CASE("handlers of faults run, twenty of twenty times")
{
    CHECK_EQUAL(wait_status(spawn(fault_twenty_times)), 20);
}

// --- PatchworkOS 8: waiters were woken before anything was freed; each exit put off the reaping ---

static void hold_something(void)
{
    char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    timer_t timer;

    memset(at, 1, 1 << 20);
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
}

CASE_LIMIT("all of a process is free when its wait returns", 30)
{
    for (int i = -2; i < 50; i++) {
        if (i == 0)
            CHECK(ledger_take(before, sizeof(before)));
        CHECK_EQUAL(wait_status(spawn(hold_something)), 0);
        CHECK(i < 0 || ledger_same(before));
    }
}

static void end_boxes_for_ever(void)
{
    for (;;) {
        struct test_box box;

        if (box_new(&box) == 0)
            box_close(&box); // never started: left to the reaper
        usleep(10000);
    }
}

CASE_LIMIT("a process is reaped while others go on ending", 10)
{
    pid_t busy = spawn(end_boxes_for_ever);

    for (int i = 0; i < 20; i++) {
        struct test_box box;

        CHECK(box_new(&box) == 0);
        box_discard(&box);
    }
    CHECK(kill(busy, SIGKILL) == 0);
    CHECK_EQUAL(wait_status(busy), -SIGKILL);
    usleep(100000); // the last box of it
}

// --- PatchworkOS 10: all processes of a name space saw and controlled each other ---

// How many numbers below end are those of a process, as the calls see it.
static int try_numbers(int end)
{
    int found = 0;

    for (int pid = 2; pid < end; pid++) {
        char path[32];

        if (pid == getpid())
            continue;
        snprintf(path, sizeof(path), "/proc/%d", pid);
        found += kill(pid, 0) == 0 || errno != ESRCH;
        found += access(path, F_OK) == 0;
        found += getsid(pid) >= 0 || errno != ESRCH;
    }
    return found;
}

CASE_LIMIT("no process outside a box can be found by trying numbers", 20)
{
    struct test_box box;
    pid_t other = spawn(sleep_for_ever);

    CHECK(other > 1 && box_new(&box) == 0);
    CHECK(program_start(&box, "try-numbers", other + 10) == 0);
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    CHECK(kill(other, SIGKILL) == 0 && wait_status(other) == -SIGKILL);
}

// --- PatchworkOS 12: orphans without anybody; no quota; 64 fds; 8 notes ---

CASE_LIMIT("children do not outlive their box, whoever of it has ended", 10)
{
    struct test_box box;
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "give %d 0\ngive %d 1", fds[0], fds[1]) == 0);
    close(fds[1]);
    CHECK(program_start(&box, "leave", 6) == 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    CHECK(read(fds[0], &byte, 1) == 0);
    box_close(&box);
    close(fds[0]);
}

// How many of count forks succeed.
static int fork_many(int count)
{
    int made = 0;

    for (int i = 0; i < count; i++)
        made += spawn(sleep_for_ever) > 0;
    return made;
}

CASE_LIMIT("a quota of ten processes is kept", 20)
{
    struct test_box box;

    CHECK(box_new(&box) == 0 && box_do(&box, "quota processes 10") == 0);
    CHECK(program_start(&box, "fork", 20) == 0);
    CHECK_EQUAL(box_wait(box.pid), 9);
    box_close(&box);
}

CASE("a thousand files are open at once, and fifty notes queue")
{
    struct rlimit limit = { 2048, 2048 };
    sigset_t set;
    int fd = -1;

    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < 1000; i++)
        fd = dup(0);
    CHECK(fd >= 1000);
    for (int i = 3; i <= fd; i++)
        close(i);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 50; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i }) == 0);
    for (int i = 0; i < 50; i++) {
        siginfo_t info;

        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == i);
    }
}

// --- PatchworkOS 13: kill went to the first thread of the list ---

CASE_LIMIT("kill ends every thread of a process", 10)
{
    for (int i = 0; i < 10; i++) {
        pid_t pid = spawn(block_five);

        usleep(5000);
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK_EQUAL(wait_status(pid), -SIGKILL);
    }
}

// --- What this program does in boxes ---

static int command(int argc, char **argv)
{
    int number = argc == 3 ? atoi(argv[2]) : -1;

    if (number < 0)
        return -1;
    if (strcmp(argv[1], "nest") == 0)
        return nest(number);
    if (strcmp(argv[1], "try-numbers") == 0)
        return try_numbers(number) != 0;
    if (strcmp(argv[1], "leave") == 0)
        return leave(number);
    if (strcmp(argv[1], "enter") == 0)
        return enter(number);
    return strcmp(argv[1], "fork") == 0 ? fork_many(number) : -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}
