# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Anything, in any order: keys, commands, clients, screens.

The seed is in the name of the test, and decides all but the timing.  For
longer, and elsewhere: FION_RANDOM_STEPS and FION_RANDOM_SEEDS (numbers with
blanks between).
"""

import os
import random
import subprocess

import pytest

from wm import (App, Fion, X, leaves, wait_for, xserver,  # noqa: F401
                xtest)
from Xlib.error import ConnectionClosedError, XError

STEPS = int(os.environ.get("FION_RANDOM_STEPS", "700"))
SEEDS = os.environ.get("FION_RANDOM_SEEDS", "1 2").split()
MONITORS = {"left": (640, 800, 0, 0), "right": (640, 800, 640, 0),
            "low": (1280, 300, 0, 500), "dot": (40, 30, 900, 100)}
PROPERTIES = [
    "WM_NAME", "_NET_WM_NAME", "WM_CLASS", "WM_HINTS", "WM_NORMAL_HINTS",
    "WM_PROTOCOLS", "WM_TRANSIENT_FOR", "WM_CLIENT_MACHINE",
    "WM_WINDOW_ROLE", "WM_STATE", "WM_COLORMAP_WINDOWS", "_NET_WM_PID",
    "_NET_WM_STRUT", "_NET_WM_STRUT_PARTIAL", "_NET_WM_USER_TIME",
    "_NET_WM_USER_TIME_WINDOW", "_NET_WM_STATE", "_NET_WM_WINDOW_TYPE",
    "_NET_WM_DESKTOP", "_NET_WM_ICON", "_FION_PLACE", "_MOTIF_WM_HINTS",
    "_NET_WM_SYNC_REQUEST_COUNTER", "_XEMBED_INFO", "_NET_STARTUP_ID"]
MESSAGES = [
    "_NET_ACTIVE_WINDOW", "_NET_WM_STATE", "_NET_CLOSE_WINDOW",
    "_NET_WM_DESKTOP", "_NET_CURRENT_DESKTOP", "_NET_MOVERESIZE_WINDOW",
    "_NET_WM_MOVERESIZE", "_NET_RESTACK_WINDOW", "WM_CHANGE_STATE",
    "_NET_REQUEST_FRAME_EXTENTS", "_NET_WM_FULLSCREEN_MONITORS",
    "_NET_SYSTEM_TRAY_OPCODE", "WM_PROTOCOLS", "_NET_SHOWING_DESKTOP",
    "_NET_NUMBER_OF_DESKTOPS"]
STATES = ["FULLSCREEN", "HIDDEN", "MAXIMIZED_VERT", "DEMANDS_ATTENTION",
          "ABOVE", "MODAL", "STICKY"]
KINDS = [None, None, None, "DIALOG", "DOCK", "SPLASH", "UTILITY", "MENU",
         "DESKTOP", "NOTIFICATION", "TOOLBAR"]
NEVER = {"quit", "restart", "exec", "terminal"}  # restart: see crash()


class World:
    def __init__(self, fion, seed):
        self.fion, self.chance = fion, random.Random(int(seed))
        self.apps = []
        self.there = {}
        self.keys = sorted({k for m in fion.get("keys") for k in m["keys"]}
                           - {"Q"})
        self.commands = sorted(
            (c["noun"], c.get("verb") or "", c.get("args") or "")
            for c in fion.get("commands") if c["noun"] not in NEVER)
        self.did = []

    def number(self):
        return self.chance.choice([
            0, 1, 2, 3, -1, 7, 100, 640, 32767, 65535, 2**31 - 1, 2**32 - 1])

    def app(self):
        if not self.apps or (
                len(self.apps) < 6 and self.chance.random() < 0.2):
            self.apps.append(App(self.fion.x))
        return self.chance.choice(self.apps)

    def any_window(self):
        every = [w for a in self.apps for w in a.open]
        return self.chance.choice(every) if every else None

    # What clients do -----------------------------------------------------

    def open(self):
        app, c = self.app(), self.chance
        other = self.any_window()
        if len(app.open) > 12:
            return
        app.window(
            c.choice(["a", "b\u05d0\u05d1", "", "x" * 3000, "\u65e5\u672c"]),
            kind=c.choice(KINDS), override=c.random() < 0.1,
            size=(c.choice([1, 20, 300, 3000]), c.choice([1, 20, 300, 3000])),
            at=(c.choice([-50, 0, 700]), c.choice([-50, 0, 700])),
            leader=other if c.random() < 0.3 else None,
            protocols=c.sample(["WM_DELETE_WINDOW", "WM_TAKE_FOCUS",
                                "_NET_WM_SYNC_REQUEST", "nonsense"],
                               c.randrange(3)),
            mapped=c.random() < 0.9)

    def on_window(self):
        w, c = self.any_window(), self.chance
        if w is None:
            return
        what = c.randrange(10)
        if what == 0:
            w.map()
        elif what == 1:
            w.unmap()
        elif what == 2:
            w.destroy()
            w.app.open.remove(w)
        elif what == 3:
            w.w.configure(
                x=c.choice([-9, 5, 32767]), y=c.choice([-9, 5, 32767]),
                width=c.choice([1, 50, 65535]), stack_mode=c.randrange(5),
                height=c.choice([1, 50, 65535]), border_width=c.randrange(99))
        elif what == 4:
            w.w.reparent(w.app.root, c.randrange(99), c.randrange(99))
        elif what == 5:
            w.w.set_input_focus(X.RevertToParent, X.CurrentTime)
        elif what == 6:
            other = self.any_window()
            w.w.set_wm_transient_for(other.w)
        elif what == 7:
            w.w.delete_property(w.app.atom(c.choice(PROPERTIES)))
        else:
            size = c.choice([8, 16, 32])
            n = c.choice([0, 1, 2, 3, 4, 5, 9, 12, 18, 500])
            w.set(c.choice(PROPERTIES),
                  c.choice(["CARDINAL", "STRING", "UTF8_STRING", "ATOM",
                            "WINDOW", "WM_HINTS", "WM_SIZE_HINTS"]), size,
                  bytes(c.randrange(256) for _ in range(n)) if size == 8 else
                  [self.number() & (2**size - 1) for _ in range(n)])
        w.app.d.flush()

    def message(self):
        w, c = self.any_window(), self.chance
        if w is None:
            return
        kind = c.choice(MESSAGES)
        data = [self.number() & 0xffffffff for _ in range(5)]
        if kind == "_NET_WM_STATE":
            data[0] = c.randrange(4)
            data[1:3] = [w.app.atom("_NET_WM_STATE_" + c.choice(STATES))
                         for _ in range(2)]
        w.tell(kind, *data)

    def leave(self):
        """A program ends, and takes its windows with it."""
        if self.apps:
            app = self.chance.choice(self.apps)
            self.apps.remove(app)
            app.close()

    # What the person does -------------------------------------------------

    def key(self):
        chord = self.chance.choice(self.keys + list("abcjkl"))
        self.fion.x.press(chord)

    def click(self):
        d, c = self.fion.x.x, self.chance
        xtest.fake_input(d, X.MotionNotify, x=c.randrange(1280),
                         y=c.choice([5, 30, c.randrange(800)]))
        button = c.randrange(1, 4)
        xtest.fake_input(d, X.ButtonPress, button)
        xtest.fake_input(d, X.ButtonRelease, button)
        d.sync()

    def command(self):
        c = self.chance
        noun, verb, _ = c.choice(self.commands)
        words = [word for word in (noun, verb) if word]
        for _ in range(c.randrange(3)):
            words.append(c.choice([
                "left", "right", "up", "down", "next", "previous", "row",
                "column", "1", "2", "9", "50", "0", "99999", "name", "tile",
                "workspace", "screen", "window", "mail", ""]))
        self.fion.ask({"cmd": words})

    def screens(self):
        c = self.chance
        wanted = {n: MONITORS[n] for n in c.sample(
            sorted(MONITORS), c.randrange(4))}
        for name in set(self.there) - set(wanted):
            self.xrandr("--delmonitor", name)
        for name in wanted:
            if name not in self.there:
                w, h, x, y = wanted[name]
                self.xrandr("--setmonitor", name,
                            f"{w}/300x{h}/200+{x}+{y}",
                            "screen" if name == "left" else "none")
        self.there = wanted

    def xrandr(self, *words):
        subprocess.run(["xrandr", *words], env=self.fion.x.env, check=True,
                       capture_output=True)

    def configure(self):
        c = self.chance
        self.fion.config(
            f"set bar-bottom {c.choice(['on', 'off'])}\n"
            f"set border-width {c.choice([0, 1, 2, 64])}\n"
            f"set strip-always {c.choice(['on', 'off'])}\n"
            f"set focus-follows-pointer {c.choice(['on', 'off'])}\n"
            f"{c.choice(['', 'nonsense', 'unbind all'])}\n"
            "rule class=App title=a -> workspace=ruled\n")
        self.fion.ask({"cmd": ["reload"]})

    # All of it -------------------------------------------------------------

    def step(self):
        kind = self.chance.choices(
            [self.open, self.on_window, self.message, self.leave, self.key,
             self.click, self.command, self.screens, self.configure],
            [12, 30, 10, 1, 25, 5, 15, 0.6, 0.4])[0]
        self.did.append(kind.__name__)
        try:
            kind()
        except XError:
            pass
        except (ConnectionClosedError, OSError):
            self.apps = [a for a in self.apps if alive(a)]

    def check(self):
        """What must hold whatever came."""
        tree = self.fion.get("tree")
        assert [s.get("current") for s in tree["screens"]].count(True) == 1
        assert tree["screens"]
        seen = []
        spaces = [w for s in tree["screens"] for w in s["workspaces"]]
        for screen in tree["screens"]:
            assert [w.get("current") for w in screen["workspaces"]].count(
                True) == 1
        for ws in spaces + tree["limbo"]:
            tiles = list(leaves(ws["tree"]))
            assert len([t for t in tiles if t.get("current")]) == 1, ws
            for tile in tiles:
                seen += tile["tabs"] + tile["floats"]
            if ws in spaces:
                fits(ws["tree"])
        seen += tree["scratch"]["tabs"] + tree["scratch"]["floats"]
        # A layout that was loaded keeps places for those that are absent.
        numbers = [w["window"] for w in seen if not w.get("absent")]
        assert len(numbers) == len(set(numbers)), tree
        return sorted(numbers)


def alive(app):
    """Its connection was not ended by "tab kill" or the like."""
    try:
        app.d.sync()
    except (ConnectionClosedError, OSError):
        return False
    return True


def fits(node):
    """The children fill their parent, to the pixel."""
    children = node.get("children")
    if not children:
        return
    axis = 0 if node["split"] == "row" else 1
    at = node["rect"][axis]
    for child in children:
        assert child["rect"][axis] == at, node
        assert child["rect"][1 - axis] == node["rect"][1 - axis]
        assert child["rect"][3 - axis] == node["rect"][3 - axis]
        at += child["rect"][2 + axis]
        fits(child)
    assert at == node["rect"][axis] + node["rect"][2 + axis], node


@pytest.mark.parametrize("seed", SEEDS)
def test_anything_in_any_order(xserver, tmp_path, seed):
    nowhere = tmp_path / "no-programs"
    nowhere.mkdir()
    fion = Fion(xserver, tmp_path, env={"PATH": str(nowhere)})
    world = World(fion, seed)
    worker = fion.worker()
    try:
        for step in range(STEPS):
            world.step()
            if step % 25 == 24:
                world.check()
        fion.until("every window is in one place", lambda: (
            world.check() == sorted(
                w["window"] for w in fion.get("windows"))))
        for app in world.apps:
            app.close()
        fion.x.press("Escape")
        fion.until("no window is left", lambda: not fion.get("windows"))
        world.check()
        assert fion.worker() == worker, "it crashed"
    except BaseException:
        print("step", len(world.did), world.did[-20:])
        print(fion.log)
        raise
    finally:
        status = fion.end()
    assert status == 0, fion.log
    for bad in ("Sanitizer", "runtime error", "signal", "hangs", "WARNING",
                "CRITICAL"):
        assert bad not in fion.log, fion.log
