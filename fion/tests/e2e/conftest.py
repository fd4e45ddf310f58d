# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A private X server with fion in it, and windows that tests make there."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("MAISON_BUILD", ROOT / "build"))
PATIENCE = 60  # seconds

sys.path.insert(0, str(ROOT / "tests" / "support"))


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of condition(); fails, saying what, if none."""
    end = time.monotonic() + patience
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.01)


def leaves(node):
    """The tiles of a tree, in order."""
    if "tile" in node:
        yield node
    for child in node.get("children", []):
        yield from leaves(child)


class Fion:
    """One run of fion on the display x, and its answers."""

    def __init__(self, x, folder):
        (folder / "run").mkdir(mode=0o700)
        self.x, self.folder = x, folder
        self.config = folder / "config/fion/config"
        self.config.parent.mkdir(parents=True)
        self.env = dict(
            x.env, HOME=str(folder), XDG_RUNTIME_DIR=str(folder / "run"),
            XDG_CONFIG_HOME=str(folder / "config"),
            XDG_STATE_HOME=str(folder / "state"), SHELL="/bin/sh")
        self.process = None

    def run(self, *args):
        """fion with these arguments, started."""
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                [BUILD / "fion/fion", *args], env=self.env, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)

    def start(self, *args):
        self.process = self.run(*args)
        wait_for("fion answers", lambda: self.process.poll() is not None
                 or self.get("version"))
        assert self.process.poll() is None, self.log()
        return self

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def ctl(self, *words):
        """What came of fionctl WORDS."""
        return subprocess.run(
            [BUILD / "fion/fionctl", *map(str, words)], env=self.env,
            capture_output=True, text=True, check=False, timeout=PATIENCE)

    def do(self, *words):
        """A command that must succeed."""
        done = self.ctl(*words)
        assert done.returncode == 0, (words, done.stderr, self.log())
        return done.stdout

    def fails(self, *words):
        """Why a command does not."""
        done = self.ctl(*words)
        assert done.returncode != 0, words
        return done.stderr

    def get(self, what):
        done = self.ctl("-j", "get", what)
        return json.loads(done.stdout)["result"] if done.returncode == 0 \
            else None

    def sync(self):
        """All that was sent to the server so far has been acted on."""
        self.x.x.sync()
        self.do("sync")

    def press(self, *chords):
        for chord in chords:
            self.x.press(chord)
        self.sync()

    # What the tree says.

    def screen(self):
        [screen] = [s for s in self.get("tree")["screens"]
                    if s.get("current")]
        return screen

    def workspaces(self):
        return [w["name"] for w in self.screen()["workspaces"]]

    def workspace(self):
        [ws] = [w for w in self.screen()["workspaces"] if w.get("current")]
        return ws

    def tiles(self):
        return list(leaves(self.workspace()["tree"]))

    def tile(self):
        [tile] = [t for t in self.tiles() if t.get("current")]
        return tile

    def tabs(self):
        return [t["window"] for t in self.tile()["tabs"]]

    def focused(self):
        found = self.get("focused")
        return found["window"] if found else None

    def windows(self):
        return [w["window"] for w in self.get("windows")]

    def children(self):
        """The processes of this run, below the one that was started."""
        done = subprocess.run(["ps", "--no-headers", "-o", "pid",
                               "--ppid", str(self.process.pid)],
                              capture_output=True, text=True, check=False)
        return [int(pid) for pid in done.stdout.split()]

    def stop(self):
        """fion is alive to the end, and ends when it is told to."""
        if self.process is None:
            return
        assert self.process.poll() is None, self.log()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log()
        self.process = None
        said = self.log()
        assert "Sanitizer" not in said and "runtime error" not in said, said


@pytest.fixture
def display():
    pytest.importorskip("Xlib")
    from xdisplay import XDisplay
    with XDisplay() as x:
        yield x


@pytest.fixture
def unstarted(display, tmp_path):
    """fion, to be started by the test."""
    fion = Fion(display, tmp_path)
    yield fion
    if fion.process is not None and fion.process.poll() is None:
        fion.stop()


@pytest.fixture
def fion(unstarted):
    unstarted.start()
    yield unstarted
    unstarted.stop()


@pytest.fixture
def clients(fion):
    """Makes windows, each managed when it is returned."""
    from client import Client
    made = []

    def make(*args, managed=True, **options):
        client = Client(fion.x.name, *args, **options)
        made.append(client)
        client.map()
        if managed:
            wait_for("the window is managed", lambda: client.managed())
            fion.sync()
        return client

    yield make
    for client in made:
        client.close()
