// SPDX-License-Identifier: MIT
// options.c - reads the command line of `box run` and `box show`.

#include "user/box/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fmt.h"
#include "user/box/report.h"

#define CPUS_MAX 64
#define PROCESSES_MAX (UINT64_C(1) << 30)

enum option {
    OPTION_I,
    OPTION_T,
    OPTION_F,
    OPTION_V,
    OPTION_E,
    OPTION_W,
    OPTION_M,
    OPTION_CPUS,
    OPTION_PIDS,
    OPTION_TIMEOUT,
    OPTION_ROOT,
    OPTION_STATUS,
    OPTION_RECORD,
    OPTION_BOX,
    OPTION_LOG
};

static const struct {
    const char *name;
    enum option option;
    bool has_value;
} table[] = {
    { "-i", OPTION_I, false },
    { "-t", OPTION_T, false },
    { "-f", OPTION_F, true },
    { "-v", OPTION_V, true },
    { "-e", OPTION_E, true },
    { "-w", OPTION_W, true },
    { "-m", OPTION_M, true },
    { "--cpus", OPTION_CPUS, true },
    { "--pids", OPTION_PIDS, true },
    { "--timeout", OPTION_TIMEOUT, true },
    { "--root", OPTION_ROOT, true },
    { "--status", OPTION_STATUS, true },
    { "--record", OPTION_RECORD, false },
    { "--box", OPTION_BOX, true },
    { "--log", OPTION_LOG, true },
};

static uint64_t read_number(const char *name, const char *text, uint64_t most)
{
    uint64_t value;

    if (fmt_parse_u64(text, strlen(text), most, &value) != 0 || value == 0)
        fail(EXIT_FAILED, "%s wants a number from 1 to %llu, not %s", name,
             (unsigned long long)most, text);
    return value;
}

static void check_size(const char *text)
{
    uint64_t value;

    if (fmt_parse_size(text, strlen(text), &value) != 0 || value == 0)
        fail(EXIT_FAILED, "-m wants a size, as 64M or 1G, not %s", text);
}

static void check_duration(const char *text)
{
    nsec_t value;

    if (fmt_parse_duration(text, strlen(text), &value) != 0 || value == 0)
        fail(EXIT_FAILED, "--timeout wants a time above 0, as 500ms, 10s or 2m, not %s", text);
}

// SRC:DST[:ro|rw]. The names of a box have one part, so DST is /NAME.
static void add_volume(struct options *options, const char *text)
{
    struct volume *volume = &options->volumes[options->volume_count];
    char *source = strdup(text), *name, *rights;

    if (source == NULL || options->volume_count++ == OPTION_LIST_MAX)
        fail(EXIT_FAILED, "too many times -v");
    name = strchr(source, ':');
    if (name == NULL || name == source)
        fail(EXIT_FAILED, "-v wants SRC:DST[:ro|rw], not %s", text);
    *name++ = '\0';
    rights = strchr(name, ':');
    if (rights != NULL)
        *rights++ = '\0';
    *volume =
        (struct volume){ .source = source, .name = name + (name[0] == '/'), .rights = "rwxc" };
    if (volume->name[0] == '\0' || strchr(volume->name, '/') != NULL)
        fail(EXIT_FAILED, "-v wants a DST of one part, as /NAME, not %s", name);
    if (rights != NULL && strcmp(rights, "ro") == 0)
        volume->rights = "rx";
    else if (rights != NULL && strcmp(rights, "rw") != 0)
        fail(EXIT_FAILED, "-v wants ro or rw, not %s", rights);
}

static void add_variable(struct options *options, const char *text)
{
    size_t length = strcspn(text, "=");

    if (length == 0 || length > 255 || memchr(text, '/', length) != NULL)
        fail(EXIT_FAILED, "-e wants NAME or NAME=VALUE, not %s", text);
    if (options->variable_count == OPTION_LIST_MAX)
        fail(EXIT_FAILED, "too many times -e");
    options->variables[options->variable_count++] = text;
}

