// SPDX-License-Identifier: MIT
// options.c - reads the launcher's command line.

#include "host/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/report.h"
#include "lib/base/fmt.h"

#define NSEC_PER_S UINT64_C(1000000000)
#define MEMORY_DEFAULT (UINT64_C(256) << 20)
#define MEMORY_LEAST (UINT64_C(16) << 20)
#define HANG_DEFAULT (30 * NSEC_PER_S)
#define CPUS_MAX 64

static const char usage[] =
    "usage: boxwork run [OPTION…] PROGRAM [ARGUMENT…]   run a program in a box of its own machine\n"
    "       boxwork shell [OPTION…]                     a shell in it\n"
    "       boxwork boot [OPTION…]                      the bare machine, its serial line here\n"
    "PROGRAM is a name in the boot image; one that begins with ./ or ../, or is missing there, is "
    "a\n"
    "file here and is copied in. Options:\n"
    "  -i               pass standard input on (else it is empty)\n"
    "  -t               give it a terminal\n"
    "  -e NAME[=VALUE]  set an environment variable (without VALUE: as it is here)\n"
    "  -w DIR           working directory\n"
    "  -m SIZE          memory of the machine, as 64M or 1G (256M)\n"
    "  --cpus N         its CPUs (1)\n"
    "  --pids N         at most N processes\n"
    "  --timeout DUR    end it after this time, as 500ms, 10s or 2m; exit code 124\n"
    "  --status FILE    write how it ended to FILE, as one line of JSON\n"
    "  --log FILE       write the kernel's log to FILE\n"
    "  --hang DUR       give up on a kernel that is silent for so long (30s)\n"
    "  --machine NAME   microvm, q35 or pc\n"
    "  --kernel FILE, --archive FILE, --append TEXT, --bind 'NAME PATH RIGHTS', --qemu FILE,\n"
    "  --cdrom FILE, --bios FILE, --exact   for tests: other images, kernel options, names of the\n"
    "                   box; time by the count of instructions\n"
    "Exit codes: the program's; 124 deadline; 125 wrong use, or Boxwork failed; 126 not "
    "executable;\n"
    "127 not found; 128+N ended by signal N.\n";

enum option {
    OPTION_INTERACTIVE,
    OPTION_TERMINAL,
    OPTION_ENVIRONMENT,
    OPTION_DIRECTORY,
    OPTION_MEMORY,
    OPTION_CPUS,
    OPTION_PIDS,
    OPTION_TIMEOUT,
    OPTION_STATUS,
    OPTION_LOG,
    OPTION_HANG,
    OPTION_MACHINE,
    OPTION_KERNEL,
    OPTION_ARCHIVE,
    OPTION_APPEND,
    OPTION_QEMU,
    OPTION_BIND,
    OPTION_CDROM,
    OPTION_BIOS,
    OPTION_EXACT,
};

static const struct {
    const char *name;
    enum option option;
    bool has_value;
} table[] = {
    { "-i", OPTION_INTERACTIVE, false }, { "-t", OPTION_TERMINAL, false },
    { "-e", OPTION_ENVIRONMENT, true },  { "-w", OPTION_DIRECTORY, true },
    { "-m", OPTION_MEMORY, true },       { "--cpus", OPTION_CPUS, true },
    { "--pids", OPTION_PIDS, true },     { "--timeout", OPTION_TIMEOUT, true },
    { "--status", OPTION_STATUS, true }, { "--log", OPTION_LOG, true },
    { "--hang", OPTION_HANG, true },     { "--machine", OPTION_MACHINE, true },
    { "--kernel", OPTION_KERNEL, true }, { "--archive", OPTION_ARCHIVE, true },
    { "--append", OPTION_APPEND, true }, { "--qemu", OPTION_QEMU, true },
    { "--bind", OPTION_BIND, true },     { "--cdrom", OPTION_CDROM, true },
    { "--bios", OPTION_BIOS, true },     { "--exact", OPTION_EXACT, false },
};

static uint64_t read_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    uint64_t value;

    if (fmt_parse_u64(text, strlen(text), most, &value) != 0 || value < least)
        fail(EXIT_FAILED, "%s wants a number from %llu to %llu, not %s", name,
             (unsigned long long)least, (unsigned long long)most, text);
    return value;
}

static uint64_t read_size(const char *name, const char *text)
{
    uint64_t value;

    if (fmt_parse_size(text, strlen(text), &value) != 0 || value < MEMORY_LEAST)
        fail(EXIT_FAILED, "%s wants a size of at least 16M, as 64M or 1G, not %s", name, text);
    return value;
}

static uint64_t read_duration(const char *name, const char *text)
{
    uint64_t value;

    if (fmt_parse_duration(text, strlen(text), &value) != 0 || value == 0)
        fail(EXIT_FAILED, "%s wants a time above 0, as 500ms, 10s or 2m, not %s", name, text);
    return value;
}

// -e NAME takes the value from here; if there is none, the variable is left out.
static void add_variable(struct options *options, const char *text)
{
    size_t length = strcspn(text, "=");
    char *whole = NULL;

    if (length == 0 || memchr(text, '/', length) != NULL)
        fail(EXIT_FAILED, "-e wants NAME or NAME=VALUE, not %s", text);
    if (options->environment_count == OPTION_LIST_MAX)
        fail(EXIT_FAILED, "more than %d times -e", OPTION_LIST_MAX);
    if (text[length] == '\0') {
        if (getenv(text) == NULL)
            return;
        if (asprintf(&whole, "%s=%s", text, getenv(text)) < 0)
            fail(EXIT_FAILED, "out of memory");
        text = whole;
    }
    options->environment[options->environment_count++] = text;
}

