# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The bar and its status command: i3status, i3bar's protocol, plain lines.

A full block in a colour is text that can be found in a picture.
"""

import json
import os
import pathlib
import signal

import pytest

from maison import need
from wm import Fion, X, app, wait_for, xserver, xtest  # noqa: F401

FULL = "\u2588" * 4
RED, GREEN, URGENT = 0xff0000, 0x00ff00, 0x8a1c1c
TEXT = 0xe6e6e6

SCRIPT = """import os, signal, sys
out, told = sys.stdout.buffer, open(sys.argv[0] + ".told", "a")
def tell(*words):
    print(*words, file=told, flush=True)
def say(text):
    out.write(text if isinstance(text, bytes) else text.encode())
    out.flush()
tell("pid", os.getpid())
full = "\u2588" * 4
"""


class Bar:
    """A fion whose status command is this script."""

    def __init__(self, x, folder, script):
        self.script = folder / "status.py"
        self.told = folder / "status.py.told"
        self.script.write_text(SCRIPT + script)
        self.fion = Fion(x, folder, f'bar status /usr/bin/python3 "'
                         f'{self.script}"\n')
        self.x = x

    def lines(self):
        return self.told.read_text().splitlines() if self.told.exists() \
            else []

    def pids(self):
        return [int(line.split()[1]) for line in self.lines()
                if line.startswith("pid ")]

    def colours(self):
        return colours(self.fion)

    def shows(self, *wanted):
        self.fion.until(f"{[hex(c) for c in wanted]} in the bar", lambda: (
            set(wanted) <= set(self.colours())))

    def lacks(self, *unwanted):
        self.fion.until(f"{[hex(c) for c in unwanted]} not in the bar",
                        lambda: not set(unwanted) & set(self.colours()))

    def click(self, colour, button=1):
        """On the middle of what has this colour."""
        at = [i for i, c in enumerate(self.colours()) if c == colour]
        xtest.fake_input(self.x.x, X.MotionNotify,
                         x=(at[0] + at[-1]) // 2, y=10)
        xtest.fake_input(self.x.x, X.ButtonPress, button)
        xtest.fake_input(self.x.x, X.ButtonRelease, button)
        self.x.x.sync()


def colours(fion):
    """The colours along the middle of the bar."""
    data = fion.x.x.screen().root.get_image(
        0, 13, 1280, 1, X.ZPixmap, 0xffffffff).data
    return [int.from_bytes(data[i:i + 3], "little")
            for i in range(0, len(data), 4)]


@pytest.fixture
def bar(xserver, tmp_path):
    made = []

    def make(script):
        made.append(Bar(xserver, tmp_path, script))
        return made[-1]
    yield make
    for b in made:
        assert b.fion.end() == 0
        for bad in ("Sanitizer", "runtime error", "WARNING", "CRITICAL"):
            assert bad not in b.fion.log, b.fion.log


def test_i3status_as_it_is(xserver, tmp_path):
    need("i3status")
    mark = tmp_path / "mark"
    (tmp_path / "i3status").write_text(f"""
general {{
    output_format = "i3bar"
    colors = true
    color_good = "#00FF00"
    color_bad = "#FF0000"
    interval = 1
}}
order += "path_exists mark"
path_exists mark {{
    path = "{mark}"
    format = "{FULL}"
    format_down = "{FULL}"
}}
""")
    fion = Fion(xserver, tmp_path,
                f'bar status i3status -c "{tmp_path / "i3status"}"\n')
    fion.until("not there", lambda: RED in colours(fion))
    mark.write_text("")
    fion.until("there", lambda: GREEN in colours(fion))
    assert RED not in colours(fion)
    assert fion.end() == 0


def test_blocks_their_colours_and_clicks(bar):
    b = bar("""
say('{"version":1,"click_events":true,"stop_signal":10,"cont_signal":12}\\n')
say('[\\n[{"full_text":"' + full + '","name":"one","instance":"\\\\"a",'
    '"color":"#ff0000"},')
say('{"full_text":"' + full + '","name":"two","color":"#00ff00ff"}]\\n')
for line in sys.stdin:
    tell("click", line.strip())
    if '"two"' in line:
        say(',[{"full_text":"' + full + '","urgent":true}]\\n')
""")
    b.shows(RED, GREEN)
    b.click(RED)
    b.fion.until("a click", lambda: len(b.lines()) > 2)
    b.click(GREEN, 3)
    b.shows(URGENT)
    b.lacks(RED, GREEN)
    # As i3bar writes it: an array without end, an element a line.
    told = [line.removeprefix("click ") for line in b.lines()[1:]]
    assert told[0] == "["
    first, second = (json.loads(line.lstrip(",")) for line in told[1:3])
    assert told[2].startswith(",")
    assert (first["name"], first["instance"], first["button"]) == (
        "one", '"a', 1)
    assert (second["name"], second["instance"], second["button"]) == (
        "two", "", 3)


def test_blocks_in_pieces(bar):
    """However the bytes come, and whatever is in the texts."""
    b = bar("""
import time
for c in ('{ "version" : 1 }\\n\\n[\\n\\n[]\\n,[{"full_text":"]},{[\\\\"",'
          '"color":"#ff0000"},{"full_text":"' + full + '","color":"#ff0000"},'
          '{"full_text":"","color":"#00ff00"},{"no":"text"},7]\\n').encode():
    say(bytes([c]))
