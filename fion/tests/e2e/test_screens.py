# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Screens that come, go and change; nothing on them is ever lost."""

import random
import subprocess

import pytest
from conftest import wait_for


class Monitors:
    """Monitors of the server, by RandR's own command."""

    def __init__(self, fion):
        if subprocess.run(["which", "xrandr"], check=False,
                          capture_output=True).returncode != 0:
            pytest.skip("xrandr is not installed")
        self.fion = fion
        self.there = {}

    def xrandr(self, *args):
        subprocess.run(["xrandr", *args], env=self.fion.x.env, check=True,
                       capture_output=True)

    def set(self, **wanted):
        """name=(width, height, x, y)"""
        for name in set(self.there) - set(wanted):
            self.xrandr("--delmonitor", name)
        for name, place in wanted.items():
            if self.there.get(name) == place:
                continue
            if name in self.there:
                self.xrandr("--delmonitor", name)
            w, h, x, y = place
            # The first takes the one output that Xvfb has.
            output = "screen" if x == 0 and y == 0 else "none"
            self.xrandr("--setmonitor", name, f"{w}/300x{h}/200+{x}+{y}",
                        output)
        self.there = wanted


LEFT, RIGHT = (640, 800, 0, 0), (640, 800, 640, 0)


@pytest.fixture
def monitors(fion):
    return Monitors(fion)


def screens(fion):
    return {s["screen"]: tuple(s["rect"]) for s in fion.get("tree")["screens"]}


def test_screens_are_what_the_server_says(fion, monitors):
    monitors.set(left=LEFT, right=RIGHT)
    wait_for("two screens", lambda: len(screens(fion)) == 2)
    assert sorted(screens(fion).values()) == [
        (0, 0, 640, 800), (640, 0, 640, 800)]
    for screen in fion.get("tree")["screens"]:
        assert len(screen["workspaces"]) >= 1


def test_workspaces_come_back_with_their_screen(fion, monitors, clients):
    monitors.set(left=LEFT, right=RIGHT)
    wait_for("two screens", lambda: len(screens(fion)) == 2)
    fion.do("screen", "pick", 2)
    fion.do("workspace", "create", "chat")
    fion.do("tile", "create", "column")
    client = clients()
    place = client.place()
    assert place[0] >= 640
    monitors.set(left=LEFT)
    wait_for("one screen", lambda: len(screens(fion)) == 1)
    assert client.id in fion.windows()
    fion.do("tab", "focus", client.id)
    fion.sync()
    assert client.place()[0] < 640 and client.visible()
    monitors.set(left=LEFT, right=RIGHT)
    wait_for("two screens", lambda: len(screens(fion)) == 2)
    wait_for("it is back", lambda: client.place() == place)
    [right] = [s for s in fion.get("tree")["screens"]
               if s["screen"] == "right"]
    assert "chat" in [w["name"] for w in right["workspaces"]]


def test_what_was_shown_is_shown_on_when_its_screen_goes(
        fion, monitors, clients):
    client = clients()
    monitors.set(left=LEFT, right=RIGHT)  # the one there was has gone
    wait_for("two screens", lambda: len(screens(fion)) == 2)
    assert client.visible()
    assert fion.focused() == client.id


def test_keys_go_from_screen_to_screen(fion, monitors, clients):
    monitors.set(left=LEFT, right=RIGHT)
    wait_for("two screens", lambda: len(screens(fion)) == 2)
    fion.do("screen", "pick", 1)
    first = clients()
    fion.press("Win+s", "Right")
    second = clients()
    assert first.place()[0] < 640 <= second.place()[0]
    fion.press("Win+s", "n")
    assert fion.focused() == first.id
    fion.press("Win+s", "2")
    assert fion.focused() == second.id
    fion.press("Win+b", "s")
    assert second.place()[0] < 640


def test_a_storm_of_screens_loses_nothing(fion, monitors, clients):
    made = [clients() for _ in range(4)]
    rand = random.Random(5)
    places = [LEFT, RIGHT, (1280, 400, 0, 0), (300, 300, 640, 300)]
    for _ in range(25):
        n = rand.randrange(1, 4)
        monitors.set(**{f"m{i}": rand.choice(places) for i in range(n)})
    monitors.set(all=(1280, 800, 0, 0))
    wait_for("one screen", lambda: list(screens(fion).values())
             == [(0, 0, 1280, 800)])
    assert sorted(fion.windows()) == sorted(c.id for c in made)
    for client in made:
        fion.do("tab", "focus", client.id)
        fion.sync()
        assert client.visible()
