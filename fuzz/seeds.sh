#!/usr/bin/env bash
# Starting points for the fuzzer, from what the project has: mutants that were accepted, the example study, profiles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=fuzz/corpus
mkdir -p "$corpus"/{scanner,deid,profiles,selector,server_json,journal}
FWUPLOAD_MUTANTS="$PWD/$corpus/scanner" cargo test --quiet --test it mutants
find examples/study -type f -exec cp {} "$corpus/scanner" \;
# The data set begins where the file meta information ends, which its group length tells.
python3 - "$corpus" <<'PYTHON'
import pathlib, struct, sys
corpus = pathlib.Path(sys.argv[1])
for file in sorted((corpus / "scanner").iterdir())[:500]:
    data = file.read_bytes()
    if data[128:132] == b"DICM" and b"1.2.840.10008.1.2.1\0" in data[:400]:
        (corpus / "deid" / file.name).write_bytes(data[144 + struct.unpack("<I", data[140:144])[0] :])
languages = {".toml": 0, ".yaml": 1, ".json": 2}
for file in [*pathlib.Path("profiles").iterdir(), *pathlib.Path("tests/parity/profiles").iterdir()]:
    if file.suffix in languages:
        # `arbitrary` takes a text from the front and numbers from the back.
        (corpus / "profiles" / file.name).write_bytes(file.read_bytes() + bytes([languages[file.suffix]]))
selectors = ["PatientID", "00100010", "(0010,0010)", '(0009,"ACME",01)', "A.*.B.0.C", "(60xx,0022)", "regex"]
for number, text in enumerate(selectors):
    (corpus / "selector" / str(number)).write_text(text)
answers = ['{"_id":"a","label":"b","files":[{"name":"x","size":1}]}', "[]", '{"message":"no"}', "<html><title>x</title></html>"]
for number, text in enumerate(answers):
    (corpus / "server_json" / str(number)).write_text(text)
mark = "0" * 32
line = '{"type":"%s","place":"%s","sources":"%s","size":1,"kind":"acquisition","container":"c"}\n'
for kind in ("sending", "confirmed"):
    (corpus / "journal" / kind).write_text(line % (kind, mark, mark))
PYTHON
