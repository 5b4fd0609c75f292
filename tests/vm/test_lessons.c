// SPDX-License-Identifier: MIT
// vm: smp -m 512M
// test_lessons.c - faults of the two systems that Boxwork comes from, each as a fact that would not hold with it.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096

static int file_of(size_t size)
{
    int fd = open("/tmp/lesson", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    unlink("/tmp/lesson");
    return fd;
}

// --- kogata 5: end of file kept a lock; touching a map past the end hung the kernel ---

CASE("reading at end of file does not keep the file from others")
{
    int fd = file_of(10);
    char byte;

    CHECK(pread(fd, &byte, 1, 10) == 0);
    CHECK(pread(fd, &byte, 1, 1 << 20) == 0);
    CHECK(pwrite(fd, "x", 1, 10) == 1 && pread(fd, &byte, 1, 10) == 1);
}

static volatile char *past_end;

static void touch_past_end(void)
{
    *past_end = 1;
}

CASE("touching a map past the end of its file is SIGBUS")
{
    int fd = file_of(100);

    past_end = (char *)mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) + PAGE;
    CHECK(in_child(touch_past_end) == SIGBUS);
    CHECK(ftruncate(fd, 2 * PAGE) == 0);
    CHECK(in_child(touch_past_end) == 0);
    CHECK(ftruncate(fd, 100) == 0);
    CHECK(in_child(touch_past_end) == SIGBUS);
}

// --- kogata 6: user space could panic the kernel ---

