# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What hostile code can do inside each process: see tests/support/probe.c."""

import base64
import contextlib
import ctypes
import errno
import os
import re
import shutil
import signal
import socket

import pytest
from certs import Authority
from conftest import BUILD, MAILDIR, PATIENCE, UID, wait_for
from test_auth import conf as auth_conf
from test_auth import secure

ALL = {"read", "write", "exec", "fork", "inet", "unix", "signal", "trace",
       "users", "unshare", "mount", "chroot"}
NEVER = {"trace", "unshare", "mount", "chroot"}

# What each may do: doc/smtpd-processes.md in the words of the probe.
MAY = {
    "control": set(),
    "scheduler": set(),
    "keys": set(),
    "filter": set(),
    "dispatcher": {"inet", "unix"},
    "resolver": {"inet", "unix"},
    "lookup": {"read", "unix"},
    "queue": set(),  # but for its spool
    "auth": {"read", "write", "exec", "fork", "inet", "unix", "users"},
}

REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS)
LANDLOCK_CREATE_RULESET, VERSION = 444, 1
SANITIZED = b"__asan_init" in (BUILD / "smtpd/smtpd").read_bytes()


def landlock():
    return ctypes.CDLL(None).syscall(
        LANDLOCK_CREATE_RULESET, None, 0, VERSION)


@pytest.fixture
def probed(smtpd):
    shutil.copy(BUILD / "smtpd/libprobe.so", smtpd.dir / "libprobe.so")
    (smtpd.dir / "victim").write_text("")
    smtpd.env["LD_PRELOAD"] = str(smtpd.dir / "libprobe.so")
    smtpd.env["PROBE_FILE"] = str(smtpd.dir / "victim")
    smtpd.env["ASAN_OPTIONS"] = os.environ.get(
        "ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return smtpd


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return {k: v.strip() for k, v in (x.split(":", 1) for x in f)}


def probe(smtpd, pid):
    """What worked, of all that was tried in a process."""
    os.kill(pid, signal.SIGUSR2)
    line = wait_for(lambda: re.search(rf"probe {pid} (.*)", smtpd.log_text()),
                    f"the probe of {pid}").group(1)
    results = {k: int(v) for k, v in (x.split("=") for x in line.split())}
    assert set(results) == ALL
    return {k for k, v in results.items()
            if v not in REFUSALS}, results


def check(smtpd, pid, may):
    seen = status(pid)
    assert seen["Seccomp"] == "2" and seen["NoNewPrivs"] == "1"
    can, results = probe(smtpd, pid)
    if SANITIZED:  # the leak check forks, opens and traces
        can -= {"fork", "trace"}
        may = may - {"fork"}
    if landlock() == -1:  # then paths are the user's
        can -= {"read", "write"}
        may = may - {"read", "write"}
    elif landlock() < 6:
        can -= {"signal"}
    if os.getuid() == 0:  # nor would it be allowed without any sandbox
        assert "mount" not in can
    assert can == may, results
    assert not can & NEVER


@pytest.mark.parametrize("name", sorted(MAY))
def test_hostile_code_gets_nowhere(probed, name):
    probed.start(MAILDIR)
    for pid in probed.children(name):
        check(probed, pid, MAY[name])
    # The process was asked, not harmed.
    probed.send("alice@example.org")
    probed.wait_mails("alice", 1)


def test_the_queue_writes_in_its_spool_alone(probed):
    probed.env["PROBE_FILE"] = str(probed.dir / "spool/probe")
    probed.start(MAILDIR)
    can, _ = probe(probed, probed.children("queue")[0])
    assert "write" in can and (probed.dir / "spool/probe").exists()
    assert landlock() == -1 or SANITIZED or "read" not in can


@pytest.mark.parametrize("method,may", [
    ("maildir", {"read", "write"}), ("lmtp", {"read", "inet", "unix"})])
def test_delivery_workers(probed, method, may):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        action = "maildir" if method == "maildir" else \
            f'lmtp "127.0.0.1:{port}"'
        probed.start(f"action here {action} virtual <users> userbase <base>\n"
                     "match from any for any action here\n")
        probed.send("alice@example.org")
        if method == "lmtp":
            server.settimeout(PATIENCE)
            peer, _ = server.accept()
            # It waits for the greeting, and has shut itself in before.
            pid = probed.children("deliver")[0]
            check(probed, pid, may)
            peer.close()
            return
        probed.wait_mails("alice", 1)
        check(probed, probed.children("deliver")[0], may)


def test_a_worker_that_runs_commands_is_its_user_unconfined(probed):
    """A command may be setgid, as procmail is: ADR 0213."""
    probed.start('action here mda "cat > {dir}/out" virtual <users> '
                 'userbase <base>\nmatch from any for any action here\n')
    probed.send("alice@example.org")
    pid = wait_for(lambda: probed.children("deliver"), "a worker")[0]
    wait_for(lambda: (probed.dir / "out").exists(), "the command has run")
    seen = status(pid)
    assert seen["NoNewPrivs"] == "0" and seen["Uid"].split()[0] == str(UID)


def test_commands_and_files_have_workers_apart(smtpd):
    smtpd.start('action pipe mda "cat > {dir}/out" virtual <users> '
                'userbase <base>\n'
                'action box maildir virtual <users> userbase <base>\n'
                'match from any for rcpt-to "bob@example.org" action pipe\n'
                'match from any for any action box\n')
    smtpd.send(["alice@example.org", "bob@example.org"])
    smtpd.wait_mails("alice", 1)
    wait_for(lambda: (smtpd.dir / "out").exists(), "the command has run")
    seccomp = sorted(status(pid)["Seccomp"]
                     for pid in smtpd.children("deliver"))
    assert seccomp == ["0", "2"]


def test_a_child_that_compares_a_hash_is_shut_in_again(smtpd):
    (smtpd.dir / "tls").mkdir(mode=0o755)
    smtpd.ca = Authority(smtpd.dir / "tls")
    smtpd.ca.issue("mx.example.org")
    slow = "$6$rounds=3000000$abcdefgh$" + "x" * 86
    smtpd.start(auth_conf(smtpd, "auth <creds>",
                          f'table creds {{ alice = "{slow}" }}\n'))
    auth = smtpd.children("auth")[0]
    filters = int(status(auth)["Seccomp_filters"])
    with secure(smtpd) as client:
        token = base64.b64encode(b"\0alice\0wrong").decode()
        client.putcmd("AUTH", "PLAIN " + token)
        seen = wait_for(lambda: confined_child(auth, filters), "a child")
        assert seen["NoNewPrivs"] == "1"
        # On a busy machine it may have had all the time that a child has.
        assert client.getreply()[0] in (535, 454)


def confined_child(auth, filters):
    """The status of a child of auth with more filters than it."""
    with open(f"/proc/{auth}/task/{auth}/children") as f:
        for pid in f.read().split():
            with contextlib.suppress(OSError):  # it has ended
                seen = status(pid)
                if int(seen["Seccomp_filters"]) > filters:
                    return seen
    return None
