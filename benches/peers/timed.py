"""Runs a program and writes its exit code, seconds, processor seconds and peak resident set into a file.

    timed.py FILE PROGRAM ARGUMENT...

A program's peak begins with that of the process that starts it, so this one imports next to nothing.
"""

import os
import sys
import time

start = time.monotonic()
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ), 0)
wall = time.monotonic() - start
with open(sys.argv[1], "w", encoding="ascii") as file:
    print(os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=file)
