# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Keys: each default binding, modes, and that no key is lost or leaked."""

import os
import signal
import subprocess

import pytest

from maison import PATIENCE
from wm import (Fion, X, app, display, fion,  # noqa: F401 (fixtures)
                wait_for, xserver, xtest)

ROUNDS = 1000
CONFIG = {"test_every_key_without_a_mode": 'set terminal "no-terminal"\n'}


def strokes(fion, app, titles):
    """Windows of these titles, mapped in this order."""
    return [fion.opens(app, title) for title in titles]


def press(fion, *chords):
    for chord in chords:
        fion.x.press(chord)


def expect(fion, what, look, wanted):
    seen = []

    def same():
        seen[:] = [look()]
        return seen[0] == wanted
    try:
        fion.until(what, same)
    except BaseException:
        print(f"{what}: wanted {wanted}, saw {seen}")
        raise


def bound(fion, mode):
    (keys,) = [m for m in fion.get("keys") if m["mode"] == mode]
    return set(keys["keys"])


class Bindings:
    """Presses keys of one mode, and remembers which."""

    def __init__(self, fion, mode, prefix):
        self.fion, self.mode, self.prefix = fion, mode, prefix
        self.pressed = set()

    def __call__(self, key, look, wanted, times=1):
        self.pressed.add(
            "Shift+" + key.lower() if key.isupper() and len(key) == 1
            else key)
        for _ in range(times):
            if self.prefix:
                press(self.fion, self.prefix)
            press(self.fion, key)
        expect(self.fion, f"{self.prefix} {key}", look, wanted)

    def all_pressed(self, but=()):
        assert self.pressed | set(but) == bound(self.fion, self.mode)


def test_every_key_of_workspaces(fion, app):
    key = Bindings(fion, "workspace", "Win+w")
    def current():
        return fion.workspace()["name"]
    key("c", lambda: (len(fion.workspaces()), current()), (2, "2"))
    key("c", lambda: (len(fion.workspaces()), current()), (3, "3"))
    for k, wanted in (("n", "1"), ("p", "3"), ("Left", "2"), ("Right", "3"),
                      ("h", "2"), ("l", "3"), ("w", "2")):
        key(k, current, wanted)
    for n in range(1, 10):
        key(str(n), current, str(n))
    key("d", lambda: (len(fion.workspaces()), "9" in fion.workspaces()),
        (8, False))
    key("1", current, "1")
    key("Shift+Right", lambda: fion.workspaces()[:2], ["2", "1"])
    key("Shift+Left", lambda: fion.workspaces()[:2], ["1", "2"])
    key("r", fion.mode, "prompt")
    press(fion, "Ctrl+u", "m", "y", "Return")
    expect(fion, "renamed", current, "my")
    key("g", fion.mode, "prompt")
    press(fion, "4", "Return")
    expect(fion, "found", current, "4")
    key("s", lambda: (fion.mode(), current()), ("default", "4"))
    key.all_pressed()


