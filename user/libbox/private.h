// SPDX-License-Identifier: MIT
// private.h - what the files of libbox share.
#pragma once

#include "user/libbox/box.h"

// Puts "what: text of error" in box->error. Returns error.
int box_fail(struct box *box, int error, const char *what);
// Writes commands to ctl; errors as box_command.
int box_write(struct box *box, const char *text, size_t size);
// Writes a command and words, each quoted; NULL ends them. Errors: as box_command, -ENOMEM.
int box_write_words(struct box *box, const char *command, const char *const words[]);
// Writes all of text: in one write, and in more where one is short. Errors: as of write; -EIO nothing more is taken.
int box_write_whole(int fd, const char *text, size_t size);
// "/proc/PID" of the box.
#define BOX_DIRECTORY_SIZE 32
void box_directory(const struct box *box, char path[BOX_DIRECTORY_SIZE]);
