# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A whole working day: terminals, an editor, a browser, a video, a second
screen plugged and unplugged; by keys alone, and no window is ever lost."""

import os
import pathlib
import signal

import pytest

from maison import need
from test_crashes import saved
from test_outputs import monitors
from test_programs import (CHROMIUM, MPV, PAGE, TO_START, inside, mpv_says,
                           place)
from wm import App, Fion, X, leaves, wait_for
from xdisplay import XDisplay

LAPTOP, DESK = "laptop 1280x800+0+0", "desk 1280x800+1280+0"
PROGRAMS = {  # each at home; a terminal in a folder of its own
    "x-terminal-emulator": 'n=1; while ! mkdir "term$n"; do n=$((n + 1)); '
                           'done; cd "term$n"; exec xterm -T "term$n"',
    "edit": "TERM=vt220 exec xterm -tn vt220 -T editor "
            "-e vi -u NONE -i NONE -c 'w! ready' text",
    "surf": 'exec {browser} "--user-data-dir=$HOME/profile" '
            '"file://$HOME/page.html"',
    "play": 'exec {player} "--input-ipc-server=$HOME/mpv" '
            "av://lavfi:testsrc=size=320x240",
}


class Day:
    """A person who has a keyboard, and windows that must be there."""

    def __init__(self, x, folder):
        for name in ("xterm", "vi", "chromium", "mpv", "xrandr"):
            need(name)
        self.x, self.folder = x, pathlib.Path(folder)
        tools = self.folder / "bin"
        tools.mkdir()
        for name, line in PROGRAMS.items():
            line = line.format(browser=" ".join(CHROMIUM),
                               player=" ".join(MPV))
            script(tools / name, f'cd "$HOME"\n{line}')
        script(tools / "note", 'echo "$*" >>said')
        (self.folder / "rc").write_text(": >ready\n")
        # Its title tells what is typed, and nothing else.
        (self.folder / "page.html").write_text(
            PAGE.replace("onresize = size;", ""))
        self.fion = Fion(x, folder, env={
            "PATH": f"{tools}:{os.environ['PATH']}", "NO_AT_BRIDGE": "1",
            "ENV": str(self.folder / "rc")})  # what an interactive sh reads
        self.app = App(x)
        monitors(self.fion, LAPTOP)
        self.fion.until("one screen", lambda: self.screens() == ["laptop"])
        self.pointer = self.where_the_pointer_is()
        self.mine = {}  # the windows there must be: name to number
        self.typed = {}

    def end(self):
        self.app.close()
        assert self.fion.end() == 0
        for bad in ("Sanitizer", "runtime error"):
            assert bad not in self.fion.log, self.fion.log

    def where_the_pointer_is(self):
        at = self.app.root.query_pointer()
        return at.root_x, at.root_y

    def screens(self):
        return sorted(s["screen"] for s in self.fion.screens())

    # The keyboard -------------------------------------------------------

    def keys(self, *chords):
        for chord in chords:
            self.x.press(chord)

    def asks(self, *chords, line):
        """A line for the prompt that these keys open."""
        self.keys(*chords)
        self.x.type(line + "\n")

    def at(self, name):
        """What fion tells of a window, and all that it is in."""
        for screen in self.fion.screens():
            for workspace in screen["workspaces"]:
                for tile in leaves(workspace["tree"]):
                    for tab in tile["tabs"]:
                        if tab["window"] == self.mine[name]:
                            return screen, workspace, tile, tab
        raise AssertionError(f"{name} is in no tile")

    def has_focus(self, name):
        now = self.fion.get("focused")
        return now is not None and now["window"] == self.mine[name]

    def go(self, name):
        """Walk there: its screen, its workspace, its tile, its tab."""
        screen, workspace, tile, tab = self.at(name)
        number = [s["screen"] for s in self.fion.screens()].index(
            screen["screen"]) + 1
        self.keys("Win+s", str(number))
        self.asks("Win+w", "g", line=workspace["name"])
        tiles = [t["tile"] for t in leaves(workspace["tree"])]
        self.keys("Win+t", str(tiles.index(tile["tile"]) + 1))
        tabs = [t["window"] for t in tile["tabs"]]
        self.keys("Win+b", str(tabs.index(tab["window"]) + 1))
        self.fion.until(f"{name} has the focus",
                        lambda: self.has_focus(name))

    def opens(self, name, *chords, line=None):
        """A program, by keys: its window is new, has the focus, and stays."""
        before = {w["window"] for w in self.fion.get("windows")}
        self.keys(*chords)
        if line is not None:
            self.x.type(line + "\n")

        def new():
            return [w["window"] for w in self.fion.get("windows")
                    if w["window"] not in before]
        [self.mine[name]] = self.fion.until(f"{name} is there", new, TO_START)
        self.fion.until(f"{name} has the focus",
                        lambda: self.has_focus(name))
        self.hears(name)
        self.all_there()

    # What the programs get of it ----------------------------------------

    def hears(self, name):
        """The window that has the focus gets what is typed, and it alone."""
        n = self.typed[name] = self.typed.get(name, 0) + 1
        if name == "video":
            was = self.paused()
            self.keys("space")
            self.fion.until("it pauses or goes on",
                            lambda: self.paused() is (not was))
        elif name == "browser":
            def letter():
                if n == 1:  # the page may not be there yet
                    self.keys("a")
                return "typed a" in self.at(name)[3]["title"]
            if n > 1:
                self.keys("Ctrl+a", "b")
                self.shows("typed b")
                self.keys("BackSpace", "a")
            self.fion.until("the page has the letter", letter)
        elif name == "editor":
            wait_for("the editor", (self.folder / "ready").exists)
            self.fion.until_it_reads(self.app, self.mine[name])
            self.x.type(f"oline {n}")
            self.keys("Escape")
            self.x.type(":w\n")
            self.reads(self.folder / "text", f"line {n}")
        else:
            wait_for("a shell", (self.folder / name / "ready").exists)
            self.fion.until_it_reads(self.app, self.mine[name])
            self.x.type(f"note {name} {n}\n")
            self.reads(self.folder / name / "said", f"{name} {n}")

    def shows(self, title):
        self.fion.until(f"the page says {title}", lambda: any(
            title in w["title"] for w in self.fion.get("windows")))

    def paused(self):
        wait_for("the player answers", (self.folder / "mpv").exists)
        return mpv_says(self.folder / "mpv", "pause")

    def reads(self, path, line):
        wait_for(f"{line} is in {path.name}", lambda: (
            path.exists() and path.read_text().splitlines()[-1:] == [line]))

    # What must be true at any moment ------------------------------------

    def all_there(self):
        """No window is lost, and the keyboard is free."""
        self.fion.until("all is as it must be", lambda: not self.wrong())
        assert self.where_the_pointer_is() == self.pointer

    def wrong(self):
        """What is not as it must be, the first of it."""
        fion, mine = self.fion, set(self.mine.values())
        if {w["window"] for w in fion.get("windows")} != mine:
            return "a window is lost, or one too many"
        if set(self.app.root_property("_NET_CLIENT_LIST") or []) != mine:
            return "the root does not list them"
        if not self.screens_fit():
            return "a tab is not where its tile is, or not shown"
        if fion.mode() != "default":
            return f"mode {fion.mode()}"
        if self.app.root.grab_keyboard(
                False, X.GrabModeAsync, X.GrabModeAsync,
                X.CurrentTime) != X.GrabSuccess:
            return "somebody holds the keyboard"
        self.app.d.ungrab_keyboard(X.CurrentTime)
        self.app.d.sync()
        return None

    def screens_fit(self):
        seen = []
        for screen in self.fion.screens():
            for workspace in screen["workspaces"]:
                for tile in leaves(workspace["tree"]):
                    for tab in tile["tabs"]:
                        seen.append(tab["window"])
                        shown = workspace["current"] and tab.get("current")
                        if not self.fits(tab["window"], shown, tile["rect"]):
                            return False
        return sorted(seen) == sorted(self.mine.values())

    def fits(self, number, shown, rect):
        w = self.app.d.create_resource_object("window", number)
        viewable = w.get_attributes().map_state == X.IsViewable
        if not shown:
            return not viewable
        return viewable and inside(place(self.app, number), rect)

    def shape(self):
        """Where each window is, and which is shown."""
        return [
            (screen["screen"], screen["rect"], [
                (ws["name"], ws["current"], [
                    (t["rect"], t.get("current"), [
                        (tab["window"], tab.get("current"))
                        for tab in t["tabs"]])
                    for t in leaves(ws["tree"])])
                for ws in screen["workspaces"]])
            for screen in self.fion.screens()]

    def same(self, before):
        try:
            self.fion.until("all are in the same place",
                            lambda: self.shape() == before)
        finally:
            print("before", before, "after", self.shape(), sep="\n")
        self.all_there()

    def everybody_hears(self):
        for name in self.mine:
            self.go(name)
            self.hears(name)
        self.all_there()

    def gone(self, name):
        number = self.mine.pop(name)
        self.fion.until(f"{name} is gone", lambda: number not in {
            w["window"] for w in self.fion.get("windows")})
        self.all_there()


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def day(tmp_path):
    with XDisplay("2560x800") as x:
        person = Day(x, tmp_path)
        try:
            yield person
            assert person.fion.process.poll() is None, person.fion.log
        finally:
            person.end()


def test_a_working_day(day):
    morning(day)
    a_video(day)
    a_second_screen(day)
    what_befalls(day)
    evening(day)


def morning(day):
    """Terminals beside each other, an editor below, a browser elsewhere."""
    day.asks("Win+w", "r", line="work")
    day.opens("term1", "Win+Return")
    day.keys("Win+t", "v")
    day.opens("term2", "Win+Return")
    day.keys("Win+t", "s")
    day.opens("editor", "Win+d", line="edit")
    day.opens("term3", "Win+Return")  # a tab above the editor
    assert len(day.fion.tiles()) == 3
    assert [len(tabs) for tabs in day.fion.tabs()] == [1, 1, 2]
    day.keys("Win+p")
    day.fion.until("the tab before", lambda: day.has_focus("editor"))
    day.hears("editor")
    day.keys("Win+b", "Left")  # into the tile on the left
    day.fion.until("it moved", lambda: (
        [len(tabs) for tabs in day.fion.tabs()] == [2, 1, 1]))
    day.keys("Win+Right")
    day.fion.until("walked", lambda: not day.has_focus("editor"))
    day.all_there()
    day.asks("Win+w", "g", line="web")
    day.opens("browser", "Win+d", line="surf")
    day.everybody_hears()


def a_video(day):
    """Beside the page, over the screen and back; then brought to work."""
    day.go("browser")
    day.keys("Win+t", "v")
    day.opens("video", "Win+d", line="play")
    small = place(day.app, day.mine["video"])
    for key in ("Win+f", "f"):  # fion's, and its own
        day.keys(key)
        day.fion.until("over the screen", lambda: (
            place(day.app, day.mine["video"]) == (0, 0, 1280, 800)))
        day.hears("video")
        day.keys(key)
        day.fion.until("as before", lambda: (
            place(day.app, day.mine["video"]) == small))
        day.all_there()
    day.keys("Win+b", "t")
    day.asks("Win+w", "g", line="work")
    day.keys("Win+b", "a")
    day.fion.until("it came along", lambda: (
        day.at("video")[1]["name"] == "work"))
    day.all_there()
    day.asks("Win+x", "x", line="workspace create later")
    day.opens("term4", "Win+Return")
    day.asks("Win+g", line="testsrc")
    day.fion.until("the video", lambda: day.has_focus("video"))
    day.asks("Win+x", "x", line="tab send later")
    day.fion.until("it went", lambda: (
        day.at("video")[1]["name"] == "later"))
    day.everybody_hears()


def a_second_screen(day):
    """Plugged, used, unplugged, plugged again."""
    monitors(day.fion, LAPTOP, DESK)
    day.fion.until("two screens", lambda: (
        day.screens() == ["desk", "laptop"]))
    day.all_there()
    day.go("browser")
    day.keys("Win+s", "w")  # the workspace, with what is in it
    day.fion.until("the page is on the desk", lambda: (
        day.at("browser")[0]["screen"] == "desk"))
    day.go("term2")
    day.keys("Win+b", "s")  # only this window
    day.fion.until("the terminal too", lambda: (
        day.at("term2")[0]["screen"] == "desk"))
    day.everybody_hears()

    def places():
        at = {name: day.at(name) for name in day.mine}
        return {name: (screen["screen"], workspace["name"], tile["rect"])
                for name, (screen, workspace, tile, _) in at.items()}
    before = places()
    monitors(day.fion, LAPTOP)
    day.fion.until("one screen", lambda: day.screens() == ["laptop"])
    day.everybody_hears()
    monitors(day.fion, LAPTOP, DESK)
    day.fion.until("two screens", lambda: (
        day.screens() == ["desk", "laptop"]))
    day.all_there()
    assert places() == before
    day.everybody_hears()


def what_befalls(day):
    """A crash, a new configuration, a restart: nothing moves."""
    day.go("editor")
    before = day.shape()
    saved(day.fion, day.app)
    old = day.fion.worker()
    os.kill(old, signal.SIGKILL)
    day.fion.another(old)
    day.same(before)
    day.hears("editor")
    day.fion.config("set clock \"\"\nset border-width 4\n")
    day.keys("Win+x", "r")
    day.fion.until("it is configured", lambda: (
        day.fion.get("config")["border-width"] == "4"))
    day.same(before)
    old = day.fion.worker()
    day.keys("Win+x", "R")
    day.fion.another(old)
    day.same(before)
    assert day.has_focus("editor")
    day.everybody_hears()


def evening(day):
    """Unplugged, and each closed as a person does."""
    monitors(day.fion, LAPTOP)
    day.fion.until("one screen", lambda: day.screens() == ["laptop"])
    day.all_there()
    day.go("editor")
    day.x.type(":q\n")
    day.gone("editor")
    assert "line 1\n" in (day.folder / "text").read_text()
    day.go("term1")
    day.x.type("exit\n")
    day.gone("term1")
    for name in list(day.mine):
        day.go(name)
        day.keys("Win+q")
        day.gone(name)
