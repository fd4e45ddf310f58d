# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""BDAT (RFC 3030): a chunk is as long as it says, and nothing in it is a
command or an end; so no second message can be smuggled in one."""

import pytest
from conftest import wait_for
from sink import Sink
from test_relay import FULL, relay, wait_mail  # noqa: F401
from test_smtp import Raw, reply

SMUGGLED = (b"MAIL FROM:<evil@test.org>\r\nRCPT TO:<bob@example.org>\r\n"
            b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n")
ENDS = [b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n",
        b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\r\n.\r\r\n"]


def begin(daemon, rcpt=b"alice@example.org"):
    raw = Raw(daemon)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    raw.say(b"RCPT TO:<" + rcpt + b">\r\n")
    return raw


def chunk(data, last=True):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_nothing_in_a_chunk_ends_it(maildir, end):
    """It is one message, or, when a line end in it is none, no message."""
    raw = begin(maildir)
    got = raw.say(chunk(b"Subject: one\r\n\r\nx" + end + SMUGGLED))[:3]
    assert got == ("250" if end == b"\r\n.\r\n" else "550")
    assert raw.say(b"NOOP\r\n")[:3] == "250"
    assert raw.say(b"QUIT\r\n")[:3] == "221"
    maildir.wait_queue_empty()
    assert maildir.mails("bob") == []
    if got == "250":
        text = maildir.wait_mails("alice", 1)[0]
        assert "\nx\n.\nMAIL FROM:<evil@test.org>\n" in text
    else:
        assert maildir.mails("alice") == []


@pytest.mark.parametrize("end", ENDS[1:], ids=repr)
def test_a_bad_line_end_is_one_wherever_chunks_part(maildir, end):
    raw = begin(maildir)
    for i in range(1, len(end)):
        raw.say(chunk(b"Subject: one\r\n\r\nx" + end[:i], False))
        assert raw.say(chunk(end[i:] + b"y\r\n"))[:3] == "550"
        raw.say(b"MAIL FROM:<s@test.org>\r\n")
        raw.say(b"RCPT TO:<alice@example.org>\r\n")
    raw.say(b"QUIT\r\n")
    maildir.wait_queue_empty()
    assert maildir.mails("alice") == []


def test_a_line_end_may_lie_in_two_chunks(maildir):
    text = b"Subject: one\r\n\r\n.\r\n..\r\nx\r\n"
    raw = begin(maildir)
    for i in range(len(text)):
        assert raw.say(chunk(text[i:i + 1], False))[:3] == "250"
    assert raw.say(b"BDAT 0 LAST\r\n")[:3] == "250"
    assert maildir.wait_mails("alice", 1)[0].endswith("\n\n.\n..\nx\n")


def test_what_comes_in_one_go_or_byte_by_byte_is_the_same(maildir):
    session = (b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n"
               b"RCPT TO:<alice@example.org>\r\n"
               + chunk(b"Subject: one\r\n", False) + b"NOOP\r\n"
               + chunk(b"\r\n.\r\nRSET\r\n") + b"QUIT\r\n")
    for step in (1, len(session)):
        raw = Raw(maildir)
        for i in range(0, len(session), step):
            raw.s.sendall(session[i:i + step])
        codes = [reply(raw.f)[-1][:3] for _ in range(7)]
        assert codes == ["250"] * 6 + ["221"]
    for text in maildir.wait_mails("alice", 2):
        assert text.endswith("\n\n.\nRSET\n")


@pytest.mark.parametrize("argument", [
    b"", b" ", b" -1", b" +1", b" 0x5", b" 5 LASTX", b" 5 LAST LAST", b" five",
    b" 99999999999999999999", b" 5,LAST", b" 5.0"])
def test_a_length_that_is_none_ends_the_session(maildir, argument):
    """Where the next command begins can't be known."""
    raw = begin(maildir)
    raw.s.sendall(b"BDAT" + argument + b"\r\n" + SMUGGLED)
    lines = raw.f.read().decode().splitlines()
    assert lines[0][:2] == "50" and len(lines) <= 2
    maildir.wait_queue_empty()
    assert maildir.mails("alice") == maildir.mails("bob") == []


def test_a_chunk_that_is_refused_is_still_passed_over(maildir):
    raw = Raw(maildir)
    raw.say(b"EHLO x\r\n")
    assert raw.say(chunk(SMUGGLED))[:3] == "503"
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(chunk(SMUGGLED, False))[:3] == "503"
    assert raw.say(b"RCPT TO:<nobody@example.org>\r\n")[:3] == "550"
    assert raw.say(chunk(SMUGGLED))[:3] == "503"
    assert raw.say(b"NOOP\r\n")[:3] == "250"
    raw.say(b"QUIT\r\n")
    maildir.wait_queue_empty()
    assert maildir.mails("bob") == []


def test_between_chunks_only_chunks_go_on(maildir):
    raw = begin(maildir)
    raw.say(chunk(b"Subject: one\r\n\r\nx\r\n", False))
    for line, code in ((b"DATA", "503"), (b"MAIL FROM:<a@b.org>", "503"),
                       (b"RCPT TO:<bob@example.org>", "503"),
                       (b"NOOP", "250")):
        assert raw.say(line + b"\r\n")[:3] == code, line
    assert raw.say(chunk(b"y\r\n"))[:3] == "250"
    assert maildir.wait_mails("alice", 1)[0].endswith("\n\nx\ny\n")
    assert maildir.mails("bob") == []


@pytest.mark.parametrize("last", [b"RSET\r\n", b"EHLO again\r\n", None])
def test_a_message_that_has_no_last_chunk_is_none(maildir, last):
    raw = begin(maildir)
    raw.say(chunk(b"Subject: one\r\n\r\nx\r\n", False))
    if last is None:
        raw.f.close()
        raw.s.close()
    else:
        raw.say(last)
        assert raw.say(b"BDAT 0 LAST\r\n")[:3] == "503"
        raw.say(b"QUIT\r\n")
    wait_for(lambda: "disconnected" in maildir.log_text(), "the end")
    maildir.wait_queue_empty()
    assert maildir.mails("alice") == []


def test_a_chunk_goes_on_with_its_dots_doubled(smtpd, relay):  # noqa: F811
    sink = relay(features=FULL)
    assert isinstance(sink, Sink)
    raw = begin(smtpd, b"x@elsewhere.org")
    raw.say(chunk(b"Subject: one\r\n\r\nx\r\n.\r\n" + SMUGGLED))
    data = wait_mail(smtpd, sink)[0][2]
    assert b"\r\nx\r\n..\r\nMAIL FROM:<evil@test.org>\r\n" in data
    assert data.count(b"\r\n.\r\n") == 1
    assert len(sink.mails) == 1


def test_chunks_too_large_in_all_are_refused(smtpd):
    smtpd.start("smtp max-message-size 1000\n"
                "action here maildir\nmatch from any for any action here\n"
                f"listen on 127.0.0.1 port {smtpd.port}\n")
    raw = begin(smtpd, b"nobody@example.org")
    for _ in range(5):
        assert raw.say(chunk(b"x: " + b"y" * 500 + b"\r\n", False))[:3] in (
            "250", "552")
    assert raw.say(b"BDAT 0 LAST\r\n")[:3] in ("552", "503")
