// SPDX-License-Identifier: MIT
// main.c - `box`: makes, lists, shows and ends boxes, through the files of /proc.

#include <stdio.h>
#include <string.h>

#include "user/box/options.h"
#include "user/box/report.h"
#include "user/box/run.h"
#include "user/box/terminal.h"

static const char usage[] =
    "usage: box run [OPTION…] PROGRAM [ARGUMENT…]       run a program in a box\n"
    "       box run [OPTION…] -f MANIFEST [PROGRAM…]    in one that a file of ctl commands makes\n"
    "       box show [OPTION…] [-f MANIFEST] [PROGRAM…] all that such a box could name\n"
    "       box show --box BOX                          and one that is there\n"
    "       box ps                                      the boxes and what they use\n"
    "       box top [-d SECONDS] [-n TIMES]             the same, again and again\n"
    "       box kill [-s STATUS] BOX…                   end boxes, and wait until they are gone\n"
    "BOX is a number, as box ps shows it, or 5/2 for box 2 in box 5. Options of run and show:\n"
    "  -i               pass standard input on (else it is empty)\n"
    "  -t               give it a terminal of its own, shown here\n"
    "  -f FILE          make the box by this file (-: standard input) instead of by the usual "
    "names\n"
    "  -v SRC:DST[:ro|rw]  the directory or file SRC as DST, which is /NAME (rw)\n"
    "  -e NAME[=VALUE]  set an environment variable (without VALUE: as it is here)\n"
    "  -w DIR           working directory, as the box sees it\n"
    "  -m SIZE          memory, as 64M or 1G\n"
    "  --cpus N         at most N CPUs\n"
    "  --pids N         at most N processes\n"
    "  --timeout DUR    end it after this time, as 500ms, 10s or 2m; exit code 124\n"
    "  --root DIR       the directory that it sees as /\n"
    "  --status FILE    write how it ended to FILE, as one line of JSON\n"
    "  --record         say how it ended and what it used\n"
    "Exit codes: the program's; 124 deadline; 125 wrong use, or no box; 126 not executable;\n"
    "127 not found; 128+N ended by signal N.\n";

static const struct {
    const char *name;
    int (*run)(char **words);
} commands[] = {
    { "run", run_command }, { "show", show_command }, { "ps", ps_command },
    { "top", top_command }, { "kill", kill_command }, { "--terminal", terminal_enter },
};

int main(int argc, char **argv)
{
    if (argc < 2)
        fail(EXIT_FAILED, "no command: run, show, ps, top or kill; box --help says more");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argv + 2);
    }
    options_open_record(argv + 2);
    fail(EXIT_FAILED, "unknown command %s: run, show, ps, top or kill", argv[1]);
}
