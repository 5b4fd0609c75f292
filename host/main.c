// SPDX-License-Identifier: MIT
// main.c - boxwork: runs a program in a box of a machine of its own.
//
// The images are looked for beside the launcher: build/host/boxwork takes build/boxwork.elf and
// build/boot.cpio.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/archive.h"
#include "host/kernel_log.h"
#include "host/machine.h"
#include "host/options.h"
#include "host/report.h"
#include "host/session.h"
#include "host/terminal.h"

// A descriptor of 0 to 2 that is closed would be the number of the next file that we open, which
// the program would then read or write in its place.
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        // The lowest free number is fd: those below it are open by now.
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            _exit(EXIT_FAILED);
    }
}

// build/NAME, where build/host has the launcher.
static const char *image(const char *name)
{
    char self[4096], *path = NULL;
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length < 0)
        fail(EXIT_FAILED, "/proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(self, '/');

        if (slash != NULL)
            *slash = '\0';
    }
    if (asprintf(&path, "%s/%s", self, name) < 0)
        fail(EXIT_FAILED, "out of memory");
    return path;
}

// A shell is a program like others, with a terminal if we have one.
static void choose_shell(struct options *options)
{
    static char *words[] = { "sh", NULL, NULL };

    options->interactive = true;
    options->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    words[1] = options->terminal ? "-l" : NULL;
    options->program = words;
}

int main(int argc, char **argv)
{
    static struct options options;
    static struct program program;
    struct archive archive;
    struct machine machine;
    const char *kernel;

    (void)argc;
    open_standard_streams();
    options_read(&options, argv);
    kernel = options.kernel != NULL ? options.kernel : image("boxwork.elf");
    if (access(kernel, R_OK) != 0)
        fail(EXIT_FAILED, "%s: %s (make builds it)", kernel, strerror(errno));
    archive_open(&archive, options.archive != NULL ? options.archive : image("boot.cpio"));
    if (options.command == COMMAND_BOOT)
        machine_become(&options, kernel, archive_compose(&archive, NULL, &options));
    if (options.command == COMMAND_SHELL)
        choose_shell(&options);
    session_block_signals();
    // Before anything that takes time: what is typed from now on is the program's.
    if (options.terminal && options.interactive)
        terminal_take();
    kernel_log_open(options.log);
    program_find(&program, &archive, &options);
    machine_start(&machine, &options, kernel, archive_compose(&archive, &program, &options));
    session_run(&machine, &options);
}
