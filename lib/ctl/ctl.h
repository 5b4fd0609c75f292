// SPDX-License-Identifier: MIT
// ctl.h - the language of /proc/PID/ctl: text to commands, checked against the table of abi/ctl.h.
//
// A command ends at a line's end or at `&&`. Words are parted by blanks and quoted as in sh: '…' as
// it stands; in "…" and outside, \ takes the next byte as it stands (in "…" only before \ " $ ` and
// a line's end); a line's end behind \ joins lines; a quoted one belongs to its word. Nothing is
// expanded. A line whose first byte behind blanks is # is a comment.
// A reader neither allocates nor changes the text, so it can be run over a text twice.
#pragma once

#include "abi/ctl.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct ctl_spec {
    const char *name;
    const char *arguments; // letters of abi/ctl.h
    unsigned right;        // enum ctl_right
    unsigned where;        // enum ctl_where
};
extern const struct ctl_spec ctl_specs[CTL_COUNT];

struct ctl_reader {
    const char *text;
    size_t length;
    size_t position;
    unsigned line; // of position, from 1
    bool joined;   // the last command ended with &&
    char *words; // length + 1 bytes of the caller's: the present command's words, each with its NUL
};

#define CTL_ARGUMENTS 3 // with a meaning of their own; more only as words

// One command. Words are what the caller's buffer holds until the next call.
struct ctl_command {
    const char *source; // as it was written, without blanks at the ends
    size_t source_length;
    unsigned line;     // where it begins
    const char *words; // all of them, the command's name included, one after the other
    unsigned word_count;
    const struct ctl_spec *spec;
    enum ctl_number number;  // of spec
    unsigned argument_count; // given ones that have a letter, the words of '*' not counted
    // By letter: fd, end (-1), status, number, rights, on (1), inherit, key, limit.
    int64_t values[CTL_ARGUMENTS];
    const char *texts[CTL_ARGUMENTS]; // the word of each
};

// words: at least length + 1 bytes, kept as long as the reader is used.
void ctl_reader_init(struct ctl_reader *reader, const char *text, size_t length, char *words);

// Reads the next command's words, whatever they are: source, line, words and word_count are set.
// Text that is no words is passed over up to its end. Returns 1, or 0 at the end. Errors: -EINVAL
// (an open quote, a NUL, nothing before or after &&).
int ctl_next_words(struct ctl_reader *reader, struct ctl_command *command) MUST_CHECK;

// Reads the next command and its arguments. Returns 1, or 0 at the end. Errors: -EINVAL (not in the
// table, too few or too many words, a word that is not what its letter says), -ERANGE (a number too
// large); source and line are set then too.
int ctl_next(struct ctl_reader *reader, struct ctl_command *command) MUST_CHECK;

// The word with this index (0: the command's name); NULL past the end.
const char *ctl_word(const struct ctl_command *command, unsigned index);

// The limit of a key: *limit in bytes, a count, or nanoseconds; INT64_MAX for "none". Errors:
// -EINVAL, -ERANGE.
int quota_parse_limit(enum quota_key key, const char *text, int64_t *limit) MUST_CHECK;
// Errors: -EINVAL.
int quota_parse_key(const char *text, enum quota_key *key) MUST_CHECK;
const char *quota_key_name(enum quota_key key);
enum quota_unit quota_key_unit(enum quota_key key);
