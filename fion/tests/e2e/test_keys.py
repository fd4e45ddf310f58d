# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Keys: no one is lost, none leaks, and each does what it says."""

import os
import signal

import pytest
from conftest import wait_for

X = pytest.importorskip("Xlib.X")


def bar(fion):
    """The pixels of the bar, but for its end, where the clock is."""
    return fion.x.x.screen().root.get_image(
        0, 0, 900, 26, X.ZPixmap, 0xffffff).data


def codes(x, text):
    return [x.code(letter)[0] for letter in text]


def test_no_key_leaks_and_none_is_lost(fion, clients):
    """Prefix and key back to back, and then something typed."""
    client = clients()
    for _ in range(300):
        fion.x.press("Win+w")
        fion.x.press("n")
        fion.x.type("a")
    fion.sync()
    wait_for("all that was typed", lambda: len(client.keys()) >= 300)
    assert client.keys() == codes(fion.x, "a") * 300
    assert fion.get("mode") == "default"


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
    wait_for("all that was typed", lambda: len(client.keys()) >= 180)
    assert client.keys() == codes(fion.x, "a") * 180
    assert fion.get("mode") == "default"


def test_nothing_leaks_while_fion_is_stopped(fion, clients):
    client = clients()
    [manager] = fion.children()
    for _ in range(20):
        os.kill(manager, signal.SIGSTOP)
        fion.x.press("Win+t")
        fion.x.press("n")
        fion.x.type("bc")
        os.kill(manager, signal.SIGCONT)
        fion.sync()
    wait_for("all that was typed", lambda: len(client.keys()) >= 40)
    assert client.keys() == codes(fion.x, "bc") * 20


def test_a_key_of_a_mode_acts_where_it_leads(fion, clients):
    """What follows a change of focus reaches the new window."""
    first = clients()
    fion.do("tile", "create", "row")
    second = clients()
    assert fion.focused() == second.id
    for _ in range(50):
        fion.x.press("Win+t")
        fion.x.press("Left")
        fion.x.type("x")
        fion.x.press("Win+t")
        fion.x.press("Right")
        fion.x.type("y")
    fion.sync()
    wait_for("typed into the first", lambda: len(first.keys()) >= 50)
    wait_for("typed into the second", lambda: len(second.keys()) >= 50)
    assert first.keys() == codes(fion.x, "x") * 50
    assert second.keys() == codes(fion.x, "y") * 50


@pytest.mark.parametrize("mode,prefix", [
    ("workspace", "Win+w"), ("tile", "Win+t"), ("tab", "Win+b"),
    ("screen", "Win+s"), ("fion", "Win+x")])
def test_a_prefix_waits_and_escape_leaves(fion, mode, prefix):
    fion.press(prefix)
    assert fion.get("mode") == mode
    fion.press("Escape")
    assert fion.get("mode") == "default"


def test_a_key_that_is_none_of_the_mode_leaves_it(fion, clients):
    client = clients()
    fion.press("Win+t", "z", "q")
    assert fion.get("mode") == "default"
    wait_for("the key after it", client.keys)
    assert client.keys() == codes(fion.x, "q")


def test_a_held_mode_stays_and_counts(fion):
    fion.press("Win+Shift+w", "c", "c", "c")
    assert fion.get("mode") == "workspace"
    assert len(fion.workspaces()) == 4
    first = fion.workspaces()[0]
    fion.press("1", "Escape")  # a count, not a place
    fion.do("workspace", "pick", first)
    fion.press("Win+w", "Win+w", "2", "n", "Escape")
    assert fion.workspace()["name"] == fion.workspaces()[2]


def test_a_mode_ends_by_itself(unstarted):
    unstarted.config.write_text("set mode-timeout 200\n")
    unstarted.start()
    unstarted.press("Win+t")
    wait_for("the end of the mode",
             lambda: unstarted.get("mode") == "default")


def test_pass_hands_the_next_key_through(fion, clients):
    client = clients()
    fion.press("Win+Escape", "Win+w")
    assert fion.get("mode") == "default"
    wait_for("the key", lambda: codes(fion.x, "w")[0] in client.keys())


@pytest.mark.parametrize("lock", ["Num_Lock", "Caps_Lock", "Scroll_Lock"])
def test_locks_do_not_matter(fion, lock):
    fion.x.press(lock)
    fion.press("Win+w", "c")
    assert len(fion.workspaces()) == 2
    fion.x.press(lock)


def test_tiles_by_keys(fion, clients):
    left = clients()
    fion.press("Win+t", "v")
    assert len(fion.tiles()) == 2
    right = clients()
    fion.press("Win+Left")
    assert fion.focused() == left.id
    fion.press("Win+Right")
    assert fion.focused() == right.id
    width = fion.tile()["rect"][2]
    fion.press("Win+Shift+t", "Shift+Left", "Shift+Left", "Escape")
    assert fion.tile()["rect"][2] != width
    fion.press("Win+t", "=")
    assert abs(fion.tile()["rect"][2] - width) <= 1
    fion.press("Win+t", "d")
    assert len(fion.tiles()) == 1
    assert sorted(fion.tabs()) == sorted([left.id, right.id])


def test_tabs_by_keys(fion, clients):
    one, two, three = (clients().id for _ in range(3))
    assert fion.tabs() == [one, two, three]
    fion.press("Win+n")
    assert fion.focused() == one
    fion.press("Win+p")
    assert fion.focused() == three
    fion.press("Win+b", "2")
    assert fion.focused() == two
    fion.press("Win+b", "Shift+Left")
    assert fion.tabs() == [two, one, three]
    fion.press("Win+Tab")
    assert fion.focused() == three
    fion.press("Win+b", "space")
    assert fion.tabs() == [two, one]
    fion.press("Win+space")
    assert fion.focused() == three


def test_fullscreen_by_key(fion, clients):
    client = clients()
    before = client.place()
    fion.press("Win+f")
    assert client.place() == (0, 0, 1280, 800)
    fion.press("Win+f")
    assert client.place() == before


def test_the_prompt_runs_what_is_typed(unstarted):
    bin = unstarted.folder / "bin"
    bin.mkdir()
    (bin / "mark").write_text(f"#!/bin/sh\n>{unstarted.folder}/$1\n")
    (bin / "mark").chmod(0o755)
    unstarted.env["PATH"] = f"{bin}:{os.environ['PATH']}"
    unstarted.start()
    unstarted.press("Win+d")
    assert unstarted.get("mode") == "prompt"
    unstarted.x.type("mark ran\n")
    wait_for("the program ran", (unstarted.folder / "ran").exists)
    assert unstarted.get("mode") == "default"


def test_what_cannot_be_run_is_said(fion):
    before = bar(fion)
    fion.press("Win+d")
    fion.x.type("no-such-program-here\n")
    fion.sync()
    assert fion.get("mode") == "default"
    wait_for("it is in the bar", lambda: bar(fion) != before)
