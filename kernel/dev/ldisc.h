// SPDX-License-Identifier: MIT
// ldisc.h - the line discipline of terminals: what termios(3) says happens to each byte.
//
// Pure: no locks, no waiting, no allocation, so it is tested on the host. The terminal that embeds it holds its own lock around
// each call, passes received bytes to ldisc_input, takes bytes for readers with ldisc_read, and turns written
// bytes into what the device sends with ldisc_output.
//
// The input ring has three marks: head <= committed <= tail (positions count up for ever and are taken modulo the size).
// In canonical mode bytes between head and committed are whole lines; between committed and tail is the line being edited.
// Otherwise committed equals tail.
// A held line discipline keeps input as it came, between head = committed and tail, until somebody
// asks for it: what is typed ahead is then treated, and echoed, by the settings that the program has
// made by then. Characters of signals and flow control act at once.
#pragma once

#include "abi/ioctl.h"
#include "lib/base/bits.h"
#include "lib/base/types.h"

#define LDISC_SIZE 4096

struct ldisc_ops;

struct ldisc {
    struct linux_termios termios;
    uint8_t data[LDISC_SIZE];
    uint64_t ends[BITS_WORDS(LDISC_SIZE)]; // this byte ends a line
    uint64_t eofs[BITS_WORDS(LDISC_SIZE)]; // this place is an end-of-file mark, not a byte
    uint32_t head, committed, tail;
    unsigned column;      // where the device's cursor stands, for tabs and erasing
    unsigned line_column; // where it stood when the line being edited began
    bool literal_next;    // VLNEXT came
    bool stopped;         // output is stopped by VSTOP
    bool held;            // input is kept as it came
    const struct ldisc_ops *ops;
};

// Both called from ldisc_input.
struct ldisc_ops {
    void (*echo)(struct ldisc *ldisc, const uint8_t *bytes, size_t count); // sends bytes to the device as they are
    void (*drop_output)(struct ldisc *ldisc); // a signal's character drops what was not sent yet
};

// What a byte of input meant beyond the ring.
struct ldisc_event {
    unsigned signal;    // SIGINT, SIGQUIT or SIGTSTP for the foreground group; 0
    bool readable;      // more can be read than before
    bool output_resumed;
};

// Settings of a new terminal: canonical, echo, signals, CR to NL, NL to CR NL.
void ldisc_init(struct ldisc *ldisc, const struct ldisc_ops *ops);

// Nobody has asked for input yet: keeps what comes, until it is released.
void ldisc_hold(struct ldisc *ldisc);

// Somebody asks for input: takes what was kept. *event: what all of it meant, of several signals the
// last.
void ldisc_release(struct ldisc *ldisc, struct ldisc_event *event);

// Takes one received byte. Returns: false if there was no room and it was dropped.
bool ldisc_input(struct ldisc *ldisc, uint8_t byte, struct ldisc_event *event);

// How many bytes ldisc_input can take without dropping any (a canonical line keeps one place for its end).
size_t ldisc_room(const struct ldisc *ldisc);

// How many bytes a read can have now; in canonical mode a lone end-of-file mark counts as one.
size_t ldisc_readable(const struct ldisc *ldisc);

// As ldisc_readable, but what FIONREAD says: bytes only.
size_t ldisc_bytes(const struct ldisc *ldisc);

// Takes at most size bytes: in canonical mode at most one line. *ended: a line's end was reached; with a result of 0 it was an
// end-of-file mark.
size_t ldisc_read(struct ldisc *ldisc, uint8_t *to, size_t size, bool *ended);

// What one written byte becomes on the device: at most LDISC_EXPANSION bytes. Returns their number.
#define LDISC_EXPANSION 8
unsigned ldisc_output(struct ldisc *ldisc, uint8_t byte, uint8_t to[LDISC_EXPANSION]);

// New settings. What is in the ring stays and becomes readable when canonical mode ends.
void ldisc_set_termios(struct ldisc *ldisc, const struct linux_termios *termios);

void ldisc_flush_input(struct ldisc *ldisc);
