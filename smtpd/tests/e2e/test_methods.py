# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""expand-only, forward-only and wrappers."""

import smtplib

import pytest
from conftest import GID, UID

HERE = ('table names {{ team = "alice, bob@example.org", '
        'solo = "alice" }}\n'
        'table base {{ alice = "{0}:{1}:{{dir}}/alice", '
        'bob = "{0}:{1}:{{dir}}/bob" }}\n'
        'table users {{ "alice@example.org" = alice, '
        '"bob@example.org" = bob }}\n').format(UID, GID)


def refused(daemon, to):
    with daemon.smtp() as c:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
            c.sendmail("s@test.org", to, "Subject: x\r\n\r\nbody\r\n")
    return e.value.recipients[to][0]


def test_expand_only_delivers_to_nobody_itself(smtpd):
    """An alias may lead to addresses; a user at the end is an error."""
    smtpd.start(
        HERE + "table lists { all = \"alice@example.org, bob@example.org\", "
        "lone = alice }\n"
        "listen on 127.0.0.1 port {port}\n"
        "action lists expand-only alias <lists>\n"
        "action here maildir virtual <users> userbase <base>\n"
        'match from any for domain "lists.example.org" action lists\n'
        'match from any for domain "example.org" action here\n')
    smtpd.send("all@lists.example.org")
    smtpd.wait_mails("alice", 1)
    smtpd.wait_mails("bob", 1)
    assert refused(smtpd, "lone@lists.example.org") == 524
    assert refused(smtpd, "alice@lists.example.org") == 524


def test_forward_only_needs_a_forward(smtpd):
    (smtpd.dir / "alice" / ".forward").write_text("bob@example.org\n")
    (smtpd.dir / "alice" / ".forward").chmod(0o600)
    smtpd.start(
        HERE + "listen on 127.0.0.1 port {port}\n"
        "action onward forward-only userbase <base>\n"
        "action here maildir virtual <users> userbase <base>\n"
        'match from any for domain "on.example.org" action onward\n'
        'match from any for domain "example.org" action here\n')
    smtpd.send("alice@on.example.org")
    smtpd.wait_mails("bob", 1)
    assert smtpd.mails("alice") == []
    assert refused(smtpd, "bob@on.example.org") == 524


def test_a_wrapper_runs_the_command_of_an_mda(smtpd):
    smtpd.start(
        HERE + "listen on 127.0.0.1 port {port}\n"
        'mda wrapper w "(echo wrapped; %{mda}) >{dir}/alice/out"\n'
        'action out mda "sed -n \'$p\' | tr o 0; echo %{user.username} $((6*7))" virtual <users> userbase <base> wrapper w\n'
        'match from any for domain "example.org" action out\n')
    smtpd.send("alice@example.org")
    smtpd.wait_queue_empty()
    out = (smtpd.dir / "alice" / "out").read_text()
    assert out.startswith("wrapped\n") and out.endswith("b0dy\nalice 42\n")
