// SPDX-License-Identifier: MIT
// list.h - intrusive doubly linked circular lists with a head of their own.
//
// A struct list is either a head (list_init) or a link inside an object. A link that is on no list
// points to itself after list_init, and again after list_remove, so list_empty(link) asks whether
// an object is off every list. No function allocates or locks; the caller's lock guards the list.
#pragma once

#include <stdbool.h>

#include "lib/base/compiler.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(list) { &(list), &(list) }

static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert_between(struct list *link, struct list *prev, struct list *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

// Puts link first.
static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_between(link, head, head->next);
}

// Puts link last.
static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_between(link, head->prev, head);
}

// Takes link off its list; it may be removed again, or be on none.
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

// Moves all of from's objects to the end of to; from is empty afterwards.
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_first(head, type, member) \
    (list_empty(head) ? (type *)NULL : list_entry((head)->next, type, member))

#define list_last(head, type, member) \
    (list_empty(head) ? (type *)NULL : list_entry((head)->prev, type, member))

#define list_for_each(item, head, member)                                   \
    for ((item) = list_entry((head)->next, __typeof__(*(item)), member);    \
         &(item)->member != (head);                                         \
         (item) = list_entry((item)->member.next, __typeof__(*(item)), member))

// As list_for_each, but the body may remove and free item.
#define list_for_each_safe(item, following, head, member)                          \
    for ((item) = list_entry((head)->next, __typeof__(*(item)), member),           \
        (following) = list_entry((item)->member.next, __typeof__(*(item)), member); \
         &(item)->member != (head); (item) = (following),                          \
        (following) = list_entry((following)->member.next, __typeof__(*(item)), member))
