// SPDX-License-Identifier: MIT
// fmt.c - formatted text and numbers; see fmt.h.

#include "lib/base/fmt.h"

#include <string.h>

#include "abi/errors.h"

// Text on its way to a buffer: length counts what does not fit as well.
struct output {
    char *to;
    size_t size;
    size_t length;
};

// One conversion: what stands between % and its letter.
struct spec {
    bool left, zero, plus, space, alternate, has_precision;
    int width;
    int precision;
    int bytes; // of an integer argument
};

static void put(struct output *out, char byte)
{
    if (out->length + 1 < out->size)
        out->to[out->length] = byte;
    out->length++;
}

static void put_repeated(struct output *out, char byte, int count)
{
    while (count-- > 0)
        put(out, byte);
}

static void put_text(struct output *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
}

static void put_padded(struct output *out, const struct spec *spec, const char *text, size_t length)
{
    int padding = spec->width - (int)length;

    if (!spec->left)
        put_repeated(out, ' ', padding);
    put_text(out, text, length);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

// Writes value's digits at the end of digits[0..size). Returns: where they begin.
static char *digits_before(char *end, uint64_t value, unsigned base, bool upper)
{
    const char *letters = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    for (; value != 0; value /= base)
        *--end = letters[value % base];
    return end;
}

static void put_number(struct output *out, struct spec *spec, uint64_t value, const char *prefix,
                       unsigned base, bool upper)
{
    char digits[24];
    char *end = digits + sizeof(digits);
    char *first = digits_before(end, value, base, upper);
    int length = (int)(end - first);
    int prefix_length = (int)strlen(prefix);
    int least = spec->has_precision ? spec->precision : 1;
    int zeros = least > length ? least - length : 0;
    int padding;

    if (base == 8 && spec->alternate && zeros == 0 && (length == 0 || *first != '0'))
        zeros = 1;
    if (spec->zero && !spec->left && !spec->has_precision &&
        spec->width > prefix_length + length + zeros)
        zeros = spec->width - prefix_length - length;
    padding = spec->width - prefix_length - zeros - length;
    if (!spec->left)
        put_repeated(out, ' ', padding);
    put_text(out, prefix, (size_t)prefix_length);
    put_repeated(out, '0', zeros);
    put_text(out, first, (size_t)length);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

static void put_signed(struct output *out, struct spec *spec, int64_t value)
{
    const char *prefix = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    put_number(out, spec, magnitude, prefix, 10, false);
}

static int64_t cut_signed(uint64_t value, int bytes)
{
    switch (bytes) {
    case 1:
        return (int8_t)value;
    case 2:
        return (int16_t)value;
    case 4:
        return (int32_t)value;
    default:
        return (int64_t)value;
    }
}

static uint64_t cut_unsigned(uint64_t value, int bytes)
{
    return bytes == 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static const char *parse_flags(struct spec *spec, const char *at)
{
    for (;; at++) {
        switch (*at) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        default:
            return at;
        }
    }
}

static const char *parse_digits(const char *at, int *value)
{
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        *value = *value * 10 + (*at - '0');
    return at;
}

static const char *parse_length(struct spec *spec, const char *at)
{
    spec->bytes = sizeof(int);
    if (*at == 'z' || *at == 'j' || *at == 't') {
        spec->bytes = sizeof(long);
        at++;
    }
    for (; *at == 'l'; at++)
        spec->bytes = sizeof(long);
    for (; *at == 'h'; at++)
        spec->bytes /= 2;
    return at;
}

// An integer argument: everything up to an int is passed as an int.
static uint64_t next_integer(const struct spec *spec, va_list *arguments)
{
    return spec->bytes == 8 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
}

static void put_hexadecimal(struct output *out, struct spec *spec, uint64_t value, bool upper)
{
    const char *prefix = !spec->alternate || value == 0 ? "" : upper ? "0X" : "0x";

    put_number(out, spec, value, prefix, 16, upper);
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_padded(out, spec, text,
               spec->has_precision ? strnlen(text, (size_t)spec->precision) : strlen(text));
}

static void convert(struct output *out, struct spec *spec, char letter, va_list *arguments)
{
    char byte;

    switch (letter) {
    case 'd':
    case 'i':
        put_signed(out, spec, cut_signed(next_integer(spec, arguments), spec->bytes));
        break;
    case 'u':
        put_number(out, spec, cut_unsigned(next_integer(spec, arguments), spec->bytes), "", 10,
                   false);
        break;
    case 'o':
        put_number(out, spec, cut_unsigned(next_integer(spec, arguments), spec->bytes), "", 8,
                   false);
        break;
    case 'x':
    case 'X':
        put_hexadecimal(out, spec, cut_unsigned(next_integer(spec, arguments), spec->bytes),
                        letter == 'X');
        break;
    case 'p':
        put_number(out, spec, (uintptr_t)va_arg(*arguments, void *), "0x", 16, false);
        break;
    case 'c':
        byte = (char)va_arg(*arguments, int);
        put_padded(out, spec, &byte, 1);
        break;
    case 's':
        put_string(out, spec, va_arg(*arguments, const char *));
        break;
    default: // %% and letters that nobody knows
        put(out, letter);
        break;
    }
}

static const char *parse_spec(struct spec *spec, const char *at, va_list *arguments)
{
    *spec = (struct spec){ 0 };
    at = parse_flags(spec, at);
    if (*at == '*') {
        spec->width = va_arg(*arguments, int);
        at++;
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
    } else {
        at = parse_digits(at, &spec->width);
    }
    if (*at == '.') {
        spec->has_precision = true;
        if (at[1] == '*') {
            spec->precision = va_arg(*arguments, int);
            spec->has_precision = spec->precision >= 0;
            at += 2;
        } else {
            at = parse_digits(at + 1, &spec->precision);
        }
    }
    return parse_length(spec, at);
}

int fmt_vprint(char *to, size_t size, const char *format, va_list arguments)
{
    struct output out = { .to = to, .size = size };
    va_list rest;

    va_copy(rest, arguments);
    for (const char *at = format; *at != '\0'; at++) {
        struct spec spec;

        if (*at != '%') {
            put(&out, *at);
            continue;
        }
        at = parse_spec(&spec, at + 1, &rest);
        if (*at == '\0')
            break;
        convert(&out, &spec, *at, &rest);
    }
    va_end(rest);
    if (size != 0)
        to[MIN(out.length, size - 1)] = '\0';
    return (int)out.length;
}

int fmt_print(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = fmt_vprint(to, size, format, arguments);
    va_end(arguments);
    return length;
}