static void interrupt_14(void) { __asm__ volatile("int $14"); }
static void interrupt_8(void) { __asm__ volatile("int $8"); }
static void interrupt_2(void) { __asm__ volatile("int $2"); }
static void interrupt_80(void) { __asm__ volatile("int $0x80"); }
static void interrupt_240(void) { __asm__ volatile("int $0xf0"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void in_port(void) { __asm__ volatile("inb $0x60, %%al" : : : "al"); }
static void kernel_read(void) { (void)*(volatile char *)0xffffffff80100000; }
static void kernel_jump(void) { ((void (*)(void))0xffffffff80100000)(); }
static char table[10];
static void descriptor_table(void) { __asm__ volatile("sgdt %0" : "=m"(table)); }
static void odd_address(void) { (void)*(volatile char *)0x8000000000000000; }
static void divide(void) { __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx"); }
static void invalid(void) { __asm__ volatile("ud2"); }

CASE("software interrupts and privileged instructions are signals")
{
    CHECK_EQUAL(in_child(interrupt_14), SIGSEGV);
    CHECK_EQUAL(in_child(interrupt_8), SIGSEGV);
    CHECK_EQUAL(in_child(interrupt_2), SIGSEGV);
    CHECK_EQUAL(in_child(interrupt_80), SIGSEGV);
    CHECK_EQUAL(in_child(interrupt_240), SIGSEGV);
    CHECK_EQUAL(in_child(halt), SIGSEGV);
    CHECK_EQUAL(in_child(in_port), SIGSEGV);
    CHECK_EQUAL(in_child(kernel_read), SIGSEGV);
    CHECK_EQUAL(in_child(kernel_jump), SIGSEGV);
    CHECK_EQUAL(in_child(descriptor_table), SIGSEGV);
    CHECK_EQUAL(in_child(odd_address), SIGSEGV);
    CHECK_EQUAL(in_child(divide), SIGFPE);
    CHECK_EQUAL(in_child(invalid), SIGILL);
}

CASE("a buffer in page 0, in the kernel or across its border is EFAULT")
{
    static const uintptr_t bad[] = { 0, 8, 0x7ffffffff000, 0xffff800000000000, 0xffffffff80100000, UINTPTR_MAX - 8 };
    int fd = file_of(PAGE);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(syscall(SYS_read, fd, bad[i], 64), -1);
        CHECK_EQUAL(errno, EFAULT);
        CHECK_EQUAL(syscall(SYS_write, fd, bad[i], 64), -1);
        CHECK_EQUAL(errno, EFAULT);
        CHECK_EQUAL(syscall(SYS_stat, bad[i], bad[i]), -1);
        CHECK_EQUAL(errno, EFAULT);
        CHECK_EQUAL(syscall(SYS_pipe2, bad[i], 0), -1);
        CHECK_EQUAL(errno, EFAULT);
    }
}

CASE("a name still in use can be unbound, and what is open stays open")
{
    struct test_box box;

    mkdir("/tmp/used", 0755);
    CHECK(box_shell(&box, "bind used /tmp/used rwc\n",
                    "exec 5> /used/f; echo ready > /used/ready; while [ -e /used/ready ]; do sleep 0.01; done; "
                    "echo alive >&5 && [ ! -e /used ] && exit 3") == 0);
    for (int i = 0; i < 1000 && access("/tmp/used/ready", F_OK) != 0; i++)
        usleep(5000);
    CHECK(box_do(&box, "unbind used") == 0);
    unlink("/tmp/used/ready");
    CHECK_EQUAL(box_wait(box.pid), 3);
    box_close(&box);
    unlink("/tmp/used/f");
    rmdir("/tmp/used");
}

// --- kogata 7: rename inside one directory hung ---

CASE("rename within a directory works, also onto itself and while others rename")
{
    mkdir("/tmp/ren", 0755);
    close(open("/tmp/ren/a", O_CREAT | O_WRONLY, 0644));
    CHECK(rename("/tmp/ren/a", "/tmp/ren/b") == 0);
    CHECK(rename("/tmp/ren/b", "/tmp/ren/b") == 0);
    for (int child = 0; child < 4; child++) {
        if (fork() == 0) {
            for (int i = 0; i < 500; i++) {
                rename("/tmp/ren/b", "/tmp/ren/c");
                rename("/tmp/ren/c", "/tmp/ren/b");
            }
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    CHECK(access("/tmp/ren/b", F_OK) == 0 || access("/tmp/ren/c", F_OK) == 0);
    unlink("/tmp/ren/b");
    unlink("/tmp/ren/c");
    CHECK(rmdir("/tmp/ren") == 0);
}

// --- kogata 9: out of memory looped for ever ---

static void take_everything(void)
{
    for (;;) {
        char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
            _exit(5);
        for (size_t i = 0; i < 1 << 20; i += PAGE)
            memory[i] = 1;
    }
}

// test_lessons take-everything: what it says, in a box.
static int command(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "take-everything") == 0)
        take_everything();
    return -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}

CASE("a box that takes all of its memory ends, and says which account was full")
{
    struct test_box box;
    char reason[64];

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nquota memory 4M\nexec /bin/test_lessons take-everything\nstart"), 0);
    CHECK_EQUAL(box_wait(box.pid), -SIGKILL);
    snprintf(reason, sizeof(reason), "memory quota of box %d is full (at 0x", box.pid);
    CHECK(strncmp(box_status(box.pid, "Reason"), reason, strlen(reason)) == 0);
    box_close(&box);
}

CASE("a program that takes all memory of the machine ends, and the machine goes on")
{
    int ended = in_child(take_everything);

    CHECK(ended == SIGKILL || ended == SIGSEGV || ended == SIGBUS || ended == -5);
}

// --- kogata 10: modes not enforced; a probe's length could wrap ---

static char *read_only;

static void write_read_only(void)
{
    *read_only = 1;
}

CASE("read-only memory cannot be written by the program, nor by a system call for it")
{
    int fd = file_of(PAGE);

    read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(in_child(write_read_only) == SIGSEGV);
    CHECK(read(fd, read_only, 16) < 0 && errno == EFAULT);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open("/bin/busybox", O_RDONLY), 0) == MAP_FAILED);
}

