// SPDX-License-Identifier: MIT
// unit: kernel/dev/ldisc.c
// test_ldisc.c - the line discipline: editing, echo, signals, modes, end of file.
#include <string.h>

#include "abi/signal.h"
#include "kernel/dev/ldisc.h"
#include "tests/unit/tap.h"

static struct ldisc ldisc;
static char echoed[65536];
static size_t echoed_size;

static void echo(struct ldisc *l, const uint8_t *bytes, size_t count)
{
    (void)l;
    memcpy(echoed + echoed_size, bytes, count);
    echoed_size += count;
}

static void drop_output(struct ldisc *l)
{
    (void)l;
    echoed_size = 0;
}

static const struct ldisc_ops ops = { .echo = echo, .drop_output = drop_output };

static void reset(void)
{
    ldisc_init(&ldisc, &ops);
    echoed_size = 0;
}

static unsigned type(const char *text)
{
    struct ldisc_event event;
    unsigned signals = 0;

    for (; *text != '\0'; text++) {
        ldisc_input(&ldisc, (uint8_t)*text, &event);
        if (event.signal != 0)
            signals = event.signal;
    }
    return signals;
}

static bool reads(const char *expected)
{
    uint8_t got[LDISC_SIZE];
    bool end;
    size_t count = ldisc_read(&ldisc, got, sizeof(got), &end);

    return count == strlen(expected) && memcmp(got, expected, count) == 0;
}

static bool echoes(const char *expected)
{
    bool same = echoed_size == strlen(expected) && memcmp(echoed, expected, echoed_size) == 0;

    echoed_size = 0;
    return same;
}

static void test_canonical(void)
{
    reset();
    type("ab");
    ok(ldisc_readable(&ldisc) == 0, "an unfinished line is not readable");
    type("c\r");
    ok(reads("abc\n"), "CR ends a line as NL");
    ok(echoes("abc\r\n"), "the line is echoed, NL as CR NL");
    type("one\ntwo\n");
    ok(reads("one\n") && reads("two\n"), "a read gives one line at most");
    type("x\177y\n");
    ok(reads("y\n"), "erase takes the last character away");
    echoed_size = 0;
    type("a\tb\177\177\177");
    ok(echoed_size == 1 + 1 + 1 + 3 + 7 * 3 + 3, "erasing a tab goes back to its column");
    type("\n");
    ok(reads("\n"), "an erased line is empty");
    type("gone\025kept\n");
    ok(reads("kept\n"), "kill takes the line away");
    type("two words\027x\n");
    ok(reads("two x\n"), "word erase takes one word away");
    type("\026\003\n");
    ok(reads("\003\n"), "literal next takes a control character as it is");
}

static void test_end_of_file(void)
{
    uint8_t byte;
    bool end;

    reset();
    type("\004");
    ok(ldisc_readable(&ldisc) == 1, "end of file makes the terminal readable");
    ok(ldisc_read(&ldisc, &byte, 1, &end) == 0 && end, "end of file at the start of a line reads 0");
    type("ab\004");
    ok(reads("ab"), "end of file within a line hands over what there is");
    type("a\004b\n");
    ok(ldisc_bytes(&ldisc) == 3, "FIONREAD does not count end-of-file marks");
    ok(ldisc_read(&ldisc, &byte, 1, &end) == 1 && byte == 'a', "a full buffer stops before the mark");
}

static void test_signals(void)
{
    reset();
    ok(type("junk\003") == SIGINT, "interrupt character gives SIGINT");
    ok(echoes("^C"), "drops what was not sent yet, and shows as ^C");
    type("\n");
    ok(reads("\n"), "and drops the line");
    ok(type("\034") == SIGQUIT && type("\032") == SIGTSTP, "quit and suspend characters give their signals");
    ldisc.termios.c_lflag &= ~(uint32_t)ISIG;
    ok(type("\003\n") == 0 && reads("\003\n"), "without ISIG they are input");
}