static void set_limit(struct options *options, enum option option, const char *value)
{
    if (option == OPTION_M) {
        check_size(value);
        options->memory = value;
    } else if (option == OPTION_CPUS) {
        options->cpus = (unsigned)read_number("--cpus", value, CPUS_MAX);
    } else if (option == OPTION_PIDS) {
        (void)read_number("--pids", value, PROCESSES_MAX);
        options->processes = value;
    } else {
        check_duration(value);
        options->timeout = value;
    }
}

static void set(struct options *options, enum option option, const char *value)
{
    switch (option) {
    case OPTION_I:
        options->interactive = true;
        break;
    case OPTION_T:
        options->terminal = true;
        break;
    case OPTION_RECORD:
        options->in_words = true;
        break;
    case OPTION_F:
        options->manifest = value;
        break;
    case OPTION_V:
        add_volume(options, value);
        break;
    case OPTION_E:
        add_variable(options, value);
        break;
    case OPTION_W:
        if (value[0] != '/')
            fail(EXIT_FAILED, "-w wants an absolute path, not %s", value);
        options->directory = value;
        break;
    case OPTION_ROOT:
        options->root = value;
        break;
    case OPTION_STATUS:
        if (options->show)
            fail(EXIT_FAILED, "--status is an option of box run: box show starts nothing");
        break; // options_open_record has seen it
    case OPTION_BOX:
        options->box = value;
        break;
    case OPTION_LOG:
        fail(EXIT_FAILED, "--log is the launcher's: a box has no kernel of its own");
    default:
        set_limit(options, option, value);
        break;
    }
}

struct found {
    const char *name; // NULL: an unknown option
    enum option option;
    const char *value; // NULL: none
    bool wrong;        // without the value that it wants, or with one that it does not take
};

// Finds the option at *at, and goes on to the word behind it. A value is the next word, or for
// --NAME what stands behind "=".
static struct found find_option(char ***at)
{
    const char *word = *(*at)++;
    size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
    struct found found = { 0 };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strlen(table[i].name) != length || strncmp(table[i].name, word, length) != 0)
            continue;
        found.name = table[i].name;
        found.option = table[i].option;
        if (table[i].has_value && word[length] == '=')
            found.value = word + length + 1;
        else if (table[i].has_value && **at != NULL)
            found.value = *(*at)++;
        found.wrong = table[i].has_value ? found.value == NULL : word[length] == '=';
    }
    return found;
}

static bool is_option(const char *word)
{
    return word != NULL && word[0] == '-' && strcmp(word, "--") != 0;
}

// Reads one option at *at. -it is -i -t.
static void read_option(struct options *options, char ***at)
{
    const char *word = **at;
    struct found found = find_option(at);

    if (strcmp(word, "-it") == 0 || strcmp(word, "-ti") == 0) {
        options->interactive = options->terminal = true;
        return;
    }
    if (found.name == NULL)
        fail(EXIT_FAILED, "unknown option %s; box --help lists what there is", word);
    if (found.wrong)
        fail(EXIT_FAILED, "%s %s", found.name,
             strchr(word, '=') == NULL ? "wants a value" : "takes no value");
    set(options, found.option, found.value);
}

void options_open_record(char **words)
{
    const char *path = NULL;

    while (is_option(*words)) {
        struct found found = find_option(&words);

        if (found.name != NULL && found.option == OPTION_STATUS && found.value != NULL)
            path = found.value;
    }
    if (path != NULL)
        report_open(path);
}

void options_read(struct options *options, char **words, bool show)
{
    memset(options, 0, sizeof(*options));
    options->show = show;
    options_open_record(words);
    while (is_option(*words))
        read_option(options, &words);
    if (*words != NULL && strcmp(*words, "--") == 0)
        words++;
    options->program = words;
    if (options->box != NULL && !show)
        fail(EXIT_FAILED, "--box is an option of box show");
    if (!show && *words == NULL && options->manifest == NULL)
        fail(EXIT_FAILED, "no program: box run [OPTION…] PROGRAM [ARGUMENT…]");
    if (options->manifest != NULL && options->terminal)
        fail(EXIT_FAILED, "-t and -f do not go together: a manifest says itself what is given");
}