def test_every_key_of_tiles(fion, app):
    key = Bindings(fion, "tile", "Win+t")
    strokes(fion, app, "a")
    def count():
        return len(fion.tiles())
    def index():
        return [bool(t.get("current")) for t in fion.tiles()].index(True)
    key("c", lambda: (count(), index()), (2, 1))
    key("v", lambda: (count(), index()), (3, 2))
    key("s", lambda: (count(), index()), (4, 3))
    for k, wanted in (("n", 0), ("p", 3), ("t", 0), ("Right", 1), ("l", 3),
                      ("Left", 1), ("h", 0)):
        key(k, index, wanted)
    for n in (1, 2, 4, 3):
        key(str(n), index, n - 1)
    key("Down", index, 3)
    key("Up", index, 2)
    key("j", index, 3)
    key("k", index, 2)
    for n in range(5, 10):
        key(str(n), lambda: (fion.mode(), index()), ("default", 2))
    def size():
        return tuple(fion.tile()["rect"][2:])
    w, h = size()
    key("Shift+Down", size, (w, h + 32))
    key("Shift+Up", size, (w, h))
    key("J", size, (w, h + 32))
    key("K", size, (w, h))
    x, y = fion.tile()["rect"][:2]
    def left():
        return fion.tile()["rect"][0]
    key("Shift+Left", left, x - 32)
    key("Shift+Right", left, x)
    key("H", left, x - 32)
    key("L", left, x)
    key("Shift+Down", size, (w, h + 32))
    key("equal", lambda: len({t["rect"][3] for t in fion.tiles()
                              if t["rect"][0] > 700}), 1)
    key("Ctrl+Down", index, 3)
    key("Ctrl+Up", index, 2)
    key("1", index, 0)
    expect(fion, "a is here", fion.here, ["a"])
    key("Ctrl+Right", lambda: (index(), fion.here()), (1, ["a"]))
    key("Ctrl+Left", lambda: (index(), fion.here()), (0, ["a"]))
    key("f", lambda: fion.windows()["a"]["fullscreen"], "tile")
    key("f", lambda: fion.windows()["a"]["fullscreen"], "none")
    def axis():
        return fion.workspace()["tree"]["split"]
    was = axis()
    key("r", lambda: axis() != was, True)
    key("period", axis, was)
    key("d", lambda: (count(), sum(fion.tabs(), [])), (3, ["a"]))
    key.all_pressed()


def test_every_key_of_tabs(fion, app):
    key = Bindings(fion, "tab", "Win+b")
    def current():
        return fion.focused()
    strokes(fion, app, "abc")
    for k, wanted in (("n", "a"), ("p", "c"), ("b", "a"), ("2", "b"),
                      ("3", "c"), ("1", "a")):
        key(k, current, wanted)
    for n in range(4, 10):
        key(str(n), lambda: (fion.mode(), current()), ("default", "a"))
    key("Shift+Right", fion.here, ["b", "a", "c"])
    key("Shift+Left", fion.here, ["a", "b", "c"])
    key("period", lambda: (fion.mode(), fion.here()),
        ("default", ["a", "b", "c"]))
    fion.do("tile create row")
    fion.do("tile create column")
    fion.do("tile pick 1")
    key("Right", fion.tabs, [["b", "c"], [], ["a"]])
    key("Up", fion.tabs, [["b", "c"], ["a"], []])
    key("Down", fion.tabs, [["b", "c"], [], ["a"]])
    key("k", fion.tabs, [["b", "c"], ["a"], []])
    key("j", fion.tabs, [["b", "c"], [], ["a"]])
    key("h", lambda: sorted(fion.tabs()[0]), ["a", "b", "c"])
    key("l", lambda: fion.tabs()[2], ["a"])
    key("Left", lambda: sorted(fion.tabs()[0]), ["a", "b", "c"])
    key("t", lambda: fion.windows()["a"].get("tagged"), True)
    fion.do("tile pick 2")
    key("a", lambda: fion.tabs()[1], ["a"])
    fion.do(["tab", "focus", str(fion.windows()["a"]["window"])])
    key("f", lambda: fion.windows()["a"].get("floating"), True)
    key("f", lambda: fion.windows()["a"].get("floating"), None)
    key("space", lambda: fion.get("tree")["scratch"]["tabs"][0]["title"], "a")
    fion.do("scratch")
    key("space", lambda: (fion.get("tree")["scratch"]["tabs"],
                          "a" in sum(fion.tabs(), [])), ([], True))
    key("s", lambda: (fion.mode(), "a" in fion.windows()), ("default", True))
    key("c", fion.mode, "prompt")
    press(fion, "Escape")
    fion.do(["tab", "focus", str(fion.windows()["b"]["window"])])
    key("d", lambda: "b" in fion.windows(), False)
    key.all_pressed(but={"Shift+k"})


def test_a_window_is_killed_by_a_key(fion, app):
    app.window("deaf", protocols=["WM_DELETE_WINDOW"])
    fion.until("mapped", lambda: "deaf" in fion.windows())
    press(fion, "Win+b", "K")
    fion.until("killed", lambda: "deaf" not in fion.windows())


