# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""fion begins, gives way, is killed, and comes back as it was."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

from wm import Fion, X, app, clients, fion, wait_for, xserver  # noqa: F401
from maison import PATIENCE, program


def arrange(fion, app):
    """Three tiles on one workspace, two on another; windows in most."""
    for title in "abc":
        app.window(title, cls=(title, "Test"))
        fion.until(title, lambda t=title: t in fion.windows())
    fion.do("tile create row 30")
    app.window("d", cls=("d", "Test"))
    fion.until("d", lambda: fion.focused() == "d")
    fion.do("tile create column 70")
    fion.do("tile resize up 11")
    fion.do("workspace create mail")
    fion.do("tile create column")
    app.window("e", cls=("e", "Test"))
    fion.until("e", lambda: fion.focused() == "e")
    fion.do("workspace previous")
    fion.do("tile pick 1")
    fion.do("tab pick 2")
    fion.do(["tile", "rename", "left"])
    return shape(fion)


def shape(fion):
    """All that a person sees of the arrangement."""
    tree = fion.get("tree")
    out = []
    for screen in tree["screens"]:
        for ws in screen["workspaces"]:
            out.append((ws["name"], ws["current"], [
                (t["rect"], t.get("name"), t.get("current"),
                 [(w["title"], w.get("current")) for w in t["tabs"]])
                for t in fion.tiles(ws)]))
    return out, fion.focused()


def again(fion, before):
    """Wait until all is as it was."""
    seen = []

    def same():
        seen[:] = shape(fion)
        return tuple(seen) == before
    try:
        fion.until("the same again", same)
    finally:
        print("before", before, "after", seen, sep="\n")


def saved(fion, app):
    """Wait until the arrangement lies in X as it is."""
    def same():
        tree, kept = fion.get("tree"), app.root.get_full_property(
            app.atom("_FION_LAYOUT"), X.AnyPropertyType)
        return kept and strip(json.loads(bytes(kept.value))) == strip(tree)
    fion.until("the layout is kept in X", same)


