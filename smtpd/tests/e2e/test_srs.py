# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""SRS: a sender goes out rewritten, and its notice comes home."""

import re

import pytest
from test_relay import relay, wait_mail  # noqa: F401 (a fixture)


def sender_of(mail):
    return re.match(rb"MAIL FROM:<([^>]*)>", mail).group(1).decode()


@pytest.fixture
def sink(relay):  # noqa: F811
    return relay(options="srs", head='srs key "a secret"\n')


def test_there_and_back(smtpd, sink):
    smtpd.send("x@elsewhere.org", sender="alice+t=1@test.org")
    sender = sender_of(wait_mail(smtpd, sink)[0][0])
    assert re.fullmatch(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=test\.org=alice\+t=1"
                        r"@mx\.example\.org", sender)
    smtpd.send(sender.swapcase(), sender="")
    mail, rcpts, _ = wait_mail(smtpd, sink, 2)[1]
    assert sender_of(mail) == ""
    assert rcpts[0].lower() == b"rcpt to:<alice+t=1@test.org>"


def test_changed_or_with_a_sender_it_is_only_an_address(smtpd, sink):
    smtpd.send("x@elsewhere.org")
    sender = sender_of(wait_mail(smtpd, sink)[0][0])
    changed = sender.replace("test.org", "test.com")
    smtpd.send(changed, sender="")
    assert changed.encode() in wait_mail(smtpd, sink, 2)[1][1][0]
    smtpd.send(sender)
    assert sender.encode() in wait_mail(smtpd, sink, 3)[2][1][0]


def test_no_sender_stays_none(smtpd, sink):
    smtpd.send("x@elsewhere.org", sender="")
    assert sender_of(wait_mail(smtpd, sink)[0][0]) == ""


def test_what_does_not_fit_goes_as_it_is(smtpd, sink):
    sender = "a" * 120 + "@test.org"
    smtpd.send("x@elsewhere.org", sender=sender)
    assert sender_of(wait_mail(smtpd, sink)[0][0]) == sender
    assert "srs does not fit" in smtpd.log_text()
