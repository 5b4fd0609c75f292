// unit: lib/base/fmt.c lib/base/parse.c
// SPDX-License-Identifier: MIT
// test_fmt.c - formatting against the libc's snprintf, parsing against tables and round trips.

#include "lib/base/fmt.h"

#include <stdio.h>
#include <string.h>

#include "abi/errors.h"
#include "tests/unit/tap.h"

static uint64_t seed = 7;

static uint64_t draw(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed ^ seed >> 29;
}

// A number of any length of bits, so that short ones are as common as long ones.
static uint64_t draw_number(void)
{
    return draw() >> (draw() % 64);
}

// Builds a random integer conversion: flags, width, precision, length and letter.
static void draw_format(char *format, bool *wide)
{
    static const char *const lengths[] = { "", "l", "ll", "z", "h", "hh" };
    static const char letters[] = "diuxXo";
    const char *length = lengths[draw() % 6];
    char letter = letters[draw() % 6];
    char *at = format;

    *at++ = '<';
    *at++ = '%';
    if (draw() % 4 == 0)
        *at++ = '-';
    if (draw() % 4 == 0)
        *at++ = '0';
    if (draw() % 4 == 0 && strchr("di", letter) != NULL)
        *at++ = draw() % 2 ? '+' : ' ';
    if (draw() % 4 == 0 && strchr("xXo", letter) != NULL)
        *at++ = '#';
    if (draw() % 2 == 0)
        at += sprintf(at, "%u", 1 + (unsigned)(draw() % 30));
    if (draw() % 3 == 0)
        at += sprintf(at, ".%u", (unsigned)(draw() % 25));
    sprintf(at, "%s%c>", length, letter);
    *wide = strchr("lz", length[0]) != NULL && length[0] != '\0';
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void test_integers(void)
{
    unsigned differing = 0;

    for (unsigned i = 0; i < 100000; i++) {
        char format[40], ours[64], theirs[64];
        uint64_t value = draw_number();
        size_t size = draw() % 8 == 0 ? draw() % 20 : sizeof(ours);
        int our_length, their_length;
        bool wide;

        draw_format(format, &wide);
        memset(ours, 'z', sizeof(ours));
        memset(theirs, 'z', sizeof(theirs));
        if (wide) {
            our_length = fmt_print(ours, size, format, value);
            their_length = snprintf(theirs, size, format, value);
        } else {
            our_length = fmt_print(ours, size, format, (int)value);
            their_length = snprintf(theirs, size, format, (int)value);
        }
        if (our_length != their_length || memcmp(ours, theirs, sizeof(ours)) != 0) {
            if (differing++ == 0)
                printf("# %s of %#lx: '%.60s' should be '%.60s'\n", format, (unsigned long)value,
                       ours, theirs);
        }
    }
    ok(differing == 0, "100,000 random integer conversions equal snprintf's (seed 7)");
}

#define SAME(...)                                                           \
    ({                                                                      \
        char ours[128], theirs[128];                                        \
        int our_length = fmt_print(ours, sizeof(ours), __VA_ARGS__);        \
        int their_length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);   \
        our_length == their_length && strcmp(ours, theirs) == 0;            \
    })

static void test_texts(void)
{
    ok(SAME("[%s] [%10s] [%-10s] [%.2s]", "abc", "abc", "abc", "abc"),
       "strings are padded and cut");
    ok(SAME("%c%5c%-5c|", 'a', 'b', 'c'), "characters");
    ok(SAME("100%% %d", 5), "a percent sign");
    ok(SAME("%*d|%-*d|%.*s", 6, 42, 6, 42, 2, "xyz"), "width and precision from arguments");
    ok(SAME("%p", (void *)0x1234abcd), "a pointer");
    ok(SAME("%d %ld", -2147483647 - 1, -9223372036854775807L - 1), "the lowest integers");
    ok(fmt_print(NULL, 0, "hello %d", 5) == 7, "size 0 writes nothing and still counts");
}

