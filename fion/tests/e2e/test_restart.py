# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Windows outlive the window manager, and find their places again."""

import os
import pathlib
import signal

from conftest import PATIENCE, wait_for


def arrange(fion, clients):
    made = [clients(title=f"window {i}") for i in range(5)]
    fion.do("tile", "create", "row")
    fion.do("tab", "focus", made[1].id)
    fion.do("tab", "move", "right")
    fion.do("workspace", "create", "mail")
    fion.do("tile", "create", "column")
    made += [clients(title="on mail")]
    fion.do("tab", "focus", made[3].id)
    return made


def shape(fion):
    """The arrangement, without what differs from run to run."""
    def node(n):
        if "tile" in n:
            return [(t["window"], t.get("current")) for t in n["tabs"]]
        return [node(c) for c in n["children"]], n["rect"]
    return [[(w["name"], node(w["tree"])) for w in s["workspaces"]]
            for s in fion.get("tree")["screens"]]


def alive(client):
    return client.window.get_attributes() is not None


def test_restart_keeps_every_window_in_its_place(fion, clients):
    made = arrange(fion, clients)
    before, focused = shape(fion), fion.focused()
    fion.do("restart")
    wait_for("fion is back", lambda: fion.get("tree") is not None
             and shape(fion) == before)
    assert fion.focused() == focused
    assert all(alive(c) for c in made)


def test_a_crash_keeps_every_window_in_its_place(fion, clients):
    made = arrange(fion, clients)
    fion.sync()
    before = shape(fion)
    [manager] = fion.children()
    # What was arranged is kept in the server within a moment.
    root = made[0].root
    wait_for("the arrangement is kept", lambda: made[0].get(
        "_FION_LAYOUT", root) is not None)
    fion.do("sync")
    wait_for("a quiet moment", lambda: not fion.ctl("sync").returncode)
    os.kill(manager, signal.SIGKILL)
    wait_for("another one", lambda: fion.children() not in ([], [manager]))
    wait_for("all are in their places", lambda: fion.get("tree") is not None
             and shape(fion) == before)
    assert all(alive(c) for c in made)


def test_a_hang_ends_and_the_keyboard_is_free(fion, clients):
    client = clients()
    [manager] = fion.children()
    os.kill(manager, signal.SIGSTOP)
    fion.x.press("Win+t")
    wait_for("another one", lambda: fion.children() not in ([], [manager]))
    wait_for("it answers", lambda: fion.get("version"))
    wait_for("it manages the window", lambda: fion.focused() == client.id)
    fion.x.type("a")
    wait_for("keys arrive", client.keys)


def test_ending_hands_every_window_back(fion, clients):
    made = arrange(fion, clients)
    fion.stop()
    for client in made:
        assert client.visible()
        parent = client.window.query_tree().parent
        assert parent == client.root


def test_a_second_one_is_refused_and_replace_takes_over(unstarted):
    from client import Client
    fion = unstarted.start()
    second = fion.run()
    assert second.wait(PATIENCE) == 1
    assert "--replace" in fion.log() or "another" in fion.log()
    client = Client(fion.x.name)
    client.map()
    wait_for("it is managed", client.managed)
    old = fion.process
    fion.start("--replace")
    assert old.wait(PATIENCE) == 0
    wait_for("the new one has it", lambda: fion.focused() == client.id)
    client.close()


def test_a_server_that_goes_ends_fion(unstarted):
    fion = unstarted.start()
    fion.x.close()
    assert fion.process.wait(PATIENCE) in (0, 1)
    fion.process = None


def test_layouts_are_saved_and_loaded(fion, clients):
    fion.do("tile", "create", "row")
    fion.do("tile", "create", "column")
    client = clients(wm_class=("notes", "Notes"))
    before = shape(fion)
    fion.do("save", "work")
    fion.do("tile", "destroy")
    fion.do("tile", "destroy")
    assert shape(fion) != before
    fion.do("load", "work")
    assert len(fion.tiles()) == 3
    assert shape(fion) == before
    assert "no-such" in fion.fails("load", "no-such")
    assert fion.focused() == client.id or client.id in fion.windows()


def test_programs_do_not_inherit_our_files(fion):
    out = fion.folder / "files"
    fion.do("exec", "sh", "-c", f"ls -l /proc/self/fd > {out}.new; "
            f"mv {out}.new {out}")
    wait_for("the list", out.exists)
    assert "socket:" not in out.read_text()


def test_the_manager_is_confined_and_its_keeper_is_not(fion):
    [manager] = fion.children()
    text = pathlib.Path(f"/proc/{manager}/status").read_text()
    assert "\nSeccomp:\t2\n" in text and "\nNoNewPrivs:\t1\n" in text
    text = pathlib.Path(f"/proc/{fion.process.pid}/status").read_text()
    assert "\nSeccomp:\t0\n" in text
