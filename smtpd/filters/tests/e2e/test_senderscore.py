# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-senderscore, asking a real name server with a zone of ours."""

import socket
import subprocess
import time

import pytest

from filterserver import FILTERS

ZONE = """$ORIGIN score.senderscore.com.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
5.113.0.203 A 127.0.4.5
60.113.0.203 A 127.0.4.60
99.113.0.203 A 127.0.4.99
200.113.0.203 A 127.0.4.101
201.113.0.203 A 192.0.2.1
202.113.0.203 A 127.0.4.1
202.113.0.203 A 127.0.4.2
"""
BLOCKED = "disconnect|550 your IP reputation is too low for this MX"


@pytest.fixture
def server(name_server):
    return name_server("score.senderscore.com", ZONE)


def connect(f, source, session=1):
    f.report("link-connect", session, "h", "pass", source, "192.0.2.9:25")


def ask(f, phase, session=1, param="x"):
    f.request(phase, session, "00ff", param)
    return f.answer().split("|", 3)[3]


def message(f, lines, session=1):
    """Send a message through; the lines that come out."""
    for line in [*lines, "."]:
        f.request("data-line", session, "00aa", line)
    out = []
    while not out or out[-1] != ".":
        head, line = f.answer().split("|00aa|")
        assert head == f"filter-dataline|{session:016x}"
        out.append(line)
    return out


def test_blocks_below_the_line_and_only_there(start, server):
    f = start("senderscore", "-blockBelow", "60", "-resolver", server)
    for session, (last, want) in enumerate(
            [(5, BLOCKED), (60, "proceed"), (99, "proceed")], 1):
        connect(f, f"203.0.113.{last}:999", session)
        assert ask(f, "connect", session) == want
    assert f.end() == (b"", "", 0)


def test_who_has_no_score_is_left_in_peace(start, server):
    f = start("senderscore", "--blockBelow=101", "-resolver", server,
              "-scoreHeader", "-junkBelow", 101, "-slowFactor", "240000")
    sources = [f"203.0.113.{n}:9" for n in (1, 200, 201, 202)]
    sources += ["198.51.100.1:9", "[2001:db8::5]:9", "127.0.0.1:9",
                "10.0.0.5:9", "unix:/run/smtpd.sock"]
    for session, source in enumerate(sources, 1):
        connect(f, source, session)
        for phase in ["connect", "mail-from"]:
            assert ask(f, phase, session) == "proceed", source
        assert message(f, ["a: b"], session) == ["a: b", "."]


def test_blocks_at_the_phase_that_it_is_told(start, server):
    phases = ["helo", "ehlo", "starttls", "auth", "mail-from", "rcpt-to",
              "quit"]
    for phase in phases:
        f = start("senderscore", "-blockBelow", "10", "-blockPhase", phase,
                  "-resolver", server)
        assert f"register|filter|smtp-in|{phase}" in f.registered
        connect(f, "203.0.113.5:1")
        assert ask(f, "connect") == "proceed"
        assert ask(f, phase) == BLOCKED
        assert f.end()[2] == 0


def test_junks_mail_but_not_of_users(start, server):
    f = start("senderscore", "-junkBelow", "50", "-resolver", server)
    connect(f, "203.0.113.5:1", 1)
    assert ask(f, "connect", 1) == "proceed"
    assert ask(f, "mail-from", 1) == "junk"
    f.report("link-auth", 1, "pass", "me")
    assert ask(f, "mail-from", 1) == "proceed"
    connect(f, "203.0.113.60:1", 2)
    assert ask(f, "connect", 2) == "proceed"
    assert ask(f, "mail-from", 2) == "proceed"


def test_each_message_has_the_header_and_none_that_is_forged(start, server):
    f = start("senderscore", "-scoreHeader", "-resolver", server)
    connect(f, "203.0.113.60:1")
    assert ask(f, "connect") == "proceed"
    for _ in range(2):
        assert message(f, [
            "x-senderscore: 100", " 100", "From: a", " b",
            "X-SenderScore: 100", "", "X-SenderScore: 1", " ..",
        ]) == ["X-SenderScore: 60", "From: a", " b", "", "X-SenderScore: 1",
               " ..", "."]


def test_the_allowlist_counts_as_a_hundred(start, server, tmp_path):
    allow = tmp_path / "allow"
    allow.write_text("# ours\n203.0.113.0/28\n2001:db8::/32\n")
    f = start("senderscore", "-blockBelow", "60", "-allowlist", allow,
              "-scoreHeader", "-resolver", server)
    for session, source in enumerate(["203.0.113.5:1", "[2001:db8::1]:1"], 1):
        connect(f, source, session)
        assert ask(f, "connect", session) == "proceed"
        assert message(f, ["", "a"], session)[0] == "X-SenderScore: 100"


def test_the_worse_the_score_the_longer_the_wait(start, server):
    f = start("senderscore", "-slowFactor", "2000", "-resolver", server)
    connect(f, "203.0.113.5:1", 5)
    connect(f, "203.0.113.99:1", 99)
    began = time.monotonic()
    f.request("connect", 5, "01", "h|203.0.113.5")
    f.request("connect", 99, "02", "h|203.0.113.99")
    heard = [f.answer() for _ in range(2)]
    assert time.monotonic() - began >= 1.9
    assert heard == ["filter-result|0000000000000063|02|proceed",
                     "filter-result|0000000000000005|01|proceed"]


def test_sessions_leave_while_they_wait(start, server):
    f = start("senderscore", "-slowFactor", "240000", "-resolver", server)
    for n in range(100):
        connect(f, "203.0.113.5:1", n)
        f.request("connect", n, "01", "h|203.0.113.5")
        f.report("link-disconnect", n)
    f.request("helo", 1000, "02", "h")
    assert f.answer() == "filter-result|00000000000003e8|02|proceed"
    assert f.end() == (b"", "", 0)


def test_a_silent_name_server_holds_nobody_for_long(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        f = start("senderscore", "-blockBelow", "101", "-resolver",
                  "127.0.0.1@%d" % silent.getsockname()[1])
        connect(f, "203.0.113.5:1")
        assert ask(f, "connect") == "proceed"


def test_the_test_mode_asks_nobody(start):
    f = start("senderscore", "-testMode", "-blockBelow", "10",
              "-resolver", "127.0.0.1@1")
    connect(f, "127.0.0.9:1", 1)
    assert ask(f, "connect", 1) == BLOCKED
    connect(f, "127.0.0.10:1", 2)
    assert ask(f, "connect", 2) == "proceed"


def test_says_what_is_wrong_before_it_starts(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("example.org\n")
    for args, status, said in [
            (["-blockBelow", "102"], 2, "no number up to 101"),
            (["-blockBelow"], 2, "needs a value"),
            (["-blockPhase", "data"], 2, "no phase to block at"),
            (["-slowFactor", "1h"], 2, "no number"),
            (["-unheard"], 2, "unknown option"),
            (["operand"], 2, "not an option"),
            (["-allowlist", bad], 1, "line 1: not an address"),
            (["-allowlist", tmp_path / "none"], 1, "No such file")]:
        run = subprocess.run(
            [FILTERS / "filter-senderscore", *args], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert run.returncode == status
        assert said in run.stderr, run.stderr
