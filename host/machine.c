// SPDX-License-Identifier: MIT
// machine.c - the machine that a run has for itself: QEMU, as a child, with nothing on disk.
//
// QEMU gets all it reads and writes as open descriptors: the archive is a file without a name, each
// port one end of a pair of sockets. It dies with us (PR_SET_PDEATHSIG), and leads a session of its
// own, so the terminal's signals do not reach it.

#include "host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/report.h"

#define ARGUMENTS_MAX 128

static const char *const port_names[PORT_COUNT] = {
    [PORT_STDIN] = "stdin", [PORT_STDOUT] = "stdout",   [PORT_STDERR] = "stderr",
    [PORT_TTY] = "tty",     [PORT_CONTROL] = "control", [PORT_PING] = "ping",
    [PORT_LOG] = "log",
};

struct arguments {
    char *words[ARGUMENTS_MAX];
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *arguments,
                                                      const char *format, ...)
{
    va_list values;

    va_start(values, format);
    if (arguments->count == ARGUMENTS_MAX - 1 ||
        vasprintf(&arguments->words[arguments->count++], format, values) < 0)
        fail(EXIT_FAILED, "out of memory");
    va_end(values);
    arguments->words[arguments->count] = NULL;
}

// /dev/kvm alone says nothing: without the processor's own support a kernel under KVM is far slower
// than under TCG.
static bool can_use_kvm(void)
{
    FILE *info = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool able = false;

    while (info != NULL && !able && fgets(line, sizeof(line), info) != NULL)
        able = strncmp(line, "flags", 5) == 0 &&
               (strstr(line, " vmx") != NULL || strstr(line, " svm") != NULL);
    if (info != NULL)
        fclose(info);
    return able && access("/dev/kvm", R_OK | W_OK) == 0;
}

static bool is_microvm(const struct options *options)
{
    return strcmp(options->machine, "microvm") == 0;
}

// Exact: a nanosecond is an instruction, the CPUs run in turn, and sleep passes at once.
static void add_accelerator(struct arguments *arguments, const struct options *options)
{
    add(arguments, "-accel");
    add(arguments, "%s", can_use_kvm() && !options->exact ? "kvm" : "tcg");
    if (!options->exact)
        return;
    add(arguments, "-icount");
    add(arguments, "shift=0,sleep=off");
    add(arguments, "-rtc");
    add(arguments, "clock=vm");
}

