# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A server's side of the filter protocol, over pipes."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[4]
BUILD = pathlib.Path(os.environ.get("MAISON_BUILD", ROOT / "build"))
FILTERS = BUILD / "smtpd" / "filters"
# The sandbox keeps the leak sanitizer from the files of /proc that it reads.
ENV = {**os.environ, "ASAN_OPTIONS": ":".join(
    filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))}
PATIENCE = 60  # seconds, at most, for a filter to come to its end


class Filter:
    """A filter under test, and what its server says and hears."""

    def __init__(self, name, *args):
        self.proc = subprocess.Popen(
            [FILTERS / f"filter-{name}", *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENV,
        )
        self.registered = []
        for line in self.proc.stdout:
            self.registered.append(line.decode().rstrip("\n"))
            if self.registered[-1] == "register|ready":
                break

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.proc.stdin.write(data)
        self.proc.stdin.flush()

    def report(self, event, session, *fields, version="0.7", at=1700000000):
        self.send(
            "|".join(
                ["report", version, f"{at}.000001", "smtp-in", event,
                 f"{session:016x}", *fields]
            ) + "\n"
        )

    def request(self, phase, session, token, param, version="0.7"):
        self.send(
            f"filter|{version}|1700000000.000001|smtp-in|{phase}|"
            f"{session:016x}|{token}|{param}\n"
        )

    def answer(self):
        return self.proc.stdout.readline().decode().rstrip("\n")

    def end(self):
        """Hang up; what was still said, what was logged, the exit code."""
        out, errors = self.proc.communicate(timeout=PATIENCE)
        return out, errors.decode(), self.proc.returncode
