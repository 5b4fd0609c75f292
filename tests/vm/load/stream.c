// SPDX-License-Identifier: MIT
// stream.c - the mixed load: pipes, poll, epoll, terminals.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define PATIENCE_MS 60000
#define PIPES 5
#define EVENTS 20

struct stream {
    int ends[2];
    size_t size;
};

static unsigned char byte_at(size_t position)
{
    return (unsigned char)(position * 31 + (position >> 8));
}

static void write_stream(void *argument)
{
    struct stream *stream = argument;
    unsigned char bytes[3000];
    size_t sent = 0;

    close(stream->ends[0]);
    while (sent < stream->size) {
        size_t count = 1 + load_random(sizeof(bytes));
        ssize_t done;

        if (count > stream->size - sent)
            count = stream->size - sent;
        for (size_t i = 0; i < count; i++)
            bytes[i] = byte_at(sent + i);
        done = write(stream->ends[1], bytes, count);
        CHECK(done > 0);
        sent += (size_t)done;
    }
}

void load_pipe(void)
{
    struct stream stream = { .size = 1 + load_random(200000) };
    unsigned char bytes[5000];
    size_t received = 0;
    ssize_t count;
    pid_t child;

    CHECK(pipe(stream.ends) == 0);
    child = load_child(write_stream, &stream);
    close(stream.ends[1]);
    while ((count = read(stream.ends[0], bytes, 1 + load_random(sizeof(bytes)))) > 0) {
        for (ssize_t i = 0; i < count; i++)
            CHECK_EQUAL(bytes[i], byte_at(received + (size_t)i));
        received += (size_t)count;
    }
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(received, stream.size);
    close(stream.ends[0]);
    load_exited(child, 0);
}

// --- poll ---

struct pipes {
    int ends[PIPES][2];
};

static void write_one_of_each(void *argument)
{
    struct pipes *pipes = argument;

    for (int i = 0; i < PIPES; i++) {
        usleep(load_random(2) * 300);
        CHECK(write(pipes->ends[i][1], "x", 1) == 1);
    }
}

void load_poll(void)
{
    struct pollfd fds[PIPES];
    struct pipes pipes;
    int received = 0;
    pid_t child;
    char byte;

    for (int i = 0; i < PIPES; i++) {
        CHECK(pipe(pipes.ends[i]) == 0);
        fds[i] = (struct pollfd){ .fd = pipes.ends[i][0], .events = POLLIN };
    }
    CHECK_EQUAL(poll(fds, PIPES, 0), 0);
    child = load_child(write_one_of_each, &pipes);
    for (int i = 0; i < PIPES; i++)
        close(pipes.ends[i][1]);
    while (received < PIPES) {
        CHECK(poll(fds, PIPES, PATIENCE_MS) > 0);
        for (int i = 0; i < PIPES; i++) {
            if ((fds[i].revents & POLLIN) == 0)
                continue;
            CHECK(read(fds[i].fd, &byte, 1) == 1);
            fds[i].fd = -1;
            received++;
        }
    }
    load_exited(child, 0);
    for (int i = 0; i < PIPES; i++)
        close(pipes.ends[i][0]);
}

// --- epoll ---

struct source {
    int set, event;
};

// Adds to the event, and takes another in and out of the set meanwhile.
static void *send_events(void *argument)
{
    struct source *source = argument;
    struct epoll_event wanted = { .events = EPOLLIN, .data.u32 = 2 };
    int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    CHECK(other >= 0);
    for (int i = 0; i < EVENTS; i++) {
        CHECK_EQUAL(epoll_ctl(source->set, EPOLL_CTL_ADD, other, &wanted), 0);
        CHECK(eventfd_write(source->event, 1) == 0);
        if (i % 2 == 0)
            CHECK_EQUAL(epoll_ctl(source->set, EPOLL_CTL_DEL, other, &wanted), 0);
        else
            CHECK(close(other) == 0 && (other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
    }
    close(other);
    return NULL;
}

void load_epoll(void)
{
    struct source source = { .set = epoll_create1(EPOLL_CLOEXEC),
                             .event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    struct epoll_event event = { .events = EPOLLIN | (load_random(2) ? EPOLLET : 0), .data.u32 = 1 };
    eventfd_t value, received = 0;
    pthread_t thread;

    CHECK(source.set >= 0 && source.event >= 0);
    CHECK_EQUAL(epoll_ctl(source.set, EPOLL_CTL_ADD, source.event, &event), 0);
    CHECK_EQUAL(pthread_create(&thread, NULL, send_events, &source), 0);
    while (received < EVENTS) {
        CHECK_EQUAL(epoll_wait(source.set, &event, 1, PATIENCE_MS), 1);
        CHECK_EQUAL(event.data.u32, 1);
        if (eventfd_read(source.event, &value) == 0)
            received += value;
        else
            CHECK_EQUAL(errno, EAGAIN);
    }
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK_EQUAL(received, EVENTS);
    CHECK_EQUAL(epoll_wait(source.set, &event, 1, 0), 0);
    close(source.event);
    close(source.set);
}

// --- A terminal ---

struct terminal {
    int master;
    char slave[64];
};

static void read_line(void *argument)
{
    struct terminal *terminal = argument;
    char line[32];
    int fd;

    CHECK(close(terminal->master) == 0 && setsid() > 0);
    fd = open(terminal->slave, O_RDWR);
    CHECK(fd >= 0 && ioctl(fd, TIOCSCTTY, 0) == 0);
    CHECK(write(fd, "?", 1) == 1);
    CHECK_EQUAL(read(fd, line, sizeof(line)), 6);
    CHECK(memcmp(line, "hello\n", 6) == 0);
    CHECK(write(fd, "!", 1) == 1);
    for (;;)
        pause();
}

// Reads what the terminal shows up to and with a byte.
static void await_byte(int master, char wanted)
{
    struct pollfd fd = { .fd = master, .events = POLLIN };
    char byte = 0;

    while (byte != wanted) {
        CHECK(poll(&fd, 1, PATIENCE_MS) == 1);
        CHECK_EQUAL(read(master, &byte, 1), 1);
    }
}

void load_terminal(void)
{
    struct terminal terminal = { .master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) };
    int master = terminal.master;
    pid_t child;

    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    CHECK_EQUAL(ptsname_r(master, terminal.slave, sizeof(terminal.slave)), 0);
    child = load_child(read_line, &terminal);
    await_byte(master, '?');
    CHECK(write(master, "hello\n", 6) == 6);
    await_byte(master, '!');
    switch (load_random(3)) {
    case 0:
        CHECK(write(master, "\003", 1) == 1);
        load_signalled(child, SIGINT);
        close(master);
        break;
    case 1:
        close(master);
        load_signalled(child, SIGHUP);
        break;
    default:
        CHECK(kill(child, SIGKILL) == 0);
        load_signalled(child, SIGKILL);
        close(master);
    }
}
