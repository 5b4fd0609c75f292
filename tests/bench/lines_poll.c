// SPDX-License-Identifier: MIT
// lines_poll.c - many pipes of which one has something to read, asked by poll and by epoll.

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"
#include "poll_set.h"

void poll_set_grow(struct poll_set *set, long count)
{
    int ends[2];

    set->entries = realloc(set->entries, (size_t)count * sizeof(struct pollfd));
    set->writers = realloc(set->writers, (size_t)count * sizeof(int));
    CHECK(set->entries != NULL && set->writers != NULL, "no memory");
    while (set->count < count) {
        make_pipe(ends);
        set->entries[set->count] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
        set->writers[set->count++] = ends[1];
    }
}

void poll_set_wake_last(struct poll_set *set)
{
    write_fully(set->writers[set->count - 1], "x", 1);
}

void poll_set_calm_last(struct poll_set *set)
{
    char byte;

    read_fully(set->entries[set->count - 1].fd, &byte, 1);
}

long poll_set_time_poll(struct poll_set *set, long count)
{
    long good = 0;

    timer_start();
    for (long i = 0; i < count; i++)
        good += poll(set->entries, (nfds_t)set->count, -1) == 1;
    timer_stop();
    return set->entries[set->count - 1].revents == POLLIN ? good : -1;
}

int poll_set_make_epoll(const struct poll_set *set)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN };

    CHECK(epoll >= 0, "epoll_create");
    for (long i = 0; i < set->count; i++) {
        event.data.fd = set->entries[i].fd;
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) == 0, "epoll_ctl");
    }
    return epoll;
}

long poll_set_time_epoll(const struct poll_set *set, int epoll, long count)
{
    struct epoll_event events[4] = { 0 };
    long good = 0;

    timer_start();
    for (long i = 0; i < count; i++)
        good += epoll_wait(epoll, events, 4, -1) == 1;
    timer_stop();
    return events[0].data.fd == set->entries[set->count - 1].fd ? good : -1;
}

static void poll_pipes(const struct line *line)
{
    struct poll_set set = { 0 };
    long count = repetitions(50), good;

    poll_set_grow(&set, line->argument);
    CHECK(poll(set.entries, (nfds_t)set.count, 0) == 0, "something can be read of empty pipes");
    poll_set_wake_last(&set);
    good = poll_set_time_poll(&set, count);
    CHECK(good == count, "%ld of %ld polls gave the one pipe", good, count);
    report(line->name, count);
}

static void epoll_pipes(const struct line *line)
{
    struct poll_set set = { 0 };
    struct epoll_event event;
    long count = repetitions(2000), good;
    int epoll;

    poll_set_grow(&set, line->argument);
    epoll = poll_set_make_epoll(&set);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0, "something can be read of empty pipes");
    poll_set_wake_last(&set);
    good = poll_set_time_epoll(&set, epoll, count);
    CHECK(good == count, "%ld of %ld waits gave the one pipe", good, count);
    report(line->name, count);
}

const struct line poll_lines[] = {
    { "poll.1000", poll_pipes, 1000, LINE_BUDGET | LINE_WALL },
    { "epoll.1000", epoll_pipes, 1000, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
