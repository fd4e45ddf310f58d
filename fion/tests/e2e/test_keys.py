# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Keys: no one is lost, none leaks, and each does what it says."""

import os
import signal

import pytest

from wm import Fion, X, clients, fion, wait_for, xserver  # noqa: F401


def bar(fion):
    """The pixels of the bar, but for its end, where the clock is."""
    return fion.x.x.screen().root.get_image(
        0, 0, 900, 26, X.ZPixmap, 0xffffff).data


def test_no_key_leaks_and_none_is_lost(fion, clients):
    """Prefix and key back to back, and then something typed."""
    client = clients()
    for _ in range(300):
        fion.x.press("Win+w")
        fion.x.press("n")
        fion.x.type("a")
    fion.sync()
    client.hears("a" * 300)
    assert fion.mode() == "default"


def test_what_follows_what_a_mode_opened_does_not_leak(fion, clients):
    """A prompt, a mode, a prompt that opens a mode; and a prefix at once."""
    client = clients()
    for _ in range(60):
        for opens in (("Win+w", "g", "1", "Return"),
                      ("Win+x", "x", *"mode tile", "Return", "n"),
                      ("Win+Shift+b", "Win+x", "x", "Escape")):
            for key in (*opens, "Win+t", "1"):
                fion.x.press(key)
            fion.x.type("a")
    fion.sync()
    client.hears("a" * 180)
    assert fion.mode() == "default"


def test_nothing_leaks_while_fion_is_stopped(fion, clients):
    client = clients()
    manager = fion.worker()
    for _ in range(20):
        os.kill(manager, signal.SIGSTOP)
        fion.x.press("Win+t")
        fion.x.press("n")
        fion.x.type("bc")
        os.kill(manager, signal.SIGCONT)
        fion.sync()
    client.hears("bc" * 20)


def test_a_key_of_a_mode_acts_where_it_leads(fion, clients):
    """What follows a change of focus reaches the new window."""
    first = clients()
    fion.do("tile create row")
    second = clients()
    assert fion.focused() == second.title
    for _ in range(50):
        fion.x.press("Win+t")
        fion.x.press("Left")
        fion.x.type("x")
        fion.x.press("Win+t")
        fion.x.press("Right")
        fion.x.type("y")
    fion.sync()
    first.hears("x" * 50)
    second.hears("y" * 50)


@pytest.mark.parametrize("mode,prefix", [
    ("workspace", "Win+w"), ("tile", "Win+t"), ("tab", "Win+b"),
    ("screen", "Win+s"), ("fion", "Win+x")])
def test_a_prefix_waits_and_escape_leaves(fion, mode, prefix):
    fion.press(prefix)
    assert fion.mode() == mode
    fion.press("Escape")
    assert fion.mode() == "default"


def test_a_key_that_is_none_of_the_mode_leaves_it(fion, clients):
    client = clients()
    fion.press("Win+t", "z", "q")
    assert fion.mode() == "default"
    client.hears("q")


def test_a_held_mode_takes_a_count_of_places(fion):
    fion.press("Win+Shift+w", "c", "c", "c")
    assert fion.mode() == "workspace"
    assert len(fion.workspaces()) == 4
    first = fion.workspaces()[0]
    fion.press("1", "Escape")  # a count, not a place
    fion.do(f"workspace pick {first}")
    fion.press("Win+w", "Win+w", "2", "n", "Escape")
    assert fion.workspace()["name"] == fion.workspaces()[2]


def test_tiles_by_keys(fion, clients):
    left = clients()
    fion.press("Win+t", "v")
    assert len(fion.tiles()) == 2
    right = clients()
    fion.press("Win+Left")
    assert fion.focused() == left.title
    fion.press("Win+Right")
    assert fion.focused() == right.title
    width = fion.tile()["rect"][2]
    fion.press("Win+Shift+t", "Shift+Left", "Shift+Left", "Escape")
    assert fion.tile()["rect"][2] != width
    fion.press("Win+t", "=")
    assert abs(fion.tile()["rect"][2] - width) <= 1
    fion.press("Win+t", "d")
    assert len(fion.tiles()) == 1
    assert sorted(fion.here()) == [left.title, right.title]


def test_tabs_by_keys(fion, clients):
    one, two, three = (clients().title for _ in range(3))
    assert fion.here() == [one, two, three]
    fion.press("Win+n")
    assert fion.focused() == one
    fion.press("Win+p")
    assert fion.focused() == three
    fion.press("Win+b", "2")
    assert fion.focused() == two
    fion.press("Win+b", "Shift+Left")
    assert fion.here() == [two, one, three]
    fion.press("Win+Tab")
    assert fion.focused() == three
    fion.press("Win+b", "space")
    assert fion.here() == [two, one]
    fion.press("Win+space")
    assert fion.focused() == three


def test_fullscreen_by_key(fion, clients):
    client = clients()
    before = client.place()
    fion.press("Win+f")
    assert client.place() == (0, 0, 1280, 800)
    fion.press("Win+f")
    assert client.place() == before


def test_the_prompt_runs_what_is_typed(xserver, tmp_path):
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "mark").write_text(f"#!/bin/sh\n>{tmp_path}/$1\n")
    (bin / "mark").chmod(0o755)
    fion = Fion(xserver, tmp_path,
                env={"PATH": f"{bin}:{os.environ['PATH']}"})
    fion.press("Win+d")
    assert fion.mode() == "prompt"
    fion.x.type("mark ran\n")
    wait_for("the program ran", (tmp_path / "ran").exists)
    assert fion.mode() == "default"
    assert fion.end() == 0


def test_what_cannot_be_run_is_said(fion):
    before = bar(fion)
    fion.press("Win+d")
    fion.x.type("no-such-program-here\n")
    fion.sync()
    assert fion.mode() == "default"
    wait_for("it is in the bar", lambda: bar(fion) != before)