static void add_bind(struct options *options, const char *text)
{
    if (options->bind_count == OPTION_LIST_MAX)
        fail(EXIT_FAILED, "more than %d times --bind", OPTION_LIST_MAX);
    options->binds[options->bind_count++] = text;
}

static void set_machine(struct options *options, const char *name)
{
    if (strcmp(name, "microvm") != 0 && strcmp(name, "q35") != 0 && strcmp(name, "pc") != 0)
        fail(EXIT_FAILED, "--machine wants microvm, q35 or pc, not %s", name);
    options->machine = name;
}

static void set_limit(struct options *options, enum option option, const char *name,
                      const char *value)
{
    if (option == OPTION_MEMORY) {
        options->memory = read_size(name, value);
    } else if (option == OPTION_CPUS) {
        options->cpus = (unsigned)read_number(name, value, 1, CPUS_MAX);
    } else if (option == OPTION_PIDS) {
        (void)read_number(name, value, 1, 1U << 30);
        options->processes = value;
    } else if (option == OPTION_TIMEOUT) {
        options->timeout = value;
        options->timeout_ns = read_duration(name, value);
    } else {
        options->hang_ns = read_duration(name, value);
    }
}

static void set(struct options *options, enum option option, const char *name, const char *value)
{
    switch (option) {
    case OPTION_INTERACTIVE:
        options->interactive = true;
        break;
    case OPTION_TERMINAL:
        options->terminal = true;
        break;
    case OPTION_ENVIRONMENT:
        add_variable(options, value);
        break;
    case OPTION_DIRECTORY:
        if (value[0] != '/')
            fail(EXIT_FAILED, "-w wants an absolute path, not %s", value);
        options->directory = value;
        break;
    case OPTION_STATUS:
        break; // open_record has seen it
    case OPTION_LOG:
        options->log = value;
        break;
    case OPTION_MACHINE:
        set_machine(options, value);
        break;
    case OPTION_KERNEL:
        options->kernel = value;
        break;
    case OPTION_ARCHIVE:
        options->archive = value;
        break;
    case OPTION_APPEND:
        options->append = value;
        break;
    case OPTION_QEMU:
        options->qemu = value;
        break;
    case OPTION_BIND:
        add_bind(options, value);
        break;
    case OPTION_CDROM:
        options->cdrom = value;
        break;
    case OPTION_BIOS:
        options->bios = value;
        break;
    case OPTION_EXACT:
        options->exact = true;
        break;
    default:
        set_limit(options, option, name, value);
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
        fail(EXIT_FAILED, "unknown option %s; boxwork --help lists what there is", word);
    if (found.wrong)
        fail(EXIT_FAILED, "%s %s", found.name,
             strchr(word, '=') == NULL ? "wants a value" : "takes no value");
    set(options, found.option, found.name, found.value);
}

// The record is opened before all else, so that it tells of wrong use too, wherever that stands.
static bool open_record(char **at)
{
    const char *path = NULL;

    if (*at != NULL && !is_option(*at))
        at++; // the command, a right one or not
    while (is_option(*at)) {
        struct found found = find_option(&at);

        if (found.name != NULL && found.option == OPTION_STATUS && found.value != NULL)
            path = found.value;
    }
    if (path != NULL)
        report_open(path);
    return path != NULL;
}

static enum command read_command(const char *word)
{
    if (word == NULL)
        fail(EXIT_FAILED, "no command: run, shell or boot; boxwork --help says more");
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        fputs(usage, stdout);
        exit(0);
    }
    if (strcmp(word, "run") == 0)
        return COMMAND_RUN;
    if (strcmp(word, "shell") == 0)
        return COMMAND_SHELL;
    if (strcmp(word, "boot") == 0)
        return COMMAND_BOOT;
    fail(EXIT_FAILED, "unknown command %s: run, shell or boot", word);
}

void options_read(struct options *options, char **argv)
{
    char **at = argv + 1;
    bool record = open_record(at);

    memset(options, 0, sizeof(*options));
    options->memory = MEMORY_DEFAULT;
    options->cpus = 1;
    options->hang_ns = HANG_DEFAULT;
    options->machine = "microvm";
    options->qemu = "qemu-system-x86_64";
    options->command = read_command(*at);
    at++;
    while (is_option(*at))
        read_option(options, &at);
    if (*at != NULL && strcmp(*at, "--") == 0)
        at++;
    options->program = at;
    if (options->command == COMMAND_RUN && *at == NULL)
        fail(EXIT_FAILED, "no program: boxwork run [OPTION…] PROGRAM [ARGUMENT…]");
    if (options->command != COMMAND_RUN && *at != NULL)
        fail(EXIT_FAILED, "%s: this command takes no program", *at);
    if (options->command == COMMAND_BOOT && (record || options->log != NULL))
        fail(EXIT_FAILED, "boot keeps no %s: it becomes the machine, and all it has is here",
             record ? "--status" : "--log");
}
