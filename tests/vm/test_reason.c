// SPDX-License-Identifier: MIT
// vm: smp
// test_reason.c - the reasons of docs/notes.md: the words, addresses and instructions with which a record says how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096
#define NOWHERE ((char *)0x12345678000)
#define KERNEL ((char *)0xffffffff80000000)
#define NO_ADDRESS ((char *)0x8000000000000000)

// Each faults at its first instruction, which so is at the function's own address; but breakpoint_at tells of the next.
void write_at(char *address);
void read_at(const char *address);
void divide_at(int by, int low, int high);
void dive_at(void);
void halt_at(void);
void undefined_at(void);
void breakpoint_at(void);
__asm__(".pushsection .text\n"
        "write_at: movb $1, (%rdi)\n ret\n"
        "read_at: movb (%rdi), %al\n ret\n"
        "divide_at: div %edi\n ret\n"
        "dive_at: push %rdi\n jmp dive_at\n"
        "halt_at: hlt\n ret\n"
        "undefined_at: ud2\n ret\n"
        "breakpoint_at: int3\n ret\n"
        ".popsection");

static char reason[256];

// How a child that runs run(argument) ends: sets reason and returns its status as `wait` shows it.
static long long ends(void (*run)(char *), char *argument)
{
    pid_t pid = fork();
    siginfo_t info;
    long long status;

    if (pid == 0) {
        run(argument);
        _exit(12);
    }
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    status = box_wait(pid);
    snprintf(reason, sizeof(reason), "%s", box_status(pid, "Reason"));
    CHECK(waitpid(pid, NULL, 0) == pid);
    return status;
}

