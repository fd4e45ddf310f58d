# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What the end-to-end tests of all programs share.

A test finds the programs with program(), waits with wait_for() instead of
sleeping in hope, and starts what runs beside it as a Daemon, which ends with
the test whatever happens.  Nothing here uses a fixed port, a fixed display
or the person's own home.

A conftest.py makes this module known with

    sys.path.insert(0, str(ROOT / "tests" / "support"))
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds after which what was waited for won't come


def build_dir():
    """Where the programs under test were built."""
    return pathlib.Path(os.environ.get("MAISON_BUILD") or ROOT / "build")


def program(name):
    """The path of a program under test, such as "plakar/plakar"."""
    path = build_dir() / name
    assert path.is_file(), f"{path} is not built"
    return str(path)


def need(name):
    """The path of a program of the distribution; without it, skip."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def clean_env(home, **more):
    """An environment that leads nowhere into the person's own."""
    return {
        "HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
        "TZ": "UTC", "TMPDIR": str(home),
        # For a build with sanitizers: fontconfig loses a little at the end.
        "LSAN_OPTIONS": "print_suppressions=0:suppressions="
        + str(pathlib.Path(__file__).with_name("lsan.txt")),
        **{name: value for name, value in os.environ.items()
           if name.endswith("SAN_OPTIONS")},
        **more}


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of condition(); fails, saying what, if none."""
    end = time.monotonic() + patience
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {patience} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def listening(port, host="127.0.0.1"):
    """Whether somebody accepts connections there."""
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


class Daemon:
    """A program that runs beside the test; a context manager.

    Its output goes to the file log.  Leaving the context ends it, and all
    that it started, and fails the test if a sanitizer had something to say.
    """

    def __init__(self, command, log, **popen):
        self.command = [str(word) for word in command]
        self.log = pathlib.Path(log)
        self.popen = popen
        self.process = None

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                **self.popen)
        return self

    def __exit__(self, *_):
        self.stop()
        said = self.output()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert word not in said, said

    def output(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def wait_for(self, what, condition, patience=PATIENCE):
        """As wait_for(), but fails at once when the program has ended."""
        def either():
            value = condition()
            if not value and not self.alive():
                pytest.fail(f"{what}: {self.command[0]} ended:\n"
                            + self.output())
            return value
        return wait_for(what, either, patience)

    def stop(self, patience=PATIENCE):
        """SIGTERM, then SIGKILL for the group; its exit status."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.process.wait()


class Xvfb(Daemon):
    """A private X server; .display is its name."""

    def __init__(self, folder, size="1280x800x24", *options):
        self.number = pathlib.Path(folder) / "display"
        self.display = None
        self.reader, self.writer = os.pipe()
        super().__init__(
            [need("Xvfb"), "-displayfd", self.writer, "-screen", "0", size,
             "-nolisten", "tcp", "-noreset", *options],
            pathlib.Path(folder) / "xvfb.log", pass_fds=[self.writer])

    def __enter__(self):
        super().__enter__()
        os.close(self.writer)
        with os.fdopen(self.reader) as pipe:
            number = pipe.readline().strip()
        assert number, self.output()
        self.display = f":{number}"
        return self