static void test_raw(void)
{
    struct linux_termios raw;

    reset();
    type("half");
    raw = ldisc.termios;
    raw.c_lflag &= ~(uint32_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag = 0;
    raw.c_oflag = 0;
    ldisc_set_termios(&ldisc, &raw);
    ok(reads("half"), "leaving canonical mode makes the unfinished line readable");
    echoed_size = 0;
    type("\003\r\177");
    ok(reads("\003\r\177") && echoed_size == 0, "raw mode passes every byte and echoes none");
}

static void test_full(void)
{
    struct ldisc_event event;
    unsigned taken = 0;

    reset();
    for (unsigned i = 0; i < 2 * LDISC_SIZE; i++)
        taken += ldisc_input(&ldisc, 'x', &event);
    ok(taken == LDISC_SIZE - 1, "a line holds one byte less than the ring");
    ok(ldisc_input(&ldisc, '\n', &event) && event.readable, "and its end still fits");
    ok(ldisc_room(&ldisc) == 0, "a full ring has no room");
    ldisc_flush_input(&ldisc);
    ok(ldisc_readable(&ldisc) == 0 && ldisc_room(&ldisc) == LDISC_SIZE, "a flush empties it");
}

static unsigned release(void)
{
    struct ldisc_event event;

    ldisc_release(&ldisc, &event);
    return event.signal;
}

// What is typed before anybody asks for input.
static void test_held(void)
{
    struct linux_termios raw;
    struct ldisc_event event;
    unsigned taken = 0;

    reset();
    ldisc_hold(&ldisc);
    type("ab\177c\rdef");
    ok(ldisc_readable(&ldisc) == 0 && echoes(""), "what is held is neither readable nor echoed");
    ok(release() == 0 && reads("ac\n") && echoes("ab\b \bc\r\ndef"),
       "what is released is edited, and echoed once");
    type("g\n");
    ok(reads("defg\n"), "and goes on with what comes after");
    release();
    ok(ldisc_readable(&ldisc) == 0, "a second release does nothing");
    ldisc_hold(&ldisc);
    type("x\r\004");
    raw = ldisc.termios;
    raw.c_lflag &= ~(uint32_t)(ICANON | ECHO | IEXTEN);
    raw.c_iflag = 0;
    ldisc_set_termios(&ldisc, &raw);
    ok(ldisc_readable(&ldisc) == 0, "new settings do not release it");
    echoed_size = 0;
    release();
    ok(reads("x\r\004") && echoes(""), "but it is treated by them");

    reset();
    ldisc_hold(&ldisc);
    ok(type("junk\003") == SIGINT && echoes("^C"), "a signal's character acts at once");
    type("\023");
    ok(ldisc.stopped, "and one of flow control");
    type("\021ok\n");
    ok(release() == 0 && reads("ok\n"), "the signal has dropped what came before it");

    reset();
    ldisc_hold(&ldisc);
    while (ldisc_room(&ldisc) > 0)
        taken += ldisc_input(&ldisc, 'x', &event);
    release();
    ok(taken == LDISC_SIZE - 1 && ldisc.tail - ldisc.head == taken &&
           ldisc_input(&ldisc, '\n', &event) && ldisc_readable(&ldisc) == LDISC_SIZE,
       "a full hold becomes a whole line");
}

static void test_output(void)
{
    uint8_t out[LDISC_EXPANSION];

    reset();
    ok(ldisc_output(&ldisc, '\n', out) == 2 && out[0] == '\r' && out[1] == '\n', "NL is sent as CR NL");
    ldisc.termios.c_oflag |= XTABS;
    ldisc_output(&ldisc, 'a', out);
    ok(ldisc_output(&ldisc, '\t', out) == 7 && out[6] == ' ', "tabs become blanks to the next column of eight");
    ldisc.termios.c_oflag = 0;
    ok(ldisc_output(&ldisc, '\n', out) == 1, "without OPOST bytes are sent as they are");
    type("\023");
    ok(ldisc.stopped, "stop character stops output");
    type("\021");
    ok(!ldisc.stopped, "start character resumes it");
}

int main(void)
{
    test_canonical();
    test_end_of_file();
    test_signals();
    test_raw();
    test_full();
    test_held();
    test_output();
    return done_testing();
}
