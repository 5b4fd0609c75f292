// SPDX-License-Identifier: MIT
// stream.h - one direction of bytes: from a descriptor to another, through one buffer.
//
// States: open -> ended (the source is at its end, or one side failed) and, once the buffer is
// empty, done. While the buffer holds bytes, no more are read: so a slow reader slows the writer
// down.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define STREAM_BUFFER 65536

struct stream {
    int from, to;      // -1: none
    bool ended;        // nothing more comes from `from`
    bool broken;       // `to` takes no more
    int error;         // why; 0: its reader went away
    int read_error;    // why `from` could not be read; 0: it is at its end
    size_t start, end; // of what the buffer holds
    char buffer[STREAM_BUFFER];
};

void stream_init(struct stream *stream, int from, int to);
// What to poll for: the end that matters now. Returns: false if there is nothing to wait for.
bool stream_poll(const struct stream *stream, struct pollfd *fd);
// Moves what can be moved without waiting.
void stream_move(struct stream *stream, short events);
bool stream_done(const struct stream *stream);
