// SPDX-License-Identifier: MIT
// unit: lib/ctl/words.c lib/ctl/ctl.c lib/base/errors.c lib/base/parse.c
// test_ctl.c - the language of /proc/PID/ctl: words, lines, arguments; and texts of errors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/errors.h"
#include "lib/base/errors.h"
#include "lib/ctl/ctl.h"
#include "tests/unit/tap.h"

static char buffer[4096];
static struct ctl_reader reader;
static struct ctl_command command;

static void begin(const char *text)
{
    ctl_reader_init(&reader, text, strlen(text), buffer);
}

// The words of the next command, each in brackets; or the error.
static const char *words(void)
{
    static char text[4096];
    int result = ctl_next_words(&reader, &command);

    if (result <= 0) {
        snprintf(text, sizeof(text), "%d", result);
        return text;
    }
    text[0] = '\0';
    for (unsigned i = 0; i < command.word_count; i++) {
        strcat(text, "[");
        strcat(text, ctl_word(&command, i));
        strcat(text, "]");
    }
    return text;
}

static void expect_words(const char *text, const char *expected, const char *fact)
{
    begin(text);
    const char *found = words();
    bool same = strcmp(found, expected) == 0;

    if (!same)
        printf("# found %s\n", found);
    ok(same, "%s", fact);
}

static void test_words(void)
{
    expect_words("kill  -9\n", "[kill][-9]", "blanks part words");
    expect_words("bind 'a b' \"c d\"", "[bind][a b][c d]", "quotes keep blanks");
    expect_words("exec a'b'\"c\"d", "[exec][abcd]", "quotes join within a word");
    expect_words("bind '' /", "[bind][][/]", "an empty word");
    expect_words("x 'a\\b'", "[x][a\\b]", "a backslash within ' stands for itself");
    expect_words("x \"a\\\"b\\\\c\\d\"", "[x][a\"b\\c\\d]",
                 "a backslash within \" quotes \" and \\ alone");
    expect_words("x a\\ b", "[x][a b]", "a backslash outside quotes a blank");
    expect_words("x 'it'\\''s'", "[x][it's]", "a quote by sh's trick");
    expect_words("x 'a\nb'", "[x][a\nb]", "a quoted line's end belongs to the word");
    expect_words("x a \\\n b", "[x][a][b]", "a backslash joins lines");
    expect_words("x $HOME `id`", "[x][$HOME][`id`]", "nothing is expanded");
    expect_words("x a#b # c", "[x][a#b][#][c]", "# is a comment only at a line's beginning");
    expect_words("  # no\n\n\t# no\n x", "[x]", "comments and empty lines are passed over");
    expect_words("x a&b", "[x][a&b]", "one & is a byte like others");
    expect_words("", "0", "an empty text has no command");
    expect_words("\n \n#\n", "0", "a text of blanks has no command");
    expect_words("x 'a", "-22", "an open ' is EINVAL");
    expect_words("x \"a", "-22", "an open \" is EINVAL");
    expect_words("x \\", "-22", "a backslash at the end is EINVAL");
    expect_words("&& x", "-22", "nothing before && is EINVAL");
}

static void test_commands(void)
{
    begin("start&&suspend && kill 'a'\nreap");
    ok(strcmp(words(), "[start]") == 0, "&& needs no blanks");
    ok(strcmp(words(), "[suspend]") == 0, "a joined command");
    ok(strcmp(words(), "[kill][a]") == 0 && command.line == 1, "the third is on line 1");
    ok(strcmp(words(), "[reap]") == 0 && command.line == 2, "the fourth is on line 2");
    ok(strcmp(words(), "0") == 0, "then the end");
    begin("start &&\nkill");
    words();
    ok(strcmp(words(), "-22") == 0, "nothing behind && is EINVAL");
    ok(strcmp(words(), "[kill]") == 0, "the next line is read");
    begin("a\n'b\nc' d\ne");
    words();
    words();
    ok(command.line == 2 && command.source_length == 7 &&
           memcmp(command.source, "'b\nc' d", 7) == 0,
       "source and line of a command over two lines");
    words();
    ok(command.line == 4, "lines within quotes count");
    begin("  bind src  /home/src r \t\n");
    words();
    ok(command.source_length == 21 && memcmp(command.source, "bind src  /home/src r", 21) == 0,
       "source is as written, without blanks at the ends");
    ctl_reader_init(&reader, "ki\0ll", 5, buffer);
    ok(ctl_next_words(&reader, &command) == -EINVAL, "a NUL is EINVAL");
}

static int parse(const char *text)
{
    begin(text);
    return ctl_next(&reader, &command);
}

