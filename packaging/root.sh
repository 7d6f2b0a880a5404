#!/bin/sh
# Makes a fresh Debian root that has nothing but the packages named: root.sh FOLDER [PACKAGE...]
#
# Needs root and debootstrap, and Debian's mirror the first time: a copy is kept below target/roots.
set -eu
root=$1
shift
roots=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/roots
suite=bookworm
name=$(echo "$suite" "$@" | tr ' ' '+')
kept=$roots/$name
if [ ! -d "$kept" ]; then
    mkdir -p "$roots"
    rm -rf "$kept.new"
    debootstrap --variant=minbase --include="$(echo apt "$@" | tr ' ' ',')" "$suite" "$kept.new" >"$kept.log" 2>&1 ||
        { tail -5 "$kept.log" >&2 && exit 1; }
    mv "$kept.new" "$kept"
fi
rm -rf "$root"
mkdir -p "$(dirname "$root")"
cp -a "$kept" "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