// Whether the reason is what the format says, to the last byte.
static bool because(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool because(const char *format, ...)
{
    char wanted[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(wanted, sizeof(wanted), format, arguments);
    va_end(arguments);
    if (strcmp(reason, wanted) != 0)
        printf("# \"%s\" instead of \"%s\"\n", reason, wanted);
    return strcmp(reason, wanted) == 0;
}

static void do_read(char *address)
{
    read_at(address);
}

static void do_call(char *address)
{
    ((void (*)(void))(uintptr_t)address)();
}

static void do_divide(char *unused)
{
    (void)unused;
    divide_at(0, 1, 0);
}

static void do_overflow_quotient(char *unused)
{
    (void)unused;
    __asm__ volatile("call divide_at" : : "D"(1), "a"(0), "d"(1) : "memory", "cc");
}

static void do_dive(char *unused)
{
    (void)unused;
    dive_at();
}

static void do_halt(char *unused)
{
    (void)unused;
    halt_at();
}

static void do_undefined(char *unused)
{
    (void)unused;
    undefined_at();
}

static void do_breakpoint(char *unused)
{
    (void)unused;
    breakpoint_at();
}

static void do_raise(char *name)
{
    raise(name[0]);
}

static void do_return(char *unused)
{
    (void)unused;
}

static void do_take_everything(char *unused)
{
    (void)unused;
    for (;;) {
        char *memory =
            mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
            _exit(5);
        for (size_t i = 0; i < 1 << 20; i += PAGE)
            memory[i] = 1;
    }
}

static char *map(int prot, int flags, int fd)
{
    char *at = mmap(NULL, PAGE, prot, flags, fd, 0);

    CHECK(at != MAP_FAILED);
    return at;
}

CASE("a null pointer: what was tried, the address, the instruction")
{
    CHECK_EQUAL(ends(write_at, (char *)16), -SIGSEGV);
    CHECK(because("null pointer: write to address 0x10 (ip %#lx)", (unsigned long)write_at));
    CHECK_EQUAL(ends(do_read, (char *)8), -SIGSEGV);
    CHECK(because("null pointer: read of address 0x8 (ip %#lx)", (unsigned long)read_at));
    CHECK_EQUAL(ends(do_call, (char *)24), -SIGSEGV);
    CHECK(because("null pointer: execution of address 0x18 (ip 0x18)"));
}

CASE("a segfault: what is there, or what was tried, the address, the instruction")
{
    char *page = map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *closed = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

    CHECK_EQUAL(ends(write_at, page + 5), -SIGSEGV);
    CHECK(because("segfault: write to read-only page at %p (ip %#lx)", (void *)(page + 5),
                  (unsigned long)write_at));
    CHECK_EQUAL(ends(write_at, (char *)(uintptr_t)write_at), -SIGSEGV);
    CHECK(because("segfault: write to read-only page at %p (ip %#lx)", (void *)write_at,
                  (unsigned long)write_at));
    CHECK_EQUAL(ends(do_call, page), -SIGSEGV);
    CHECK(because("segfault: execute of a page without execute right at %p (ip %p)", (void *)page,
                  (void *)page));
    CHECK_EQUAL(ends(do_read, closed), -SIGSEGV);
    CHECK(because("segfault: access to a page without read right at %p (ip %#lx)", (void *)closed,
                  (unsigned long)read_at));
    CHECK_EQUAL(ends(do_read, NOWHERE), -SIGSEGV);
    CHECK(because("segfault: read of unmapped address at 0x12345678000 (ip %#lx)",
                  (unsigned long)read_at));
    CHECK_EQUAL(ends(write_at, NOWHERE), -SIGSEGV);
    CHECK(because("segfault: write to unmapped address at 0x12345678000 (ip %#lx)",
                  (unsigned long)write_at));
    CHECK_EQUAL(ends(do_call, NOWHERE), -SIGSEGV);
    CHECK(because("segfault: execution of unmapped address at 0x12345678000 (ip 0x12345678000)"));
    CHECK_EQUAL(ends(do_read, KERNEL), -SIGSEGV);
    CHECK(because("segfault: read of kernel address at 0xffffffff80000000 (ip %#lx)",
                  (unsigned long)read_at));
}

CASE("a bus error: past the end of the file, the address, the instruction")
{
    int fd = open("/tmp/empty", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char *page = map(PROT_READ, MAP_SHARED, fd);

    CHECK_EQUAL(ends(do_read, page + 7), -SIGBUS);
    CHECK(because("bus error: past the end of the file at %p (ip %#lx)", (void *)(page + 7),
                  (unsigned long)read_at));
    CHECK_EQUAL(unlink("/tmp/empty"), 0);
}

CASE("a stack overflow: an address below the stack, the instruction")
{
    unsigned long at, ip;
    char rest;

    CHECK_EQUAL(ends(do_dive, NULL), -SIGSEGV);
    CHECK_EQUAL(sscanf(reason, "stack overflow at %lx (ip %lx%c", &at, &ip, &rest), 3);
    CHECK(because("stack overflow at %#lx (ip %#lx)", at, ip));
    CHECK(ip == (unsigned long)dive_at && rest == ')');
    CHECK(at < (unsigned long)&rest &&
          at > (unsigned long)&rest - (16UL << 20)); // the limit is 8 MiB
}

CASE("other exceptions: their name and the instruction")
{
    CHECK_EQUAL(ends(do_divide, NULL), -SIGFPE);
    CHECK(
        because("division by zero or overflow of a quotient (ip %#lx)", (unsigned long)divide_at));
    CHECK_EQUAL(ends(do_overflow_quotient, NULL), -SIGFPE);
    CHECK(
        because("division by zero or overflow of a quotient (ip %#lx)", (unsigned long)divide_at));
    CHECK_EQUAL(ends(do_halt, NULL), -SIGSEGV);
    CHECK(because(
        "general protection fault: a privileged instruction, or an address that is none (ip %#lx)",
        (unsigned long)halt_at));
    CHECK_EQUAL(ends(do_read, NO_ADDRESS), -SIGSEGV);
    CHECK(because(
        "general protection fault: a privileged instruction, or an address that is none (ip %#lx)",
        (unsigned long)read_at));
    CHECK_EQUAL(ends(do_undefined, NULL), -SIGILL);
    CHECK(because("illegal instruction (ip %#lx)", (unsigned long)undefined_at));
    CHECK_EQUAL(ends(do_breakpoint, NULL), -SIGTRAP);
    CHECK(because("breakpoint (ip %#lx)", (unsigned long)breakpoint_at + 1));
}

CASE("an exit and a signal are named, the signal's note in its own words")
{
    struct test_box box;
    int fd;

    CHECK_EQUAL(ends(do_return, NULL), 12);
    CHECK(because("exited with 12"));
    CHECK_EQUAL(ends(do_raise, (char[]){ SIGTERM }), -SIGTERM);
    CHECK(because("killed by SIGTERM"));
    CHECK_EQUAL(ends(do_raise, (char[]){ SIGKILL }), -SIGKILL);
    CHECK(because("killed by SIGKILL"));
    CHECK_EQUAL(ends(do_raise, (char[]){ (char)SIGRTMIN }), -SIGRTMIN);
    CHECK(because("killed by a real-time signal"));
    CHECK(box_shell(&box, "", "exec sleep 100") == 0);
    fd = proc_open(box.pid, "note", O_WRONLY);
    CHECK_EQUAL(write(fd, "hangup the line is dead\n", 24), 24);
    close(fd);
    CHECK_EQUAL(box_wait(box.pid), -SIGHUP);
    CHECK(strcmp(box_status(box.pid, "Reason"), "hangup the line is dead") == 0);
    box_close(&box);
}

CASE("the machine's memory is full: who needs more ends, and is told so")
{
    unsigned long at;

    CHECK_EQUAL(ends(do_take_everything, NULL), -SIGKILL);
    CHECK_EQUAL(sscanf(reason, "out of memory: the machine is full (at %lx)", &at), 1);
    CHECK(because("out of memory: the machine is full (at %#lx)", at));
    CHECK(at % PAGE == 0 && at >= PAGE);
}
