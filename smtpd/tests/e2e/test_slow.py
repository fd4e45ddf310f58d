# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Clients that are slow, or say nothing, cost others nothing."""

import contextlib
import socket

import pytest
from conftest import MAILDIR, PATIENCE

SESSIONS = 300


def silent(s):
    """Connected, and no more."""


def half_a_command(s):
    s.recv(200)
    s.sendall(b"EHLO x\r\nMAIL FROM:<s@te")


def half_a_message(s):
    f = s.makefile("rb")
    f.readline()
    for line in (b"HELO x", b"MAIL FROM:<>", b"RCPT TO:<bob@example.org>",
                 b"DATA"):
        s.sendall(line + b"\r\n")
        assert f.readline()[:1] in b"23"
    s.sendall(b"Subject: never\r\n\r\nhalf a li")


def half_a_chunk(s):
    f = s.makefile("rb")
    f.readline()
    for line in (b"HELO x", b"MAIL FROM:<>", b"RCPT TO:<bob@example.org>"):
        s.sendall(line + b"\r\n")
        assert f.readline()[:1] in b"23"
    s.sendall(b"BDAT 1000000 LAST\r\nhalf")


def deaf(s):
    """Asks and asks, and reads no answer, until nothing goes any more."""
    s.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(1000):
            s.sendall(b"HELP\r\n" * 1000)
        raise AssertionError("all was taken, and nothing read")


@pytest.mark.parametrize("slow", [silent, half_a_command, half_a_message,
                                  half_a_chunk, deaf])
def test_others_are_served_beside_slow_clients(smtpd, slow):
    smtpd.start(MAILDIR)
    n = 20 if slow is deaf else SESSIONS
    with contextlib.ExitStack() as held:
        for _ in range(n):
            s = held.enter_context(socket.create_connection(
                ("127.0.0.1", smtpd.port), PATIENCE))
            slow(s)
        for i in range(5):
            smtpd.send("alice@example.org", f"Subject: {i}\r\n\r\nbody\r\n")
        smtpd.wait_mails("alice", 5)
        smtpd.wait_queue_empty()
    # Nothing of what was never finished is delivered.
    assert not smtpd.mails("bob")


def test_half_a_message_is_forgotten_when_its_client_goes(smtpd):
    smtpd.start(MAILDIR)
    for slow in (half_a_message, half_a_chunk):
        with socket.create_connection(("127.0.0.1", smtpd.port), PATIENCE) as s:
            slow(s)
    smtpd.send("bob@example.org", "Subject: whole\r\n\r\nbody\r\n")
    assert "Subject: whole" in smtpd.wait_mails("bob", 1)[0]
    smtpd.wait_queue_empty()