tell("done")
sys.stdin.read()
""")
    b.shows(RED)
    b.lacks(GREEN)


def test_plain_lines_each_replaces_the_one_before(bar):
    b = bar("""
say("nothing\\n" * 3)
say(full + "\\n")
for line in sys.stdin:
    pass
""")
    b.shows(TEXT)


def test_plain_lines_of_any_bytes(bar):
    b = bar("""
say(b"\\xff\\xfe\\xc3(\\xed\\xa0\\x80\\xf8\\x00\\x1b[31m<b>&\\t\\r" +
    full.encode() + b"\\xe2\\n")
tell("said")
sys.stdin.read()
""")
    b.shows(TEXT)


def test_one_that_ends_is_told_of_and_begun_again_by_reload(bar):
    b = bar("""
say(full + "\\n")
sys.exit(len(open(sys.argv[0] + ".told").readlines()) == 1 and 3)
""")
    b.fion.until("it began", b.pids)
    b.shows(URGENT)  # the message
    b.fion.do("reload")
    wait_for("it begins again", lambda: len(b.pids()) == 2)


def test_one_that_is_not_there_is_told_of(xserver, tmp_path):
    fion = Fion(xserver, tmp_path, "bar status /no/such/program\n")
    fion.until("the message", lambda: URGENT in colours(fion))
    assert fion.end() == 0


@pytest.mark.parametrize("lie", [
    '{"version":1}\n7', '{"version":1}\n[[{]', '{"version":1}\n[{"a":1}]',
    '{"version":1}\n[[{"full_text":"\\ud800"}]', '{"version":1}\n[[[[[[]]',
], ids=range(5))
def test_nonsense_ends_it_with_a_complaint(bar, lie):
    b = bar(f"say({lie!r})\nsay('\\n' * 9)\n"
            "say('[' * 70000)\nsys.stdin.read()\n")
    b.shows(URGENT)
    assert b.fion.get("mode") == "default"


def test_a_line_without_end_ends_it(bar):
    b = bar("while True: say('a' * 4096)\n")
    b.shows(URGENT)
    wait_for("it began", b.pids)


def test_a_flood_keeps_nobody_waiting(bar, app):
    b = bar("""
while True:
    say((full + '\\n') * 1000)
""")
    # Not until(): there is no moment when all is quiet.
    wait_for("it is shown", lambda: TEXT in b.colours())
    w = app.window("a")
    wait_for("managed", lambda: b.fion.focused() == "a")
    typed = ""
    for _ in range(20):
        b.x.press("Win+t")
        b.x.press("n")
        b.x.type("x")

    def arrived():
        nonlocal typed
        typed += w.typed()
        return len(typed) >= 20
    wait_for("what was typed", arrived)
    assert typed == "x" * 20


def test_one_that_is_stopped_holds_up_nothing(bar, app):
    b = bar("""
say('{"version":1,"click_events":true}\\n[[{"full_text":"' + full +
    '","color":"#ff0000"}],')
os.kill(os.getpid(), signal.SIGSTOP)
for line in sys.stdin:
    tell("click")
""")
    b.shows(RED)
    stat = pathlib.Path(f"/proc/{b.pids()[0]}/stat")
    wait_for("it is stopped", lambda: ") T " in stat.read_text())
    for _ in range(200):
        b.click(RED)
    b.fion.sync()
    app.window("a")
    b.fion.until("managed", lambda: b.fion.focused() == "a")
    os.kill(b.pids()[0], signal.SIGCONT)
    wait_for("its clicks", lambda: b.lines().count("click") > 10)


def test_one_that_does_not_listen_is_let_be(bar):
    b = bar("""
os.close(0)
say('{"version":1,"click_events":true}\\n[[{"full_text":"' + full +
    '","color":"#ff0000"}],')
signal.pause()
""")
    b.shows(RED)
    for _ in range(3):
        b.click(RED)
    b.fion.sync()
    b.shows(RED)


def test_with_fion_it_ends(bar):
    b = bar("""
say(full + "\\n")
signal.pause()
""")
    b.shows(TEXT)
    [pid] = b.pids()
    b.fion.do("reload")
    wait_for("another", lambda: len(b.pids()) == 2)
    wait_for("the first is gone", lambda: gone(pid))
    assert b.fion.end() == 0
    wait_for("the second too", lambda: gone(b.pids()[1]))
    b.fion.process = b.fion.start()
    wait_for("fion answers", b.fion.answers)


def gone(pid):
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return True
    return False


def test_a_click_on_a_workspace_shows_it(bar):
    b = bar("sys.stdin.read()\n")
    b.fion.do("workspace create there")
    b.fion.do("workspace create here")
    names = [w["name"] for w in b.fion.screen()["workspaces"]]
    assert names == ["1", "there", "here"]
    b.fion.sync()  # it is drawn
    xtest.fake_input(b.x.x, X.MotionNotify, x=5, y=5)
    xtest.fake_input(b.x.x, X.ButtonPress, 1)
    xtest.fake_input(b.x.x, X.ButtonRelease, 1)
    b.x.x.sync()
    b.fion.until("gone there", lambda: (
        b.fion.workspace()["name"] == "1"))
