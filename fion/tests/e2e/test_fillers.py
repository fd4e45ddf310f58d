# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Workspaces that are there only so that a screen shows one."""

import pytest

from test_outputs import LEFT, RIGHT, keys, monitors
from wm import app, fion, xserver  # noqa: F401 (fixtures)


def two_screens(fion, app):
    app.window("a")
    fion.until("a", lambda: fion.focused() == "a")
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])


def one_screen(fion):
    monitors(fion, LEFT)
    fion.until("one screen", lambda: keys(fion) == ["left"])
    return [w["name"] for w in fion.screen()["workspaces"]]


def restart(fion):
    old = fion.worker()
    fion.do("restart")
    fion.another(old)


@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_what_only_filled_a_screen_goes_with_it(fion, app, restarts):
    """Also after restarts: an empty workspace that nobody made stays none."""
    two_screens(fion, app)
    assert len(fion.get("workspaces")) == 2
    for _ in range(restarts):
        restart(fion)
        assert keys(fion) == ["left", "right"]
    assert one_screen(fion) == ["1"]
    assert "a" in fion.windows()


def test_what_a_person_made_stays_though_it_is_empty(fion, app):
    two_screens(fion, app)
    fion.do("screen right")
    fion.do("workspace create made")
    restart(fion)
    assert "made" in one_screen(fion)
