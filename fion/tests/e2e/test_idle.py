# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""fion sleeps when there is nothing to do."""

import pathlib
import time

import pytest

from test_first_ten_minutes import Fion

PATIENCE = 30  # seconds


def turns(pid):
    """How often the process was given a processor."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[2])


@pytest.fixture
def display():
    pytest.importorskip("Xlib")
    from xdisplay import XDisplay
    with XDisplay() as x:
        yield x


def test_without_a_clock_nothing_wakes_it(display, tmp_path):
    config = tmp_path / "config" / "fion" / "config"
    config.parent.mkdir(parents=True)
    config.write_text('set clock ""\n')
    fion = Fion(display, tmp_path)
    try:
        fion.expect({"windows": "0", "ended": "no"}, "at the start")
        display.press("Win+Return")
        fion.expect({"windows": "1"}, "a terminal")
        pid = fion.process.pid
        (child,) = pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()[:1]
        end = time.monotonic() + PATIENCE
        while True:
            before = turns(child)
            time.sleep(1)
            if turns(child) == before:
                return  # not once in a second
            assert time.monotonic() < end, "it never sleeps"
    finally:
        fion.end()
