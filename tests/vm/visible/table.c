// SPDX-License-Identifier: MIT
// table.c - docs/visible.md, which is part of this program, held against what is so.
#include "tests/vm/table.h"

#include "tests/vm/visible/visible.h"

TABLE_PAGE(visible_page, "docs/visible.md");

// What is compared now.
static const struct visible_try *tries;
static int (*result_of)(size_t number, enum subject subject);

static const char *name_of(size_t row)
{
    return tries[row].name;
}

static int result_at(size_t row, size_t column)
{
    return result_of(row, (enum subject)column);
}

int visible_compare(const char *heading, const struct visible_try *compared, size_t count,
                    int (*result)(size_t number, enum subject subject))
{
    static const char *const columns[SUBJECTS] = { "self", "member", "inside", "dead",  "ended",
                                                   "gone", "reused", "around", "beside" };
    const struct table table = { .page = visible_page,
                                 .file = "visible.md",
                                 .heading = heading,
                                 .columns = columns,
                                 .column_count = SUBJECTS,
                                 .row_count = count,
                                 .name = name_of,
                                 .result = result_at };

    tries = compared;
    result_of = result;
    return table_compare(&table);
}
