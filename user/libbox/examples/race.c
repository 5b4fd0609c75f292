// SPDX-License-Identifier: MIT
// race.c - an example of libbox: several programs at once, each in a box; the first to end wins and
// the others are ended.
//
//     race COMMAND…
//
// Each COMMAND is given to a shell. Prints the winner's number, from 1, and its status.

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "user/libbox/box.h"

#define RACERS_MAX 16

static struct box boxes[RACERS_MAX];
static struct pollfd ends[RACERS_MAX];

// A box that runs a command, and the file that tells of its end.
static int start(struct box *box, char *command, struct pollfd *end)
{
    char *argv[] = { "/bin/sh", "-c", command, NULL };
    char path[32];

    if (box_create(box) != 0 || box_bind(box, "bin", "/bin", "rx") != 0 ||
        box_give(box, 1, 1, "w") != 0 || box_give(box, 2, 2, "w") != 0 ||
        box_exec(box, argv) != 0 || box_start(box) != 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/%d/wait", box->pid);
    *end = (struct pollfd){ .fd = open(path, O_RDONLY | O_CLOEXEC), .events = POLLIN };
    return end->fd >= 0 ? 0 : -1;
}

// Waits for the first to end. Returns its index.
static int find_winner(int count)
{
    for (;;) {
        (void)poll(ends, (nfds_t)count, -1);
        for (int i = 0; i < count; i++) {
            if ((ends[i].revents & POLLIN) != 0)
                return i;
        }
    }
}

int main(int argc, char **argv)
{
    int count = argc - 1, winner;
    int64_t status = 0;

    if (count < 1 || count > RACERS_MAX) {
        fprintf(stderr, "usage: race COMMAND…, at most %d\n", RACERS_MAX);
        return 125;
    }
    for (int i = 0; i < count; i++) {
        if (start(&boxes[i], argv[i + 1], &ends[i]) != 0) {
            fprintf(stderr, "race: %s\n", boxes[i].error);
            return 125; // the boxes that this process made end with it
        }
    }
    winner = find_winner(count);
    for (int i = 0; i < count; i++) {
        int64_t ended;

        if (i != winner && box_kill(&boxes[i], -9) == 0 && box_wait(&boxes[i], &ended, -1) != 0)
            fprintf(stderr, "race: %s\n", boxes[i].error);
    }
    if (box_wait(&boxes[winner], &status, -1) == 0)
        printf("%d %lld\n", winner + 1, (long long)status);
    for (int i = 0; i < count; i++)
        box_close(&boxes[i]);
    return 0;
}