def test_every_key_of_screens(fion, xserver):
    key = Bindings(fion, "screen", "Win+s")
    for n, at in enumerate(("0+0", "640+0", "0+400", "640+400")):
        subprocess.run(
            ["xrandr", "--setmonitor", f"m{n + 1}",
             f"640/100x400/100+{at}", "screen" if n == 0 else "none"],
            env=fion.env, check=True)
    expect(fion, "four screens", lambda: [s["screen"] for s in fion.screens()],
           ["m1", "m2", "m3", "m4"])
    def current():
        return fion.screen()["screen"]
    for k, wanted in (("1", "m1"), ("2", "m2"), ("3", "m3"), ("4", "m4"),
                      ("n", "m1"), ("p", "m4"), ("Up", "m2"), ("Left", "m1"),
                      ("Down", "m3"), ("Right", "m4"), ("k", "m2"),
                      ("h", "m1"), ("j", "m3"), ("l", "m4")):
        key(k, current, wanted)
    key("w", lambda: [len(s["workspaces"]) for s in fion.screens()],
        [2, 1, 1, 1])
    key.all_pressed()


def test_every_key_without_a_mode(fion, app, xserver):
    key = Bindings(fion, "default", None)
    strokes(fion, app, "abc")
    key("Win+n", fion.focused, "a")
    key("Win+p", fion.focused, "c")
    key("Win+Tab", fion.focused, "a")
    key("Win+f", lambda: fion.windows()["a"]["fullscreen"], "screen")
    key("Win+f", lambda: fion.windows()["a"]["fullscreen"], "none")
    fion.do("tile create row")
    fion.do("tile create column")
    def index():
        return [bool(t.get("current")) for t in fion.tiles()].index(True)
    for k, wanted in (("Win+Up", 1), ("Win+Down", 2), ("Win+Left", 0),
                      ("Win+Right", 2), ("Win+k", 1), ("Win+j", 2),
                      ("Win+h", 0), ("Win+l", 2)):
        key(k, index, wanted)
    key("Win+space", lambda: fion.get("tree")["scratch_shown"], True)
    key("Win+space", lambda: fion.get("tree")["scratch_shown"], False)
    app.open[1].set("WM_HINTS", "WM_HINTS", 32, [256, 1, 1, 0, 0, 0, 0, 0, 0])
    expect(fion, "b is urgent", lambda: fion.windows()["b"]["urgent"], True)
    key("Win+u", fion.focused, "b")
    key("Win+d", fion.mode, "prompt")
    press(fion, "Escape")
    key("Win+g", fion.mode, "prompt")
    press(fion, "c", "Return")
    expect(fion, "gone to c", fion.focused, "c")
    key("Win+Escape", fion.mode, "pass")
    press(fion, "Win+n")
    expect(fion, "passed on", fion.mode, "default")
    assert fion.focused() == "c"
    key("Win+q", lambda: "c" in fion.windows(), False)
    key("Win+Return", fion.mode, "default")
    key.all_pressed()


def test_every_key_of_fion(fion):
    key = Bindings(fion, "fion", "Win+x")
    work = fion.screen()["work"]
    key("b", lambda: fion.screen()["work"] != work, True)
    key("period", lambda: fion.screen()["work"] == work, True)
    for k in "smx":
        key(k, fion.mode, "prompt")
        press(fion, "Escape")
        expect(fion, "left", fion.mode, "default")
    fion.config("set border-width 7\n")
    key("r", lambda: fion.get("config")["border-width"], "7")
    old = fion.process.pid
    fion.do("workspace create kept")
    key.pressed.add("Shift+r")
    worker = fion.worker()
    press(fion, "Win+x", "R")
    fion.another(worker)
    assert fion.process.pid == old and "kept" in fion.workspaces()
    key.all_pressed(but={"Shift+q"})