static int parse_u64(const char *text, uint64_t limit, uint64_t *value)
{
    return fmt_parse_u64(text, strlen(text), limit, value);
}

static void test_numbers(void)
{
    uint64_t value = 1;
    int64_t number = 1;

    ok(parse_u64("18446744073709551615", UINT64_MAX, &value) == 0 && value == UINT64_MAX,
       "the largest number parses");
    ok(parse_u64("18446744073709551616", UINT64_MAX, &value) == -ERANGE, "one more is ERANGE");
    ok(parse_u64("11", 10, &value) == -ERANGE, "past the limit is ERANGE");
    ok(parse_u64("", 10, &value) == -EINVAL && parse_u64("1 ", 10, &value) == -EINVAL &&
           parse_u64("+1", 10, &value) == -EINVAL && parse_u64("0x1", 10, &value) == -EINVAL,
       "empty text, blanks, signs and hexadecimal are EINVAL");
    ok(value == UINT64_MAX, "an error leaves the value");
    ok(fmt_parse_i64("-9223372036854775808", 20, INT64_MIN, INT64_MAX, &number) == 0 &&
           number == INT64_MIN,
       "the lowest signed number parses");
    ok(fmt_parse_i64("9223372036854775808", 19, INT64_MIN, INT64_MAX, &number) == -ERANGE,
       "one above the highest is ERANGE");
    ok(fmt_parse_i64("-5", 2, -4, 4, &number) == -ERANGE, "below the lowest is ERANGE");
    ok(fmt_parse_i64("-", 1, -4, 4, &number) == -EINVAL, "a sign alone is EINVAL");
}

static void test_sizes(void)
{
    uint64_t bytes = 0;

    ok(fmt_parse_size("64M", 3, &bytes) == 0 && bytes == UINT64_C(64) << 20, "64M");
    ok(fmt_parse_size("7", 1, &bytes) == 0 && bytes == 7, "a size without a suffix");
    ok(fmt_parse_size("16777216T", 9, &bytes) == -ERANGE, "a size past 64 bits is ERANGE");
    ok(fmt_parse_size("M", 1, &bytes) == -EINVAL && fmt_parse_size("1X", 2, &bytes) == -EINVAL,
       "a suffix alone or an unknown one is EINVAL");
}

static bool duration_is(const char *text, nsec_t expected)
{
    nsec_t duration = 0;

    return fmt_parse_duration(text, strlen(text), &duration) == 0 && duration == expected;
}

static bool duration_fails(const char *text, int error)
{
    nsec_t duration;

    return fmt_parse_duration(text, strlen(text), &duration) == error;
}

static void test_durations(void)
{
    ok(duration_is("30s", 30 * NSEC_PER_SEC) && duration_is("30", 30 * NSEC_PER_SEC),
       "seconds, with and without the unit");
    ok(duration_is("1.5", 1500 * NSEC_PER_MSEC) && duration_is("0.25ms", 250 * NSEC_PER_USEC),
       "fractions");
    ok(duration_is("2h", 7200 * NSEC_PER_SEC) && duration_is("1.5m", 90 * NSEC_PER_SEC) &&
           duration_is("3ns", 3) && duration_is("4us", 4000),
       "hours, minutes, nanoseconds, microseconds");
    ok(duration_is("0.0000000019s", 1), "digits below a nanosecond are cut");
    ok(duration_fails("", -EINVAL) && duration_fails("s", -EINVAL) &&
           duration_fails("1.s", -EINVAL) && duration_fails("1 s", -EINVAL) &&
           duration_fails("1d", -EINVAL),
       "malformed durations are EINVAL");
    ok(duration_fails("18446744074s", -ERANGE) && duration_fails("99999999999999999999", -ERANGE),
       "too long a duration is ERANGE");
}

int main(void)
{
    test_integers();
    test_texts();
    test_numbers();
    test_sizes();
    test_durations();
    return done_testing();
}
