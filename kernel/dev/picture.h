// SPDX-License-Identifier: MIT
// picture.h - devices that are read as a text: the picture taken when it is read from its start.
#pragma once

#include "lib/base/types.h"

struct handle;
struct iobuf;
struct node;

#define PICTURE_SIZE 16384 // of the text at most, and what it is counted with

// What devfs_add takes as private: print writes the text, cut at size, and returns its length.
struct picture_source {
    size_t (*print)(char *text, size_t size);
};

// For devfs_add and struct handle_ops.
int picture_open(struct node *node, struct handle *handle);
ssize_t picture_read(struct handle *handle, struct iobuf *buffer, off_t *position);
void picture_close(struct handle *handle);