CASE("lengths that wrap around are refused")
{
    int fd = file_of(PAGE);
    static char buffer[PAGE];

    CHECK(syscall(SYS_write, fd, buffer, (size_t)-1) < 0 && errno == EFAULT);
    CHECK_EQUAL(pwrite(fd, "x", 1, 0), 1);
    CHECK(syscall(SYS_read, fd, buffer, SIZE_MAX - (uintptr_t)buffer + 10) < 0 && errno == EFAULT);
    CHECK(mmap(NULL, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(syscall(SYS_munmap, (uintptr_t)buffer & ~(uintptr_t)(PAGE - 1), -(long)PAGE) < 0 && errno == EINVAL);
    CHECK(syscall(SYS_mprotect, 0x400000, (size_t)-PAGE, PROT_READ) < 0);
    CHECK(pwrite(fd, "x", 1, INT64_MAX) < 0);
}

// --- kogata 11: overlap checked at the start only; page 0 could be mapped ---

CASE("page 0 cannot be mapped, and a fixed map replaces whatever it overlaps")
{
    char *area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    CHECK(munmap(area, 4 * PAGE) == 0);
    memset(area + 4 * PAGE, 1, 4 * PAGE);
    CHECK(mmap(area, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
    CHECK(area[5 * PAGE] == 0 && area[6 * PAGE] == 1);
#ifdef MAP_FIXED_NOREPLACE
    CHECK(mmap(area - PAGE, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
    CHECK(errno == EEXIST);
#endif
    CHECK(mmap((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
}

// --- PatchworkOS 2: a number past the table called garbage ---

static long call_number(long number)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(0), "S"(0), "d"(0) : "rcx", "r11", "memory");
    return result;
}

CASE("system calls that do not exist are ENOSYS")
{
    static const long numbers[] = { 335, 4096, 65536, INT32_MAX, INT32_MIN, -1, INT64_MAX };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK_EQUAL(call_number(numbers[i]), -ENOSYS);
    // The table ends below.
    for (long number = 463; number < 2048; number++)
        CHECK_EQUAL(call_number(number), -ENOSYS);
    // As on Linux, the upper half says nothing.
    CHECK_EQUAL(call_number(INT64_MIN | SYS_getpid), getpid());
}

// --- PatchworkOS 7: spawning and threads leaked; the dead kept pages ---

CASE_LIMIT("a thousand programs started and waited for leave nothing, at once", 120)
{
    static char before[16384];

    for (int i = -1; i < 1000; i++) {
        pid_t child;
        int status;

        if (i == 0) // the first one touched what this process needs for it
            CHECK(ledger_take(before, sizeof(before)));
        child = vfork();

        if (child == 0) {
            execl("/bin/busybox", "true", NULL);
            _exit(99);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
        CHECK(i <= 0 || i % 100 != 0 || ledger_same(before));
    }
    CHECK(ledger_same(before));
}

// --- PatchworkOS 9: thousands of processes panicked it ---

CASE_LIMIT("a fork bomb of 500 is ended by one kill, and nothing is left", 60)
{
    static char before[16384];
    struct test_box box;
    char text[512];
    int processes = 0;

    CHECK(box_shell(&box, "", "exit 0") == 0);
    CHECK(proc_read(box.pid, "wait", text, sizeof(text)) > 0 && proc_read(getpid(), "quota", text, sizeof(text)) > 0);
    box_close(&box);
    CHECK(ledger_take(before, sizeof(before)));
    CHECK(box_shell(&box, "quota processes 500\n", "f() { f | f & f; }; (f 2>/dev/null) & exec sleep 100") == 0);
    for (int i = 0; i < 3000 && processes < 480; i++) {
        CHECK(proc_read(box.pid, "quota", text, sizeof(text)) > 0);
        processes = atoi(strstr(text, "processes ") + strlen("processes "));
        usleep(10000);
    }
    CHECK(processes >= 480);
    CHECK(box_do(&box, "kill") == 0);
    CHECK(proc_read(box.pid, "wait", text, sizeof(text)) > 0);
    box_close(&box);
    CHECK(ledger_same(before));
}

CASE_LIMIT("three thousand sleeping children have room in 512 MiB, and all are reaped", 120)
{
    int made = 0, reaped = 0;
    pid_t group = 0;

    for (int i = 0; i < 3000; i++) {
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0) {
            pause();
            _exit(0);
        }
        if (group == 0)
            group = child;
        setpgid(child, group);
        made++;
    }
    CHECK(kill(-group, SIGKILL) == 0);
    while (wait(NULL) > 0)
        reaped++;
    CHECK_EQUAL(reaped, made);
}
