#!/bin/sh
# What `make run` shows: where a program finds itself, and a box that it makes.
echo "Hello from a box: $(uname -srm), $(nproc) CPU, up $(cut -d' ' -f1 /proc/uptime) s."
echo 'All that it can name:'
ls /
echo 'Its processes:'
ps
echo 'A box inside, which sees one directory of C, read-only; then its exit code:'
sh /usr/share/demo/by-hand.sh
