// SPDX-License-Identifier: MIT
// entries.c - the entries of a directory that lies in memory; see entries.h.

#include "kernel/vfs/entries.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "lib/path/name.h"

// Cookies 0 and 1 stand for "." and "..".
#define FIRST_COOKIE 2

void entries_init(struct entries *entries)
{
    rwlock_init(&entries->lock, RANK_ENTRIES);
    entries->by_name.top = NULL;
    entries->by_cookie.top = NULL;
    entries->next_cookie = FIRST_COOKIE;
    entries->count = 0;
}

// Entries are in the order of their hashes; names whose hashes collide in the order of length and
// bytes.
static NOINLINE int compare_names(const char *name, size_t length, const struct entry *entry)
{
    if (length != entry->length)
        return length < entry->length ? -1 : 1;
    return memcmp(name, entry->name, length);
}

static int compare(uint32_t hash, const char *name, size_t length, const struct entry *entry)
{
    if (hash != entry->hash)
        return hash < entry->hash ? -1 : 1;
    return compare_names(name, length, entry);
}

// Almost always the first entry with the hash is the one, and no name is compared but with its own.
static inline struct entry *find_locked(const struct entries *entries, const char *name,
                                        size_t length)
{
    uint32_t hash = name_hash(name, length);
    struct rb_node *node = entries->by_name.top;

    while (node != NULL) {
        struct entry *entry = rb_entry(node, struct entry, by_name);

        if (hash < entry->hash) {
            node = node->left;
        } else if (hash > entry->hash) {
            node = node->right;
        } else if (likely(length == entry->length) &&
                   likely(name_equal(name, entry->name, length))) {
            return entry;
        } else {
            node = compare_names(name, length, entry) < 0 ? node->left : node->right;
        }
    }
    return NULL;
}

int entries_find(struct entries *entries, const char *name, size_t length, struct node **child)
{
    struct entry *entry;

    rwlock_read_lock(&entries->lock);
    entry = find_locked(entries, name, length);
    if (entry != NULL) {
        *child = entry->node;
        refcount_get(&entry->node->ref);
    }
    rwlock_read_unlock(&entries->lock);
    return entry != NULL ? 0 : -ENOENT;
}

struct entry *entry_create(const char *name, size_t length, struct account *account)
{
    struct entry *entry = kmalloc(sizeof(struct entry) + length, account);

    if (entry == NULL)
        return NULL;
    entry->hash = name_hash(name, length);
    entry->length = (uint32_t)length;
    memcpy(entry->name, name, length);
    return entry;
}

static bool insert_by_name(struct entries *entries, struct entry *entry)
{
    struct rb_node **place = &entries->by_name.top;
    struct rb_node *parent = NULL;

    while (*place != NULL) {
        struct entry *other = rb_entry(*place, struct entry, by_name);
        int order = compare(entry->hash, entry->name, entry->length, other);

        if (order == 0)
            return false;
        parent = *place;
        place = order < 0 ? &parent->left : &parent->right;
    }
    rb_link(&entry->by_name, parent, place);
    rb_insert(&entries->by_name, &entry->by_name, NULL);
    return true;
}

// The newest cookie is the greatest: the place is the rightmost.
static void insert_by_cookie(struct entries *entries, struct entry *entry)
{
    struct rb_node *last = rb_last(&entries->by_cookie);
    struct rb_node **place = last != NULL ? &last->right : &entries->by_cookie.top;

    entry->cookie = entries->next_cookie++;
    rb_link(&entry->by_cookie, last, place);
    rb_insert(&entries->by_cookie, &entry->by_cookie, NULL);
}

static void name_node(struct entry *entry, struct node *directory, struct node *child)
{
    spin_lock(&child->tree->links_lock);
    entry->directory = directory;
    list_push_front(&child->links, &entry->link);
    spin_unlock(&child->tree->links_lock);
}

static void unname_node(struct entry *entry, struct node *child)
{
    spin_lock(&child->tree->links_lock);
    list_remove(&entry->link);
    spin_unlock(&child->tree->links_lock);
}

int entries_add(struct node *directory, struct entries *entries, struct entry *entry,
                struct node *child)
{
    bool added;

    mutex_assert_held(&directory->lock);
    entry->node = child;
    rwlock_write_lock(&entries->lock);
    added = insert_by_name(entries, entry);
    if (added) {
        insert_by_cookie(entries, entry);
        entries->count++;
        refcount_get(&child->ref);
        name_node(entry, directory, child);
    }
    rwlock_write_unlock(&entries->lock);
    return added ? 0 : -EEXIST;
}

