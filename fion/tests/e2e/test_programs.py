# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Programs that people use, as their distribution ships them."""

import json
import pathlib
import socket
import subprocess

import pytest

from maison import PATIENCE, need
from wm import X, app, fion, wait_for, xserver, xtest  # noqa: F401

from Xlib.error import XError

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # the distribution's: it has the toolkits

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>empty</title>
<textarea id="t" style="width:90%;height:200px" autofocus
oninput="document.title = 'typed ' + this.value"></textarea>
<script>
function size() { document.title = 'size ' + innerWidth; }
onresize = size;
</script>
"""
CHROMIUM = [
    "chromium", "--no-sandbox", "--no-first-run", "--disable-gpu",
    "--no-default-browser-check", "--disable-background-networking",
    "--disable-dev-shm-usage", "--disable-sync", "--password-store=basic",
    "--ozone-platform=x11"]
TO_START = 150  # seconds: a browser takes a while where many want to run
IN_THE_BAR = 640, 5
KITS = {
    "gtk": {"GDK_BACKEND": "x11"},
    "gtk4": {"GDK_BACKEND": "x11", "GSK_RENDERER": "cairo"},
    "qt": {"QT_QPA_PLATFORM": "xcb"}}
MPV = ["mpv", "--no-config", "--vo=x11", "--ao=null", "--loop=inf", "--no-osc"]


class Program:
    """A program of the distribution that runs under fion."""

    def __init__(self, fion, folder):
        self.fion, self.folder = fion, folder
        self.process = None
        self.cls = ""
        self.said = folder / "said"

    def start(self, *words, cls, **env):
        """The program's first window, as fion tells it, once it is there."""
        need(words[0])
        self.cls = cls
        with open(self.folder / "program.log", "wb") as log:
            self.process = subprocess.Popen(
                words, env={**self.fion.env, "NO_AT_BRIDGE": "1", **env},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

        def there():
            assert self.process.poll() is None, self.output()
            return self.windows()
        self.fion.until(f"a window of {cls}", there, TO_START)
        return self.window()

    def windows(self):
        return [w for w in self.fion.get("windows")
                if w["class"] == self.cls]

    def window(self):
        return self.windows()[0]

    def title(self, wanted):
        self.fion.until(f"the title {wanted}", lambda: any(
            wanted in w["title"] for w in self.windows()))

    def lines(self):
        """What a program of ours has told of itself."""
        return (self.said.read_text().splitlines()
                if self.said.exists() else [])

    def tells(self, line):
        self.fion.until(f"it tells {line}", lambda: line in self.lines())

    def output(self):
        return (self.folder / "program.log").read_text(errors="replace")

    def end(self):
        """The program, if it still runs; what it told, should a test fail."""
        print(*self.lines(), sep="\n")
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@pytest.fixture
def run(fion, tmp_path):
    program = Program(fion, tmp_path)
    yield program
    program.end()


def size(app, number):
    return place(app, number)[2:]


def place(app, number):
    """Where a window is on the root: x, y, width, height."""
    w = app.d.create_resource_object("window", number)
    at, g = w.translate_coords(app.root, 0, 0), w.get_geometry()
    return -at.x, -at.y, g.width, g.height


def popups(app):
    """The rectangles of menus, tooltips and the like that are shown."""
    out = []
    for w in app.root.query_tree().children:
        try:
            a, g = w.get_attributes(), w.get_geometry()
            kind = w.get_full_property(
                app.atom("_NET_WM_WINDOW_TYPE"), X.AnyPropertyType)
        except XError:
            continue  # it has gone meanwhile
        if a.override_redirect and a.map_state == X.IsViewable and kind:
            out.append((g.x, g.y, g.width, g.height))
    return out


def point(app, x, y):
    xtest.fake_input(app.d, X.MotionNotify, x=x, y=y)
    app.d.sync()


def click(app):
    xtest.fake_input(app.d, X.ButtonPress, 1)
    xtest.fake_input(app.d, X.ButtonRelease, 1)
    app.d.sync()


def inside(inner, outer):
    return (inner[0] >= outer[0] and inner[1] >= outer[1]
            and inner[0] + inner[2] <= outer[0] + outer[2]
            and inner[1] + inner[3] <= outer[1] + outer[3])


def tile_of(fion, number):
    """The tile that a window is in: its index among those shown, or None."""
    for i, tile in enumerate(fion.tiles()):
        if number in [w["window"] for w in tile["tabs"]]:
            return i
    return None


def has_focus(fion, number):
    return (fion.get("focused") or {}).get("window") == number


def goes_everywhere(fion, app, number, knows=lambda of: None):
    """As a tab, in a smaller tile, over the screen, back again.

    knows() waits until the program has heard of its size; that is looked
    up each time, as it may be one on the way to another.
    """
    whole = size(app, number)
    other = app.window("other")
    fion.until("two tabs", lambda: len(fion.here()) == 2)
    fion.until("the other covers it", lambda: fion.focused() == "other")
    fion.x.press("Win+p")
    fion.until("it has the focus", lambda: has_focus(fion, number))
    fion.x.press("Win+t")
    fion.x.press("v")
    fion.until("two tiles", lambda: len(fion.tiles()) == 2)
    fion.x.press("Win+Left")
    fion.x.press("Win+b")
    fion.x.press("Right")
    fion.until("it moved", lambda: tile_of(fion, number) == 1)
    fion.until("it is smaller", lambda: size(app, number)[0] < whole[0])
    assert inside(place(app, number), fion.tiles()[1]["rect"])
    knows(lambda: size(app, number))
    half = size(app, number)
    fion.do("tile resize right 200")
    fion.until("smaller yet", lambda: size(app, number)[0] < half[0])
    knows(lambda: size(app, number))
    fion.x.press("Win+f")
    fion.until("over the screen", lambda: (
        place(app, number) == (0, 0, 1280, 800)))
    knows(lambda: (1280, 800))
    fion.x.press("Win+f")
    fion.until("no longer", lambda: size(app, number)[0] < half[0])
    knows(lambda: size(app, number))
    other.destroy()
    fion.until("it is gone", lambda: "other" not in fion.windows())
    fion.do("tile destroy")
    fion.until("as before", lambda: size(app, number) == whole)
    assert has_focus(fion, number)
    knows(lambda: whole)


def closes(fion, run, status=0):
    """It is asked to go, and does."""
    fion.x.press("Win+q")
    fion.until("no window", lambda: not run.windows())
    assert run.process.wait(PATIENCE) == status, run.output()


def test_xterm(fion, app, run, tmp_path):
    script = tmp_path / "script"
    script.write_text(
        f"trap 'stty size >>{run.said}' WINCH\nstty size >>{run.said}\n"
        f"while read line; do echo \"read $line\" >>{run.said}; done\n")
    number = run.start("xterm", "-e", "/bin/bash", str(script),
                       cls="XTerm")["window"]
    fion.until("its size is told", run.lines)
    fion.until_it_reads(app, number)
    goes_everywhere(fion, app, number)
    fion.x.type("some words\n")
    run.tells("read some words")
    # What it gets is a whole number of cells that fit into its tile.
    assert inside(place(app, number), fion.tile()["rect"])
    fion.x.press("Win+q")
    fion.until("no window", lambda: not run.windows())
    run.process.wait(PATIENCE)


def menu_is_shown(fion, app):
    assert not popups(app)
    fion.x.press("F9")  # its menu, over its window
    fion.until("a menu, whole", lambda: [
        menu for menu in popups(app) if inside(menu, (0, 0, 1280, 800))])


def chooses(fion, app, run):
    menu_is_shown(fion, app)
    fion.x.press("Down")
    fion.x.press("Return")
    run.tells("chosen")
    fion.until("no menu", lambda: not popups(app))


@pytest.mark.parametrize("kit", sorted(KITS))
def test_toolkits(fion, app, run, kit):
    """Entry, menu, dialog, fullscreen: the same program in three toolkits."""
    made = run.start(PYTHON, str(HERE / f"hello_{kit}.py"), str(run.said),
                     cls="Hello", **KITS[kit])
    number = made["window"]
    point(app, *IN_THE_BAR)  # where nothing has a tooltip
    run.tells("shown")
    fion.until("focus", lambda: fion.focused() == "hello")
    fion.x.type("words")
    run.tells("typed words")

    def knows(of):
        fion.until(f"it knows {of()}", lambda: [
            line for line in run.lines() if line.startswith("size")
        ][-1:] == ["size {} {}".format(*of())])
    goes_everywhere(fion, app, number, knows)

    if kit != "gtk4":  # whose menus hear no key from XTEST
        chooses(fion, app, run)
    fion.x.type("ok")
    run.tells("typed wordsok")

    fion.x.press("F8")  # a dialog
    fion.until("a dialog", lambda: "question" in fion.windows())
    dialog = fion.windows()["question"]
    assert dialog["floating"]
    fion.until("it has the focus", lambda: fion.focused() == "question")
    x, y, w, h = place(app, dialog["window"])
    px, py, pw, ph = place(app, number)
    assert inside((x, y, w, h), (px, py, pw, ph))
    assert abs(2 * x + w - (2 * px + pw)) <= 4  # in the middle
    fion.x.type("yes\n")
    run.tells("answered yes")
    fion.until("no dialog", lambda: "question" not in fion.windows())
    fion.until("focus back", lambda: fion.focused() == "hello")
    fion.x.type("x")
    run.tells("typed wordsokx")

    fion.x.press("F11")  # it asks itself
    fion.until("over the screen", lambda: (
        run.window()["fullscreen"] == "screen"
        and place(app, number) == (0, 0, 1280, 800)))
    fion.x.press("F11")
    fion.until("no longer", lambda: run.window()["fullscreen"] == "none")
    closes(fion, run)
    assert run.lines()[-1] == "asked to close"


def test_a_title_bar_of_its_own(fion, app, run):
    """GTK 4 draws its title bar and what is around it: the window is as large
    as its tile all the same, and its buttons are its own."""
    number = run.start(PYTHON, str(HERE / "hello_gtk4.py"), str(run.said),
                       cls="Hello", **KITS["gtk4"])["window"]
    w = app.d.create_resource_object("window", number)
    run.tells("shown")
    x, y, width, height = fion.tile()["rect"]
    assert size(app, number) == (width - 4, height - 4)
    run.tells(f"size {width - 4} {height - 4}")
    around = w.get_full_property(
        app.atom("_GTK_FRAME_EXTENTS"), X.AnyPropertyType)
    assert around is None or not any(around.value)

    point(app, x + 300, y + 27)  # its title bar
    fion.until("no tooltip", lambda: not popups(app))
    point(app, x + 300, y + 200)
    fion.until("a tooltip", lambda: popups(app))
    assert [w["window"] for w in run.windows()] == [number]
    assert has_focus(fion, number)
    point(app, x + width - 30, y + 27)  # its cross
    fion.until("no tooltip", lambda: not popups(app))
    click(app)
    run.tells("asked to close")
    fion.until("no window", lambda: not run.windows())
    assert run.process.wait(PATIENCE) == 0


def test_a_menu_of_gtk_4(fion, app, run):
    number = run.start(PYTHON, str(HERE / "hello_gtk4.py"), str(run.said),
                       cls="Hello", **KITS["gtk4"])["window"]
    point(app, *IN_THE_BAR)
    run.tells("shown")
    fion.until("focus", lambda: has_focus(fion, number))
    menu_is_shown(fion, app)
    assert [w["window"] for w in run.windows()] == [number]
    assert has_focus(fion, number)
    run.process.terminate()
    fion.until("all is gone", lambda: not popups(app) and not run.windows())


def test_zenity(fion, app, run):
    """A program that has a dialog and no more."""
    made = run.start("zenity", "--entry", "--title", "question",
                     "--text", "Well?", cls="Zenity")
    fion.until("focus", lambda: fion.focused() == "question")
    assert made["floating"]
    assert inside(place(app, made["window"]), fion.tile()["rect"])
    fion.x.type("answer\n")
    assert run.process.wait(PATIENCE) == 0
    assert "answer\n" in run.output()


def test_chromium(fion, app, run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    made = run.start(
        *CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}",
        f"file://{page}", cls="Chromium")
    number = made["window"]
    fion.until("focus", lambda: has_focus(fion, number))
    fion.until("it fills its tile", lambda: size(app, number)[0] > 1200)

    def typed():
        fion.x.type("a")
        return any("typed a" in w["title"] for w in run.windows())
    fion.until("typing arrives", typed)

    def knows(of):
        fion.until("it knows its width", lambda: any(
            f"size {of()[0]}" in w["title"] for w in run.windows()))
    goes_everywhere(fion, app, number, knows)
    fion.x.press("F11")
    fion.until("over the screen", lambda: (
        run.window()["fullscreen"] == "screen"
        and place(app, number) == (0, 0, 1280, 800)))
    run.title("size 1280")
    fion.x.press("F11")
    fion.until("no longer", lambda: run.window()["fullscreen"] == "none")
    fion.x.press("Shift+F10")  # the page's menu
    fion.until("a menu, whole", lambda: [
        menu for menu in popups(app) if inside(menu, (0, 0, 1280, 800))])
    fion.x.press("Escape")
    fion.until("no menu", lambda: not popups(app))
    fion.x.press("Ctrl+n")
    fion.until("a second window", lambda: len(run.windows()) == 2)
    fion.until("as a tab, focused", lambda: (
        len(fion.here()) == 2 and not has_focus(fion, number)))
    fion.x.press("Win+q")
    fion.until("one window", lambda: len(run.windows()) == 1)
    fion.until("focus", lambda: has_focus(fion, number))
    closes(fion, run)


def mpv_says(path, name):
    """A property of the mpv whose socket this is."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE)
        s.connect(str(path))
        s.sendall(json.dumps(
            {"command": ["get_property", name]}).encode() + b"\n")
        for line in s.makefile():
            answer = json.loads(line)
            if "error" in answer:
                return answer.get("data")
    return None


def test_mpv(fion, app, run, tmp_path):
    ipc = tmp_path / "mpv"
    made = run.start(
        *MPV, "--title=picture", f"--input-ipc-server={ipc}",
        "av://lavfi:testsrc=size=320x240", cls="mpv")
    number = made["window"]
    fion.until("focus", lambda: fion.focused() == "picture")
    assert not made.get("floating")
    fion.until("it fills its tile", lambda: size(app, number)[0] > 1260)

    def knows(of):
        fion.until("it draws so large", lambda: (
            mpv_says(ipc, "osd-width"), mpv_says(ipc, "osd-height"))
            == of())
        full = size(app, number) == (1280, 800)
        fion.until("it knows its state",
                   lambda: mpv_says(ipc, "fullscreen") == full)
    goes_everywhere(fion, app, number, knows)
    fion.x.press("f")
    fion.until("over the screen", lambda: (
        run.window()["fullscreen"] == "screen"
        and place(app, number) == (0, 0, 1280, 800)))
    knows(lambda: (1280, 800))
    fion.x.press("f")
    fion.until("no longer", lambda: run.window()["fullscreen"] == "none")
    fion.x.press("Win+q")
    fion.until("no window", lambda: not run.windows())
    # 4: it was told to.
    assert run.process.wait(PATIENCE) in (0, 4), run.output()


def test_many_terminals_in_a_tile(fion, app, tmp_path):
    """Each has the keyboard in turn, and nothing goes to another."""
    made = []
    for n in range(3):
        said = tmp_path / f"said{n}"
        made.append((said, subprocess.Popen(
            [need("xterm"), "-T", f"term{n}", "-e", "/bin/sh", "-c",
             f"while read l; do echo $l >>{said}; done"],
            env=fion.env, stdin=subprocess.DEVNULL)))
        fion.until("a terminal", lambda n=n: f"term{n}" in fion.windows())
        fion.until_it_reads(app, fion.windows()[f"term{n}"]["window"])
    assert fion.here() == ["term0", "term1", "term2"]
    for n in (1, 0, 2):
        fion.x.press("Win+b")
        fion.x.press(str(n + 1))
        fion.x.type(f"line for {n}\n")
    for n, (said, process) in enumerate(made):
        wait_for("the line", lambda s=said: s.exists() and s.read_text())
        assert said.read_text() == f"line for {n}\n"
        fion.do(["tab", "focus", str(fion.windows()[f"term{n}"]["window"])])
        fion.do("tab destroy")
        fion.until("it went", lambda n=n: f"term{n}" not in fion.windows())
        process.wait(PATIENCE)
