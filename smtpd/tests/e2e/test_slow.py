# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Clients that are slow, or say nothing, cost others nothing."""

import contextlib
import socket
import ssl
import time

import pytest
from certs import Authority
from conftest import MAILDIR, PATIENCE, wait_for

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


LINES = (b"HELO x", b"MAIL FROM:<>", b"RCPT TO:<bob@example.org>")


def say(s, *lines):
    """In one go: a second, on a busy machine, is soon over."""
    f = s.makefile("rb")
    s.sendall(b"".join(line + b"\r\n" for line in lines))
    for _ in ("banner", *lines):
        assert f.readline()[:1] in b"23"


def client_hello():
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out,
                         server_hostname="x.org").do_handshake()
    return out.read()


# What is said at once, what comes byte by byte, and how that ends.
DRIPS = {
    "a command": (lambda s: say(s), b"NOOP " + b"x" * 500, b"421 4.4.2", ""),
    "a message": (lambda s: say(s, *LINES, b"DATA"), b"x" * 500,
                  b"421 4.4.2", ""),
    "a chunk": (lambda s: say(s, *LINES), b"BDAT 99999\r\n" + b"x" * 500,
                b"421 4.4.2", ""),
    "a handshake": (lambda s: say(s, b"STARTTLS"), client_hello(), b"",
                    "tls pki mx.example.org"),
    "a handshake at once": (lambda s: None, client_hello(), b"",
                            "smtps pki mx.example.org"),
    "a proxy's header": (lambda s: None, b"PROXY TCP4 " + b"1" * 60, b"",
                         "proxy-v2"),
}


def drip(s, text):
    """Until the other side has had enough; what it said."""
    end = time.monotonic() + PATIENCE
    said = b""
    s.settimeout(0.1)
    try:
        for i in range(len(text)):
            assert time.monotonic() < end, "it is held as long as it drips"
            s.sendall(text[i:i + 1])
            with contextlib.suppress(TimeoutError):
                got = s.recv(1000)
                said += got
                if got == b"":
                    return said
    except (ConnectionResetError, BrokenPipeError):
        with contextlib.suppress(OSError):  # what came before its end
            said += s.recv(1000)
        return said
    raise AssertionError(f"all was taken; {said}")


@pytest.mark.parametrize("what", DRIPS)
def test_a_byte_now_and_then_wins_no_time(smtpd, what):
    begin, text, last, options = DRIPS[what]
    smtpd.env["SMTPD_SESSION_TIME"] = "3"  # also for what is said at once
    (smtpd.dir / "tls").mkdir(mode=0o755)
    Authority(smtpd.dir / "tls").issue("mx.example.org")
    crt = smtpd.dir / "tls" / "mx.example.org"
    smtpd.configure(MAILDIR)
    path = smtpd.dir / "smtpd.conf"
    path.write_text(f'pki mx.example.org cert "{crt}.crt" key "{crt}.key"\n' +
                    path.read_text().replace(
                        f"port {smtpd.port}", f"port {smtpd.port} {options}"))
    smtpd.start()
    with smtpd.raw() as s:
        begin(s)
        assert drip(s, text).startswith(last)
    reason = {"smtps": "tls-timeout", "tls": "tls-timeout",
              "proxy-v2": "no-proxy-header"}.get(
                  options.split(" ")[0], "timeout")
    wait_for(lambda: f"disconnected reason={reason}" in smtpd.log_text(),
             "the end in the log")


def test_a_message_may_take_longer_than_a_command(smtpd):
    """As long as it comes."""
    limit = 4
    smtpd.env["SMTPD_SESSION_TIME"] = str(limit)
    smtpd.start(MAILDIR)
    longest = 0
    with smtpd.raw() as s:
        start = before = time.monotonic()
        say(s, *LINES[:2], b"RCPT TO:<alice@example.org>", b"DATA")
        s.sendall(b"Subject: long\r\n\r\n")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while before < start + limit + 1:
                s.sendall(b"x" * 498 + b"\r\n")
                time.sleep(0.02)
                longest = max(longest, time.monotonic() - before)
                before = time.monotonic()
            s.sendall(b".\r\n")
        # On a machine that stood still it has been slow, after all.
        assert longest > limit / 2 or s.recv(100).startswith(b"250 ")
