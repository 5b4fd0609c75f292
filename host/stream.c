// SPDX-License-Identifier: MIT
// stream.c - one direction of bytes: from a descriptor to another, through one buffer.
//
// Descriptors that we inherited may be shared with others, so they are not made non-blocking: a
// write is made only after poll said that there is room, and no longer than a pipe then takes
// without waiting.

#include "host/stream.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

void stream_init(struct stream *stream, int from, int to)
{
    stream->from = from;
    stream->to = to;
    stream->ended = from < 0;
    stream->broken = false;
    stream->error = 0;
    stream->read_error = 0;
    stream->start = stream->end = 0;
}

static bool has_bytes(const struct stream *stream)
{
    return stream->start < stream->end;
}

bool stream_done(const struct stream *stream)
{
    return stream->broken || (stream->ended && !has_bytes(stream));
}

bool stream_poll(const struct stream *stream, struct pollfd *fd)
{
    if (stream_done(stream))
        return false;
    fd->fd = has_bytes(stream) ? stream->to : stream->from;
    fd->events = has_bytes(stream) ? POLLOUT : POLLIN;
    return true;
}

static void fill(struct stream *stream)
{
    ssize_t got = read(stream->from, stream->buffer, sizeof(stream->buffer));

    if (got > 0) {
        stream->start = 0;
        stream->end = (size_t)got;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream->ended = true;
        stream->read_error = got == 0 || errno == EIO ? 0 : errno; // EIO: its terminal hung up
    }
}

static void empty(struct stream *stream)
{
    size_t size = stream->end - stream->start;
    ssize_t written =
        write(stream->to, stream->buffer + stream->start, size < PIPE_BUF ? size : PIPE_BUF);

    if (written >= 0) {
        stream->start += (size_t)written;
    } else if (errno != EAGAIN && errno != EINTR) {
        stream->broken = true;
        stream->error = errno == EPIPE || errno == ECONNRESET ? 0 : errno;
    }
}

void stream_move(struct stream *stream, short events)
{
    if (events == 0 || stream_done(stream))
        return;
    if (has_bytes(stream))
        empty(stream);
    else
        fill(stream);
}
