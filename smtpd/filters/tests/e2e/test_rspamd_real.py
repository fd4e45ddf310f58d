# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-rspamd, with the distribution's rspamd, without the network."""

import shutil

import pytest

from mailtalk import begin, judge
from realrspamd import Rspamd

GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X")


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory):
    if shutil.which("rspamd") is None:
        pytest.skip("rspamd is not installed")
    running = Rspamd(tmp_path_factory.mktemp("r"))
    yield running
    running.stop()


@pytest.fixture
def f(start, rspamd, tmp_path):
    return start("rspamd", "-url", rspamd.socket, "-spool", tmp_path)


def mail(*headers, body="hello"):
    return ["From: <a@example.org>", "To: <b@example.net>",
            "Message-Id: <1@example.org>", "Subject: a test",
            "Date: Sat, 21 Nov 2026 10:00:00 +0000", *headers, "", body]


def test_rspamd_hears_all_and_edits_the_header(f):
    begin(f, sender="x@example.com")
    lines = mail("X-Drop: me", " and me", "X-Keep: me")
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    assert out == [
        "X-Seen: 192.0.2.7 mx.example.org helo.example.org nil 0a0b0c0d "
        "x@example.com b@example.net,c@example.net",
        *mail("X-Keep: me"), "."]
    assert f.end() == (b"", "", 0)


def test_rspamd_rejects_its_test_message(f):
    begin(f)
    lines = mail(body=GTUBE)
    assert judge(f, lines) == (
        [*lines, "."], "reject|550 5.7.1 Gtube pattern")


def test_rspamd_asks_to_come_back(f):
    begin(f)
    lines = mail("X-Want: soft")
    assert judge(f, lines) == ([*lines, "."], "reject|451 4.7.1 come back")


def test_rspamd_marks_spam(f):
    begin(f)
    out, verdict = judge(f, mail("X-Want: WANT_SPAM"))
    assert verdict == "proceed"
    assert out[:4] == [
        "X-Spam: yes", "X-Spam-Score: 7 / 15",
        "X-Spam-Status: Yes, score=7.000 required=15.000",
        "\ttests=[R_DKIM_NA=0.000, TEST=0.000, WANT_SPAM=7.000]"]


def test_rspamd_rewrites_the_subject(f):
    begin(f)
    out, verdict = judge(f, mail("X-Want: WANT_SUBJECT"))
    assert verdict == "proceed"
    subjects = [line for line in out if line.lower().startswith("subject")]
    assert subjects == ["Subject: ***SPAM*** a test"]


def test_a_greylisted_message_that_came_back_passes(f):
    begin(f, sender="x@example.com")
    lines = mail("X-Want: WANT_GREY")
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    assert out[1:] == [*lines, "."]


def test_rspamd_signs_for_our_own(f):
    f.report("link-auth", 1, "pass", "a")
    begin(f)
    lines = mail()
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    at = out.index(lines[0])
    assert out[at:] == [*lines, "."]
    signature = [line for line in out[:at] if not line.startswith("X-Seen")]
    assert signature[0].startswith("DKIM-Signature: v=1; a=rsa-sha256;")
    assert len(signature) > 4
    assert all(line[0] in " \t" for line in signature[1:])
    assert all(len(line) <= 78 for line in signature)
