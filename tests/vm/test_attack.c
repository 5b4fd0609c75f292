// SPDX-License-Identifier: MIT
// test_attack.c - what a hostile program may try against the kernel and the boxes beside it: each is refused, or costs its
// maker alone.
// vm: smp
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096
#define HOLE_MODE 3 // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE

// Processor time of this process, which depends less on what else the host does.
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// --- Frames of signal handlers ---

static void (*change)(ucontext_t *context);

static void hostile_handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    change(context);
}

static void raise_changed(void)
{
    struct sigaction action = { .sa_sigaction = hostile_handler, .sa_flags = SA_SIGINFO };

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static void rip_kernel(ucontext_t *c) { c->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff80100000; }
static void rip_hole(ucontext_t *c) { c->uc_mcontext.gregs[REG_RIP] = (greg_t)0x0000800000000000; }
static void rip_wild(ucontext_t *c) { c->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000; }
static void rsp_wild(ucontext_t *c) { c->uc_mcontext.gregs[REG_RSP] = (greg_t)0x8000000000000000; }
static void rsp_kernel(ucontext_t *c) { c->uc_mcontext.gregs[REG_RSP] = (greg_t)0xffffffff80100000; }
static void selectors(ucontext_t *c) { c->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)0x0018001800180010; }
static void flags_all(ucontext_t *c) { c->uc_mcontext.gregs[REG_EFL] = (greg_t)(-1 & ~0x500); }
static void fpu_kernel(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)0xffffffff80100000; }
static void fpu_top(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)0x7fffffffefc0; }
static void fpu_odd(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)((char *)c->uc_mcontext.fpregs + 8); }
static void fpu_mxcsr(ucontext_t *c) { memset((char *)c->uc_mcontext.fpregs + 24, 0xff, 4); }
static void fpu_header(ucontext_t *c) { memset((char *)c->uc_mcontext.fpregs + 512, 0xff, 64); }
static void fpu_compact(ucontext_t *c) { memset((char *)c->uc_mcontext.fpregs + 527, 0x80, 1); }
static void fpu_all(ucontext_t *c) { memset((char *)c->uc_mcontext.fpregs, 0xff, 464); }
static void fpu_none(ucontext_t *c) { c->uc_mcontext.fpregs = NULL; }

CASE("a hostile frame of a signal handler ends its process and nothing else")
{
    static void (*const fatal[])(ucontext_t *) = { rip_kernel, rip_hole, rip_wild, rsp_wild, rsp_kernel,
                                                   fpu_kernel, fpu_top, fpu_odd };
    static void (*const any[])(ucontext_t *) = { selectors, flags_all, fpu_mxcsr, fpu_all, fpu_header, fpu_compact, fpu_none };

    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        change = fatal[i];
        CHECK_EQUAL(in_child(raise_changed) > 0 ? 1 : (int)i + 100, 1);
    }
    for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        change = any[i];
        CHECK(in_child(raise_changed) >= 0);
    }
}

static void flags_after(void)
{
    unsigned long flags;

    raise_changed();
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    // IOPL, NT, VM, VIF, VIP off; interrupts on
    _exit((flags & 0x1a7000) != 0 || !(flags & 0x200));
}

CASE("a frame of a signal handler gives no privileged flag")
{
    change = flags_all;
    CHECK_EQUAL(in_child(flags_after), 0);
}

static void return_nowhere(void)
{
    __asm__ volatile("mov $0xffffffff80000000, %%rsp; mov $15, %%eax; syscall; hlt" : : : "memory");
}

static void return_garbage(void)
{
    static uint64_t garbage[1024];

    memset(garbage, 0xa5, sizeof(garbage));
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; hlt" : : "r"(&garbage[128]) : "memory");
}

CASE("a return from a handler that was never entered ends the process")
{
    CHECK_EQUAL(in_child(return_nowhere), SIGSEGV);
    CHECK_EQUAL(in_child(return_garbage), SIGSEGV);
}

// --- The edges of user mode ---

static volatile sig_atomic_t traps;

static void count_trap(int number)
{
    (void)number;
    traps++;
}

