# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""How it looks: pictures, in BUILD/pictures, for a person to judge.

What a machine can judge is asserted: that each part is drawn at all.
"""

import json
import subprocess

import pytest

from maison import build_dir, need, program
from test_bar import colours
from wm import (URGENT_HINT, Fion, X, app, fion,  # noqa: F401
                wm_hints, xserver)

TITLES = ["notes.txt - editor", "\u0645\u0631\u062d\u0628\u0627 "
          "\u0628\u0627\u0644\u0639\u0627\u0644\u0645 - \u0631\u0633\u0627"
          "\u0644\u0629", "\u65e5\u672c\u8a9e\u306e\u9577\u3044\u984c\u540d"
          " - \u30e1\u30fc\u30eb", "\U0001f600 \U0001f680 release party",
          "\u05e9\u05dc\u05d5\u05dd", "a long title that does not fit " * 5]
FOCUS, URGENT = 0x1f4e79, 0x8a1c1c
MARK, COUNT = 0xffffff, 0xffd479


@pytest.fixture
def picture(request, fion):
    folder = build_dir() / "pictures"
    folder.mkdir(exist_ok=True)
    name = request.node.name.removeprefix("test_").replace(
        "[", "-").replace("]", "")

    def take(kind=""):
        fion.sync()
        fion.x.picture(folder / f"{name}{kind}.png")
    return take


def terminals(fion, *titles):
    for title in titles:
        subprocess.Popen(
            [need("xterm"), "-T", title, "-e", "/bin/sh", "-c",
             "cat /etc/services; exec cat"], env=fion.env,
            stdin=subprocess.DEVNULL)
        fion.until(title, lambda t=title: t in fion.windows())


def luminance(colour):
    parts = [(colour >> shift & 255) / 255 for shift in (16, 8, 0)]
    parts = [p / 12.92 if p <= .04045 else ((p + .055) / 1.055) ** 2.4
             for p in parts]
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2]


def contrast(one, other):
    """As WCAG 2 counts it: from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + .05) / (dark + .05)


def row(fion, y, x=0, width=1280):
    """The colours of this row of the screen, from x on."""
    data = fion.x.x.screen().root.get_image(
        x, y, width, 1, X.ZPixmap, 0xffffff).data
    return [int.from_bytes(data[i:i + 3], "little")
            for i in range(0, len(data), 4)]


def bar_height(fion):
    return fion.tiles()[0]["rect"][1]


def defaults():
    said = subprocess.run([program("fion/fion"), "--defaults"],
                          check=True, stdout=subprocess.PIPE, text=True)
    return {words[1]: int(words[2][1:], 16)
            for words in map(str.split, said.stdout.splitlines())
            if words[:1] == ["set"] and words[2].startswith("#")}


def test_contrast_of_the_default_colours():
    c = defaults()
    pairs = [(f"{part}-text", f"{part}-background")
             for part in ("bar", "strip", "tab", "focus", "urgent")]
    pairs += [("panel-key", "bar-background"), ("panel-key", "tab-background")]
    # The line at the foot of what is shown, beside what is not.
    pairs += [(f"{part}-text", "strip-background")
              for part in ("tab", "focus", "urgent")]
    for text, ground in pairs:
        assert contrast(c[text], c[ground]) >= 4.5, (text, ground)


