#!/usr/bin/env python3
"""The recipes of examples/shards, carried out by the engines that they are for.

    python3 .ci/engines/run.py FWUPLOAD [slurm|hosts|container|kubernetes|snakefile...] [--short]

What arrives over all shards has to be what one run leaves, file by file. Each test makes what it needs in a temporary folder and
ends all that it has started. An engine that cannot be had is said to be skipped; what engines need is installed by .ci/extended.
`slurm` and `container` need root. With `--short`, what takes its time is left out.
"""

import argparse
import contextlib
import importlib
import pathlib
import sys
import tempfile
import time

from common import Skipped, Work, say

ENGINES = ("slurm", "hosts", "container", "kubernetes", "snakefile")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"of {', '.join(ENGINES)} [default: all]")
    parser.add_argument("--short", action="store_true", help="only what is done within seconds")
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.program).resolve()
    failed = []
    for engine in arguments.engines or ENGINES:
        if engine not in ENGINES:
            parser.error(f"there is no {engine}")
        begun = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="fwupload-engines-") as folder, contextlib.ExitStack() as stack:
                importlib.import_module(f"test_{engine}").test(Work(program, pathlib.Path(folder), stack), arguments.short)
            say(engine, f"passed in {time.monotonic() - begun:.0f} s")
        except Skipped as why:
            say(engine, f"skipped: {why}")
        except AssertionError as fault:
            say(engine, f"FAILED: {fault}")
            failed.append(engine)
    sys.exit(f"FAILED: {', '.join(failed)}" if failed else 0)


main()
