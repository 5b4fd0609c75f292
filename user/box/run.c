// SPDX-License-Identifier: MIT
// run.c - `box run`: makes a box, starts it, waits, says how it ended.
//
// Signals that come meanwhile go to the box's head as notes; the third of one within two seconds
// ends a box that does not listen.

#define _GNU_SOURCE
#include "user/box/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/box/options.h"
#include "user/box/prepare.h"
#include "user/box/report.h"
#include "user/box/terminal.h"

#define PATIENCE 3
#define PATIENCE_S 2

static const struct {
    int number;
    const char *note;
} passed_on[] = {
    { SIGHUP, "hangup" }, { SIGINT, "interrupt" }, { SIGQUIT, "quit" },   { SIGTERM, "terminate" },
    { SIGUSR1, "user1" }, { SIGUSR2, "user2" },    { SIGWINCH, "winch" },
};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static volatile sig_atomic_t came[NSIG];

static void on_signal(int number)
{
    came[number]++;
}

// Signals come only while ppoll waits, under the mask that is left in *while_waiting.
static void catch_signals(sigset_t *while_waiting)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < PASSED_ON; i++) {
        sigaddset(&blocked, passed_on[i].number);
        sigaction(passed_on[i].number, &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, while_waiting);
}

static void pass_on(struct box *box, int number, const char *note, int master)
{
    static struct timespec first;
    static int last, times;
    struct timespec now;

    if (number == SIGWINCH) {
        if (master >= 0)
            terminal_resize(master);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (number != last || now.tv_sec - first.tv_sec > PATIENCE_S) {
        first = now;
        times = 0;
    }
    last = number;
    if (++times >= PATIENCE)
        (void)!box_kill(box, -number);
    else
        (void)!box_note(box, note);
}

static void take_signals(struct box *box, int master)
{
    for (size_t i = 0; i < PASSED_ON; i++) {
        for (; came[passed_on[i].number] > 0; came[passed_on[i].number]--)
            pass_on(box, passed_on[i].number, passed_on[i].note, master);
    }
}

// Returns when the box has ended and its terminal has given all that it had.
static void wait_for_end(struct box *box, const struct options *options, int master)
{
    char path[32];
    struct pollfd fds[3] = { { .events = POLLIN },
                             { .fd = master, .events = POLLIN },
                             { .fd = master >= 0 && options->interactive ? 0 : -1,
                               .events = POLLIN } };
    sigset_t while_waiting;

    snprintf(path, sizeof(path), "/proc/%d/wait", box->pid);
    fds[0].fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fds[0].fd < 0)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    catch_signals(&while_waiting);
    for (;;) {
        bool shown = false;

        if (ppoll(fds, 3, NULL, &while_waiting) < 0) {
            take_signals(box, master);
            continue;
        }
        if ((fds[2].revents & (POLLIN | POLLHUP)) != 0)
            terminal_send(master);
        if ((fds[1].revents & (POLLIN | POLLHUP)) != 0) {
            shown = terminal_show(master) != 0;
            if (!shown)
                fds[1].fd = -1;
        }
        if ((fds[0].revents & POLLIN) != 0 && !shown)
            break;
    }
    close(fds[0].fd);
}

int run_command(char **words)
{
    struct box_record record;
    struct options options;
    const char *program;
    static struct box box;
    int master = -1, slave = -1, code;

    options_read(&options, words, false);
    if (options.terminal)
        master = terminal_open(&slave);
    program = prepare_box(&box, &options, slave);
    if (slave >= 0)
        close(slave);
    if (box_start(&box) != 0)
        fail(EXIT_FAILED, "%s: %s", program, box.error);
    wait_for_end(&box, &options, master);
    terminal_restore();
    if (box_record(&box, &record) != 0)
        fail(EXIT_FAILED, "%s: %s", program, box.error);
    code = report_end(program, &record, options.in_words);
    box_close(&box);
    return code;
}
