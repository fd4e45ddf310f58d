# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Run a command, and tell what it cost."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


@dataclasses.dataclass
class Cost:
    """Of one run, or the medians of several."""
    wall: float  # seconds
    cpu: float   # seconds, user and system, of it and its children
    rss: int     # bytes, the largest process's peak


def median(costs):
    return Cost(statistics.median(c.wall for c in costs),
                statistics.median(c.cpu for c in costs),
                max(c.rss for c in costs))


def run(command, cwd, env, accept=(0,)):
    """Run command to its end; its Cost.  Any other status ends the bench."""
    with tempfile.TemporaryFile() as output, \
            tempfile.NamedTemporaryFile("r") as peak:
        # A child's peak counts from its fork: time(1) is small, we are not.
        timed = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name, *command]
        start = time.monotonic()
        # Not waited for by subprocess: wait4 below wants the child itself.
        child = subprocess.Popen(
            timed, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in accept:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-4000:])
            sys.exit(f"bench: status {child.returncode} from "
                     + " ".join(map(str, command)))
        rss = int(peak.read().split()[-1]) * 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, rss)


def settle():
    """Write back what is dirty: nobody pays for the one before."""
    os.sync()


def warm(folder):
    """Read every file below folder, so that all find it in memory."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb", buffering=0) as f:
                    while f.read(1 << 20):
                        pass


def stored_bytes(folder):
    """The sum of the lengths of the files below folder."""
    return sum(path.stat().st_size
               for path in pathlib.Path(folder).rglob("*")
               if path.is_file() and not path.is_symlink())


def contents(folder):
    """How many entries there are below folder, and bytes in its files."""
    entries = total = 0
    for root, folders, names in os.walk(folder):
        entries += len(folders) + len(names)
        for name in names:
            st = os.lstat(os.path.join(root, name))
            total += st.st_size
    return entries, total
