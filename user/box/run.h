// SPDX-License-Identifier: MIT
// run.h - the commands of `box`, each a function of the words behind its name; the exit code.
#pragma once

int run_command(char **words);
int show_command(char **words);
int ps_command(char **words);
int top_command(char **words);
int kill_command(char **words);