static void step_through_calls(void)
{
    long result = 0;

    signal(SIGTRAP, count_trap);
    for (int i = 0; i < 100; i++)
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov $39, %%eax; syscall; mov %%rax, %0; nop;"
                         "pushfq; andq $~0x100, (%%rsp); popfq"
                         : "=r"(result) : : "rax", "rcx", "r11", "memory");
    _exit(traps == 0 || result != getpid());
}

CASE("single steps through system calls trap in user mode alone")
{
    CHECK_EQUAL(in_child(step_through_calls), 0);
}

static void step_unhandled(void)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov $39, %%eax; syscall; nop; nop" : : : "rax", "rcx", "r11", "memory");
}

static void int1(void) { __asm__ volatile(".byte 0xf1"); }
static void int3(void) { __asm__ volatile("int3"); }
static void int4(void) { __asm__ volatile("int $4"); }
static void load_kernel_ss(void) { __asm__ volatile("mov $0x18, %%eax; mov %%eax, %%ss" : : : "eax"); }
static void load_ldt_fs(void) { __asm__ volatile("mov $0x7, %%eax; mov %%eax, %%fs" : : : "eax"); }
static void far_return(void) { __asm__ volatile("push $0x23; push $0; lretq"); }
static void sysenter(void) { __asm__ volatile("sysenter"); }
static void read_msr(void) { __asm__ volatile("mov $0x174, %%ecx; rdmsr" : : : "eax", "ecx", "edx"); }
static void wild_jump(void) { __asm__ volatile("mov $0x8000000000000000, %%rax; jmp *%%rax" : : : "rax"); }
static void iret_kernel(void) { __asm__ volatile("push $0x18; push $0; push $0x3202; push $0x10; push $0; iretq"); }
static void mov_ss_int3(void)
{
    __asm__ volatile("mov $0x2b, %%eax; pushfq; orq $0x100, (%%rsp); popfq; mov %%eax, %%ss; int3" : : : "eax", "memory");
}
static void mov_ss_syscall(void)
{
    __asm__ volatile("mov $0x2b, %%ecx; mov $39, %%eax; pushfq; orq $0x100, (%%rsp); popfq; mov %%ecx, %%ss; syscall; nop"
                     : : : "rax", "rcx", "r11", "memory");
}

static void (*odd)(void);

// QEMU's own CPU faults on the far return and iretq for ever, as they read the stack as the kernel would: an alarm ends that.
static void run_odd(void)
{
    alarm(1);
    odd();
}

CASE("odd instructions end their process by a signal")
{
    static void (*const bodies[])(void) = { step_unhandled, int1, int3, int4, load_kernel_ss, load_ldt_fs, far_return, sysenter,
                                            read_msr, wild_jump, iret_kernel, mov_ss_int3, mov_ss_syscall };

    for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        odd = bodies[i];
        CHECK_EQUAL(in_child(run_odd) > 0 ? 1 : (int)i + 100, 1);
    }
}

static void call_with_wild_stack(void)
{
    long result;

    for (int i = 0; i < 1000; i++)
        __asm__ volatile("mov %%rsp, %%r12; mov $0xffffffff80100000, %%rsp; mov $39, %%eax; syscall; mov %%r12, %%rsp; mov %%rax, %0"
                         : "=r"(result) : : "rax", "rcx", "r11", "r12", "memory");
    _exit(result != getpid());
}

static void signal_with_wild_stack(void)
{
    long pid = getpid();

    signal(SIGUSR1, count_trap);
    __asm__ volatile("mov $0x8000000000000000, %%rsp; mov $62, %%eax; mov $10, %%esi; syscall; hlt" : : "D"(pid) : "memory");
}

static void signal_with_no_stack(void)
{
    long pid = getpid();

    signal(SIGUSR1, count_trap);
    __asm__ volatile("mov $64, %%rsp; mov $62, %%eax; mov $10, %%esi; syscall; hlt" : : "D"(pid) : "memory");
}

CASE("a call with a stack pointer into the kernel works, and a handler has nowhere to run")
{
    CHECK_EQUAL(in_child(call_with_wild_stack), 0);
    CHECK_EQUAL(in_child(signal_with_wild_stack), SIGSEGV);
    CHECK_EQUAL(in_child(signal_with_no_stack), SIGSEGV);
}

