# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Clients that ask more than can be done: all others have their turn."""

import signal
import subprocess
import sys

import pytest

from wm import X, app, fion, wait_for, xserver  # noqa: F401
from maison import PATIENCE

# A window that asks for other titles and sizes, as fast as it is answered:
# thousands wait at any time, so that all that has come is never done.
FLOOD = """
import sys
from Xlib import X, Xatom, display
from Xlib.protocol import request
d = display.Display()
w = d.screen().root.create_window(
    0, 0, 9, 9, 0, X.CopyFromParent, event_mask=X.StructureNotifyMask)
w.set_wm_name("flood")
w.map()
d.sync()
ask = (request.ChangeProperty._request.to_binary(
    mode=X.PropModeReplace, window=w.id, property=Xatom.WM_NAME,
    type=Xatom.STRING, data=(8, b"other title"))
    + request.ConfigureWindow._request.to_binary(
    window=w.id, values={"x": 7, "width": 500}))
server = d.display.socket
server.setblocking(True)
print("begun", flush=True)
waiting, got = 0, b""
while True:
    while waiting < 4000:
        server.sendall(ask * 1000)
        waiting += 1000
    got += server.recv(65536)
    events = [got[i] & 127 for i in range(0, len(got) - 31, 32)]
    got = got[32 * len(events):]
    waiting -= events.count(X.ConfigureNotify)
"""


@pytest.fixture
def flood(fion, app):
    app.window("good")
    programs = [subprocess.Popen(
        [sys.executable, "-c", FLOOD], env=fion.env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        for program in programs:
            assert program.stdout.readline() == b"begun\n"
        yield programs
    finally:
        for program in programs:
            program.kill()
            program.communicate()


def test_others_have_their_turn(fion, flood):
    """Commands, what is asked, and sync; none by who floods being slow."""
    for n in range(3):
        fion.do("workspace create")
        assert len(fion.get("workspaces")) == n + 2
        fion.sync()
    assert "good" in fion.windows()
    assert all(program.poll() is None for program in flood)


def test_it_ends_when_told_to(fion, flood):
    fion.process.send_signal(signal.SIGTERM)
    assert fion.process.wait(PATIENCE) == 0
    assert "hangs" not in fion.log
    fion.process = fion.start()  # it is to live until the end
    fion.peer = None
    wait_for("fion answers", fion.answers)
