# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Hosts that lie, hang, flood or go away: their mail waits, all else goes
on."""

import os
import re
import signal

import pytest
from conftest import PATIENCE, wait_for
from sink import Sink
from test_relay import (FULL, KEPT, relay, wait_mail,  # noqa: F401
                        wait_result)

HANG = b""


def at(verb, what):
    """Answer the first command that begins so with what."""
    return lambda n, line: what if line.upper().startswith(verb) else None


@pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
@pytest.mark.parametrize("features", [(), FULL], ids=["plain", "full"])
def test_a_host_that_hangs_costs_its_own_time(smtpd, relay, verb, features):
    relay(at(verb, Sink.CLOSE if verb == b"." else HANG), features=features,
          patience=2)
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail")[0].startswith("451 4.4.")
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)


@pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"DATA"])
def test_a_host_that_answers_byte_by_byte_wins_no_time(smtpd, relay, verb):
    relay(at(verb, Sink.DRIP), patience=1)
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail")[0].startswith("451 4.4.")


@pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"RCPT", b"DATA"])
@pytest.mark.parametrize("features", [(), FULL], ids=["plain", "full"])
def test_a_host_that_goes_away_is_tried_later(smtpd, relay, verb, features):
    relay(at(verb, Sink.CLOSE), features=features)
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail")[0].startswith("451 4.4.2 ")


@pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
@pytest.mark.parametrize("what", [
    b"x" * 1_000_000 + b"\r\n", b"250-" + b"y" * 3000 + b"\r\n",
    b"250-more\r\n" * 10_000, b"250-a\r\n550 b\r\n", b"hello\r\n", b"\r\n",
    b"199 no\r\n", b"999 no\r\n", b"\0\0\0\r\n", b"25\r\n", b"250x\r\n"],
    ids=["megabyte", "long", "flood", "two-codes", "words", "empty", "199",
         "999", "nul", "short", "no-blank"])
def test_what_is_no_reply_ends_the_session(smtpd, relay, verb, what):
    relay(at(verb, what), features=FULL)
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail")[0].startswith("451 4.")
    assert len(smtpd.children("dispatcher")) >= 1
    assert "process" not in smtpd.log_text()


@pytest.mark.parametrize("verb, left", [
    (b"EHLO", 1), (b"MAIL", 1), (b"RCPT", 1), (b"DATA", 1), (b".", 1)])
def test_421_is_for_all_that_is_left(smtpd, relay, verb, left):
    relay(at(verb, b"421 4.3.2 going down\r\n"), features=FULL)
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail", left) == ["421 4.3.2 going down"]


def test_a_reply_forges_nothing(smtpd, relay):
    """CVE-2020-8794: what a host says stays within its field."""
    relay(at(b"RCPT", b"550-\r\n550-5\r\n550-\x1b[31m\xff\r\n"
                      b"550 type: mda\n"), features=FULL)
    smtpd.send("a@x.org", sender="alice@example.org")
    assert wait_result(smtpd, "PermFail") == ["550  5 ?[31m? type: mda"]
    assert "?[31m? type: mda\n" in smtpd.wait_mails("alice", 1)[0]


def test_more_than_asked_for_ends_the_session(smtpd, relay):
    sink = relay(at(b".", b"250 ok\r\n250 and more\r\n"), features=FULL)
    smtpd.send("a@x.org")
    wait_result(smtpd, "Ok")
    wait_for(lambda: "reason=unasked-reply" in smtpd.log_text(), "the end")
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink, 2)


def test_a_kept_session_that_the_host_closed_costs_no_try(smtpd, relay):
    def script(n, line):
        if n == 1 and line == b"." or n > 1:
            return None
        if line[:4] == b"MAIL" and sink.mails:
            return Sink.CLOSE
        return None
    sink = relay(script, features=FULL, head=KEPT)
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink, 1)
    smtpd.send("b@x.org")
    wait_mail(smtpd, sink, 2)
    smtpd.wait_queue_empty()
    assert sink.connections == 2
    assert "TempFail" not in smtpd.log_text()


def test_nobody_there_backs_off_and_shows_it(smtpd, relay):
    sink = relay()
    sink.stop()
    smtpd.send("a@x.org")
    assert re.match(r"451 4\.4\.1 Connection to 127\.0\.0\.1 \[127\.0\.0\.1\]"
                    r":\d+ failed: Connection refused",
                    wait_result(smtpd, "TempFail")[0])
    smtpd.send("b@x.org")
    wait_result(smtpd, "TempFail", 2)
    assert smtpd.log_text().count("mta connecting") == 1
    route = smtpd.ctl("show", "routes").stdout
    number, rest = route.split(". ", 1)
    assert f"* <-> 127.0.0.1:{sink.port} (127.0.0.1) D nconn=0 nerror=1" in rest
    assert "Connection refused" in smtpd.ctl("show", "hoststats").stdout
    again = Sink(port=sink.port)
    smtpd.ctl("resume", "route", number)
    assert " - nconn=0 nerror=0" in smtpd.ctl("show", "routes").stdout
    smtpd.ctl("schedule", "all")
    wait_mail(smtpd, again, 2)
    smtpd.wait_queue_empty()
    again.stop()


def test_scheduled_mail_goes_to_a_host_that_was_left_alone(smtpd, relay):
    """An operator who says now means now."""
    sink = relay()
    sink.stop()
    for i in range(5):
        smtpd.send(f"{i}@x.org")
        wait_result(smtpd, "TempFail", i + 1)
    smtpd.ctl("schedule", smtpd.ctl("show", "queue").stdout.split("|")[0])
    wait_result(smtpd, "TempFail", 6)
    assert smtpd.log_text().count("mta connecting") >= 2
    again = Sink(port=sink.port)
    smtpd.ctl("schedule", "all")
    wait_mail(smtpd, again, 5)
    smtpd.wait_queue_empty()
    assert " - nconn=" in smtpd.ctl("show", "routes").stdout
    again.stop()


def test_pausing_mta_holds_what_comes(smtpd, relay):
    sink = relay(features=FULL)
    smtpd.ctl("pause", "mta")
    smtpd.send("a@x.org")
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)
    assert sink.connections == 0
    smtpd.ctl("resume", "mta")
    wait_mail(smtpd, sink)


def test_a_dispatcher_that_dies_loses_nothing(smtpd, relay):
    killed = []

    def script(n, line):
        if line == b"." and len(sink.mails) >= 5 and not killed:
            killed.append(True)
            for pid in smtpd.children("dispatcher"):
                os.kill(pid, signal.SIGKILL)
        return None
    sink = relay(script, features=FULL)
    smtpd.ctl("pause", "mta")
    for i in range(20):
        smtpd.send(f"a{i}@x.org")
    smtpd.ctl("resume", "mta")
    wait_for(lambda: killed, "the end of the dispatchers")
    wait_for(lambda: "relaying process died" in smtpd.log_text(), "the loss")
    got = lambda: {r[0] for _, r, _ in sink.mails}  # noqa: E731
    wait_for(lambda: smtpd.children("dispatcher"), "a new dispatcher")

    def all_there():
        smtpd.ctl("schedule", "all")
        return len(got()) == 20
    wait_for(all_there, "all twenty")


def test_stopping_lets_what_is_being_sent_end(smtpd, relay):
    stopped = []

    def script(n, line):
        if line == b".":
            wait_for(lambda: stopped, "leave to answer")
        return None
    sink = relay(script, features=FULL)
    smtpd.send("a@x.org")
    wait_for(lambda: b"DATA" in sink.lines, "the message on its way")
    smtpd.process.send_signal(signal.SIGTERM)
    stopped.append(True)
    assert smtpd.process.wait(PATIENCE) == 0
    smtpd.process = None
    assert len(sink.mails) == 1
    smtpd.start()
    assert smtpd.ctl("show", "queue").stdout == ""
