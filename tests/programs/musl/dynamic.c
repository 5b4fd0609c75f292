// SPDX-License-Identifier: MIT
// dynamic.c - a program that musl's loader starts: with a library, by dlopen, with threads.

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 8
#define ROUNDS 2000

const char *greet(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local long mine;
static long sum;

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        sum++;
        pthread_mutex_unlock(&lock);
        mine++;
    }
    return (void *)mine;
}

static int threads(void)
{
    pthread_t all[THREADS];
    void *counted;
    long total = 0;

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&all[i], NULL, count, NULL) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(all[i], &counted);
        total += (long)counted;
    }
    printf("%ld %ld\n", sum, total);
    return 0;
}

static int open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *(*function)(void);

    if (library == NULL) {
        puts(dlerror());
        return 2;
    }
    *(void **)&function = dlsym(library, "greet");
    puts(function());
    return dlclose(library);
}

static int find_nothing(void)
{
    if (dlsym(RTLD_DEFAULT, "no_such_symbol") != NULL)
        return 1;
    puts(dlerror());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dlopen") == 0)
        return open_library(argv[2]);
    if (argc == 2 && strcmp(argv[1], "threads") == 0)
        return threads();
    if (argc == 2 && strcmp(argv[1], "symbol") == 0)
        return find_nothing();
    return puts(greet()) < 0;
}