static void call_at_the_top(void)
{
    char *last = mmap((void *)0x7fffffffe000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    if (last == MAP_FAILED)
        _exit(1);
    memcpy(last + PAGE - 2, "\x0f\x05", 2);
    if (mprotect(last, PAGE, PROT_READ | PROT_EXEC) != 0)
        _exit(1);
    __asm__ volatile("mov $39, %%eax; jmp *%0" : : "r"(last + PAGE - 2) : "rax", "rcx", "r11");
}

CASE("a system call in the last two bytes of user space returns to a fault")
{
    int end = in_child(call_at_the_top);

    CHECK(end == SIGSEGV || end == -1);
}

static void set_ac(void)
{
    char bytes[64];
    int fds[2];

    if (pipe(fds) != 0)
        _exit(1);
    __asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq" : : : "memory", "cc");
    for (int i = 0; i < 100; i++) {
        if (syscall(SYS_write, fds[1], bytes + 1, 33) != 33 || syscall(SYS_read, fds[0], bytes + 3, 33) != 33)
            _exit(2);
    }
    __asm__ volatile("pushfq; andq $~0x40000, (%%rsp); popfq" : : : "memory", "cc");
    _exit(syscall(SYS_write, fds[1], 0xffffffff80100000, 8) != -1);
}

CASE("the flag that opens user memory to the kernel has no effect on it when a program sets it")
{
    CHECK_EQUAL(in_child(set_ac), 0);
}

CASE("a thread's base register takes no address that is none")
{
    static char stack[PAGE * 4];

    for (int i = 0; i < 3; i++) {
        static const unsigned long bases[] = { 0x8000000000000000, 0x800000000000, 0xffffffff80100000 };

        CHECK(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, NULL, NULL, NULL, bases[i]) == -1 && errno == EPERM);
        CHECK(syscall(SYS_arch_prctl, 0x1002, bases[i]) == -1 && errno == EPERM);
        CHECK(syscall(SYS_arch_prctl, 0x1001, bases[i]) == -1 && errno == EPERM);
    }
    CHECK(stack[0] == 0);
}

// --- Handles that are not files ---

CASE("a handle without a file is not opened a second time by its link")
{
    struct epoll_event event = { .events = EPOLLIN };
    char path[64], byte[8];
    int fds[] = { epoll_create1(0), eventfd(0, EFD_NONBLOCK), timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
                  (int)syscall(SYS_signalfd4, -1, &(uint64_t){ 1 }, 8, 0x800), (int)syscall(SYS_pidfd_open, getpid(), 0),
                  open("/proc/self/ctl", O_RDWR), open("/proc/self/wait", O_RDONLY | O_NONBLOCK), open("/proc/self/note", O_RDONLY | O_NONBLOCK) };

    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        int again;

        CHECK(fds[i] >= 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
        again = open(path, O_RDWR | O_NONBLOCK);
        if (again < 0)
            continue;
        CHECK(read(again, byte, sizeof(byte)) < 8);
        CHECK(write(again, byte, 0) <= 0);
        epoll_ctl(fds[0], EPOLL_CTL_ADD, again, &event);
        ioctl(again, FIONREAD, byte);
        close(again);
    }
}

CASE("a handle that only names something does nothing else")
{
    int fd = open("/tmp", O_PATH), fifo, other = open("/dev/zero", O_RDWR), set = epoll_create1(0);
    struct flock lock = { .l_type = F_RDLCK };
    struct epoll_event event = { .events = EPOLLIN };
    struct iovec vector = { &lock, 8 };
    char bytes[256];

    unlink("/tmp/attack.fifo");
    CHECK(mkfifo("/tmp/attack.fifo", 0600) == 0);
    fifo = open("/tmp/attack.fifo", O_PATH);
    CHECK(fd >= 0 && fifo >= 0);
    for (int i = 0; i < 2; i++, fd = fifo) {
        CHECK(read(fd, bytes, 1) < 0 && write(fd, bytes, 1) < 0 && readv(fd, &vector, 1) < 0);
        CHECK(ioctl(fd, TCGETS, bytes) < 0 && fcntl(fd, F_SETLK, &lock) < 0 && fcntl(fd, F_SETFL, O_APPEND) < 0);
        CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
        CHECK(syscall(SYS_getdents64, fd, bytes, sizeof(bytes)) < 0 && lseek(fd, 0, SEEK_CUR) < 0);
        CHECK(ftruncate(fd, 0) < 0 && fsync(fd) < 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0);
        CHECK(syscall(SYS_sendfile, fd, other, NULL, 10) < 0 && syscall(SYS_splice, fd, NULL, other, NULL, 10, 0) < 0);
        CHECK(syscall(SYS_copy_file_range, other, NULL, fd, NULL, 10, 0) < 0);
        CHECK(syscall(SYS_fallocate, fd, 0, 0, 10) < 0 && syscall(SYS_flock, fd, 1) < 0);
    }
    unlink("/tmp/attack.fifo");
}

