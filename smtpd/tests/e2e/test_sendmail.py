# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""sendmail -t: what a header may say of its recipients."""

import os

import pytest
from conftest import MAILDIR


@pytest.fixture
def local(smtpd):
    return smtpd.start(MAILDIR.replace("from any", "from socket"))


def send(daemon, header, *args, ok=True):
    return daemon.ctl("-t", "-f", "s@test.org", *args, name="sendmail", ok=ok,
                      stdin=header + "\nSubject: x\n\nbody\n")


@pytest.mark.parametrize("field", [
    "alice@example.org (Alice, of (all) people), bob@example.org",
    "people: alice@example.org, Bob <bob@example.org>;",
    '"Last, First; \\"x\\": y" <alice@example.org>, bob@example.org',
    "(both) alice@example.org,,\n\tbob@example.org ,",
    "none:;, alice@example.org, bob@example.org, alice@example.org",
])
def test_forms_of_recipients(local, field):
    send(local, "To: " + field)
    local.wait_mails("alice", 1)
    local.wait_mails("bob", 1)


def test_the_command_line_adds_to_the_header(local):
    send(local, "Cc: alice@example.org", "bob@example.org")
    local.wait_mails("alice", 1)
    local.wait_mails("bob", 1)


@pytest.mark.parametrize("field, status", [
    ("To: undisclosed-recipients:;", os.EX_USAGE),
    ("To: alice@example.org, <bob@example.org", os.EX_DATAERR),
    ("To: alice@example.org, two words", os.EX_DATAERR),
    ("X-To: alice@example.org", os.EX_USAGE),
])
def test_what_names_nobody_or_nonsense_sends_nothing(local, field, status):
    assert send(local, field, ok=False).returncode == status
    assert local.mails("alice") == []
    assert local.ctl("show", "queue").stdout == ""
