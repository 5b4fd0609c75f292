// SPDX-License-Identifier: MIT
// main.c - the start of the kernel, level by level.
//
// Each level says what may be used from there on. The boot CPU's first thread becomes its idle
// thread, which may not sleep; so whatever may sleep runs in the kernel thread "init".

#include <string.h>

#include "kernel/dev/counters.h"
#include "kernel/dev/kill_points.h"
#include "kernel/dev/process_interface.h"
#include "kernel/dev/ledger_device.h"
#include "kernel/dev/pty.h"
#include "kernel/dev/tty.h"
#include "kernel/dev/uart.h"
#include "kernel/dev/virtio.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/init/init.h"
#include "kernel/ipc/epoll.h"
#include "kernel/ipc/futex.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/mem/frame.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/sched/sched.h"
#include "kernel/sys/calls.h"
#include "kernel/vfs/handle.h"
#include "lib/base/fmt.h"

#define PATH_SIZE 256

// What user mode enters the kernel for.
static const struct trap_handlers trap_handlers = {
    .syscall = sys_dispatch,
    .page_fault = process_page_fault,
    .exception = process_exception,
    .return_to_user = note_return_to_user,
    .timer = sched_timer_interrupt,
    .reschedule = sched_reschedule_interrupt,
};

// "loglevel=N" chooses which lines appear on the serial port; all are in the ring.
static void init_log(void)
{
    char text[8];
    uint64_t level = LOG_INFO;

    if (boot_option("loglevel", text, sizeof(text)) &&
        fmt_parse_u64(text, strlen(text), LOG_DEBUG, &level) != 0)
        log_warning("loglevel is not a number up to %u: %s", LOG_DEBUG, text);
    if (uart_init())
        uart_add_log_sink((enum log_level)level);
}

// Every other CPU.
static void cpu_entry(void)
{
    sched_init_cpu();
    arch_irq_enable();
    sched_idle();
}

// "init=PATH" chooses the first program.
static void start_first_program(void)
{
    static char path[PATH_SIZE] = "/sbin/init";
    static const char *const environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/",
                                               "TERM=linux", NULL };
    const char *const arguments[] = { path, NULL };
    int error;

    (void)boot_option("init", path, sizeof(path));
    error = process_start_init(path, arguments, environment);
    if (error != 0)
        panic("the first program, %s, does not start: error %d", path, -error);
}

// Until the stack's guard page, and the double fault that follows, which has a stack of its own.
static NOINLINE unsigned fill_stack(unsigned depth)
{
    volatile unsigned here[64] = { depth };

    return depth == UINT32_MAX ? 0 : fill_stack(depth + 1) + here[0];
}

// Faults that the launcher must notice, and guards that must hold: what is not to be written, run,
// or there at all.
static void fail_as_planted(void)
{
    static volatile uint8_t ret = 0xc3;

    if (planted("panic"))
        panic("planted on purpose");
    while (planted("hang"))
        arch_irq_disable();
    if (planted("write-text"))
        *(volatile uint8_t *)(uintptr_t)kernel_main = ret;
    if (planted("run-data"))
        ((void (*)(void))(uintptr_t)&ret)();
    if (planted("read-null"))
        (void)*(volatile uint8_t *)(uintptr_t)(ret - 0xc3); // NOLINT(clang-analyzer-core.*)
    if (planted("stack-overflow"))
        (void)fill_stack(0);
}

static void init_thread(void *argument)
{
    (void)argument;
    // Files: nodes, handles, walks; what threads wait on besides.
    vfs_init();
    ramfs_init();
    futex_init();
    epoll_init();
    // Devices: from here on drivers add nodes to /dev.
    devfs_init();
    tty_init_devices();
    pty_init_devices();
    uart_tty_init();
    ledger_init_device();
    counters_init_devices();
#ifdef BOXWORK_DEBUG
    kill_points_init_device();
    process_interface_init_device();
#endif
    virtio_init_devices();
    // Processes: the thread that ends boxes; /proc.
    process_reaper_init();
    process_procfs_init();
    // Programs: the outermost box has its names, and its head starts.
    init_names();
    fail_as_planted();
    start_first_program();
}

void kernel_main(void)
{
    // The machine stands: traps are reported, time runs, memory is boot_info.ram. Interrupts are
    // off.
    init_log();
    log_info("boxwork: %u MiB by %s, %u CPUs", (unsigned)(boot_ram_size() >> 20), boot_info.path,
             arch_cpu_count());
    // Memory: frame_alloc, slab_alloc, kmalloc.
    frames_init();
    // Threads: thread_current is this one; others may be made, and run once this one idles.
    sched_init();
    arch_set_trap_handlers(&trap_handlers);
    // Interrupts, so timers, devices and TLB shootdowns.
    arch_irq_enable();
    // All CPUs run threads.
    arch_cpus_start(cpu_entry);
    if (thread_create_kernel("init", init_thread, NULL) != 0)
        panic("no memory for the first thread");
    sched_idle();
}
