# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""fion on a private display, and programs of our own that have windows.

Nothing here waits for time to pass: until() asks fion to have done all that
has come so far, looks, and looks again.  Nor does fion, but where a test says
so: a mode waits for its key as long as it takes.
"""

import json
import os
import pathlib
import socket
import subprocess

import pytest

pytest.importorskip("Xlib", reason="python3-xlib is not installed")

from maison import PATIENCE, ROOT, clean_env, program, wait_for  # noqa: E402
from Xlib import X, Xutil, display  # noqa: E402
from Xlib.error import ConnectionClosedError  # noqa: E402
from Xlib.ext import xtest  # noqa: E402
from Xlib.protocol import event as xevent  # noqa: E402
from xdisplay import XDisplay  # noqa: E402


@pytest.fixture
def xserver(request):
    """A private X server."""
    with XDisplay() as x:
        yield x


@pytest.fixture
def fion(request, xserver, tmp_path):
    """A fion that must live until the end of the test, and end well.

    The variable CONFIG of the test's module, by the test's name, configures
    it.
    """
    config = getattr(request.module, "CONFIG", {})
    wm = Fion(xserver, tmp_path, config.get(request.node.name, ""))
    try:
        yield wm
        assert wm.process.poll() is None, "fion ended:\n" + wm.log
    finally:
        status = wm.end()
    assert status == 0, wm.log
    for bad in ("Sanitizer", "runtime error", "signal"):
        assert bad not in wm.log, wm.log


@pytest.fixture
def app(xserver):
    """A program with windows."""
    program = App(xserver)
    yield program
    program.close()


@pytest.fixture
def clients(fion):
    """Makes programs of one window each, managed when it is returned."""
    made = []

    def make(title=None, managed=True, **options):
        made.append(App(fion.x))
        title = title or f"w{len(made)}"
        if managed:
            return fion.opens(made[-1], title, **options)
        return made[-1].window(title, **options)
    yield make
    for program in made:
        program.close()


class Fion:
    """A fion of a test; ends well, or the test fails."""

    def __init__(self, x, folder, config="", options=(), env=None):
        self.x = x
        self.dir = pathlib.Path(folder)
        self.env = clean_env(
            self.dir, DISPLAY=x.name, XDG_RUNTIME_DIR=str(self.dir / "run"),
            XDG_CONFIG_HOME=str(self.dir / "config"),
            XDG_STATE_HOME=str(self.dir / "state"), SHELL="/bin/sh",
            **{name: x.env[name] for name in ("ASAN_OPTIONS", "LSAN_OPTIONS")},
            **(env or {}))
        (self.dir / "run").mkdir(mode=0o700, exist_ok=True)
        self.config_path = self.dir / "config" / "fion" / "config"
        self.config_path.parent.mkdir(parents=True, exist_ok=True)
        self.config(config)
        self.log_path = self.dir / "fion.log"
        self.peer = None
        self.process = self.start(options)
        wait_for("fion answers", self.answers)

    def config(self, text):
        if "mode-timeout" not in text:
            text += "\nset mode-timeout 0\n"
        self.config_path.write_text('set clock ""\n' + text)

    def start(self, options=()):
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(
                [program("fion/fion"), *options], env=self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def connect(self):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        peer.connect(str(self.dir / "run" / "fion" / (self.x.name + ".sock")))
        return peer

    def answers(self):
        assert self.process.poll() is None, self.log
        try:
            return self.ask({"get": "version"})["ok"]
        except OSError:
            return False

    def ask(self, request):
        """A request over the control socket; the answer."""
        if self.peer is None:
            self.peer = self.connect().makefile("rw")
        try:
            self.peer.write(json.dumps(request) + "\n")
            self.peer.flush()
            line = self.peer.readline()
        except OSError:
            self.peer = None
            raise
        if not line:
            self.peer = None
            raise ConnectionResetError("fion ended")
        return json.loads(line)

    def do(self, words, fails=False):
        """A command, as "tile create row"; its complaint when it fails."""
        if isinstance(words, str):
            words = words.split()
        answer = self.ask({"cmd": words})
        assert answer["ok"] != fails, answer
        return answer.get("error")

    def get(self, what):
        return self.ask({"get": what})["result"]

    def sync(self):
        assert self.ask({"sync": True})["ok"]

    def until(self, what, condition, patience=PATIENCE):
        """What the condition gives once it is true, and X has been told.

        What fion says of itself is what it wants; the keyboard is where it
        says only when it has handled all that has come.
        """
        def look():
            self.sync()
            return condition()
        found = wait_for(what, look, patience)
        self.sync()
        return found

    def press(self, *chords):
        """Keys, and all that comes of them."""
        for chord in chords:
            self.x.press(chord)
        self.sync()

    def opens(self, app, title, **options):
        """A window of this program, once it is managed."""
        w = app.window(title, **options)
        self.until(f"{title} is managed", lambda: title in self.windows())
        return w

    def ctl(self, *words, **run):
        return subprocess.run(
            [program("fion/fionctl"), *words], env=self.env, text=True,
            capture_output=True, check=False, timeout=PATIENCE, **run)

    # What there is ------------------------------------------------------

    def windows(self):
        return {w["title"]: w for w in self.get("windows")}

    def screens(self):
        return self.get("tree")["screens"]

    def screen(self):
        return next(s for s in self.screens() if s["current"])

    def workspace(self):
        return next(w for w in self.screen()["workspaces"] if w["current"])

    def workspaces(self):
        return [w["name"] for w in self.screen()["workspaces"]]

    def tiles(self, workspace=None):
        return list(leaves((workspace or self.workspace())["tree"]))

    def tile(self):
        return next(t for t in self.tiles() if t.get("current"))

    def tabs(self):
        """The titles in each tile of the current workspace."""
        return [[w["title"] for w in t["tabs"]] for t in self.tiles()]

    def here(self):
        """The titles in the current tile."""
        return [w["title"] for w in self.tile()["tabs"]]

    def until_it_reads(self, app, number):
        """An xterm that has no keyboard yet loses what is typed into it."""
        w = app.d.create_resource_object("window", number)
        self.until("the terminal reads keys", lambda: (
            w.get_attributes().all_event_masks & X.KeyPressMask))

    def focused(self):
        w = self.get("focused")
        return w and w["title"]

    def mode(self):
        return self.get("mode")

    # Its processes ------------------------------------------------------

    def worker(self):
        """The process that speaks to X; the other one keeps it."""
        pid = self.process.pid
        kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        for kid in kids.read_text().split():
            try:
                if os.readlink(f"/proc/{kid}/exe").endswith(
                        "/fion-manager"):
                    return int(kid)
            except OSError:
                pass
        return None

    def another(self, old):
        """Wait until fion is a new process and answers again."""
        self.peer = None
        wait_for("a new process", lambda: self.worker() not in (None, old))
        wait_for("fion answers again", self.answers)

    def end(self):
        self.peer = None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return status


def leaves(node):
    for child in node.get("children", []):
        yield from leaves(child)
    if "tabs" in node:
        yield node


class App:
    """A program with windows, on a connection of its own."""

    def __init__(self, x):
        self.d = display.Display(x.name)
        self.d.set_error_handler(lambda *_: None)
        self.root = self.d.screen().root
        self.open = []

    def close(self):
        try:
            self.d.close()
        except (ConnectionClosedError, OSError):
            pass  # it was ended before

    def atom(self, name):
        return self.d.intern_atom(name)

    def name(self, atom):
        return self.d.get_atom_name(atom)

    def window(self, title="w", **options):
        w = Window(self, title, **options)
        self.open.append(w)
        return w

    def root_property(self, name):
        got = self.root.get_full_property(self.atom(name), X.AnyPropertyType)
        return None if got is None else list(got.value)

    def send_root(self, window, name, data):
        """A client message about a window, to who manages the root."""
        data = (list(data) + [0] * 5)[:5]
        ev = xevent.ClientMessage(
            window=window, client_type=self.atom(name), data=(32, data))
        self.root.send_event(ev, event_mask=X.SubstructureRedirectMask
                             | X.SubstructureNotifyMask)
        self.d.sync()

    def collect(self):
        """Put what has come at the windows that it came to."""
        self.d.sync()
        while self.d.pending_events():
            ev = self.d.next_event()
            for w in self.open:
                if getattr(ev, "window", None) == w.w:
                    w.events.append(ev)


class Window:
    def __init__(self, app, title, mapped=True, kind=None, cls=("app", "App"),
                 size=(200, 100), at=(0, 0), override=False, leader=None,
                 protocols=(), hints=None, props=(), depth=None):
        self.app = app
        self.title = title
        self.events = []
        s = app.d.screen()
        more = {} if depth is None else depth
        self.w = s.root.create_window(
            at[0], at[1], size[0], size[1], 3, more.pop("depth", s.root_depth),
            X.InputOutput, override_redirect=override,
            event_mask=X.KeyPressMask | X.StructureNotifyMask
            | X.PropertyChangeMask | X.FocusChangeMask, **more)
        self.id = self.w.id
        self.set("_NET_WM_NAME", "UTF8_STRING", 8, title.encode())
        self.w.set_wm_class(*cls)
        if kind is not None:
            self.set("_NET_WM_WINDOW_TYPE", "ATOM", 32,
                     [app.atom("_NET_WM_WINDOW_TYPE_" + kind)])
        if leader is not None:
            self.w.set_wm_transient_for(leader.w)
        if protocols:
            self.w.set_wm_protocols([app.atom(p) for p in protocols])
        if hints is not None:
            self.w.set_wm_hints(**hints)
        for prop in props:
            self.set(*prop)
        if mapped:
            self.map()

    def set(self, name, kind, size, data):
        self.w.change_property(
            self.app.atom(name), self.app.atom(kind), size, data)
        self.app.d.flush()

    def property(self, name):
        got = self.w.get_full_property(
            self.app.atom(name), X.AnyPropertyType)
        return None if got is None else list(got.value)

    def has_focus(self):
        focus = self.app.d.get_input_focus().focus
        return getattr(focus, "id", focus) == self.id

    def states(self):
        """The names of _NET_WM_STATE, without their common beginning."""
        return {self.app.name(a).removeprefix("_NET_WM_STATE_")
                for a in self.property("_NET_WM_STATE") or []}

    def map(self):
        self.w.map()
        self.app.d.sync()

    def unmap(self):
        self.w.unmap()
        self.app.d.sync()

    def destroy(self):
        self.w.destroy()
        self.app.d.sync()

    def tell(self, name, *data):
        self.app.send_root(self.w, name, data)

    def viewable(self):
        return self.w.get_attributes().map_state == X.IsViewable

    def place(self):
        """Where it is on the root: x, y, width, height."""
        g = self.w.get_geometry()
        at = self.w.translate_coords(self.app.root, 0, 0)
        return -at.x, -at.y, g.width, g.height

    def take(self, kind):
        """The events of this kind that have come, each told once."""
        self.app.collect()
        got = [ev for ev in self.events if ev.type == kind]
        self.events = [ev for ev in self.events if ev.type != kind]
        return got

    def typed(self):
        """What the keyboard has sent here, without modifiers."""
        text = ""
        for ev in self.take(X.KeyPress):
            sym = self.app.d.keycode_to_keysym(ev.detail, ev.state & 1)
            if 0x20 <= sym < 0x7f:
                text += chr(sym)
            elif sym < 0xffe1 or sym > 0xffee:
                text += f"<{sym:x}>"
        return text

    def hears(self, text):
        """What the keyboard sends here, once so much has come, is this."""
        got = ""

        def all_of_it():
            nonlocal got
            got += self.typed()
            return len(got) >= len(text)
        wait_for(f"{len(text)} letters", all_of_it)
        assert got == text

    def messages(self, name):
        """The client messages of this type that have come: their data."""
        kind = self.app.atom(name)
        return [list(ev.data[1]) for ev in self.take(X.ClientMessage)
                if ev.client_type == kind]


def wm_hints(app, flags=0, take_input=1, state=1):
    """WM_HINTS as set() takes it."""
    return ("WM_HINTS", "WM_HINTS", 32,
            [flags, take_input, state, 0, 0, 0, 0, 0, 0])


URGENT_HINT = Xutil.UrgencyHint
