// SPDX-License-Identifier: MIT
// ctl.c - ctl commands and their arguments, by the table of abi/ctl.h; see ctl.h.

#include "lib/ctl/ctl.h"

#include <string.h>

#include "abi/errors.h"
#include "lib/base/fmt.h"

#define FD_HIGHEST (INT32_MAX - 1)

const struct ctl_spec ctl_specs[CTL_COUNT] = {
#define CTL_COMMAND(name, arguments, right, where) { #name, arguments, right, where },
    CTL_COMMANDS
#undef CTL_COMMAND
};

static const struct {
    const char *name;
    enum quota_unit unit;
} keys[QUOTA_COUNT] = {
#define QUOTA_KEY(name, unit) { #name, unit },
    QUOTA_KEYS
#undef QUOTA_KEY
};

int quota_parse_key(const char *text, enum quota_key *key)
{
    for (unsigned i = 0; i < QUOTA_COUNT; i++) {
        if (strcmp(text, keys[i].name) == 0) {
            *key = (enum quota_key)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *quota_key_name(enum quota_key key)
{
    return keys[key].name;
}

enum quota_unit quota_key_unit(enum quota_key key)
{
    return keys[key].unit;
}

int quota_parse_limit(enum quota_key key, const char *text, int64_t *limit)
{
    size_t length = strlen(text);
    uint64_t number;
    int error;

    if (strcmp(text, "none") == 0) {
        *limit = INT64_MAX;
        return 0;
    }
    switch (keys[key].unit) {
    case QUOTA_BYTES:
        error = fmt_parse_size(text, length, &number);
        break;
    case QUOTA_DURATION:
        error = fmt_parse_duration(text, length, &number);
        break;
    default:
        error = fmt_parse_u64(text, length, UINT32_MAX, &number);
        break;
    }
    if (error == 0 && number >= INT64_MAX)
        error = -ERANGE;
    if (error == 0)
        *limit = (int64_t)number;
    return error;
}

// The index of text among count names. Errors: -EINVAL.
static int parse_choice(const char *text, const char *const *names, unsigned count, int64_t *value)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_rights(const char *text, int64_t *value)
{
    static const char letters[] = "rwxc";
    unsigned rights = 0;

    for (; *text != '\0'; text++) {
        const char *letter = strchr(letters, *text);
        unsigned bit;

        if (letter == NULL)
            return -EINVAL;
        bit = 1U << (letter - letters);
        if ((rights & bit) != 0)
            return -EINVAL;
        rights |= bit;
    }
    *value = rights;
    return rights != 0 ? 0 : -EINVAL;
}

static int parse_key(const char *text, int64_t *value)
{
    enum quota_key key = QUOTA_memory;
    int error = quota_parse_key(text, &key);

    *value = key;
    return error;
}

// The value of one word by its letter. before: the value of the word before it.
static int parse_argument(char letter, const char *text, int64_t before, int64_t *value)
{
    static const char *const switches[] = { "off", "on" };
    static const char *const inherits[] = { "fds", "env", "names" };
    size_t length = strlen(text);

    switch (letter) {
    case 'f':
        return fmt_parse_i64(text, length, 0, FD_HIGHEST, value) == 0 ? 0 : -EINVAL;
    case 'e':
        return fmt_parse_i64(text, length, -1, INT32_MAX, value);
    case 's':
        return fmt_parse_i64(text, length, INT64_MIN, INT64_MAX, value);
    case 'n':
        return fmt_parse_i64(text, length, 0, UINT32_MAX - 1, value);
    case 'r':
        return parse_rights(text, value);
    case 'o':
        return parse_choice(text, switches, 2, value);
    case 'i':
        return parse_choice(text, inherits, 3, value);
    case 'k':
        return parse_key(text, value);
    case 'v':
        return quota_parse_limit((enum quota_key)before, text, value);
    default:
        return 0;
    }
}

static int parse_arguments(struct ctl_command *command)
{
    const char *letter = command->spec->arguments;
    const char *word = command->words + strlen(command->words) + 1;
    unsigned left = command->word_count - 1;
    bool optional = false;

    for (; *letter != '\0' && *letter != '*'; letter++) {
        unsigned n = command->argument_count;
        int error;

        if (*letter == '?') {
            optional = true;
            continue;
        }
        if (left == 0)
            return optional ? 0 : -EINVAL;
        command->texts[n] = word;
        error =
            parse_argument(*letter, word, n != 0 ? command->values[n - 1] : 0, &command->values[n]);
        if (error != 0)
            return error;
        command->argument_count++;
        word += strlen(word) + 1;
        left--;
    }
    return left == 0 || *letter == '*' ? 0 : -EINVAL;
}

int ctl_next(struct ctl_reader *reader, struct ctl_command *command)
{
    int result = ctl_next_words(reader, command);

    if (result <= 0)
        return result;
    for (unsigned i = 0; i < CTL_COUNT; i++) {
        if (strcmp(command->words, ctl_specs[i].name) == 0) {
            int error;

            command->spec = &ctl_specs[i];
            command->number = (enum ctl_number)i;
            error = parse_arguments(command);
            return error != 0 ? error : 1;
        }
    }
    return -EINVAL;
}