def test_shown_tab_of_a_tile_without_the_focus(fion, app, picture):
    for title in ("hidden", "shown"):
        tab = app.window(title)
        fion.until(title, lambda t=title: fion.focused() == t)
    fion.do("tile create row")
    app.window("focused")
    fion.until("there", lambda: fion.focused() == "focused")
    picture()
    x, _, w, _ = fion.tiles()[0]["rect"]
    foot = tab.place()[1] - 1  # the last row of its strip
    hidden, shown = (row(fion, foot, x + 2 + at, w // 2 - 4)
                     for at in (0, w // 2))
    assert len(set(shown)) == len(set(hidden)) == 1
    assert contrast(shown[0], hidden[0]) >= 4.5


def test_one_window(fion, picture):
    terminals(fion, "work")
    picture()
    assert FOCUS in colours(fion)


def test_four_tiles(fion, picture):
    terminals(fion, "one", "behind")
    for how in ("row", "column"):
        fion.do(f"tile create {how}")
        terminals(fion, how)
    fion.do("tile pick 1")
    fion.do("tile create column")
    terminals(fion, "four", "five", "six")
    picture()
    assert len(fion.tiles()) == 4


def test_titles_of_any_script(fion, app, picture):
    for title in TITLES:
        app.window(title)
    fion.until("all", lambda: len(fion.windows()) == len(TITLES))
    app.open[1].set(*wm_hints(app, URGENT_HINT))
    fion.until("urgent", lambda: fion.windows()[TITLES[1]]["urgent"])
    picture()
    assert {FOCUS, URGENT} <= set(row(fion, 40))


def test_many_tabs(fion, app, picture):
    for n in range(30):
        app.window(f"window {n}")
    fion.until("all", lambda: len(fion.windows()) == 30)
    picture()
    assert FOCUS in set(row(fion, 40))
    # Tabs that do not fit are counted, at the end where they are.
    left, right = ({c for y in range(32, 50) for c in row(fion, y, x, 48)}
                   for x in (4, 1228))
    assert COUNT in left and COUNT not in right
    fion.do("tab pick 15")
    picture("-in-the-middle")
    for x in (4, 1228):
        assert COUNT in {c for y in range(32, 50) for c in row(fion, y, x, 48)}


def test_urgent_workspace(fion, app, picture):
    w = app.window("calls")
    fion.until("there", lambda: "calls" in fion.windows())
    fion.do("workspace create mail")
    app.window("letter")
    w.set(*wm_hints(app, URGENT_HINT))
    fion.until("urgent", lambda: fion.windows()["calls"]["urgent"])
    fion.until("shown", lambda: URGENT in colours(fion))
    picture()
    # What calls and what is shown are both seen: first apart, then in one.
    foot = row(fion, bar_height(fion) - 1, 0, 300)
    assert set(foot[2:8]) == {URGENT} and MARK in foot


def test_urgent_workspace_that_is_shown(fion, app, picture):
    w = app.window("calls")
    fion.until("there", lambda: "calls" in fion.windows())
    fion.do("tile create row")
    w.set(*wm_hints(app, URGENT_HINT))
    fion.until("shown", lambda: URGENT in colours(fion))
    picture()
    assert set(row(fion, bar_height(fion) - 1, 2, 6)) == {MARK}


@pytest.mark.parametrize("mode", ["tile", "tab", "workspace", "fion"])
def test_mode(fion, picture, mode):
    fion.do(["mode", mode])
    picture()
    assert FOCUS in colours(fion)
    fion.do("mode default")


def test_prompt(fion, picture):
    fion.do("prompt command")
    fion.x.type("tile")
    picture()
    assert fion.mode() == "prompt"
    fion.x.press("Escape")


def test_dialog_and_scratch(fion, app, picture):
    main = app.window("document", size=(600, 400))
    fion.until("there", lambda: fion.focused() == "document")
    app.window("really?", kind="DIALOG", leader=main, size=(300, 120))
    fion.until("there", lambda: fion.focused() == "really?")
    picture("-dialog")
    fion.do("scratch")
    terminals(fion, "quick")
    picture("-scratch")
    assert fion.get("tree")["scratch_shown"]


def test_two_screens(fion, app, picture):
    for name, at, output in (("left", "0+0", "screen"),
                             ("right", "640+0", "none")):
        subprocess.run(["xrandr", "--setmonitor", name,
                        f"640/150x800/200+{at}", output], env=fion.env,
                       check=True)
    fion.until("two", lambda: len(fion.screens()) == 2)
    terminals(fion, "on the left")
    fion.do("screen next")
    terminals(fion, "on the right", "another")
    picture()


def test_large_points(fion, picture):
    fion.config('set dpi 192\nset clock "%H"\n')
    fion.do("reload")
    terminals(fion, "large", "letters")
    fion.do("tile create row")
    picture()
    assert fion.tiles()[0]["rect"][1] > 40  # the bar is larger too


def test_status(xserver, tmp_path):
    blocks = [{"full_text": "load 0.42"},
              {"full_text": "disk 93%", "urgent": True},
              {"full_text": "mail", "color": "#88cc88"}]
    (tmp_path / "said").write_text(
        '{"version":1}\n[' + json.dumps(blocks) + ",")
    fion = Fion(xserver, tmp_path)
    fion.config_path.write_text(
        f"bar status sh -c 'cat {tmp_path}/said -'\n")
    fion.do("reload")
    fion.until("shown", lambda: 0x88cc88 in colours(fion))
    (build_dir() / "pictures").mkdir(exist_ok=True)
    fion.x.picture(build_dir() / "pictures" / "status.png")
    assert fion.end() == 0
