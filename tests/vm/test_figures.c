// SPDX-License-Identifier: MIT
// test_figures.c - figures about the machine: a box sees its own limits and use, and nothing of a box beside it.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define WINDOW_S 6 // load averages are brought up to date every five seconds
#define HELD_KIB 40960L // what the neighbour holds; what a box's own use moves by is far less
#define OWN_KIB 2048L
#define BUSY 6 // the neighbour's threads that never sleep

// What a box reads at one moment.
struct figures {
    long total_kib, free_kib; // of /proc/meminfo
    long sysinfo_free_kib, statfs_free_kib;
    double up, idle; // of /proc/uptime
    long stat_idle;  // of /proc/stat, in hundredths of a second
    long running;
    long load;         // of the last minute, in hundredths
    long load_running; // the number before the slash
    long sysinfo_load;
};

static void scan(const char *path, const char *from, const char *format, void *a, void *b)
{
    char text[4096], *at;
    FILE *file = fopen(path, "r");
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    text[length] = '\0';
    at = strstr(text, from);
    if (at == NULL || sscanf(at + strlen(from), format, a, b) != (b == NULL ? 1 : 2)) {
        fprintf(stderr, "# %s has no %s\n", path, from);
        exit(99);
    }
    fclose(file);
}

static void look(struct figures *figures)
{
    struct sysinfo info;
    struct statfs tree;
    long whole, part;

    scan("/proc/meminfo", "MemTotal:", "%ld", &figures->total_kib, NULL);
    scan("/proc/meminfo", "MemFree:", "%ld", &figures->free_kib, NULL);
    scan("/proc/uptime", "", "%lf %lf", &figures->up, &figures->idle);
    scan("/proc/stat", "cpu ", "%*d %*d %*d %ld", &figures->stat_idle, NULL);
    scan("/proc/stat", "procs_running", "%ld", &figures->running, NULL);
    scan("/proc/loadavg", "", "%ld.%ld", &whole, &part);
    figures->load = whole * 100 + part;
    scan("/proc/loadavg", "", "%*s %*s %*s %ld/", &figures->load_running, NULL);
    if (sysinfo(&info) != 0 || statfs("/tmp", &tree) != 0)
        exit(98);
    figures->sysinfo_free_kib = (long)(info.freeram * info.mem_unit / 1024);
    figures->sysinfo_load = (long)(info.loads[0] * 100 >> 16);
    figures->statfs_free_kib = (long)(tree.f_bfree * (uint64_t)tree.f_bsize / 1024);
}

// "look": writes its figures whenever a byte comes. "work": holds memory and keeps every CPU busy.
static int command(int argc, char **argv)
{
    struct figures figures;
    char byte;

    if (argc == 2 && strcmp(argv[1], "look") == 0) {
        while (read(0, &byte, 1) == 1) {
            look(&figures);
            if (write(1, &figures, sizeof(figures)) != sizeof(figures))
                return 97;
        }
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "work") == 0) {
        char *held = malloc(HELD_KIB * 1024);
        volatile unsigned long spins = 0;

        if (held == NULL)
            return 96;
        memset(held, 1, HELD_KIB * 1024);
        for (int i = 1; i < BUSY && fork() != 0; i++)
            ;
        if (write(1, "b", 1) != 1)
            return 97;
        for (;;)
            spins++;
    }
    return -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}

// A box that runs this program with a word, its standard input and output being ours to write and read.
static void start(struct test_box *box, const char *extra, const char *word, int *to, int *from)
{
    int in[2], out[2];

    CHECK(pipe(in) == 0 && pipe(out) == 0);
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\nbind tmp /tmp rwxc\nbind proc /proc r\n%s"
                            "give %d 0\ngive %d 1\ngive 2 2\nexec /bin/test_figures %s\nstart",
                        extra, in[0], out[1], word), 0);
    close(in[0]);
    close(out[1]);
    *to = in[1];
    *from = out[0];
}

static void ask(int to, int from, struct figures *figures)
{
    CHECK(write(to, "?", 1) == 1);
    CHECK_EQUAL(read(from, figures, sizeof(*figures)), sizeof(*figures));
}

