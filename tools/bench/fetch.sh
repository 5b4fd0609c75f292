#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch.sh - what the benchmark needs of Debian: the kernel to compare with and Lua's library,
# unpacked, not installed.
#
# Usage: fetch.sh DIRECTORY linux|lua...
# Afterwards DIRECTORY/linux/vmlinuz is the kernel, DIRECTORY/linux/version its package and version,
# and DIRECTORY/lua/usr holds Lua's headers and library. What is there already is not fetched again.
set -eu
directory=$1
shift
mkdir -p "$directory/linux" "$directory/lua" "$directory/packages"
cd "$directory"

# As root apt would warn that its own user cannot write here. Lists that are old or not there are brought once.
download() {
    (cd packages && apt-get -q -o APT::Sandbox::User=root download "$1")
}
fetch() {
    download "$1" 2>/dev/null || { apt-get -q update >/dev/null && download "$1"; }
}

fetch_linux() {
    [ ! -s linux/version ] || return 0
    # The cloud kernel's package is empty and depends on the real one.
    package=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [ -n "$package" ] || { echo "fetch.sh: no kernel package; run apt-get update" >&2; exit 1; }
    fetch "$package"
    archive=$(ls -t packages/"$package"_*.deb | head -n 1)
    rm -rf linux/root
    dpkg-deb -x "$archive" linux/root
    cp linux/root/boot/vmlinuz-* linux/vmlinuz
    rm -rf linux/root
    dpkg-deb -f "$archive" Package Version | sed 's/.*: //' | paste -sd' ' >linux/version
}

fetch_lua() {
    [ ! -d lua/usr ] || return 0
    fetch liblua5.4-dev
    dpkg-deb -x "$(ls -t packages/liblua5.4-dev_*.deb | head -n 1)" lua
}

for what; do
    "fetch_$what"
done
