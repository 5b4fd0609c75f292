// SPDX-License-Identifier: MIT
// words.c - the words of ctl commands, split and unquoted; see ctl.h.
//
// A word loses at least one byte of its text (a blank, a quote, the end) to its NUL, so the words
// of a text of n bytes fit into n + 1 bytes.

#include <string.h>

#include "abi/errors.h"
#include "lib/ctl/ctl.h"

// Where the words of one command go.
struct sink {
    char *to;
    size_t used;
    unsigned count;
};

void ctl_reader_init(struct ctl_reader *reader, const char *text, size_t length, char *words)
{
    *reader = (struct ctl_reader){ .text = text, .length = length, .line = 1, .words = words };
}

static bool at_end(const struct ctl_reader *reader)
{
    return reader->position == reader->length;
}

// The byte `ahead` places on; NUL past the end, where the caller asks only for others.
static char peek(const struct ctl_reader *reader, size_t ahead)
{
    size_t at = reader->position + ahead;

    return at < reader->length ? reader->text[at] : '\0';
}

static char take(struct ctl_reader *reader)
{
    char byte = reader->text[reader->position++];

    if (byte == '\n')
        reader->line++;
    return byte;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool at_join(const struct ctl_reader *reader)
{
    return peek(reader, 0) == '&' && peek(reader, 1) == '&';
}

static bool at_continuation(const struct ctl_reader *reader)
{
    return peek(reader, 0) == '\\' && peek(reader, 1) == '\n';
}

static bool ends_word(const struct ctl_reader *reader)
{
    return at_end(reader) || is_blank(peek(reader, 0)) || peek(reader, 0) == '\n' ||
           at_join(reader);
}

static void skip_blanks(struct ctl_reader *reader)
{
    while (!at_end(reader) && (is_blank(peek(reader, 0)) || at_continuation(reader))) {
        if (take(reader) == '\\')
            take(reader);
    }
}

static void skip_line(struct ctl_reader *reader)
{
    while (!at_end(reader) && peek(reader, 0) != '\n')
        take(reader);
}

// Passes over what stands between commands: blanks, empty lines, comments.
static void skip_to_command(struct ctl_reader *reader)
{
    for (;;) {
        skip_blanks(reader);
        if (at_end(reader) || reader->joined)
            return;
        if (peek(reader, 0) == '#')
            skip_line(reader);
        else if (peek(reader, 0) == '\n')
            take(reader);
        else
            return;
    }
}

static int put(struct sink *sink, char byte)
{
    if (byte == '\0')
        return -EINVAL;
    sink->to[sink->used++] = byte;
    return 0;
}

// Behind a backslash. quoted: within "…", where it stands for itself before most bytes.
static int take_escape(struct ctl_reader *reader, struct sink *sink, bool quoted)
{
    char byte;

    if (at_end(reader))
        return -EINVAL;
    byte = take(reader);
    if (byte == '\n')
        return 0;
    // strchr would find the NUL too; put refuses it.
    if (quoted && (byte == '\0' || strchr("\\\"$`", byte) == NULL)) {
        int error = put(sink, '\\');

        if (error != 0)
            return error;
    }
    return put(sink, byte);
}

// The rest of a word behind an opening quote, up to the closing one.
static int take_quoted(struct ctl_reader *reader, struct sink *sink, char quote)
{
    while (!at_end(reader)) {
        char byte = take(reader);
        int error;

        if (byte == quote)
            return 0;
        if (byte == '\\' && quote == '"')
            error = take_escape(reader, sink, true);
        else
            error = put(sink, byte);
        if (error != 0)
            return error;
    }
    return -EINVAL;
}

static int take_word(struct ctl_reader *reader, struct sink *sink)
{
    while (!ends_word(reader)) {
        char byte = take(reader);
        int error;

        if (byte == '\'' || byte == '"')
            error = take_quoted(reader, sink, byte);
        else if (byte == '\\')
            error = take_escape(reader, sink, false);
        else
            error = put(sink, byte);
        if (error != 0)
            return error;
    }
    sink->to[sink->used++] = '\0';
    sink->count++;
    return 0;
}

static int take_words(struct ctl_reader *reader, struct sink *sink)
{
    for (;;) {
        int error;

        skip_blanks(reader);
        if (ends_word(reader))
            return 0;
        error = take_word(reader, sink);
        if (error != 0)
            return error;
    }
}

static void set_source(const struct ctl_reader *reader, size_t start, struct ctl_command *command)
{
    size_t end = reader->position;

    while (end > start && (is_blank(reader->text[end - 1]) || reader->text[end - 1] == '\n'))
        end--;
    command->source = reader->text + start;
    command->source_length = end - start;
}

int ctl_next_words(struct ctl_reader *reader, struct ctl_command *command)
{
    struct sink sink = { .to = reader->words };
    size_t start;
    int error;

    *command = (struct ctl_command){ .words = reader->words };
    skip_to_command(reader);
    start = reader->position;
    command->line = reader->line;
    if (at_end(reader) && !reader->joined)
        return 0;
    error = take_words(reader, &sink);
    if (error == 0 && sink.count == 0)
        error = -EINVAL;
    if (error != 0)
        skip_line(reader);
    set_source(reader, start, command);
    reader->joined = error == 0 && at_join(reader);
    if (reader->joined)
        reader->position += 2;
    command->word_count = sink.count;
    return error != 0 ? error : 1;
}

const char *ctl_word(const struct ctl_command *command, unsigned index)
{
    const char *word = command->words;

    if (index >= command->word_count)
        return NULL;
    while (index-- != 0)
        word += strlen(word) + 1;
    return word;
}
