// SPDX-License-Identifier: MIT
// manifest.c - a box written down: a file of ctl commands.

#include "user/box/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ctl/ctl.h"
#include "user/box/prepare.h"
#include "user/box/report.h"

#define MANIFEST_MAX (256 * 1024)

static char *read_text(const char *path, size_t *size)
{
    int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    char *text = malloc(MANIFEST_MAX + 1);
    ssize_t got = 0;

    if (fd < 0)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (text == NULL)
        fail(EXIT_FAILED, "out of memory");
    *size = 0;
    while (*size <= MANIFEST_MAX && (got = read(fd, text + *size, MANIFEST_MAX + 1 - *size)) > 0)
        *size += (size_t)got;
    if (got < 0)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (*size > MANIFEST_MAX)
        fail(EXIT_FAILED, "%s: longer than 256 KiB", path);
    close(fd);
    return text;
}

static void fail_at(const char *path, const struct ctl_command *command, int code, const char *what)
{
    fail((enum exit_code)code, "%s:%u: %.*s: %s", path, command->line, (int)command->source_length,
         command->source, what);
}

static const char *parse_error(const struct ctl_command *command, int error)
{
    if (error == -ERANGE)
        return "a number too large";
    if (command->word_count == 0)
        return "an open quote, a NUL, or nothing beside &&";
    if (command->spec == NULL)
        return "no such command";
    return "too few or too many words, or a word that is not what the command takes";
}

// All of it is checked before anything is done.
static void check(const char *path, const char *text, size_t size, char *words)
{
    struct ctl_reader reader;
    struct ctl_command command;
    bool started = false;
    int result;

    ctl_reader_init(&reader, text, size, words);
    for (;;) {
        command = (struct ctl_command){ .spec = NULL };
        result = ctl_next(&reader, &command);
        if (result <= 0)
            break;
        if (started)
            fail_at(path, &command, EXIT_FAILED, "nothing may follow start");
        started = command.number == CTL_start;
        if (command.number == CTL_kill || command.number == CTL_reap ||
            command.number == CTL_suspend)
            fail_at(path, &command, EXIT_FAILED, "not for a manifest, which makes a box");
    }
    if (result < 0)
        fail_at(path, &command, EXIT_FAILED, parse_error(&command, result));
}

static void apply(struct box *box, const char *path, const struct ctl_command *command)
{
    int error = box_command(box, "%.*s", (int)command->source_length, command->source);
    bool program = command->number == CTL_exec || command->number == CTL_execfd;
    const char *text = strrchr(box->error, ':'); // behind the command, which is said anyway

    if (error != 0)
        fail_at(path, command, program ? prepare_exit_code(error) : EXIT_FAILED,
                text != NULL ? text + 2 : box->error);
}

bool manifest_apply(struct box *box, const char *path)
{
    struct ctl_reader reader;
    struct ctl_command command;
    size_t size;
    char *text = read_text(path, &size);
    char *words = malloc(size + 1);
    bool program = false;

    if (words == NULL)
        fail(EXIT_FAILED, "out of memory");
    check(path, text, size, words);
    ctl_reader_init(&reader, text, size, words);
    while (ctl_next(&reader, &command) > 0 && command.number != CTL_start) {
        apply(box, path, &command);
        program = program || command.number == CTL_exec || command.number == CTL_execfd;
    }
    free(words);
    free(text);
    return program;
}
