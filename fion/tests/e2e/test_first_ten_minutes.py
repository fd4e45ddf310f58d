# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Press every key of doc/fion.md, and see what the page says."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("MAISON_BUILD", ROOT / "build"))
PAGE = ROOT / "doc" / "fion.md"
PATIENCE = 30  # seconds

sys.path.insert(0, str(ROOT / "tests" / "support"))


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


class Fion:
    def __init__(self, x, folder):
        (folder / "run").mkdir(mode=0o700)
        self.x = x
        self.env = dict(
            x.env, HOME=str(folder), XDG_RUNTIME_DIR=str(folder / "run"),
            XDG_CONFIG_HOME=str(folder / "config"),
            XDG_STATE_HOME=str(folder / "state"), SHELL="/bin/sh")
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "fion" / "fion"], env=self.env, stderr=self.log)

    def ask(self, *words):
        done = subprocess.run(
            [BUILD / "fion" / "fionctl", "-j", *words], env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def get(self, what):
        return self.ask("get", what).get("result")

    def seen(self):
        """What the page's comments speak of, as text."""
        tree, windows, mode = (
            self.get(what) for what in ("tree", "windows", "mode"))
        if tree is None or windows is None or mode is None:
            return {"ended": "" if self.process.poll() == 0 else "no"}
        screen = tree["screens"][0]
        (shown,) = [ws for ws in screen["workspaces"] if ws["current"]]
        tiles = list(leaves(shown["tree"]))
        (current,) = [tile for tile in tiles if tile.get("current")]
        focused = self.get("focused") or {}
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

    def expect(self, wanted, where):
        end = time.monotonic() + PATIENCE
        while True:
            self.ask("sync")
            seen = self.seen()
            if wanted.items() <= seen.items():
                return
            assert time.monotonic() < end, f"{where}: {wanted}, not {seen}"
            time.sleep(0.02)

    def do(self, strokes):
        for kind, word in strokes:
            if kind == "type":
                self.x.type(word)
            else:
                self.x.press(word)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


def leaves(node):
    for child in node.get("children", []):
        yield from leaves(child)
    if "tabs" in node:
        yield node


@pytest.fixture
def fion(tmp_path):
    pytest.importorskip("Xlib")
    from xdisplay import XDisplay
    with XDisplay() as x:
        fion = Fion(x, tmp_path)
        try:
            fion.expect({"windows": "0", "tiles": "1", "ended": "no"},
                        "at the start")
            yield fion
        finally:
            fion.end()


def test_each_step_of_the_page_does_what_it_says(fion):
    done = 0
    for strokes, text, wanted in steps():
        assert strokes and wanted, text
        fion.do(strokes)
        fion.expect(wanted, text)
        done += 1
    assert done > 25
    assert fion.process.wait(PATIENCE) == 0


def test_the_page_names_no_key_that_it_does_not_press_or_fion_not_know():
    pressed = {word for strokes, _, _ in steps() for _, word in strokes}
    defaults = subprocess.run(
        [BUILD / "fion" / "fion", "--defaults"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    for key in re.findall(r"`(Win\+[^` ]+)`", PAGE.read_text()):
        assert key in pressed or re.search(
            rf"^(bind {re.escape(key)} |mode \w+ {re.escape(key)}$)",
            defaults, re.MULTILINE), key


def test_every_setting_has_the_default_that_is_printed(fion):
    text = subprocess.run(
        [BUILD / "fion" / "fion", "--defaults"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    printed = {words[1]: words[2] for words in map(
        shlex.split, text.splitlines()) if words[:1] == ["set"]}
    assert fion.get("config") == printed


def test_the_example_configuration_is_good():
    example = ROOT / "doc" / "fion-example.config"
    done = subprocess.run([BUILD / "fion" / "fion", "-n", "-c", example],
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
        done = subprocess.run([BUILD / "fion" / "fion", "-n", "-c", path],
                              check=False, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (0, ""), text