static void test_arguments(void)
{
    ok(parse("start") == 1 && command.number == CTL_start && command.argument_count == 0, "start");
    ok(parse("start now") == -EINVAL, "a word too many");
    ok(parse("kill") == 1 && command.argument_count == 0, "kill without a status");
    ok(parse("kill -15") == 1 && command.values[0] == -15, "kill with one");
    ok(parse("kill x") == -EINVAL && parse("kill 1x") == -EINVAL && parse("kill ''") == -EINVAL,
       "garbage is EINVAL");
    ok(parse("close 3") == 1 && command.values[0] == 3 && command.argument_count == 1, "close FD");
    ok(parse("close 3 -1") == 1 && command.values[1] == -1, "close MIN -1");
    ok(parse("close -1") == -EINVAL && parse("close 3 -2") == -ERANGE && parse("close") == -EINVAL,
       "wrong fds");
    ok(parse("dup2 1") == -EINVAL && parse("dup2 1 2") == 1, "dup2 takes two");
    ok(parse("give 0 1 rw") == 1 && command.values[2] == (CTL_RIGHT_R | CTL_RIGHT_W), "rights");
    ok(parse("give 0 1 rr") == -EINVAL && parse("give 0 1 q") == -EINVAL &&
           parse("give 0 1 ''") == -EINVAL,
       "wrong rights");
    ok(parse("bind src /home/src r") == 1 && strcmp(command.texts[1], "/home/src") == 0, "bind");
    ok(parse("exec /bin/sh -c 'echo a && b'") == 1 && command.word_count == 4 &&
           strcmp(ctl_word(&command, 3), "echo a && b") == 0 && ctl_word(&command, 4) == NULL,
       "exec with words");
    ok(parse("exec") == -EINVAL && parse("execfd 3") == -EINVAL && parse("execfd 3 a") == 1,
       "exec needs a program");
    ok(parse("wx on") == 1 && command.values[0] == 1 && parse("wx off") == 1 &&
           command.values[0] == 0,
       "on and off");
    ok(parse("wx yes") == -EINVAL && parse("inherit all") == -EINVAL, "other words are EINVAL");
    ok(parse("inherit names") == 1 && command.values[0] == CTL_NAMES, "inherit");
    ok(parse("uid 5") == 1 && parse("uid 5 6") == 1 && command.values[1] == 6, "uid");
    ok(parse("uid 4294967295") == -ERANGE && parse("uid -1") == -ERANGE, "-1 is no uid");
    ok(parse("nothing") == -EINVAL && parse("''") == -EINVAL && parse("Start") == -EINVAL,
       "unknown commands");
}

static void test_quota(void)
{
    ok(parse("quota memory 64M") == 1 && command.values[1] == 64 << 20, "a size");
    ok(parse("quota deadline 1.5s") == 1 && command.values[1] == 1500000000, "a duration");
    ok(parse("quota cputime 2") == 1 && command.values[1] == 2000000000, "seconds by default");
    ok(parse("quota processes 10") == 1 && command.values[1] == 10, "a count");
    ok(parse("quota memory none") == 1 && command.values[1] == INT64_MAX, "none");
    ok(parse("quota processes 1K") == -EINVAL && parse("quota memory 1x") == -EINVAL,
       "a wrong unit");
    ok(parse("quota memory -1") == -EINVAL && parse("quota cpu ''") == -EINVAL, "no number");
    ok(parse("quota memory 16777216T") == -ERANGE, "too large");
    ok(parse("quota disk 1") == -EINVAL && parse("quota memory") == -EINVAL, "a wrong key");
    for (unsigned i = 0; i < QUOTA_COUNT; i++) {
        enum quota_key key;

        ok(quota_parse_key(quota_key_name(i), &key) == 0 && key == i, "key %s", quota_key_name(i));
    }
}

static void test_errors(void)
{
    ok(strcmp(error_name(-ENOENT), "ENOENT") == 0 &&
           strcmp(error_text(ENOENT), "no such file or directory") == 0,
       "an error has a name and a text");
    ok(error_name(0) == NULL && error_name(41) == NULL && error_name(1000) == NULL &&
           error_name(INT32_MIN) == NULL,
       "numbers that are no error have no name");
    ok(strcmp(error_text(58), "unknown error") == 0, "and say so");
}

// What a quoted word of random bytes reads as is those bytes.
static void test_random(void)
{
    unsigned seed = (unsigned)time(NULL), checked = 0;

    printf("# seed %u\n", seed);
    srand(seed);
    for (unsigned round = 0; round < 20000; round++) {
        char word[16], text[128] = "x '";
        size_t length = (size_t)rand() % 15, at = 3;

        for (size_t i = 0; i < length; i++)
            word[i] = "ab '\"\\&\n#$"[rand() % 10];
        word[length] = '\0';
        for (size_t i = 0; i < length; i++) {
            const char *piece = word[i] == '\'' ? "'\\''" : (char[]){ word[i], '\0' };

            at += (size_t)sprintf(text + at, "%s", piece);
        }
        strcpy(text + at, "'");
        begin(text);
        checked += ctl_next_words(&reader, &command) == 1 && command.word_count == 2 &&
                   strcmp(ctl_word(&command, 1), word) == 0 &&
                   ctl_next_words(&reader, &command) == 0;
    }
    ok(checked == 20000, "20000 random words survive quoting: %u", checked);
}

int main(void)
{
    test_words();
    test_commands();
    test_arguments();
    test_quota();
    test_errors();
    test_random();
    return done_testing();
}
