# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What the bar shows where there is little room for it."""

import json
import sys

import pytest
from Xlib.ext import xtest

from maison import build_dir
from test_tray import icon
from wm import App, Fion, X
from xdisplay import XDisplay

RED, GREEN = 0xff0000, 0x00ff00
FULL = "\u2588"  # a letter that is all ink


@pytest.fixture
def start(tmp_path):
    """fion on a screen of this width, with this configuration."""
    made = []

    def make(width, config=""):
        x = XDisplay(f"{width}x600")
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append((x, Fion(x, folder, "set mode-timeout 0\n" + config)))
        return made[-1][1]
    try:
        yield make
        for _, fion in made:
            assert fion.end() == 0
            assert "Sanitizer" not in fion.log, fion.log
    finally:
        for x, fion in made:
            fion.end()
            x.close()


def bar(fion):
    """Where it is: x, y, width, height."""
    fion.sync()
    root = fion.x.x.screen().root
    [found] = [g for g in (w.get_geometry() for w in root.query_tree().children
                           if w.get_attributes().map_state == X.IsViewable
                           and w.get_attributes().override_redirect)
               if g.width == root.get_geometry().width and g.height > 1]
    return found.x, found.y, found.width, found.height


def line_of(fion, y, height):
    """The colours of each column of this line."""
    width = fion.x.x.screen().root.get_geometry().width
    data = fion.x.x.screen().root.get_image(
        0, y, width, height, X.ZPixmap, 0xffffff).data
    pixels = [int.from_bytes(data[i:i + 3], "little")
              for i in range(0, len(data), 4)]
    return [set(pixels[x::width]) for x in range(width)]


def keys(line):
    """How many there are: letters of their colour, with gaps between keys."""
    found, gap = 0, 99
    for column in line:
        if any((c >> 16) - (c & 255) > 60 for c in column):
            found += gap >= 8
            gap = 0
        else:
            gap += 1
    return found


def picture(fion, name):
    folder = build_dir() / "pictures"
    folder.mkdir(exist_ok=True)
    fion.x.picture(folder / f"panel-{name}.png")


@pytest.mark.parametrize("mode", ["w", "t", "b", "s", "x"])
def test_all_keys_of_a_mode_are_shown(start, mode):
    """As many lines as it takes."""
    counts, lines = {}, {}
    for width in (4000, 1280, 640):
        fion = start(width)
        *_, height = bar(fion)
        fion.x.press("Win+" + mode)
        x, y, wide, high = bar(fion)
        assert (x, y, wide) == (0, 0, width) and high % height == 0
        picture(fion, f"{mode}-{width}")
        rows = [line_of(fion, at, height) for at in range(0, high, height)]
        for row in rows:
            assert keys(row) > 0
            # None is cut: some ground is left at the end of each.
            assert all(len(column) == 1 for column in row[-2:])
        counts[width] = sum(keys(row) for row in rows)
        lines[width] = len(rows)
        fion.x.press("Escape")
        assert bar(fion) == (0, 0, width, height)
    assert lines[4000] == 1 <= lines[1280] <= lines[640]
    assert mode not in "tb" or lines[640] > 1
    assert len(set(counts.values())) == 1, counts


def test_a_bar_at_the_bottom_grows_upwards(start):
    fion = start(1280, "set bar-bottom on\n")
    _, y, _, height = bar(fion)
    assert y + height == 600
    fion.x.press("Win+t")
    _, y, _, high = bar(fion)
    assert high > height and y + high == 600
    picture(fion, "bottom")
    fion.x.press("Escape")
    assert bar(fion) == (0, 600 - height, 1280, height)


def test_half_of_the_screen_is_left(start):
    """However many keys there are, and however little room."""
    fion = start(160)
    fion.x.press("Win+t")
    _, _, wide, high = bar(fion)
    assert wide == 160 and high <= 300


def test_the_tray_stays_in_the_first_line(start):
    fion = start(640)
    app = App(fion.x)
    w = icon(app)
    fion.until("it is shown", w.viewable)
    before = w.place()
    fion.x.press("Win+t")
    *_, high = bar(fion)
    assert high > before[3] + 2
    assert w.place() == before
    row = line_of(fion, 0, before[3] + 2)
    assert keys(row[before[0] - 1:]) == 0
    app.close()


def click(fion, x, y):
    xtest.fake_input(fion.x.x, X.MotionNotify, x=x, y=y)
    xtest.fake_input(fion.x.x, X.ButtonPress, 1)
    xtest.fake_input(fion.x.x, X.ButtonRelease, 1)
    fion.x.x.sync()
    fion.sync()


def test_a_click_counts_in_its_line_only(start):
    fion = start(640)
    fion.do("workspace create mail")
    assert fion.workspace()["name"] == "mail"
    *_, height = bar(fion)
    fion.do("mode tile")
    *_, high = bar(fion)
    assert high > height
    click(fion, 4, height + height // 2)
    assert fion.workspace()["name"] == "mail"
    click(fion, 4, height // 2)
    assert fion.workspace()["name"] == "1"


def blocks(tmp_path, *pairs):
    """A configuration with a status command of these blocks."""
    said = tmp_path / "said"
    said.write_text('{"version":1}\n[\n' + json.dumps(
        [{"full_text": full, "color": colour, **(
            {} if brief is None else {"short_text": brief})}
         for colour, full, brief in pairs]) + "\n")
    program = tmp_path / "status.py"
    program.write_text(
        "import sys, time\n"
        f"print(open({str(said)!r}).read(), end='', flush=True)\n"
        "while True: time.sleep(100)\n")
    return f'bar status "{sys.executable}" "{program}"\n'


def width_of(fion, colour):
    *_, height = bar(fion)
    return sum(colour in column for column in line_of(fion, 0, height))


def test_short_texts_where_there_is_no_room(start, tmp_path):
    """i3bar's short_text, of each block that has one; all or none."""
    config = blocks(tmp_path, ("#ff0000", FULL * 30, FULL),
                    ("#00ff00", FULL * 4, None))
    wide, narrow = start(2560, config), start(640, config)
    for fion in wide, narrow:
        fion.until("blocks", lambda f=fion: width_of(f, GREEN))
    letter = width_of(wide, GREEN) / 4
    assert width_of(wide, RED) > 25 * letter
    assert width_of(narrow, RED) < 2 * letter
    assert abs(width_of(narrow, GREEN) - width_of(wide, GREEN)) < 3
    picture(narrow, "short-text")
