# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A queue whose messages are compressed, or that nobody can read without its
key."""

import os
import re
import subprocess

import pytest
from conftest import MAILDIR, PATIENCE, SMTPD

KEY = "8a1c0f7e55d94b3f9e6a2d7c41b0e893"
ENCRYPTED = f'queue encryption "{KEY}"\n' + MAILDIR
SECRET = "the crown jewels are in the attic"
LARGE = f"{SECRET}\r\n" * 30_000  # in a file of its own


def fill(daemon):
    daemon.ctl("pause", "mda")
    for name, body in (("small", SECRET), ("large", LARGE)):
        daemon.send("alice@example.org", f"Subject: {name}\r\n\r\n{body}\r\n")


def spool(daemon):
    """All that is on the disk, without what is only allocated."""
    files = [x for x in (daemon.dir / "spool").rglob("*") if x.is_file()]
    return b"".join(x.read_bytes().rstrip(b"\0") for x in files)


def delivered(daemon):
    daemon.ctl("resume", "mda")
    mails = sorted(daemon.wait_mails("alice", 2), key=len)
    assert SECRET in mails[0]
    assert mails[1].count(SECRET) == 30_000
    daemon.wait_queue_empty()


def refused(daemon, text, stdin=""):
    """What smtpd says when it does not start."""
    daemon.configure(text)
    daemon.own()
    done = subprocess.run(
        [SMTPD, "-d", "-f", daemon.dir / "smtpd.conf"], env=daemon.env,
        input=stdin, capture_output=True, text=True, cwd=daemon.dir,
        timeout=PATIENCE, **daemon.as_user())
    assert done.returncode == 1, done
    return done.stderr


def show(daemon):
    text = ""
    for line in daemon.ctl("show", "queue").stdout.splitlines():
        assert "alice@example.org" in daemon.ctl(
            "show", "envelope", line[:16]).stdout
        text += daemon.ctl("show", "message", line[:8]).stdout
    return text


def test_what_is_encrypted_is_not_on_the_disk(smtpd):
    smtpd.start(ENCRYPTED)
    fill(smtpd)
    stored = spool(smtpd)
    for text in (SECRET, "alice", "s@test.org", KEY):
        assert text.encode() not in stored
    assert len(stored) > len(LARGE) - 30_001  # lines end in LF there
    assert show(smtpd).count(SECRET) == 30_001
    smtpd.stop()
    smtpd.start(None, "-P", "mda")
    assert show(smtpd).count(SECRET) == 30_001
    delivered(smtpd)


def test_a_wrong_key_is_refused_and_loses_nothing(smtpd):
    smtpd.start(ENCRYPTED)
    fill(smtpd)
    smtpd.stop()
    said = refused(smtpd, ENCRYPTED.replace(KEY, KEY[::-1]))
    assert "the key is not the one of the 2 messages" in said
    assert "queue encryption is needed" in refused(smtpd, MAILDIR)
    smtpd.start(ENCRYPTED, "-P", "mda")
    delivered(smtpd)
    # With nothing to read, any key will do, or none.
    smtpd.stop()
    smtpd.start(ENCRYPTED.replace(KEY, KEY[::-1]))
    smtpd.stop()
    smtpd.start(MAILDIR)
    assert not (smtpd.dir / "spool" / "key").exists()


def test_a_queue_that_was_plain_is_encrypted_from_now_on(smtpd):
    smtpd.start(MAILDIR)
    fill(smtpd)
    assert SECRET.encode() in spool(smtpd)
    smtpd.stop()
    smtpd.start(ENCRYPTED, "-P", "mda")
    smtpd.send("alice@example.org", "Subject: third\r\n\r\nsubmarine\r\n")
    assert b"submarine" not in spool(smtpd)
    smtpd.ctl("resume", "mda")
    smtpd.wait_mails("alice", 3)


def test_a_key_may_come_on_standard_input(smtpd, tmp_path):
    text = "queue encryption stdin\n" + MAILDIR
    assert "on standard input" in refused(smtpd, text, "short\n")
    (tmp_path / "key").write_text(KEY + "\n")
    with open(tmp_path / "key") as smtpd.stdin:
        smtpd.start(text)
        fill(smtpd)
        smtpd.stop()
    with open(tmp_path / "key") as smtpd.stdin:
        smtpd.start(None, "-P", "mda")
        delivered(smtpd)


def test_a_key_that_is_asked_for_needs_a_terminal(smtpd):
    assert "at the terminal" in refused(smtpd, "queue encryption\n" + MAILDIR)


def test_compression_makes_a_queue_shorter(smtpd):
    smtpd.start("queue compression\n" + MAILDIR)
    fill(smtpd)
    assert len(spool(smtpd)) < len(LARGE) / 10
    assert show(smtpd).count(SECRET) == 30_001
    smtpd.stop()
    smtpd.start(ENCRYPTED + "queue compression\n", "-P", "mda")
    delivered(smtpd)


@pytest.mark.parametrize("line, problem", [
    ('queue encryption "too short"', "1:18: a key of at least 16 characters"),
    ('queue encryption "xxxxxxxxxxxxxxxxx"', "queue encryption: not a key"),
    ("queue speed 3", "expected compression, encryption, reserve or ttl"),
])
def test_n_says_what_is_wrong(smtpd, line, problem):
    smtpd.configure(f"{line}\nmatch from any for any reject\n"
                    "listen on 127.0.0.1 port {port}\n")
    done = subprocess.run([SMTPD, "-n", "-f", smtpd.dir / "smtpd.conf"],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert problem in done.stderr


def knows(pid):
    """Whether the key stands in the memory of a process."""
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            m = re.match(r"(\w+)-(\w+) rw.*(\[heap\]|\[stack\]| 0 *$)", line)
            if m is None:
                continue
            begin, end = int(m[1], 16), int(m[2], 16)
            if end - begin > 1 << 24:  # a sanitizer's own
                continue
            mem.seek(begin)
            if KEY.encode() in mem.read(end - begin):
                return True
    return False


def name_of(pid):
    with open(f"/proc/{pid}/cmdline") as f:
        return f.read().split("\0")[0]


def test_only_the_parent_knows_the_key(smtpd):
    """And a macro may hold it."""
    if os.getuid() != 0:
        pytest.skip("looking into other processes needs root")
    smtpd.start(ENCRYPTED.replace(f'"{KEY}"', "$key"), "-D", f"key={KEY}")
    fill(smtpd)
    assert knows(smtpd.process.pid)
    children = smtpd.children()
    assert len(children) > 5
    for pid in children:
        assert not knows(pid), name_of(pid)