static struct node *unlink_locked(struct entries *entries, struct entry *entry)
{
    struct node *child = entry->node;

    rb_remove(&entries->by_name, &entry->by_name, NULL);
    rb_remove(&entries->by_cookie, &entry->by_cookie, NULL);
    entries->count--;
    unname_node(entry, child);
    return child;
}

struct node *entries_remove(struct node *directory, struct entries *entries, const char *name,
                            size_t length)
{
    struct node *child = NULL;
    struct entry *entry;

    mutex_assert_held(&directory->lock);
    rwlock_write_lock(&entries->lock);
    entry = find_locked(entries, name, length);
    if (entry != NULL)
        child = unlink_locked(entries, entry);
    rwlock_write_unlock(&entries->lock);
    kfree(entry);
    return child;
}

struct node *entries_replace(struct node *directory, struct entries *entries, const char *name,
                             size_t length, struct node *child)
{
    struct node *old;
    struct entry *entry;

    mutex_assert_held(&directory->lock);
    rwlock_write_lock(&entries->lock);
    entry = find_locked(entries, name, length);
    assert(entry != NULL);
    old = entry->node;
    unname_node(entry, old);
    entry->node = child;
    refcount_get(&child->ref);
    name_node(entry, directory, child);
    rwlock_write_unlock(&entries->lock);
    return old;
}

struct node *entries_take_any(struct node *directory, struct entries *entries)
{
    struct node *child = NULL;
    struct entry *entry = NULL;

    (void)directory;
    rwlock_write_lock(&entries->lock);
    if (entries->by_name.top != NULL) {
        entry = rb_entry(entries->by_name.top, struct entry, by_name);
        child = unlink_locked(entries, entry);
    }
    rwlock_write_unlock(&entries->lock);
    kfree(entry);
    return child;
}

// The first entry whose cookie is at or above cookie.
static struct entry *first_from(const struct entries *entries, uint64_t cookie)
{
    struct rb_node *node = entries->by_cookie.top;
    struct entry *found = NULL;

    while (node != NULL) {
        struct entry *entry = rb_entry(node, struct entry, by_cookie);

        if (entry->cookie >= cookie) {
            found = entry;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

static bool list_dots(struct node *directory, off_t *position, readdir_emit_fn *emit, void *context)
{
    struct node *parent = directory->parent != NULL ? directory->parent : directory;

    if (*position == 0) {
        if (!emit(context, ".", 1, directory->ino, mode_dt(directory->mode), 1))
            return false;
        *position = 1;
    }
    if (*position == 1) {
        if (!emit(context, "..", 2, parent->ino, mode_dt(directory->mode), FIRST_COOKIE))
            return false;
        *position = FIRST_COOKIE;
    }
    return true;
}

static void list_entries(struct entries *entries, off_t *position, readdir_emit_fn *emit,
                         void *context)
{
    struct entry *entry = first_from(entries, (uint64_t)*position);

    while (entry != NULL) {
        struct rb_node *next;

        if (!emit(context, entry->name, entry->length, entry->node->ino, mode_dt(entry->node->mode),
                  (off_t)entry->cookie + 1))
            return;
        *position = (off_t)entry->cookie + 1;
        next = rb_next(&entry->by_cookie);
        entry = next != NULL ? rb_entry(next, struct entry, by_cookie) : NULL;
    }
}

void entries_list(struct node *directory, struct entries *entries, off_t *position,
                  readdir_emit_fn *emit, void *context)
{
    // The parent's number is read for "..": the rename lock keeps the parent where it is.
    if (*position < FIRST_COOKIE) {
        mutex_lock(&directory->tree->rename_lock);
        bool more = list_dots(directory, position, emit, context);
        mutex_unlock(&directory->tree->rename_lock);
        if (!more)
            return;
    }
    mutex_lock(&directory->lock);
    list_entries(entries, position, emit, context);
    mutex_unlock(&directory->lock);
}

ssize_t entries_locate(struct node *node, struct node **directory, char name[256])
{
    ssize_t length = -ENOENT;
    struct entry *entry;

    spin_lock(&node->tree->links_lock);
    entry = list_first(&node->links, struct entry, link);
    if (entry != NULL && (directory == NULL || refcount_get_try(&entry->directory->ref))) {
        if (directory != NULL)
            *directory = entry->directory;
        memcpy(name, entry->name, entry->length);
        name[entry->length] = '\0';
        length = entry->length;
    }
    spin_unlock(&node->tree->links_lock);
    return length;
}