def test_a_key_ends_fion(xserver, tmp_path):
    wm = Fion(xserver, tmp_path)
    press(wm, "Win+x", "Q")
    assert wm.process.wait(PATIENCE) == 0


# Modes --------------------------------------------------------------------


def test_escape_an_unknown_key_and_a_timeout_leave_a_mode(fion, app):
    (w,) = strokes(fion, app, "a")
    for key in ("Escape", "F5"):
        press(fion, "Win+t")
        expect(fion, "waits", fion.mode, "tile")
        press(fion, key)
        expect(fion, "left", fion.mode, "default")
    fion.config("set mode-timeout 50\n")
    fion.do("reload")
    press(fion, "Win+t")
    expect(fion, "left by itself", fion.mode, "default")
    press(fion, "x")
    wait_for("x arrives", lambda: "x" in w.typed())


def test_a_held_mode_stays_and_takes_counts(fion, app):
    fion.do("tile create row")
    x = fion.tile()["rect"][0]
    press(fion, "Win+Shift+t", "H", "H")
    expect(fion, "twice", lambda: fion.tile()["rect"][0], x - 64)
    assert fion.mode() == "tile"
    press(fion, "1", "0", "L")
    expect(fion, "ten times", lambda: fion.tile()["rect"][0], x + 256)
    press(fion, "Escape")
    expect(fion, "left", fion.mode, "default")
    press(fion, "Win+t", "Win+t", "H", "H")
    expect(fion, "held by pressing it twice",
           lambda: fion.tile()["rect"][0], x + 192)
    assert fion.mode() == "tile"
    press(fion, "Escape")


def test_from_one_mode_to_another(fion):
    press(fion, "Win+t", "Win+w")
    expect(fion, "the other", fion.mode, "workspace")
    press(fion, "c")
    expect(fion, "acted", lambda: (fion.mode(), len(fion.workspaces())),
           ("default", 2))


def test_a_key_is_passed_to_the_application(fion, app):
    (w,) = strokes(fion, app, "a")
    code = fion.x.code("t")[0]
    press(fion, "Win+Escape", "Win+t")
    got = wait_for("Win+t arrives", lambda: [
        ev for ev in w.take(X.KeyPress) if ev.detail == code])
    assert got[0].state & X.Mod4Mask
    assert fion.mode() == "default"


# Nothing leaks, nothing is lost ---------------------------------------------


def send(fion, code, win=None):
    d = fion.x.x
    if win is not None:
        xtest.fake_input(d, X.KeyPress, win)
    xtest.fake_input(d, X.KeyPress, code)
    xtest.fake_input(d, X.KeyRelease, code)
    if win is not None:
        xtest.fake_input(d, X.KeyRelease, win)


def burst(fion, rounds, each):
    """Prefix, key, and a letter for the application, back to back."""
    d = fion.x.x
    t, n, win = (fion.x.code(k)[0] for k in ("t", "n", "Super_L"))
    letters = [fion.x.code(c)[0] for c in "abcdefghij"]
    for i in range(rounds):
        send(fion, t, win)
        send(fion, n)
        send(fion, letters[i % 10])
        each(d, i)
    d.sync()


def whole(rounds):
    return "".join("abcdefghij"[i % 10] for i in range(rounds))


def test_a_thousand_commands_leak_no_key_and_lose_none(fion, app):
    (w,) = strokes(fion, app, "a")
    burst(fion, ROUNDS, lambda d, i: d.flush())
    w.hears(whole(ROUNDS))
    fion.sync()
    w.hears("")
    assert fion.mode() == "default"


def test_each_command_acts_before_what_is_typed_after_it(fion, app):
    """The letter after "tab next" goes to the tab that it went to."""
    a, b = strokes(fion, app, "ab")
    d = fion.x.x
    mode, n, win, letter = (
        fion.x.code(k)[0] for k in ("b", "n", "Super_L", "x"))
    for _ in range(100):
        send(fion, mode, win)
        send(fion, n)
        send(fion, letter)
    d.sync()
    got = {"a": "", "b": ""}

    def arrived():
        got["a"] += a.typed()
        got["b"] += b.typed()
        return len(got["a"]) + len(got["b"]) >= 100
    wait_for("all letters", arrived)
    assert got == {"a": "x" * 50, "b": "x" * 50}


