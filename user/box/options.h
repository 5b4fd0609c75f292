// SPDX-License-Identifier: MIT
// options.h - what the command line of `box run` and `box show` says.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_LIST_MAX 256

struct volume {
    const char *source;
    const char *name; // in the box, without the slash
    const char *rights;
};

struct options {
    bool show;                              // for `box show`: a program is not needed
    bool interactive;                       // -i: standard input is passed on
    bool terminal;                          // -t
    bool in_words;                          // --record
    const char *manifest;                   // -f
    struct volume volumes[OPTION_LIST_MAX]; // -v
    size_t volume_count;
    const char *variables[OPTION_LIST_MAX]; // -e: K=V, or K taken from here
    size_t variable_count;
    const char *directory;                    // -w
    const char *root;                         // --root
    const char *memory, *processes, *timeout; // -m --pids --timeout, as ctl takes them; NULL: none
    unsigned cpus;                            // --cpus; 0: no limit of its own
    const char *box;                          // --box of `show`: one that is there
    char **program;                           // PROGRAM ARGS…, closed by NULL
};

// Opens the file that --status names among the options in words, wherever it stands there. Done before
// all else, so that the record tells of wrong use too.
void options_open_record(char **words);

// Reads the words behind `run` (or `show`). What is wrong with them ends the program: 125.
void options_read(struct options *options, char **words, bool show);