def strip(node):
    """Without what is only told, and not kept."""
    if isinstance(node, list):
        return [strip(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: strip(v) for k, v in node.items()
            if k not in ("rect", "work", "title", "urgent", "hung", "visible",
                         "name_shown")}


def test_restart_in_place_keeps_everything(fion, app):
    before, pid = arrange(fion, app), fion.process.pid
    old = fion.worker()
    fion.do("restart")
    fion.another(old)
    again(fion, before)
    assert fion.process.pid == pid


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_keeps_everything(xserver, app, tmp_path, how):
    fion = Fion(xserver, tmp_path)
    before = arrange(fion, app)
    saved(fion, app)
    old = fion.worker()
    os.kill(old, how)
    fion.another(old)
    again(fion, before)
    assert fion.end() == 0


def test_killing_all_of_fion_loses_no_window(xserver, app, tmp_path):
    fion = Fion(xserver, tmp_path)
    before = arrange(fion, app)
    saved(fion, app)
    # Neither may act on the other's end.
    fion.process.send_signal(signal.SIGSTOP)
    os.kill(fion.worker(), signal.SIGKILL)
    fion.process.kill()
    fion.process.wait()
    for w in app.open:
        wait_for("the window is the root's again", lambda w=w: (
            w.w.query_tree().parent.id == app.root.id))
    fion.peer = None
    fion.process = fion.start()
    wait_for("fion answers", fion.answers)
    again(fion, before)
    assert fion.end() == 0


def test_one_that_does_not_know_the_selection_is_told_of_too(
        xserver, app, tmp_path):
    app.root.change_attributes(event_mask=X.SubstructureRedirectMask)
    app.d.sync()
    done = subprocess.run(
        [program("fion/fion")], capture_output=True, text=True, check=False,
        env=dict(xserver.env, HOME=str(tmp_path),
                 XDG_RUNTIME_DIR=str(tmp_path)), timeout=PATIENCE)
    assert done.returncode == 1
    assert "another window manager is running" in done.stderr


def test_without_a_server_fion_says_so(tmp_path):
    done = subprocess.run(
        [program("fion/fion"), "-d", ":99999"], capture_output=True,
        text=True, check=False, env=dict(os.environ, HOME=str(tmp_path)),
        timeout=PATIENCE)
    assert done.returncode == 1
    assert 'can\'t connect to display ":99999"' in done.stderr


def test_fion_crashing_again_and_again_gives_up(xserver, tmp_path):
    fion = Fion(xserver, tmp_path)
    for _ in range(5):
        old = fion.worker()
        os.kill(old, signal.SIGKILL)
        fion.another(old)
    os.kill(fion.worker(), signal.SIGKILL)
    assert fion.process.wait(PATIENCE) == 1
    assert "giving up" in fion.log


def test_at_the_end_windows_and_root_are_as_before(xserver, app, tmp_path):
    fion = Fion(xserver, tmp_path)
    w = app.window("a", size=(321, 123))
    fion.until("a", lambda: "a" in fion.windows())
    assert w.w.query_tree().parent.id != app.root.id
    assert fion.end() == 0
    assert w.w.query_tree().parent.id == app.root.id
    assert w.w.get_geometry().border_width == 3
    assert w.viewable()
    for name in ("_NET_SUPPORTED", "_NET_SUPPORTING_WM_CHECK",
                 "_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_FION_LAYOUT"):
        assert app.root_property(name) is None, name


def test_programs_started_once_are_not_started_again(xserver, tmp_path):
    mark = tmp_path / "mark"
    fion = Fion(xserver, tmp_path, f"exec sh -c 'echo x >>{mark}'\n")
    wait_for("it ran", lambda: mark.exists() and mark.read_text())
    old = fion.worker()
    fion.do("restart")
    fion.another(old)
    fion.sync()
    assert mark.read_text() == "x\n"
    assert fion.end() == 0


def test_the_end_hands_every_window_back(xserver, app, tmp_path):
    fion = Fion(xserver, tmp_path)
    arrange(fion, app)
    assert fion.end() == 0
    for w in app.open:
        assert w.viewable()
        assert w.w.query_tree().parent == app.root


def test_a_second_one_is_refused_and_replace_takes_over(
        xserver, app, tmp_path):
    fion = Fion(xserver, tmp_path)
    assert fion.start().wait(PATIENCE) == 1
    assert "--replace" in fion.log
    w = fion.opens(app, "a")
    old, fion.peer = fion.process, None
    fion.process = fion.start(["--replace"])
    assert old.wait(PATIENCE) == 0
    wait_for("the new one answers", fion.answers)
    fion.until("it has the window", lambda: fion.focused() == "a")
    assert w.viewable()
    assert fion.end() == 0


def test_a_server_that_goes_ends_fion(xserver, tmp_path):
    fion = Fion(xserver, tmp_path)
    xserver.close()
    assert fion.process.wait(PATIENCE) in (0, 1)


def test_layouts_are_saved_and_loaded(fion, clients):
    fion.do("tile create row")
    fion.do("tile create column")
    clients("notes", cls=("notes", "Notes"))
    before = shape(fion)
    fion.do("save work")
    fion.do("tile destroy")
    fion.do("tile destroy")
    assert shape(fion) != before
    fion.do("load work")
    assert len(fion.tiles()) == 3
    assert shape(fion) == before
    assert "no-such" in fion.do("load no-such", fails=True)


def test_programs_do_not_inherit_our_files(fion):
    out = fion.dir / "files"
    fion.do(["exec", "sh", "-c", f"ls -l /proc/self/fd > {out}.new; "
             f"mv {out}.new {out}"])
    wait_for("the list", out.exists)
    assert "socket:" not in out.read_text()


def test_the_manager_is_confined_and_its_keeper_is_not(fion):
    text = pathlib.Path(f"/proc/{fion.worker()}/status").read_text()
    assert "\nSeccomp:\t2\n" in text and "\nNoNewPrivs:\t1\n" in text
    text = pathlib.Path(f"/proc/{fion.process.pid}/status").read_text()
    assert "\nSeccomp:\t0\n" in text
