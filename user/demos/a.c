#include <stdio.h>

int main(void)
{
    puts("hello from a.c");
    return 0;
}