def test_keys_pressed_with_no_window_in_the_tile_are_no_less_safe(fion, app):
    """A key that goes nowhere does not end the grab of one after it."""
    (w,) = strokes(fion, app, "a")
    fion.do("tile create row")
    for _ in range(60):
        press(fion, "Win+Left", "Win+b", "Right")
        fion.sync()
        assert fion.tabs() == [[], ["a"]]
        fion.do("tab move left")
        fion.do("tile right")
        assert fion.focused() is None
    assert w.typed() == ""


def test_a_stopped_fion_delays_keys_and_loses_none(fion, app):
    (w,) = strokes(fion, app, "a")
    pid = fion.worker()
    rounds = 40

    def stop_and_go(d, i):
        d.sync()
        os.kill(pid, signal.SIGCONT if i % 2 else signal.SIGSTOP)
    burst(fion, rounds, stop_and_go)
    os.kill(pid, signal.SIGCONT)
    w.hears(whole(rounds))
    expect(fion, "at rest", fion.mode, "default")


def test_fion_that_hangs_gives_the_keyboard_back(xserver, app, tmp_path):
    wm = Fion(xserver, tmp_path)
    (w,) = strokes(wm, app, "a")
    pid = wm.worker()
    os.kill(pid, signal.SIGSTOP)
    press(wm, "Win+t")
    press(wm, "y")
    typed = []

    def arrived():
        typed.append(w.typed())
        press(wm, "z")
        return "z" in "".join(typed)
    wait_for("the keyboard is free", arrived)
    wm.another(pid)
    wm.until("the window is kept", lambda: "a" in wm.windows())
    assert "hangs" in wm.log
    wm.until("it has the focus", lambda: wm.focused() == "a")
    w.typed()
    wm.x.type("after")
    w.hears("after")
    assert wm.end() == 0


# Layouts and locks -----------------------------------------------------------


def layout(fion, *words):
    subprocess.run(["setxkbmap", *words], env=fion.env, check=True)


@pytest.mark.parametrize("words", [
    ["ru,us"], ["gr,us"], ["us,ru"], ["ru"], ["il"], ["de"],
    ["us", "-variant", "dvorak"]], ids="-".join)
def test_bindings_hold_in_any_layout(fion, words):
    """The key that types c in the layout, or in a Latin one."""
    before = len(fion.workspaces())
    codes = {k: fion.x.code(k)[0] for k in ("w", "c", "Super_L")}
    layout(fion, *words)
    if "dvorak" in words:
        fresh = display.Display(fion.x.name)
        for k in ("w", "c"):
            assert codes[k] != fresh.keysym_to_keycode(ord(k))
            codes[k] = fresh.keysym_to_keycode(ord(k))
        fresh.close()
    fion.sync()

    def created():
        send(fion, codes["w"], codes["Super_L"])
        send(fion, codes["c"])
        fion.x.x.sync()
        fion.sync()
        return len(fion.workspaces()) > before
    wait_for("a workspace was created", created)


@pytest.mark.parametrize("lock", ["Caps_Lock", "Num_Lock", "Scroll_Lock"])
def test_bindings_hold_with_locks(fion, lock):
    press(fion, lock)
    press(fion, "Win+w", "c")
    expect(fion, "created", lambda: len(fion.workspaces()), 2)
    press(fion, "Win+n")
    assert fion.mode() == "default"


def test_no_grab_is_held_at_rest(fion, app):
    strokes(fion, app, "a")
    press(fion, "Win+t", "n", "Win+n")
    fion.until("the keyboard is free", lambda: app.root.grab_keyboard(
        False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime) == 0)
    assert app.root.grab_pointer(
        False, 0, X.GrabModeAsync, X.GrabModeAsync, 0, 0, X.CurrentTime) == 0
