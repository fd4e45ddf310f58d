# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Sockets handed over as systemd does, what it is told, and the units."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from conftest import MAILDIR, PATIENCE, ROOT, SMTPD, wait_for
from test_containment import status

# As systemd: the sockets from 3 on, and who they are for.
HAND_OVER = """
import os, sys
fds = [int(x) for x in sys.argv[1].split(",")]
for to, fd in enumerate(fds, 3):
    os.dup2(fd, to, inheritable=True)
os.environ["LISTEN_FDS"] = str(len(fds))
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture
def held():
    """A socket that listens, as long as the test runs."""
    # Not of the numbers that it is handed over as.
    keep = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as s:
        yield s
    for fd in keep:
        os.close(fd)


def start(smtpd, text, sockets):
    smtpd.configure(text)
    smtpd.own()
    smtpd.log = open(smtpd.dir / "log", "a")
    seen = smtpd.log_text().count("is ready")
    fds = [s.fileno() for s in sockets]
    smtpd.process = subprocess.Popen(
        [sys.executable, "-c", HAND_OVER, ",".join(map(str, fds)),
         str(SMTPD), "-d", "-f", str(smtpd.dir / "smtpd.conf")],
        stdin=subprocess.DEVNULL, stdout=smtpd.log, stderr=smtpd.log,
        env=smtpd.env, cwd=smtpd.dir, pass_fds=fds, **smtpd.as_user())
    wait_for(lambda: smtpd.log_text().count("is ready") > seen
             or smtpd.process.poll() is not None, "smtpd is ready")
    assert smtpd.process.poll() is None, smtpd.log_text()


def greeting(client):
    client.settimeout(PATIENCE)
    return client.recv(3)


def confined(smtpd):
    return all(status(pid)["Seccomp"] == "2"
               for pid in smtpd.children("dispatcher"))


def test_who_came_before_smtpd_is_served_when_it_is_confined(smtpd, held):
    smtpd.port = held.getsockname()[1]
    early = [socket.create_connection(held.getsockname()) for _ in range(20)]
    start(smtpd, MAILDIR, [held])
    for client in early:
        assert greeting(client) == b"220"
        assert confined(smtpd)
        client.close()
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)
    assert smtpd.stop() == 0
    # Nobody is refused in between: the socket is still there.
    with socket.create_connection(held.getsockname()) as between:
        start(smtpd, MAILDIR, [held])
        assert greeting(between) == b"220"


def test_a_dispatcher_started_again_is_confined_before_it_accepts(smtpd):
    smtpd.start(MAILDIR)
    for _ in range(3):
        for pid in smtpd.children("dispatcher"):
            os.kill(pid, signal.SIGKILL)
        with smtpd.raw() as client:
            assert greeting(client) == b"220"
            wait_for(lambda: smtpd.children("dispatcher"), "a dispatcher")
            client.sendall(b"NOOP\r\n")
            client.recv(100)
    # Those that have not spoken yet may still be on their way.
    wait_for(lambda: confined(smtpd), "all are confined")


def test_a_socket_that_no_line_names_is_closed_and_named(smtpd, held):
    start(smtpd, MAILDIR, [held])
    name = "[127.0.0.1]:%d" % held.getsockname()[1]
    assert f"the socket for {name} that was handed over is of no use" \
        in smtpd.log_text()
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)


def test_what_systemd_is_told(smtpd):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(smtpd.dir / "notify"))
    notify.settimeout(PATIENCE)
    os.chmod(smtpd.dir / "notify", 0o777)
    smtpd.env["NOTIFY_SOCKET"] = str(smtpd.dir / "notify")
    smtpd.start(MAILDIR)
    assert notify.recv(100) == b"READY=1"
    smtpd.process.send_signal(signal.SIGHUP)
    word, when = notify.recv(100).decode().split("\n")
    assert word == "RELOADING=1"
    assert int(when.removeprefix("MONOTONIC_USEC=")) > 0
    assert notify.recv(100) == b"READY=1"
    # What can't be read changes nothing, and is nothing to tell.
    (smtpd.dir / "smtpd.conf").write_text("nonsense\n")
    smtpd.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "is kept as it was" in smtpd.log_text(), "a refusal")
    smtpd.stop()
    assert notify.recv(100) == b"STOPPING=1"
    notify.close()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                    reason="no systemd-analyze")
def test_the_units_are_what_systemd_takes(smtpd):
    for name in ("smtpd.service", "smtpd.socket"):
        text = (ROOT / "smtpd" / name).read_text()
        (smtpd.dir / name).write_text(
            text.replace("/usr/local/sbin/smtpd", str(SMTPD)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", smtpd.dir / "smtpd.socket",
         smtpd.dir / "smtpd.service"], capture_output=True, text=True,
        timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
