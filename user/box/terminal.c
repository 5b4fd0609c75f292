// SPDX-License-Identifier: MIT
// terminal.c - the pseudo terminal of `box run -t`.

#define _GNU_SOURCE
#include "user/box/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "user/box/report.h"

static struct termios ours;
static bool changed;

void terminal_restore(void)
{
    if (changed)
        tcsetattr(0, TCSADRAIN, &ours);
    changed = false;
}

void terminal_resize(int master)
{
    struct winsize size;

    if (ioctl(0, TIOCGWINSZ, &size) == 0)
        ioctl(master, TIOCSWINSZ, &size);
}

int terminal_open(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    char name[64];

    if (master < 0 || unlockpt(master) != 0 || ptsname_r(master, name, sizeof(name)) != 0)
        fail(EXIT_FAILED, "no pseudo terminal: %s", strerror(errno));
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave < 0)
        fail(EXIT_FAILED, "%s: %s", name, strerror(errno));
    terminal_resize(master);
    if (tcgetattr(0, &ours) == 0) {
        raw = ours;
        cfmakeraw(&raw);
        changed = tcsetattr(0, TCSADRAIN, &raw) == 0;
        atexit(terminal_restore);
    }
    return master;
}

static void write_all(int fd, const char *text, size_t size)
{
    while (size != 0) {
        ssize_t written = write(fd, text, size);

        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
}

void terminal_send(int master)
{
    char text[512];
    ssize_t size = read(0, text, sizeof(text));

    if (size > 0)
        write_all(master, text, (size_t)size);
}

int terminal_show(int master)
{
    char text[4096];
    ssize_t size = read(master, text, sizeof(text));

    if (size > 0)
        write_all(1, text, (size_t)size);
    return size > 0;
}

int terminal_enter(char **program)
{
    ioctl(0, TIOCSCTTY, 0);
    execvp(program[0], program);
    fprintf(stderr, "box: %s: %s\n", program[0], strerror(errno));
    return errno == ENOENT ? EXIT_MISSING : EXIT_DENIED;
}
