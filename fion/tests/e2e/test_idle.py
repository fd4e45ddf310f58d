# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""fion sleeps when there is nothing to do."""

import pathlib
import time

from wm import fion, wait_for, xserver  # noqa: F401 (fixtures)


def turns(pid):
    """How often the process was given a processor."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[2])


def test_without_a_clock_nothing_wakes_it(fion):
    fion.x.press("Win+Return")
    fion.until("a terminal", lambda: len(fion.windows()) == 1)
    manager = fion.worker()

    def sleeps():
        before = turns(manager)
        time.sleep(1)
        return turns(manager) == before
    wait_for("not once in a second", sleeps)
