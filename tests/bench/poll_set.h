// SPDX-License-Identifier: MIT
// poll_set.h - many pipes that are asked together.
#pragma once

#include <poll.h>

struct poll_set {
    struct pollfd *entries; // the ends to read
    int *writers;
    long count;
};

void poll_set_grow(struct poll_set *set, long count);
// Makes the last pipe one that can be read, and takes that back.
void poll_set_wake_last(struct poll_set *set);
void poll_set_calm_last(struct poll_set *set);

// Time `count` calls. Return how many gave exactly one pipe, or -1 if the last gave another than
// the last pipe.
long poll_set_time_poll(struct poll_set *set, long count);
long poll_set_time_epoll(const struct poll_set *set, int epoll, long count);

// An epoll of all of the set.
int poll_set_make_epoll(const struct poll_set *set);
