// SPDX-License-Identifier: MIT
// terminal.c - our terminal while a program in the VM uses it: every key goes there as it is, and
// its size is told.

#include "host/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool taken;

void terminal_give_back(void)
{
    if (taken)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    taken = false;
}

void terminal_take(void)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return;
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    taken = true;
    atexit(terminal_give_back);
}

bool terminal_size(unsigned *rows, unsigned *columns)
{
    struct winsize size;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}
