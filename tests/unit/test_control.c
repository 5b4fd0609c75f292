// SPDX-License-Identifier: MIT
// unit: host/control.c
// test_control.c - the launcher's side of the control port: lines in whatever pieces, and lines
// that are none.
#include <string.h>

#include "host/control.h"
#include "host/report.h"
#include "tests/unit/tap.h"

static char told[256];

void report_record(const char *name, const char *value)
{
    snprintf(told, sizeof(told), "%s|%s", name, value);
}

static struct control hear(const char *text, size_t piece)
{
    struct control control = { 0 };
    size_t size = strlen(text);

    told[0] = '\0';
    for (size_t at = 0; at < size; at += piece)
        control_hear(&control, text + at, piece < size - at ? piece : size - at);
    return control;
}

static void test_pieces(void)
{
    for (size_t piece = 1; piece < 40; piece += 3) {
        struct control control = hear("start\nrecord Reason ended by SIGTERM\nend\n", piece);

        ok(control.started && control.ended && !control.refused &&
               strcmp(told, "Reason|ended by SIGTERM") == 0,
           "lines in pieces of %zu", piece);
    }
}

static void test_errors(void)
{
    struct control control = hear("error program 2 line 1: exec x: no such file\nend\n", 100);

    ok(control.refused && control.in_program && control.number == 2 &&
           strcmp(control.text, "line 1: exec x: no such file") == 0,
       "an error of the program");
    control = hear("error box 12 out of memory\n", 100);
    ok(control.refused && !control.in_program && control.number == 12 && !control.ended,
       "an error of the box");
    control = hear("error\n", 100);
    ok(!control.refused, "an error without words is no line of the protocol");
}

static void test_nonsense(void)
{
    char line[3000];
    struct control control;

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    control = hear(line, 700);
    ok(!control.started && !control.ended && control.length == 0,
       "a line that is too long is passed over");
    control = hear("record\nrecord \nrecord x\n\n\nend", 100);
    ok(!control.ended && told[0] == '\0', "halves of lines are none");
}

int main(void)
{
    test_pieces();
    test_errors();
    test_nonsense();
    return done_testing();
}