// --- Work without end ---

#define FAN 150
#define LEVELS 5

CASE("an event goes through sets of sets once, by however many fds they watch each other")
{
    struct epoll_event event = { .events = EPOLLIN };
    int below[2], sets[LEVELS];
    double begun;

    CHECK(pipe(below) == 0);
    for (int level = 0; level < LEVELS; level++) {
        int target = level == 0 ? below[0] : sets[level - 1];

        sets[level] = epoll_create1(EPOLL_CLOEXEC);
        CHECK(sets[level] >= 0);
        for (int i = 0; i < FAN; i++) {
            int fd = dup(target);

            if (epoll_ctl(sets[level], EPOLL_CTL_ADD, fd, &event) != 0) {
                CHECK(level == LEVELS - 1 && errno == ELOOP);
                break;
            }
        }
    }
    begun = seconds();
    CHECK(write(below[1], "x", 1) == 1);
    CHECK(epoll_wait(sets[LEVELS - 2], &event, 1, 1000) == 1);
    CHECK(epoll_wait(sets[0], &event, 1, 1000) == 1);
    CHECK_EQUAL(seconds() - begun < 2 ? 0 : (long)(seconds() - begun), 0);
}

static int sparse = -1;

static void punch(void)
{
    _exit(syscall(SYS_fallocate, sparse, HOLE_MODE, 0L, 1L << 62) != 0);
}

CASE("a hole in an endless file takes no endless time, and keeps nobody from the file")
{
    char byte = 1;

    sparse = open("/tmp/attack.sparse", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(sparse >= 0 && unlink("/tmp/attack.sparse") == 0 && ftruncate(sparse, 1L << 62) == 0);
    CHECK(pwrite(sparse, "abc", 3, 5) == 3 && pwrite(sparse, "x", 1, (1L << 61) + 7) == 1);
    CHECK_EQUAL(in_child(punch), 0);
    CHECK(pread(sparse, &byte, 1, 5) == 1 && byte == 0);
    CHECK(pread(sparse, &byte, 1, (1L << 61) + 7) == 1 && byte == 0);
    CHECK(pwrite(sparse, "abcdef", 6, PAGE - 3) == 6);
    CHECK(syscall(SYS_fallocate, sparse, HOLE_MODE, (long)PAGE - 2, 3L) == 0);
    CHECK(pread(sparse, &byte, 1, PAGE - 3) == 1 && byte == 'a');
    CHECK(pread(sparse, &byte, 1, PAGE) == 1 && byte == 0);
    CHECK(pread(sparse, &byte, 1, PAGE + 1) == 1 && byte == 'e');
    CHECK(syscall(SYS_fallocate, sparse, 0, 0L, 1L << 62) == -1 && errno == ENOSPC);
}

CASE_LIMIT("timers of a nanosecond leave the machine to others", 30)
{
    struct itimerspec fast = { { 0, 1 }, { 0, 1 } };
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    volatile unsigned long sum = 0;
    double begun = seconds();
    timer_t timer;

    for (int i = 0; i < 30; i++) {
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

        CHECK(fd >= 0 && timerfd_settime(fd, 0, &fast, NULL) == 0);
        CHECK(timer_create(CLOCK_MONOTONIC, &none, &timer) == 0 && timer_settime(timer, 0, &fast, NULL) == 0);
    }
    for (unsigned long i = 0; i < 1000000; i++)
        sum += i;
    CHECK(seconds() - begun < 15);
}

CASE("positions past every end list nothing")
{
    static const char *const paths[] = { "/", "/proc", "/proc/self/fd", "/proc/self/task", "/proc/self/env", "/proc/self/ns",
                                         "/tmp", "/dev", "/dev/pts", "/proc/sys/kernel" };
    static const long positions[] = { 1, 2, 3, 255, 256, 4095, 65535, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x1000000ff,
                                      0x17fffffff, 0x7fffffffffff, 0x7fffffff00000000, 0x7fffffffffffff00, 0x7fffffffffffffff };
    char bytes[2048];

    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int fd = open(paths[i], O_RDONLY | O_DIRECTORY);

        CHECK(fd >= 0);
        for (unsigned j = 0; j < sizeof(positions) / sizeof(positions[0]); j++) {
            if (lseek(fd, positions[j], SEEK_SET) != positions[j])
                continue;
            for (int turns = 0; turns < 50 && syscall(SYS_getdents64, fd, bytes, sizeof(bytes)) > 0; turns++)
                ;
        }
        close(fd);
    }
}

