// SPDX-License-Identifier: MIT
// ldisc.c - the line discipline of terminals: what termios(3) says happens to each byte.
//
// Sources: termios(3), ioctl_tty(2), POSIX.1-2017 chapter 11.
#include "kernel/dev/ldisc.h"

#include <string.h>

#include "abi/signal.h"
#include "lib/base/compiler.h"

#define DISABLED_CHAR 0 // _POSIX_VDISABLE

static bool input_flag(const struct ldisc *l, uint32_t flag)
{
    return (l->termios.c_iflag & flag) != 0;
}

static bool local_flag(const struct ldisc *l, uint32_t flag)
{
    return (l->termios.c_lflag & flag) != 0;
}

static bool is_char(const struct ldisc *l, unsigned index, uint8_t byte)
{
    return byte != DISABLED_CHAR && l->termios.c_cc[index] == byte;
}

static uint8_t *byte_at(struct ldisc *l, uint32_t position)
{
    return &l->data[position % LDISC_SIZE];
}

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops)
{
    static const uint8_t control_chars[] = {
        [VINTR] = 3,  [VQUIT] = 28, [VERASE] = 127,  [VKILL] = 21,   [VEOF] = 4,   [VMIN] = 1,
        [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
        [VWERASE] = 23, [VLNEXT] = 22,
    };

    memset(l, 0, sizeof(*l));
    l->termios.c_iflag = ICRNL | IXON;
    l->termios.c_oflag = OPOST | ONLCR;
    l->termios.c_cflag = B38400 | CS8 | CREAD | HUPCL;
    l->termios.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    memcpy(l->termios.c_cc, control_chars, sizeof(control_chars));
    l->ops = ops;
}

// --- Output ---

unsigned ldisc_output(struct ldisc *l, uint8_t byte, uint8_t to[LDISC_EXPANSION])
{
    uint32_t flags = l->termios.c_oflag;
    unsigned count = 0;

    if (!(flags & OPOST)) {
        to[0] = byte;
        return 1;
    }
    switch (byte) {
    case '\n':
        if (flags & ONLCR)
            to[count++] = '\r';
        if (flags & (ONLCR | ONLRET))
            l->column = 0;
        break;
    case '\r':
        if ((flags & ONOCR) && l->column == 0)
            return 0;
        if (flags & OCRNL)
            byte = '\n';
        l->column = 0;
        break;
    case '\t':
        count = 8 - l->column % 8;
        l->column += count;
        if ((flags & TABDLY) == TABDLY) {
            memset(to, ' ', count);
            return count;
        }
        to[0] = byte;
        return 1;
    case '\b':
        if (l->column > 0)
            l->column--;
        break;
    default:
        if (byte >= ' ' && byte != 127 && (byte & 0xc0) != 0x80)
            l->column++;
    }
    to[count++] = byte;
    return count;
}

static void send(struct ldisc *l, const char *bytes, size_t count)
{
    uint8_t out[LDISC_EXPANSION];

    for (size_t i = 0; i < count; i++) {
        unsigned length = ldisc_output(l, (uint8_t)bytes[i], out);

        l->ops->echo(l, out, length);
    }
}

// --- Echo and erasing ---

static bool shown_as_control(const struct ldisc *l, uint8_t byte)
{
    return local_flag(l, ECHOCTL) && (byte < ' ' || byte == 127) && byte != '\t' && byte != '\n';
}

static void echo_byte(struct ldisc *l, uint8_t byte)
{
    if (shown_as_control(l, byte)) {
        char pair[2] = { '^', (char)(byte ^ 0x40) };

        send(l, pair, 2);
    } else {
        send(l, (char *)&byte, 1);
    }
}

static void echo_input(struct ldisc *l, uint8_t byte)
{
    if (local_flag(l, ECHO) || (byte == '\n' && local_flag(l, ECHONL) && local_flag(l, ICANON)))
        echo_byte(l, byte);
}

// The column behind the line being edited, up to position end.
static unsigned column_of(struct ldisc *l, uint32_t end)
{
    unsigned column = l->line_column;

    for (uint32_t i = l->committed; i != end; i++) {
        uint8_t byte = *byte_at(l, i);

        if (byte == '\t')
            column = (column / 8 + 1) * 8;
        else if (shown_as_control(l, byte))
            column += 2;
        else if (byte >= ' ' && !(input_flag(l, IUTF8) && (byte & 0xc0) == 0x80))
            column++;
    }
    return column;
}

// Takes the last character (with its continuation bytes) off the line being edited.
static void erase_character(struct ldisc *l, bool show)
{
    unsigned before = column_of(l, l->tail);
    unsigned after;

    do {
        l->tail--;
    } while (input_flag(l, IUTF8) && l->tail != l->committed && (*byte_at(l, l->tail) & 0xc0) == 0x80);
    after = column_of(l, l->tail);
    if (!show)
        return;
    for (; before > after; before--)
        send(l, "\b \b", 3);
}

static void erase(struct ldisc *l)
{
    if (l->tail == l->committed)
        return;
    erase_character(l, local_flag(l, ECHO) && local_flag(l, ECHOE));
    if (local_flag(l, ECHO) && !local_flag(l, ECHOE))
        echo_byte(l, l->termios.c_cc[VERASE]);
}

static bool is_word_byte(uint8_t byte)
{
    return byte == '_' || (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z') ||
           byte >= 128;
}

static void erase_word(struct ldisc *l)
{
    bool seen = false;

    while (l->tail != l->committed) {
        bool word = is_word_byte(*byte_at(l, l->tail - 1));

        if (seen && !word)
            break;
        seen |= word;
        erase_character(l, local_flag(l, ECHO));
    }
}

static void kill_line(struct ldisc *l)
{
    bool show = local_flag(l, ECHO) && local_flag(l, ECHOKE) && local_flag(l, ECHOE);

    while (l->tail != l->committed)
        erase_character(l, show);
    if (local_flag(l, ECHO) && local_flag(l, ECHOK) && !show) {
        echo_byte(l, l->termios.c_cc[VKILL]);
        send(l, "\n", 1);
    }
}

static void reprint(struct ldisc *l)
{
    echo_byte(l, l->termios.c_cc[VREPRINT]);
    send(l, "\n", 1);
    l->line_column = l->column;
    for (uint32_t i = l->committed; i != l->tail; i++)
        echo_byte(l, *byte_at(l, i));
}

// --- Input ---

static void store(struct ldisc *l, uint8_t byte, bool end, bool eof)
{
    unsigned slot = l->tail++ % LDISC_SIZE;

    l->data[slot] = byte;
    bits_clear(l->ends, slot);
    bits_clear(l->eofs, slot);
    if (end)
        bits_set(l->ends, slot);
    if (eof)
        bits_set(l->eofs, slot);
}

static void commit(struct ldisc *l, struct ldisc_event *event)
{
    l->committed = l->tail;
    l->line_column = l->column;
    event->readable = true;
}

static unsigned signal_of(const struct ldisc *l, uint8_t byte)
{
    if (!local_flag(l, ISIG))
        return 0;
    if (is_char(l, VINTR, byte))
        return SIGINT;
    if (is_char(l, VQUIT, byte))
        return SIGQUIT;
    return is_char(l, VSUSP, byte) ? SIGTSTP : 0;
}

// Start and stop of output. Returns: true if the byte was for that.
static bool flow_control(struct ldisc *l, uint8_t byte, struct ldisc_event *event)
{
    if (!input_flag(l, IXON))
        return false;
    if (is_char(l, VSTART, byte)) {
        event->output_resumed = l->stopped;
        l->stopped = false;
        return true;
    }
    if (is_char(l, VSTOP, byte)) {
        l->stopped = true;
        return true;
    }
    if (l->stopped && input_flag(l, IXANY)) {
        event->output_resumed = true;
        l->stopped = false;
    }
    return false;
}

// The editing characters of canonical mode. Returns: true if the byte was one.
static bool edit(struct ldisc *l, uint8_t byte, struct ldisc_event *event)
{
    bool extended = local_flag(l, IEXTEN);

    if (is_char(l, VERASE, byte))
        erase(l);
    else if (is_char(l, VKILL, byte))
        kill_line(l);
    else if (extended && is_char(l, VWERASE, byte))
        erase_word(l);
    else if (extended && is_char(l, VREPRINT, byte) && local_flag(l, ECHO))
        reprint(l);
    else if (is_char(l, VEOF, byte)) {
        store(l, 0, true, true);
        commit(l, event);
    } else
        return false;
    return true;
}

static bool ends_line(const struct ldisc *l, uint8_t byte)
{
    return byte == '\n' || is_char(l, VEOL, byte) || (local_flag(l, IEXTEN) && is_char(l, VEOL2, byte));
}

static bool input_canonical(struct ldisc *l, uint8_t byte, struct ldisc_event *event)
{
    bool literal = l->literal_next;
    bool end;

    l->literal_next = false;
    if (!literal && edit(l, byte, event))
        return true;
    end = !literal && ends_line(l, byte);
    // One place stays free for the end of the line.
    if (l->tail - l->head >= LDISC_SIZE - (end ? 0U : 1U)) {
        if (input_flag(l, IMAXBEL))
            send(l, "\a", 1);
        return false;
    }
    if (l->tail == l->committed)
        l->line_column = l->column;
    store(l, byte, end, false);
    echo_input(l, byte);
    if (end)
        commit(l, event);
    return true;
}

// Applies the input flags. Returns: false if the byte is to be ignored.
static bool translate(const struct ldisc *l, uint8_t *byte)
{
    if (input_flag(l, ISTRIP))
        *byte &= 0x7f;
    if (*byte == '\r') {
        if (input_flag(l, IGNCR))
            return false;
        if (input_flag(l, ICRNL))
            *byte = '\n';
    } else if (*byte == '\n' && input_flag(l, INLCR)) {
        *byte = '\r';
    }
    return true;
}

// Whether a byte is for signals or flow control, whoever reads.
static bool acts_at_once(const struct ldisc *l, uint8_t byte)
{
    bool flow = is_char(l, VSTART, byte) || is_char(l, VSTOP, byte);

    return signal_of(l, byte) != 0 || (flow && input_flag(l, IXON));
}

bool ldisc_input(struct ldisc *l, uint8_t byte, struct ldisc_event *event)
{
    memset(event, 0, sizeof(*event));
    if (l->held && !acts_at_once(l, byte)) {
        if (ldisc_room(l) == 0)
            return false;
        store(l, byte, false, false);
        return true;
    }
    if (!l->literal_next) {
        if (!translate(l, &byte) || flow_control(l, byte, event))
            return true;
        event->signal = signal_of(l, byte);
        if (event->signal != 0) {
            if (!local_flag(l, NOFLSH)) {
                ldisc_flush_input(l);
                l->ops->drop_output(l);
            }
            if (local_flag(l, ECHO))
                echo_byte(l, byte);
            return true;
        }
        if (local_flag(l, IEXTEN) && local_flag(l, ICANON) && is_char(l, VLNEXT, byte)) {
            l->literal_next = true;
            if (local_flag(l, ECHO) && local_flag(l, ECHOCTL))
                send(l, "^\b", 2);
            return true;
        }
    }
    if (local_flag(l, ICANON))
        return input_canonical(l, byte, event);
    l->literal_next = false;
    if (l->tail - l->head >= LDISC_SIZE)
        return false;
    store(l, byte, false, false);
    echo_input(l, byte);
    commit(l, event);
    return true;
}

size_t ldisc_room(const struct ldisc *l)
{
    size_t used = l->tail - l->head;

    if (l->held) // it may become one line, without its end
        return LDISC_SIZE - 1 - used;
    // A full canonical line that nobody can read yet must still take its end.
    if (local_flag(l, ICANON) && l->head == l->committed)
        return MAX(LDISC_SIZE - used, (size_t)1);
    return LDISC_SIZE - used;
}

void ldisc_hold(struct ldisc *l)
{
    l->held = true;
}

// Each byte is taken out of the ring before it is put in again, so what is stored never reaches what
// is still to come.
void ldisc_release(struct ldisc *l, struct ldisc_event *event)
{
    uint32_t at = l->head, end = l->tail;

    memset(event, 0, sizeof(*event));
    if (!l->held)
        return;
    l->held = false;
    l->tail = l->head;
    for (; at != end; at++) {
        struct ldisc_event one;

        ldisc_input(l, *byte_at(l, at), &one);
        event->signal = one.signal != 0 ? one.signal : event->signal;
        event->readable |= one.readable;
        event->output_resumed |= one.output_resumed;
    }
}

// --- Reading ---

size_t ldisc_readable(const struct ldisc *l)
{
    return l->committed - l->head;
}

size_t ldisc_bytes(const struct ldisc *l)
{
    size_t bytes = 0;

    for (uint32_t i = l->head; i != l->committed; i++)
        bytes += !bits_test(l->eofs, i % LDISC_SIZE);
    return bytes;
}

size_t ldisc_read(struct ldisc *l, uint8_t *to, size_t size, bool *ended)
{
    size_t count = 0;

    *ended = false;
    while (l->head != l->committed) {
        unsigned slot = l->head % LDISC_SIZE;

        if (bits_test(l->eofs, slot)) {
            l->head++;
            *ended = true;
            break;
        }
        if (count == size)
            break;
        to[count++] = l->data[slot];
        l->head++;
        if (local_flag(l, ICANON) && bits_test(l->ends, slot)) {
            *ended = true;
            break;
        }
    }
    return count;
}

void ldisc_set_termios(struct ldisc *l, const struct linux_termios *termios)
{
    bool was_canonical = local_flag(l, ICANON);

    l->termios = *termios;
    if (was_canonical && !local_flag(l, ICANON) && !l->held) {
        l->committed = l->tail;
        l->literal_next = false;
    }
    if (!input_flag(l, IXON))
        l->stopped = false;
}

void ldisc_flush_input(struct ldisc *l)
{
    l->head = l->tail;
    l->committed = l->tail;
    l->line_column = l->column;
    l->literal_next = false;
}
