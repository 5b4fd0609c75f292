#!/bin/sh
# A box by hand: one program that sees one directory, with 64 MiB and 30 seconds; then how it ended.
exec 3<>/proc/new 4>&1; read pid <&3
printf '%s\n' 'bind bin /bin rx' 'bind src /usr/share/demo r' 'bind out /tmp/out rwc' \
  'quota memory 64M' 'quota deadline 30s' 'give 0 0' 'give 4 1' 'give 2 2' \
  'exec /bin/busybox sha256sum /src/a.c' start >&3 || { cat <&3 >&2; exit 1; }
cat /proc/$pid/wait