#define DEPTH 3000

CASE_LIMIT("a deep tree is walked up, named and freed without recursion", 60)
{
    static char up[4000], path[8192];
    int fd;

    CHECK(mkdir("/tmp/attack.deep", 0700) == 0 && chdir("/tmp/attack.deep") == 0);
    for (int i = 0; i < DEPTH; i++)
        CHECK(mkdir("d", 0700) == 0 && chdir("d") == 0);
    for (int i = 0; i < 1300; i++)
        memcpy(up + 3 * i, "../", 3);
    fd = open(up, O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    CHECK(getcwd(path, sizeof(path)) != NULL || errno == ENAMETOOLONG || errno == ERANGE);
    CHECK(rename("/tmp/attack.deep", "/tmp/attack.deep/d/d/x") == -1 && errno == EINVAL);
    for (int i = 0; i < DEPTH; i++)
        CHECK(chdir("..") == 0 && rmdir("d") == 0);
    CHECK(chdir("/") == 0 && rmdir("/tmp/attack.deep") == 0);
}

CASE("sizes that do not fit are refused")
{
    static struct iovec vectors[1025];
    char bytes[64];
    int fds[2];

    for (int i = 0; i < 1025; i++)
        vectors[i] = (struct iovec){ bytes, 0x7ffffffffffffff };
    CHECK(pipe2(fds, O_NONBLOCK) == 0);
    CHECK(writev(fds[1], vectors, 1025) == -1 && errno == EINVAL);
    CHECK(writev(fds[1], vectors, 1024) == -1 && (errno == EINVAL || errno == EFAULT));
    CHECK(writev(fds[1], vectors, -1) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_poll, bytes, 0xffffffffU, 0) == -1);
    CHECK(syscall(SYS_select, 0x7fffffff, bytes, NULL, NULL, &(struct timeval){ 0, 0 }) >= -1);
    CHECK(syscall(SYS_epoll_wait, epoll_create1(0), bytes, 0x7fffffff, 0) == -1 && errno == EINVAL);
    CHECK(mmap(NULL, 0xffffffffffffff00, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK(mmap((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    CHECK(mremap(bytes, PAGE, 0xffffffffffff0000, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(syscall(SYS_getrandom, 0x7ffffffff000, 1L << 40, 0) == -1);
    CHECK(syscall(SYS_setgroups, 0x7fffffff, bytes) == -1);
    CHECK(syscall(SYS_process_vm_readv, getpid(), vectors, 1024, vectors, 1024, 0) == -1);
}

// --- Terminals ---

static int pty_master(char *slave, size_t size)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), number, unlock = 0;

    CHECK(master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    snprintf(slave, size, "/dev/pts/%d", number);
    return master;
}

CASE("a slave that could not be opened does not count as open")
{
    char path[32], byte;
    int master = pty_master(path, sizeof(path)), slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

    CHECK(slave >= 0 && ioctl(slave, TIOCEXCL) == 0);
    CHECK(open(path, O_RDWR | O_NOCTTY) == -1 && errno == EBUSY);
    close(slave);
    alarm(5);
    CHECK(read(master, &byte, 1) == -1 && errno == EIO);
    alarm(0);
}

CASE("terminals are numbered in each box for itself")
{
    struct test_box box;
    char path[32];
    int master = pty_master(path, sizeof(path));

    CHECK(strcmp(path, "/dev/pts/0") == 0);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nbind proc /proc rwx\nbind dev /dev rwc\n"
                       "exec /bin/test_attack pty-number\nstart") == 0);
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    close(master);
}

// As the head of a box whose fd 3 is a directory within the maker's tree, 4 a file of it open for reading and 5 the same file
// for writing. Returns: the number of the first thing that went too far.
static int escape(void)
{
    static const char *const ways[] = { "../..", "../../attack.secret", "out", "out/attack.secret", "up", "up/attack.secret",
                                        "in/../../attack.secret", "in/../../../attack.secret" };
    struct stat here, there;
    char path[128];

    if (fstat(3, &here) != 0 || fstatat(3, "..", &there, 0) != 0 || here.st_ino != there.st_ino)
        return 1;
    if (fchdir(3) != 0 || stat("../../..", &there) != 0 || here.st_ino != there.st_ino)
        return 2;
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        snprintf(path, sizeof(path), "/proc/self/fd/3/%s", ways[i]);
        if ((stat(ways[i], &there) == 0 && there.st_ino != here.st_ino) || (stat(path, &there) == 0 && there.st_ino != here.st_ino))
            return 10 + (int)i;
    }
    if (open("/proc/self/fd/4", O_RDWR) >= 0 || open("/proc/self/fd/4", O_RDONLY | O_TRUNC) >= 0 || open("/proc/self/fd/5", O_RDONLY) >= 0)
        return 30;
    if (mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, 4, 0) != MAP_FAILED || mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 4, 0) != MAP_FAILED)
        return 31;
    if (ftruncate(4, 0) == 0 || fchmod(4, 0777) == 0 || fchown(4, 5, 5) == 0 || futimens(4, NULL) == 0)
        return 32;
    if (linkat(AT_FDCWD, "/proc/self/fd/4", 3, "linked", AT_SYMLINK_FOLLOW) == 0 || linkat(4, "", 3, "linked", AT_EMPTY_PATH) == 0)
        return 33;
    if (unlinkat(3, "file", 0) == 0 || renameat(3, "file", 3, "moved") == 0 || mkdirat(3, "made", 0700) == 0 ||
        openat(3, "file", O_WRONLY) >= 0 || openat(3, "made", O_RDONLY | O_CREAT, 0600) >= 0)
        return 34;
    if (fcntl(5, F_SETFL, 0) != 0 || !(fcntl(5, F_GETFL) & O_APPEND) || read(5, path, 1) >= 0)
        return 35;
    if (syscall(SYS_execveat, 4, "", (char *[]){ "x", NULL }, NULL, 0x1000) == 0)
        return 36;
    return 0;
}

CASE("handles that a box was given lead nowhere else, and do no more than they were opened for")
{
    struct test_box box;
    int secret = open("/tmp/attack.secret", O_CREAT | O_WRONLY, 0600), directory, reads, appends;

    CHECK(secret >= 0 && mkdir("/tmp/attack.given", 0700) == 0 && mkdir("/tmp/attack.given/in", 0700) == 0);
    CHECK(symlink("/tmp", "/tmp/attack.given/out") == 0 && symlink("..", "/tmp/attack.given/up") == 0);
    close(open("/tmp/attack.given/file", O_CREAT | O_WRONLY, 0755));
    directory = open("/tmp/attack.given", O_RDONLY | O_DIRECTORY);
    reads = open("/tmp/attack.given/file", O_RDONLY);
    appends = open("/tmp/attack.given/file", O_WRONLY | O_APPEND);
    CHECK(directory >= 0 && reads >= 0 && appends >= 0);
    CHECK(box_new(&box) == 0);
    CHECK(box_do(&box, "bind bin /bin rx\nbind proc /proc rwx\ngive %d 3 r\ngive %d 4 r\ngive %d 5 w\n"
                       "exec /bin/test_attack escape\nstart", directory, reads, appends) == 0);
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    CHECK(system("rm -rf /tmp/attack.given /tmp/attack.secret") == 0);
}

static int command(int argc, char **argv)
{
    int master, number = -1;

    if (argc == 2 && strcmp(argv[1], "escape") == 0)
        return escape();
    if (argc != 2 || strcmp(argv[1], "pty-number") != 0)
        return -1;
    master = open("/dev/ptmx", O_RDWR);
    if (master < 0 || ioctl(master, TIOCGPTN, &number) != 0)
        return 99;
    return number;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}