static void add_machine(struct arguments *arguments, const struct options *options)
{
    add(arguments, "%s", options->qemu);
    add(arguments, "-M");
    // Firmware that offers boot devices is not needed: the kernel is loaded directly.
    add(arguments, "%s",
        is_microvm(options) ? "microvm,acpi=on,auto-kernel-cmdline=off" : options->machine);
    add_accelerator(arguments, options);
    add(arguments, "-cpu");
    add(arguments, "max");
    add(arguments, "-smp");
    add(arguments, "%u", options->cpus);
    add(arguments, "-m");
    add(arguments, "%lluk", (unsigned long long)(options->memory >> 10));
    add(arguments, "-nodefaults");
    add(arguments, "-no-user-config");
    add(arguments, "-no-reboot");
    add(arguments, "-display");
    add(arguments, "none");
    add(arguments, "-sandbox");
    add(arguments, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    add(arguments, "-device");
    add(arguments, "isa-debug-exit,iobase=0xf4,iosize=4");
}

static void add_kernel(struct arguments *arguments, const struct options *options,
                       const char *kernel, int archive)
{
    // Each character on the serial line costs time, so without a reader only errors go there.
    const char *level = options->log != NULL || options->command == COMMAND_BOOT ? "6" : "3";

    if (options->bios != NULL) {
        add(arguments, "-bios");
        add(arguments, "%s", options->bios);
    }
    if (options->cdrom != NULL) {
        add(arguments, "-cdrom"); // has its own kernel and job
        add(arguments, "%s", options->cdrom);
        return;
    }
    add(arguments, "-kernel");
    add(arguments, "%s", kernel);
    add(arguments, "-initrd");
    add(arguments, "/proc/self/fd/%d", archive);
    add(arguments, "-append");
    // The kernel takes the first of two options of a name.
    add(arguments, "%s%sloglevel=%s%s", options->append != NULL ? options->append : "",
        options->append != NULL ? " " : "", level, options->exact ? " exact" : "");
}

static void add_ports(struct arguments *arguments, const struct options *options,
                      const int ports[PORT_COUNT])
{
    add(arguments, "-global");
    add(arguments, "virtio-mmio.force-legacy=false");
    add(arguments, "-device");
    add(arguments, "%s,max_ports=8",
        is_microvm(options) ? "virtio-serial-device" : "virtio-serial-pci,disable-legacy=on");
    for (int port = 0; port < PORT_COUNT; port++) {
        const char *name = port_names[port];

        if (ports[port] < 0)
            continue;
        add(arguments, "-chardev");
        if (port == PORT_LOG)
            add(arguments, "file,id=%s,path=/proc/self/fd/%d", name, ports[port]);
        else
            add(arguments, "socket,id=%s,fd=%d", name, ports[port]);
        add(arguments, port == PORT_LOG ? "-serial" : "-device");
        if (port == PORT_LOG)
            add(arguments, "chardev:%s", name);
        else
            add(arguments, "virtserialport,chardev=%s,name=%s,nr=%d", name, name, port + 1);
    }
}

static bool is_used(const struct options *options, int port)
{
    if (port == PORT_STDIN || port == PORT_STDOUT || port == PORT_STDERR)
        return !options->terminal;
    return port != PORT_TTY || options->terminal;
}

// The log only comes out, byte by byte: a pipe holds as many as it has room for, a socket, which
// keeps each by itself, a few hundred, and then the serial line loses bytes if we are slow.
static int make_pair(int port, int pair[2])
{
    return port == PORT_LOG ? pipe2(pair, O_CLOEXEC)
                            : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

// Pairs of descriptors: ours are left non-blocking and closed on exec, theirs are QEMU's.
static void make_ports(struct machine *machine, const struct options *options,
                       int theirs[PORT_COUNT])
{
    for (int port = 0; port < PORT_COUNT; port++) {
        int pair[2] = { -1, -1 };

        if (is_used(options, port) && make_pair(port, pair) != 0)
            fail(EXIT_FAILED, "no descriptors for the machine's ports: %s", strerror(errno));
        machine->ports[port] = pair[0];
        theirs[port] = pair[1];
        if (pair[0] >= 0)
            fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
}

static void keep_open(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

__attribute__((noreturn)) static void become(struct arguments *arguments)
{
    execvp(arguments->words[0], arguments->words);
    dprintf(STDERR_FILENO, "%s: %s\n", arguments->words[0], strerror(errno));
    _exit(EXIT_FAILED);
}

__attribute__((noreturn)) static void run_child(struct arguments *arguments, pid_t parent,
                                                int errors, const int ports[PORT_COUNT],
                                                int archive)
{
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILED);
    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    for (int port = 0; port < PORT_COUNT; port++)
        keep_open(ports[port]);
    keep_open(archive);
    become(arguments);
}

void machine_start(struct machine *machine, const struct options *options, const char *kernel,
                   int archive)
{
    struct arguments arguments = { .count = 0 };
    int theirs[PORT_COUNT], errors[2];
    pid_t parent = getpid();

    make_ports(machine, options, theirs);
    if (pipe2(errors, O_CLOEXEC) != 0)
        fail(EXIT_FAILED, "no pipe for the machine: %s", strerror(errno));
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    add_machine(&arguments, options);
    add_kernel(&arguments, options, kernel, archive);
    add_ports(&arguments, options, theirs);
    machine->errors = errors[0];
    machine->pid = fork();
    if (machine->pid < 0)
        fail(EXIT_FAILED, "no process for the machine: %s", strerror(errno));
    if (machine->pid == 0)
        run_child(&arguments, parent, errors[1], theirs, archive);
    for (int port = 0; port < PORT_COUNT; port++) {
        if (theirs[port] >= 0)
            close(theirs[port]);
    }
    close(errors[1]);
    close(archive);
}

void machine_become(const struct options *options, const char *kernel, int archive)
{
    struct arguments arguments = { .count = 0 };

    add_machine(&arguments, options);
    add_kernel(&arguments, options, kernel, archive);
    add(&arguments, "-chardev");
    add(&arguments, "stdio,id=log,signal=off");
    add(&arguments, "-serial");
    add(&arguments, "chardev:log");
    keep_open(archive);
    become(&arguments);
}
