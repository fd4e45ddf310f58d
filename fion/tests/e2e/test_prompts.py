# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Each prompt: what is typed, completed, remembered, and done."""

import os

import pytest

from wm import Fion, app, xserver  # noqa: F401 (fixtures)


@pytest.fixture
def fion(xserver, tmp_path):
    """A fion whose programs write down how they are called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("xqmark", "xqmarble", "terminal", "rexqmark"):
        (folder / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/ran\n')
        (folder / name).chmod(0o755)
    ssh = tmp_path / ".ssh"
    ssh.mkdir()
    (ssh / "config").write_text("Host *\nHost example\n  User me\n")
    (ssh / "known_hosts").write_text("known.example ssh-ed25519 AAAA\n")
    wm = Fion(xserver, tmp_path, 'set terminal-run "terminal -e"\n',
              env={"PATH": f"{folder}:{os.environ['PATH']}"})
    yield wm
    assert wm.end() == 0
    assert "Sanitizer" not in wm.log, wm.log


def ask(fion, kind, text):
    fion.do(["prompt", kind])
    assert fion.mode() == "prompt"
    type_into(fion, text)


def type_into(fion, text):
    """Letters; names of keys stand between < and >."""
    while text:
        if text[0] == "<":
            key, _, text = text[1:].partition(">")
        else:
            key, text = text[0], text[1:]
        fion.x.press(key)
    fion.sync()


def ran(fion):
    path = fion.dir / "ran"
    return path.read_text().splitlines() if path.exists() else []


def runs(fion, *lines):
    fion.until(f"it ran {lines}", lambda: len(ran(fion)) >= len(lines))
    assert ran(fion) == list(lines)


def test_run_completes_programs(fion):
    ask(fion, "run", "xqmarb<Tab> two<Return>")
    runs(fion, "xqmarble two")
    assert fion.mode() == "default"
    # Beginnings before what merely contains it.
    ask(fion, "run", "xqmark<Tab><Return>")
    runs(fion, "xqmarble two", "xqmark")
    ask(fion, "run", "xqmark<Tab><Tab><Return>")
    runs(fion, "xqmarble two", "xqmark", "rexqmark")


def test_run_remembers_across_restarts(fion):
    ask(fion, "run", "xqmark one<Return>")
    runs(fion, "xqmark one")  # they start in no order
    ask(fion, "run", "xqmark two<Return>")
    ask(fion, "command", "workspace create<Return>")
    runs(fion, "xqmark one", "xqmark two")
    old = fion.worker()
    fion.do("restart")
    fion.another(old)
    # Each kind has a history of its own.
    ask(fion, "run", "<Up><Up><Down><Up><Return>")
    runs(fion, "xqmark one", "xqmark two", "xqmark one")


def test_a_line_is_edited(fion):
    ask(fion, "run", "yxqmark<Home><Delete><End> onetwo<Left><Left><Left> "
        "<End> bad word<Ctrl+w><Ctrl+w><BackSpace><Return>")
    runs(fion, "xqmark one two")
    ask(fion, "run", "rubbish<Ctrl+u>xqmark<Return>")
    runs(fion, "xqmark one two", "xqmark")


def test_escape_does_nothing(fion, app):
    w = app.window("a")
    fion.until("focus", lambda: fion.focused() == "a")
    ask(fion, "run", "xqmark<Escape>")
    assert fion.mode() == "default"
    fion.x.type("xy")
    w.hears("xy")
    assert not ran(fion)


def test_window_goes_to_the_first_that_fits(fion, app):
    for title in ("letters", "accounts", "letterhead"):
        app.window(title)
        fion.until(title, lambda t=title: fion.focused() == t)
    ask(fion, "window", "acc<Return>")
    fion.until("there", lambda: fion.focused() == "accounts")
    ask(fion, "window", "letters<Return>")
    fion.until("there", lambda: fion.focused() == "letters")


def test_workspace_goes_or_makes(fion):
    ask(fion, "workspace", "mail<Return>")
    assert fion.workspace()["name"] == "mail"
    ask(fion, "workspace", "1<Return>")
    assert fion.workspace()["name"] == "1"
    ask(fion, "workspace", "ma<Tab><Return>")
    assert fion.workspace()["name"] == "mail"
    ask(fion, "rename", "post<Return>")
    assert fion.workspace()["name"] == "post"


def test_ssh_and_man_run_in_a_terminal(fion):
    ask(fion, "ssh", "exa<Tab><Return>")
    runs(fion, "terminal -e ssh example")
    ask(fion, "ssh", "known<Tab><Return>")
    runs(fion, "terminal -e ssh example", "terminal -e ssh known.example")
    ask(fion, "man", "intro<Return>")
    runs(fion, "terminal -e ssh example", "terminal -e ssh known.example",
         "terminal -e man intro")


def test_command_does_what_fionctl_does(fion):
    ask(fion, "command", "tile create row 30<Return>")
    assert len(fion.tiles()) == 2
    ask(fion, "command", "nonsense<Return>")
    assert fion.mode() == "default"
    assert len(fion.tiles()) == 2


def test_a_second_prompt_is_refused_and_a_mode_takes_its_place(fion):
    fion.do("prompt run")
    assert "open already" in fion.do("prompt window", fails=True)
    fion.do("mode tile")
    assert fion.mode() == "tile"
    type_into(fion, "v")
    assert (fion.mode(), len(fion.tiles())) == ("default", 2)
