// SPDX-License-Identifier: MIT
// cpio.c - reads cpio archives of the "newc" kind; see cpio.h.

#include "lib/cpio/cpio.h"

#include <stdbool.h>
#include <string.h>

#include "abi/errors.h"

#define HEADER_SIZE 110
#define MAGIC_SIZE 6
#define FIELD_SIZE 8
#define NAME_LIMIT 4096

// The fields of a header, in order, after the magic.
enum field {
    FIELD_INO,
    FIELD_MODE,
    FIELD_UID,
    FIELD_GID,
    FIELD_NLINK,
    FIELD_MTIME,
    FIELD_FILESIZE,
    FIELD_DEVMAJOR,
    FIELD_DEVMINOR,
    FIELD_RDEVMAJOR,
    FIELD_RDEVMINOR,
    FIELD_NAMESIZE,
    FIELD_CHECK,
    FIELD_COUNT
};

static const char trailer[] = "TRAILER!!!";

void cpio_begin(struct cpio_reader *reader, const void *archive, size_t size)
{
    reader->archive = archive;
    reader->size = size;
    reader->offset = 0;
    reader->number = 0;
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool parse_fields(const uint8_t *header, uint32_t fields[FIELD_COUNT])
{
    const uint8_t *at = header + MAGIC_SIZE;

    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        fields[i] = 0;
        for (unsigned j = 0; j < FIELD_SIZE; j++) {
            int value = digit_value(*at++);

            if (value < 0)
                return false;
            fields[i] = fields[i] << 4 | (uint32_t)value;
        }
    }
    return true;
}

static bool has_magic(const uint8_t *header)
{
    return memcmp(header, "070701", MAGIC_SIZE) == 0 || memcmp(header, "070702", MAGIC_SIZE) == 0;
}

// The next multiple of 4, or -1 past the end of the archive. Offsets count from the archive's first
// byte.
static int skip_to_boundary(const struct cpio_reader *reader, size_t *offset)
{
    *offset = (*offset + 3) & ~(size_t)3;
    return *offset <= reader->size ? 0 : -EINVAL;
}

// The name, with its NUL, behind the header; then the data, each on a multiple of 4.
static int parse_content(struct cpio_reader *reader, const uint32_t fields[FIELD_COUNT],
                         struct cpio_entry *entry)
{
    size_t offset = reader->offset + HEADER_SIZE;
    size_t name_size = fields[FIELD_NAMESIZE];

    if (name_size == 0 || name_size > NAME_LIMIT || name_size > reader->size - offset)
        return -EINVAL;
    entry->name = (const char *)reader->archive + offset;
    entry->name_length = name_size - 1;
    if (memchr(entry->name, '\0', name_size) != entry->name + entry->name_length)
        return -EINVAL;
    offset += name_size;
    if (skip_to_boundary(reader, &offset) != 0 || fields[FIELD_FILESIZE] > reader->size - offset)
        return -EINVAL;
    entry->data = reader->archive + offset;
    entry->size = fields[FIELD_FILESIZE];
    offset += entry->size;
    // The padding behind the very last entry may be missing.
    reader->offset = skip_to_boundary(reader, &offset) == 0 ? offset : reader->size;
    return 0;
}

static void copy_fields(const uint32_t fields[FIELD_COUNT], struct cpio_entry *entry)
{
    entry->ino = fields[FIELD_INO];
    entry->mode = fields[FIELD_MODE];
    entry->uid = fields[FIELD_UID];
    entry->gid = fields[FIELD_GID];
    entry->nlink = fields[FIELD_NLINK];
    entry->mtime = fields[FIELD_MTIME];
    entry->device = fields[FIELD_DEVMAJOR] << 20 | fields[FIELD_DEVMINOR];
    entry->rdev_major = fields[FIELD_RDEVMAJOR];
    entry->rdev_minor = fields[FIELD_RDEVMINOR];
}

static int parse_entry(struct cpio_reader *reader, struct cpio_entry *entry)
{
    const uint8_t *header = reader->archive + reader->offset;
    uint32_t fields[FIELD_COUNT];

    if (reader->size - reader->offset < HEADER_SIZE || !has_magic(header) ||
        !parse_fields(header, fields))
        return -EINVAL;
    copy_fields(fields, entry);
    return parse_content(reader, fields, entry);
}

// Between archives, and behind the last one.
static void skip_zeros(struct cpio_reader *reader)
{
    while (reader->offset < reader->size && reader->archive[reader->offset] == 0)
        reader->offset++;
}

int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry)
{
    for (;;) {
        int error;

        skip_zeros(reader);
        if (reader->offset == reader->size)
            return 0;
        error = parse_entry(reader, entry);
        if (error != 0)
            return error;
        if (strcmp(entry->name, trailer) != 0)
            return 1;
        reader->number++;
    }
}
