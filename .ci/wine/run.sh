#!/bin/sh
# The integration tests of the program for Windows, in Debian's Wine: sh .ci/wine/run.sh [TEST...]
#
# Windows itself is none of this, but paths, names of devices, consoles and locks are as programs find them there.
set -eu
cd "$(dirname "$0")/../.."
needed="gcc-mingw-w64-x86-64 wine wine64"
dpkg -s $needed >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install --yes --no-install-recommends $needed; }
rustup target add x86_64-pc-windows-gnu
target=${CARGO_TARGET_DIR:-target}/x86_64-pc-windows-gnu/debug
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine WINEDEBUG=-all WINEPREFIX="${WINEPREFIX:-$PWD/target/wine}"
cargo test --locked --target x86_64-pc-windows-gnu --test it --no-run
# A test runs it.
cargo build --locked --target x86_64-pc-windows-gnu --example clean_one_file
for folder in "$target" "$target/deps" "$target/examples"; do
    x86_64-w64-mingw32-gcc -O1 -shared -o "$folder/bcryptprimitives.dll" .ci/wine/bcryptprimitives.c -ladvapi32
done
# What Wine is at fault for. Its crypt32 refuses the options of a chain engine as Windows has them since Windows 8.
skipped="--skip certificates::a_certificate_that_is_named_is_enough"
# These look at the sources, not at the program, and call cargo, which Wine does not find.
skipped="$skipped --skip tidy::a_build_without_the_sandbox_needs_no_server"
skipped="$skipped --skip tidy::libraries_need_neither_what_they_may_not_nor_one_another"
# Wine starts a server of its own for each user; on few cores many programs at once wait for it longer than tests wait.
cargo test --locked --target x86_64-pc-windows-gnu --test it -- --test-threads 2 $skipped "$@"
