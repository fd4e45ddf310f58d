# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Two programs: a small one that stays, and the one that it keeps."""

import pathlib
import shutil
import signal
import subprocess

import pytest

from wm import app, fion, xserver  # noqa: F401
from maison import PATIENCE, build_dir, clean_env, program, wait_for


def maps(pid):
    return pathlib.Path(f"/proc/{pid}/maps").read_text()


def environment(x, folder):
    (folder / "run").mkdir(mode=0o700)
    return clean_env(
        folder, DISPLAY=x.name, XDG_RUNTIME_DIR=str(folder / "run"),
        **{name: x.env[name] for name in ("ASAN_OPTIONS", "LSAN_OPTIONS")})


def child(pid):
    """The first one, when there is one."""
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return int(found.split()[0]) if found.split() else None


def test_who_waits_maps_nothing_to_draw_with(fion):
    drawn = maps(fion.worker())
    for library in ("libpango", "libcairo", "libfontconfig", "libxcb"):
        assert library in drawn
        assert library not in maps(fion.process.pid)


def test_an_end_asked_for_at_the_start_is_an_end(xserver, tmp_path):
    """However far the manager has come: no signal of ours is its crash."""
    env = environment(xserver, tmp_path)
    for _ in range(5):
        with subprocess.Popen(
                [program("fion/fion")], env=env, text=True,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            wait_for("a manager", lambda p=process: child(p.pid))
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 0, said
        assert "starting it again" not in said


def test_a_manager_without_a_keeper_says_who_starts_it(tmp_path):
    done = subprocess.run(
        [program("fion/fion-manager"), "run", ""], text=True, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
        env=clean_env(tmp_path))
    assert done.returncode == 2
    assert "fion(1)" in done.stderr


def test_without_its_manager_it_says_what_is_missing(tmp_path):
    alone = shutil.copy(program("fion/fion"), tmp_path)
    for args in (), ("--check",), ("--defaults",):
        done = subprocess.run(
            [alone, *args], text=True, check=False, capture_output=True,
            timeout=PATIENCE, env=clean_env(tmp_path))
        assert done.returncode == 1
        assert "/fion-manager: " in done.stderr


def test_installed_anywhere_it_finds_its_manager(xserver, tmp_path):
    if shutil.which("meson") is None:
        pytest.skip("meson is not installed")
    done = subprocess.run(
        ["meson", "install", "-C", build_dir(), "--no-rebuild", "--quiet",
         "--destdir", tmp_path / "out"], check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    [installed] = (p for p in tmp_path.rglob("bin/fion"))
    env = environment(xserver, tmp_path)
    with subprocess.Popen([installed], env=env, stderr=subprocess.PIPE,
                          text=True, stdin=subprocess.DEVNULL) as process:
        control = installed.with_name("fionctl")

        def ask(*words):
            return subprocess.run(
                [control, *words], env=env, text=True, check=False,
                capture_output=True, timeout=PATIENCE)
        wait_for("it answers", lambda: process.poll() is not None
                 or ask("get", "version").returncode == 0)
        assert process.poll() is None, process.stderr.read()
        manager = child(process.pid)
        assert str(tmp_path) in pathlib.Path(
            f"/proc/{manager}/exe").resolve().as_posix()
        assert ask("restart").returncode == 0
        wait_for("another one", lambda: child(process.pid)
                 not in (None, manager))
        wait_for("it answers again",
                 lambda: ask("get", "version").returncode == 0)
        process.terminate()
        assert process.wait(PATIENCE) == 0, process.stderr.read()
