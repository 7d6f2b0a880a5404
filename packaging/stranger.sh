#!/bin/sh
# A stranger's minute: from a root with Python alone to data on a server. Prints the seconds of each step.
#
#     packaging/stranger.sh target/packages/fwupload-*x86_64*.whl
#
# Needs root and debootstrap. Inside the root nothing is there but Debian's minimum, Python, the wheel and the example.
set -eu
wheel=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$root"
}
trap finish EXIT

sh "$here/root.sh" "$root" python3-venv
mkdir "$root/stranger"
cp "$wheel" "$root/stranger/"
cp -r "$here/../examples/study" "$root/stranger/study"

inside() {
    chroot "$root" /usr/bin/env -i HOME=/stranger PATH=/stranger/venv/bin:/usr/bin:/bin LANG=C.UTF-8 "$@"
}

# now: in hundredths of a second, which a shell can subtract.
now() { echo $(($(date +%s%N) / 10000000)); }
begun=$(now)
last=$begun
step() {
    t=$(now)
    printf '%3d.%02d s  %s\n' $(((t - last) / 100)) $(((t - last) % 100)) "$1"
    last=$t
}

inside python3 -m venv /stranger/venv
step "python3 -m venv"
inside pip install --quiet --no-index "/stranger/$(basename "$wheel")"
step "pip install"
inside fwupload sandbox /stranger/server --project demo/phantom >"$root/stranger/sandbox.json" 2>"$root/stranger/sandbox.err" &
server=$!
until grep -q '"key"' "$root/stranger/sandbox.json"; do
    kill -0 "$server" 2>/dev/null || { cat "$root/stranger/sandbox.err" >&2 && exit 1; }
    sleep 0.01
done
step "fwupload sandbox, until it listens"
sed 's/.*"key":"\([^"]*\)".*/\1/' "$root/stranger/sandbox.json" | inside fwupload login --with-key-stdin
step "fwupload login"
ended=0
inside fwupload /stranger/study --project demo/phantom --profile basic --new-pseudonym-key \
    --report /stranger/failures.jsonl || ended=$?
step "fwupload study"
t=$last
last=$begun
printf '%3d.%02d s  in all\n' $(((t - last) / 100)) $(((t - last) % 100))

# One file is cut short on purpose, and four series arrive.
arrived=$(find "$root/stranger/server" -name '*.zip' | wc -l)
if [ "$ended" != 3 ] || [ "$arrived" != 4 ]; then
    echo "the upload ended with $ended, and $arrived series arrived: 3 and 4 were expected" >&2
    exit 1
fi
