# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Press every key of doc/fion.md, and see what the page says."""

import re
import shlex
import subprocess

from maison import PATIENCE, ROOT, program, wait_for
from wm import Fion, fion, xserver  # noqa: F401 (fixtures)

PAGE = ROOT / "doc" / "fion.md"


def steps():
    """(strokes, text of the item, what is to be seen) of each item.

    An item begins with what is pressed, each in backquotes (a text to type
    after "type"), then a colon; it ends with the comment that says what is
    then to be seen.
    """
    items = re.findall(r"^- (.*?)<!--(.*?)-->", PAGE.read_text(),
                       re.MULTILINE | re.DOTALL)
    for text, seen in items:
        pressed, _, _ = text.partition(": ")
        strokes = [("type" if typed else "press", word) for typed, word
                   in re.findall(r"(type )?`([^`]+)`", pressed)]
        yield strokes, text, dict(
            part.partition("=")[::2] for part in seen.split())


def seen(fion):
    """What the page's comments speak of, as text."""
    try:
        tree, windows, mode = (
            fion.get(what) for what in ("tree", "windows", "mode"))
        focused = fion.get("focused") or {}
    except OSError:
        return {"ended": "" if fion.process.poll() == 0 else "no"}
    screen = tree["screens"][0]
    (shown,) = [ws for ws in screen["workspaces"] if ws["current"]]
    tiles = fion.tiles(shown)
    (current,) = [tile for tile in tiles if tile.get("current")]
    facts = {
        "mode": mode,
        "windows": len(windows),
        "tiles": len(tiles),
        "tabs": len(current["tabs"]),
        "workspaces": len(screen["workspaces"]),
        "workspace": shown["name"],
        "fullscreen": focused.get("fullscreen"),
        "scratch": "shown" if tree["scratch_shown"] else "hidden",
        "ended": "no",
    }
    return {name: str(value) for name, value in facts.items()}


def expect(fion, wanted, where):
    def look():
        if "ended" not in wanted:
            fion.sync()
        found[:] = [seen(fion)]
        return wanted.items() <= found[0].items()
    found = []
    try:
        wait_for(where, look)
    except BaseException:
        print(f"{where}: wanted {wanted}, saw {found}")
        raise


def do(fion, strokes):
    for kind, word in strokes:
        if kind == "type":
            fion.x.type(word)
        else:
            fion.x.press(word)


def test_each_step_of_the_page_does_what_it_says(xserver, tmp_path):
    fion = Fion(xserver, tmp_path)
    done = 0
    for strokes, text, wanted in steps():
        assert strokes and wanted, text
        do(fion, strokes)
        expect(fion, wanted, text)
        done += 1
    assert done > 25
    assert fion.process.wait(PATIENCE) == 0
    assert "Sanitizer" not in fion.log and "runtime error" not in fion.log


def test_the_page_names_no_key_that_it_does_not_press_or_fion_not_know():
    pressed = {word for strokes, _, _ in steps() for _, word in strokes}
    defaults = subprocess.run(
        [program("fion/fion"), "--defaults"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    for key in re.findall(r"`(Win\+[^` ]+)`", PAGE.read_text()):
        assert key in pressed or re.search(
            rf"^(bind {re.escape(key)} |mode \w+ {re.escape(key)}$)",
            defaults, re.MULTILINE), key


def test_every_setting_has_the_default_that_is_printed(fion):
    fion.config_path.unlink()
    fion.do("reload")
    text = subprocess.run(
        [program("fion/fion"), "--defaults"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    printed = {words[1]: words[2] for words in map(
        shlex.split, text.splitlines()) if words[:1] == ["set"]}
    assert fion.get("config") == printed


def test_the_example_configuration_is_good():
    example = ROOT / "doc" / "fion-example.config"
    done = subprocess.run([program("fion/fion"), "-n", "-c", example],
                          check=False, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_configuration_in_the_page_and_the_manual_is_good(tmp_path):
    page = PAGE.read_text().partition("## Changing it")[2]
    manual = (ROOT / "fion" / "man" / "fion.5").read_text()
    texts = [
        "\n".join(re.findall(r"^    (.*)$", page, re.MULTILINE)),
        manual.partition(".Sh EXAMPLES")[2].partition("literal -offset "
                                                      "indent\n")[2]
        .partition(".Ed")[0]]
    for text in texts:
        assert "bind" in text
        path = tmp_path / "config"
        path.write_text(text)
        done = subprocess.run([program("fion/fion"), "-n", "-c", path],
                              check=False, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (0, ""), text