static bool near(long a, long b, long most)
{
    return a - b <= most && b - a <= most;
}

static void check_alike(const struct figures *before, const struct figures *after)
{
    double passed = after->up - before->up;

    CHECK_EQUAL(after->total_kib, before->total_kib);
    CHECK(near(after->free_kib, before->free_kib, OWN_KIB));
    CHECK(near(after->sysinfo_free_kib, before->sysinfo_free_kib, OWN_KIB));
    CHECK(near(after->statfs_free_kib, before->statfs_free_kib, OWN_KIB));
    // The neighbour left no CPU idle, and none of that shows.
    CHECK((after->idle - before->idle) / (double)sysconf(_SC_NPROCESSORS_ONLN) > passed * 0.8);
    CHECK((double)(after->stat_idle - before->stat_idle) / 100.0 > passed * 0.8);
    CHECK_EQUAL(after->running, 1);
    CHECK_EQUAL(after->load_running, 1);
    CHECK(after->load < 50 && after->sysinfo_load < 50);
}

CASE("a box sees nothing of what a box beside it uses")
{
    struct test_box observer, neighbour;
    struct figures before, after;
    int to, from, to_neighbour, from_neighbour;
    char byte;

    start(&observer, "", "look", &to, &from);
    ask(to, from, &before);
    start(&neighbour, "", "work", &to_neighbour, &from_neighbour);
    for (int i = 0; i < BUSY; i++)
        CHECK_EQUAL(read(from_neighbour, &byte, 1), 1);
    sleep(WINDOW_S);
    ask(to, from, &after);
    CHECK_EQUAL(box_do(&neighbour, "kill"), 0);
    CHECK_EQUAL(box_wait(neighbour.pid), -9);
    close(to);
    CHECK_EQUAL(box_wait(observer.pid), 0);
    check_alike(&before, &after);
    box_close(&neighbour);
    box_close(&observer);
}

CASE("a box sees its own use, and that of the boxes in it")
{
    struct test_box box;
    struct figures before, during;
    int to, from;
    char byte;

    look(&before);
    start(&box, "", "work", &to, &from);
    for (int i = 0; i < BUSY; i++)
        CHECK_EQUAL(read(from, &byte, 1), 1);
    sleep(WINDOW_S);
    look(&during);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
    CHECK(before.free_kib - during.free_kib > HELD_KIB && before.sysinfo_free_kib - during.sysinfo_free_kib > HELD_KIB &&
          before.statfs_free_kib - during.statfs_free_kib > HELD_KIB);
    CHECK(during.idle - before.idle < during.up - before.up);
    CHECK(during.running > BUSY && during.load_running > BUSY);
    // Five seconds of BUSY threads are BUSY * (1 - exp(-5 / 60)).
    CHECK(during.load > 30 && during.sysinfo_load > 30);
}

CASE("a limit of memory is the total, and what is free is what it leaves")
{
    struct test_box box;
    struct figures figures;
    int to, from;

    start(&box, "quota memory 20M\n", "look", &to, &from);
    ask(to, from, &figures);
    close(to);
    CHECK_EQUAL(box_wait(box.pid), 0);
    CHECK_EQUAL(figures.total_kib, 20480);
    CHECK(figures.free_kib > 10240 && figures.free_kib < 20480);
    CHECK(near(figures.sysinfo_free_kib, figures.free_kib, 256) && near(figures.statfs_free_kib, figures.free_kib, 256));
    box_close(&box);
}

static void *use_time(void *stop)
{
    while (!atomic_load((atomic_bool *)stop))
        getppid();
    return NULL;
}

CASE_LIMIT("idle time never goes back, whatever runs meanwhile", 60)
{
    enum { READS = 2000 };
    atomic_bool stop = false;
    struct figures last = { 0 }, now;
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, use_time, &stop), 0);
    for (int i = 0; i < READS; i++) {
        scan("/proc/uptime", "", "%lf %lf", &now.up, &now.idle);
        scan("/proc/stat", "cpu ", "%*d %*d %*d %ld", &now.stat_idle, NULL);
        CHECK(now.up >= last.up && now.idle >= last.idle && now.stat_idle >= last.stat_idle);
        last = now;
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(last.idle > 0);
}
