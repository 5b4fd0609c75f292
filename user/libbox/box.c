// SPDX-License-Identifier: MIT
// box.c - makes boxes and gives them commands.

#define _GNU_SOURCE
#include "user/libbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/libbox/private.h"

int box_fail(struct box *box, int error, const char *what)
{
    snprintf(box->error, sizeof(box->error), "%s: %s", what, strerror(-error));
    return error;
}

int box_create(struct box *box)
{
    char text[32];
    ssize_t size;
    int error;

    *box = (struct box){ .ctl = open("/proc/new", O_RDWR | O_CLOEXEC) };
    if (box->ctl < 0)
        return box_fail(box, -errno, "/proc/new");
    size = read(box->ctl, text, sizeof(text) - 1);
    if (size <= 0) {
        error = size < 0 ? -errno : -EIO;
        box_close(box);
        return box_fail(box, error, "/proc/new");
    }
    text[size] = '\0';
    box->pid = atoi(text);
    return 0;
}

void box_close(struct box *box)
{
    if (box->ctl >= 0)
        close(box->ctl);
    box->ctl = -1;
}

// Puts the kernel's last report in box->error, without the "line 1: " that a single command has.
static void take_report(struct box *box, int error)
{
    ssize_t size = read(box->ctl, box->error, sizeof(box->error) - 1);

    if (size <= 0) {
        (void)box_fail(box, error, "ctl");
        return;
    }
    box->error[size - (box->error[size - 1] == '\n')] = '\0';
    if (strncmp(box->error, "line 1: ", 8) == 0)
        memmove(box->error, box->error + 8, strlen(box->error + 8) + 1);
}

int box_write(struct box *box, const char *text, size_t size)
{
    int error;

    if (box->ctl < 0)
        return box_fail(box, -ESRCH, "no box");
    error = box_write_whole(box->ctl, text, size);
    if (error != 0)
        take_report(box, error);
    return error;
}

int box_command(struct box *box, const char *format, ...)
{
    char *text;
    va_list arguments;
    int size, error;

    va_start(arguments, format);
    size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0)
        return box_fail(box, -ENOMEM, "ctl");
    error = box_write(box, text, (size_t)size);
    free(text);
    return error;
}

size_t box_quote(char *to, size_t size, const char *word)
{
    size_t length = 0;

#define PUT(byte) (length + 1 < size ? (void)(to[length] = (byte)) : (void)0, length++)
    PUT('\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') { // ends the quotes, adds one, begins them again
            PUT('\'');
            PUT('\\');
            PUT('\'');
        }
        PUT(*word);
    }
    PUT('\'');
#undef PUT
    if (size != 0)
        to[length < size ? length : size - 1] = '\0';
    return length;
}
