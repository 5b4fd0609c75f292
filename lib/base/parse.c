// SPDX-License-Identifier: MIT
// parse.c - numbers, sizes and durations from text; declared in fmt.h.

#include "abi/errors.h"
#include "lib/base/fmt.h"

// Reads the digits at the front of text: how many there are, and their value.
// Returns: false if the value does not fit.
static bool scan_digits(const char *text, size_t length, size_t *digits, uint64_t *value)
{
    bool fits = true;
    size_t count = 0;

    *value = 0;
    for (; count < length && text[count] >= '0' && text[count] <= '9'; count++) {
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(text[count] - '0'), value))
            fits = false;
    }
    *digits = count;
    return fits;
}

int fmt_parse_u64(const char *text, size_t length, uint64_t limit, uint64_t *value)
{
    uint64_t number;
    size_t digits;
    bool fits = scan_digits(text, length, &digits, &number);

    if (digits == 0 || digits != length)
        return -EINVAL;
    if (!fits || number > limit)
        return -ERANGE;
    *value = number;
    return 0;
}

int fmt_parse_i64(const char *text, size_t length, int64_t lowest, int64_t highest, int64_t *value)
{
    bool negative = length != 0 && text[0] == '-';
    uint64_t limit = negative ? UINT64_C(1) << 63 : (uint64_t)INT64_MAX;
    uint64_t magnitude;
    int64_t number;
    int error = fmt_parse_u64(text + negative, length - negative, limit, &magnitude);

    if (error != 0)
        return error;
    number = negative ? (int64_t)-magnitude : (int64_t)magnitude;
    if (number < lowest || number > highest)
        return -ERANGE;
    *value = number;
    return 0;
}

int fmt_parse_size(const char *text, size_t length, uint64_t *bytes)
{
    static const char suffixes[] = "KMGT";
    unsigned shift = 0;
    uint64_t number;
    int error;

    for (unsigned i = 0; length != 0 && suffixes[i] != '\0'; i++) {
        if (text[length - 1] == suffixes[i])
            shift = 10 * (i + 1);
    }
    error = fmt_parse_u64(text, length - (shift != 0), UINT64_MAX >> shift, &number);
    if (error == 0)
        *bytes = number << shift;
    return error;
}

struct unit {
    const char *name;
    uint64_t nanoseconds;
};

// The unit that is all of text[0..length); 0 if there is none.
static uint64_t unit_of(const char *text, size_t length)
{
    static const struct unit units[] = {
        { "", NSEC_PER_SEC },   { "ns", 1 },           { "us", NSEC_PER_USEC },
        { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC }, { "m", 60 * NSEC_PER_SEC },
        { "h", 3600 * NSEC_PER_SEC },
    };

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const char *name = units[i].name;
        size_t n = 0;

        while (n < length && name[n] == text[n] && name[n] != '\0')
            n++;
        if (n == length && name[n] == '\0')
            return units[i].nanoseconds;
    }
    return 0;
}

int fmt_parse_duration(const char *text, size_t length, nsec_t *duration)
{
    uint64_t whole, unit, scale, fraction_ns = 0;
    size_t digits, fraction_digits = 0;
    bool fits = scan_digits(text, length, &digits, &whole);
    size_t fraction_at = digits + 1;
    nsec_t total;

    if (digits == 0)
        return -EINVAL;
    if (digits < length && text[digits] == '.') {
        uint64_t ignored;

        (void)scan_digits(text + fraction_at, length - fraction_at, &fraction_digits, &ignored);
        if (fraction_digits == 0)
            return -EINVAL;
        digits = fraction_at + fraction_digits;
    }
    unit = unit_of(text + digits, length - digits);
    if (unit == 0)
        return -EINVAL;
    scale = unit;
    for (size_t i = 0; i < fraction_digits && scale >= 10; i++) {
        // The unit divides by ten at most until a digit is worth less than a nanosecond.
        fraction_ns += scale / 10 * (uint64_t)(text[fraction_at + i] - '0');
        scale /= 10;
    }
    if (!fits || __builtin_mul_overflow(whole, unit, &total) ||
        __builtin_add_overflow(total, fraction_ns, &total) || total == NSEC_NEVER)
        return -ERANGE;
    *duration = total;
    return 0;
}
