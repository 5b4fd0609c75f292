// SPDX-License-Identifier: MIT
// init.c - process 1 of the outermost box: runs the launcher's program in a box, says how it ended,
// and ends the machine.
//
// The launcher's ports are /dev/virtio-ports/{stdin,stdout,stderr,control,tty}. On the control port
// go lines of text: to us `signal N`, `window ROWS COLUMNS`; from us `start`, `record NAME VALUE`,
// `error STAGE ERRNO TEXT`, and `end` as the last; docs/launcher.md. Without a job in the boot
// archive it runs a shell on the console.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "user/init/box.h"
#include "user/init/job.h"

#define JOB_PATH "/boxwork/job" // not bound in the box, so the program does not see it
#define PORTS "/dev/virtio-ports/"

static int control = -1;
static int terminal = -1; // the program's, if it has one

static void say(const char *line)
{
    size_t size = strlen(line);

    while (size != 0) {
        ssize_t written = write(control, line, size);

        if (written <= 0)
            return;
        line += written;
        size -= (size_t)written;
    }
}

static void set_window(const char *text)
{
    struct winsize size = { 0 };

    if (sscanf(text, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
        ioctl(terminal, TIOCSWINSZ, &size);
}

static void obey(const char *line, int pid)
{
    int number;

    if (sscanf(line, "signal %d", &number) == 1)
        kill(pid, number);
    else if (strncmp(line, "window ", 7) == 0)
        set_window(line + 7);
}

// Takes the launcher's lines as they come; a line may come in parts.
static void hear(int pid)
{
    static char text[256];
    static size_t size;
    ssize_t got = read(control, text + size, sizeof(text) - 1 - size);
    char *end;

    if (got <= 0)
        return;
    size += (size_t)got;
    text[size] = '\0';
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        obey(text, pid);
        size -= (size_t)(end + 1 - text);
        memmove(text, end + 1, size + 1);
    }
    if (size == sizeof(text) - 1)
        size = 0; // no line of the protocol is that long
}

// The part of /proc/PID/status that says how the box ended and what it used.
static void report_record(int pid)
{
    char path[64], line[512], told[600];
    bool telling = false;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    status = fopen(path, "r");
    if (status == NULL)
        return;
    while (fgets(line, sizeof(line), status) != NULL) {
        char *value = strchr(line, ':');

        telling = telling || strncmp(line, "Exit:", 5) == 0;
        if (!telling || value == NULL)
            continue;
        *value++ = '\0';
        snprintf(told, sizeof(told), "record %s %s", line, value + strspn(value, " \t"));
        say(told);
    }
    fclose(status);
}

static void wait_for(const struct box *box)
{
    struct pollfd fds[2] = { { .fd = box->wait, .events = POLLIN },
                             { .fd = control, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if ((fds[0].revents & POLLIN) != 0)
            return;
        if ((fds[1].revents & POLLIN) != 0)
            hear(box->pid);
        if ((fds[1].revents & (POLLHUP | POLLERR)) != 0)
            fds[1].fd = -1; // the launcher is gone
    }
}

static int open_port(const char *name, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), PORTS "%s", name);
    return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

// Runs the job; its streams are the launcher's ports.
static void run(const struct job *job)
{
    int fds[3] = { -1, -1, -1 };
    struct box box;
    char line[512];

    if (job->terminal != NULL) {
        terminal = fds[0] = fds[1] = fds[2] = open_port("tty", O_RDWR);
        set_window(job->terminal);
    } else {
        fds[0] = open_port("stdin", O_RDONLY);
        fds[1] = open_port("stdout", O_WRONLY);
        fds[2] = open_port("stderr", O_WRONLY);
    }
    if (box_start(&box, job, fds) != 0) {
        snprintf(line, sizeof(line), "error %s %d %s\n", box.stage, box.number, box.error);
        say(line);
        return;
    }
    say("start\n");
    wait_for(&box);
    // Every byte is with the launcher before it hears of the end.
    if (job->terminal != NULL)
        tcdrain(terminal);
    fsync(fds[1]);
    fsync(fds[2]);
    report_record(box.pid);
    close(box.wait);
    close(box.ctl);
}

static void run_console(void)
{
    static char *arguments[] = { "/bin/sh", "-l", NULL };
    static char *environment[] = { "PATH=/bin:/usr/bin", "HOME=/root", "TERM=vt100", NULL };
    static char *none[] = { NULL };
    const struct job job = { .arguments = arguments,
                             .environment = environment,
                             .binds = none,
                             .quotas = none,
                             .cwd = "/root",
                             .terminal = "" };
    struct box box;
    char status[32] = "";

    if (box_start(&box, &job, (const int[]){ 0, 1, 2 }) != 0) {
        fprintf(stderr, "init: %s\n", box.error);
        return;
    }
    wait_for(&box);
    if (read(box.wait, status, sizeof(status) - 1) > 0)
        printf("init: the shell ended with %s\n", status);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct job job;

    if (argc > 2 && strcmp(argv[1], "--terminal") == 0)
        return box_enter_terminal(argv + 2);
    signal(SIGPIPE, SIG_IGN);
    control = open_port("control", O_RDWR);
    if (job_read(&job, JOB_PATH) == 0) {
        run(&job);
        say("end\n");
        fsync(control);
    } else if (errno == ENOENT) {
        run_console();
    } else {
        say("error box 22 the job is malformed\nend\n");
        fsync(control);
    }
    return 0;
}
