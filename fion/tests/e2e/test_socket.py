# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The control socket: whose it is, and what fionctl refuses to ask."""

import os
import signal
import socket
import subprocess

import pytest

from maison import PATIENCE, program

NOBODY = 65534

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes what is another's")


def fionctl(folder, *words):
    return subprocess.run(
        [program("fion/fionctl"), *words], text=True, check=False,
        env=dict(os.environ, DISPLAY=":77", XDG_RUNTIME_DIR=str(folder)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("words", [
    ["tile"], ["tile", "nxt"], ["get"], ["get", "nothing"],
    ["subscribe", "all"], ["tile", "resize"], ["help", "nothing"], []])
def test_what_is_no_command_is_refused_before_anything_is_asked(
        tmp_path, words):
    done = fionctl(tmp_path, *words)
    assert done.returncode == 2
    assert "no fion answers" not in done.stderr and done.stderr


def test_without_a_fion_it_says_so_and_fails(tmp_path):
    done = fionctl(tmp_path, "tile", "next")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no fion answers" in done.stderr


def test_help_tells_each_command_and_needs_no_fion(tmp_path):
    done = fionctl(tmp_path, "help")
    assert done.returncode == 0
    assert {"tile", "tab", "get", "save"} <= {
        line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    one = fionctl(tmp_path, "help", "tile", "resize").stdout
    assert one.split()[:2] == ["tile", "resize"]
    assert len(one.splitlines()) == 1


@needs_root
def test_another_users_socket_is_not_talked_to(tmp_path):
    # Root may listen as another: the socket's peer is then that user.
    folder = tmp_path / "fion"
    folder.mkdir()
    tmp_path.chmod(0o755)
    folder.chmod(0o777)
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.setuid(NOBODY)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(":77.sock")
            s.listen()
            os.kill(os.getpid(), signal.SIGSTOP)  # listen on, stopped
        os._exit(0)
    try:
        os.waitpid(pid, os.WUNTRACED)
        done = fionctl(tmp_path, "tile", "next")
        assert done.returncode == 1
        assert "another user's" in done.stderr
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@needs_root
def test_a_folder_that_others_may_write_into_is_refused(tmp_path):
    pytest.importorskip("Xlib")
    from xdisplay import XDisplay
    folder = tmp_path / "fion"
    folder.mkdir()
    for mode, owner in ((0o777, 0), (0o700, NOBODY)):
        folder.chmod(mode)
        os.chown(folder, owner, owner)
        with XDisplay() as x:
            done = subprocess.run(
                [program("fion/fion")], text=True, check=False,
                env=dict(x.env, HOME=str(tmp_path),
                         XDG_RUNTIME_DIR=str(tmp_path)),
                timeout=PATIENCE, stderr=subprocess.PIPE)
        assert done.returncode == 1
        assert "only you may write into" in done.stderr
