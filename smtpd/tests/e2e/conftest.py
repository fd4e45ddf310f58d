# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A private smtpd, run as an ordinary user, and what tests ask of it."""

import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests" / "support"))
from ports import free_port  # noqa: E402

PATIENCE = 60  # seconds, at most, for what must happen

# Root is not who smtpd is tested as: it would look for its own users.
UID = 65534 if os.getuid() == 0 else os.getuid()
GID = 65534 if os.getuid() == 0 else os.getgid()


BUILD = pathlib.Path(os.environ.get("MAISON_BUILD", ROOT / "build"))
SMTPD = BUILD / "smtpd" / "smtpd"


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


def remove(where):
    """A folder in which children of a server may still have the last word."""
    def gone():
        shutil.rmtree(where, ignore_errors=True)
        return not where.exists()
    wait_for(gone, f"{where} is removed")


class Client(smtplib.SMTP):
    """One whose `with' may end in a 421: a session that has to end may hear
    of it as late as at the QUIT that leaving says.  Who is to hear 221 asks
    for it."""

    def __exit__(self, *args):
        try:
            super().__exit__(*args)
        except smtplib.SMTPResponseException as e:
            if e.smtp_code != 421:
                raise


class Smtpd:
    """conf may use {port}, {dir} and {users}: a virtual table for alice and
    bob of example.org, who are both the user that runs the tests."""

    def __init__(self, where):
        self.dir = where
        self.port = free_port()
        self.process = None
        self.stdin = subprocess.DEVNULL
        self.env = dict(os.environ, SMTPD_SPOOL=str(where / "spool"),
                        HOME=str(where))
        for user in ("alice", "bob"):
            (where / user).mkdir()
            (where / user).chmod(0o755)
        self.own()

    def own(self):
        for path in [self.dir, *self.dir.rglob("*")]:
            os.chown(path, UID, GID, follow_symlinks=False)

    def as_user(self):
        if os.getuid() != 0:
            return {}
        return {"user": UID, "group": GID, "extra_groups": []}

    def configure(self, text):
        base = ", ".join(f'{u} = "{UID}:{GID}:{self.dir}/{u}"'
                         for u in ("alice", "bob"))
        head = (f"table base {{ {base} }}\n"
                'table users { "alice@example.org" = alice, '
                '"bob@example.org" = bob }\n'
                f"listen on 127.0.0.1 port {self.port}\n")
        text = text.replace("{dir}", str(self.dir))
        (self.dir / "smtpd.conf").write_text(
            text.replace("{port}", str(self.port))
            if "listen on" in text else head + text)
        (self.dir / "smtpd.conf").chmod(0o644)
        (self.dir / "mailname").write_text("mx.example.org\n")

    def start(self, text=None, *args):
        if text is not None:
            self.configure(text)
        self.own()
        self.log = open(self.dir / "log", "a")
        seen = self.log_text().count("is ready")
        self.process = subprocess.Popen(
            [SMTPD, "-d", "-f", self.dir / "smtpd.conf", *args],
            stdin=self.stdin, stdout=self.log, stderr=self.log,
            env=self.env, cwd=self.dir, **self.as_user())
        wait_for(lambda: self.log_text().count("is ready") > seen
                 or self.process.poll() is not None, "smtpd is ready")
        assert self.process.poll() is None, self.log_text()
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self.process = None
        self.log.close()
        return status

    def log_text(self):
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def children(self, name=None):
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                stat = (path / "stat").read_text()
                title = (path / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == self.process.pid:
                found[int(path.name)] = title.decode().removeprefix("smtpd: ")
        return [p for p, n in found.items() if name in (None, n)]

    def smtp(self):
        return Client("127.0.0.1", self.port, timeout=PATIENCE)

    def send(self, to, text="Subject: x\r\n\r\nbody\r\n", sender="s@test.org"):
        with self.smtp() as client:
            client.sendmail(sender, to, text)

    def raw(self):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        s.settimeout(PATIENCE)
        return s

    def mails(self, user, folder="Maildir"):
        box = self.dir / user / folder / "new"
        return sorted(box.iterdir()) if box.exists() else []

    def wait_mails(self, user, n, folder="Maildir"):
        wait_for(lambda: len(self.mails(user, folder)) >= n,
                 f"{n} mails for {user}; log:\n{self.log_text()}")
        mails = self.mails(user, folder)
        assert len(mails) == n
        return [m.read_text(errors="replace") for m in mails]

    def ctl(self, *args, name="smtpctl", stdin=None, ok=True):
        link = self.dir / name
        if not link.exists():
            link.symlink_to(SMTPD)
        done = subprocess.run([link, *args], env=self.env, input=stdin,
                              capture_output=True, text=True, timeout=120,
                              cwd=self.dir, **self.as_user())
        assert not ok or done.returncode == 0, done
        return done

    def wait_queue_empty(self):
        wait_for(lambda: self.ctl("show", "queue").stdout == "",
                 "the queue is empty")


MAILDIR = ('action here maildir virtual <users> userbase <base>\n'
           'match from any for domain "example.org" action here\n')


@pytest.fixture
def smtpd():
    where = pathlib.Path(tempfile.mkdtemp(prefix="smtpd-test."))
    where.chmod(0o755)
    daemon = Smtpd(where)
    yield daemon
    if daemon.process is not None:
        daemon.stop()
    remove(where)


@pytest.fixture
def maildir(smtpd):
    return smtpd.start(MAILDIR)
