// SPDX-License-Identifier: MIT
// fuzz: lib/ctl/words.c lib/ctl/ctl.c lib/base/parse.c
// fuzz_ctl.c - libFuzzer over the parser of ctl commands: it ends, within its buffer, by its table.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ctl_command *command, const char *text, size_t size, int result)
{
    assert(command->source >= text && command->source + command->source_length <= text + size);
    assert(command->line >= 1);
    if (result != 1)
        return;
    assert(command->spec == &ctl_specs[command->number]);
    assert(command->argument_count <= CTL_ARGUMENTS);
    assert(strcmp(command->words, command->spec->name) == 0);
    for (unsigned i = 0; i < command->word_count; i++)
        assert(ctl_word(command, i) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // Both of the exact size, so that the sanitizer sees each byte too far.
    char *text = malloc(size != 0 ? size : 1);
    char *words = malloc(size + 1);
    struct ctl_reader reader;
    struct ctl_command command;
    size_t commands = 0;
    int result;

    memcpy(text, data, size);
    ctl_reader_init(&reader, text, size, words);
    while ((result = ctl_next(&reader, &command)) != 0) {
        check(&command, text, size, result);
        assert(++commands <= size + 1);
    }
    assert(reader.position == size);
    free(words);
    free(text);
    return 0;
}
