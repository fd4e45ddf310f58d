# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Among the servers that there are: dovecot takes what we deliver."""

import pathlib
import shutil
import tempfile

import pytest
from conftest import wait_for
from peers import Dovecot


@pytest.fixture
def peer():
    """Starts one in a folder of its own; all are stopped at the end."""
    started, folders = [], []

    def start(kind, *args):
        where = pathlib.Path(tempfile.mkdtemp(prefix="smtpd-peer."))
        where.chmod(0o755)
        folders.append(where)
        started.append(kind(where, *args))
        return started[-1]

    yield start
    for server in reversed(started):
        server.stop()
    for where in folders:
        shutil.rmtree(where)


LMTP = ('action in lmtp "{target}" virtual <users> userbase <base>\n'
        'match from any for domain "example.org" action in\n')


@pytest.mark.parametrize("by", ["socket", "port"])
def test_dovecot_takes_what_lmtp_delivers(smtpd, peer, by):
    dovecot = peer(Dovecot)
    target = dovecot.lmtp if by == "socket" else f"127.0.0.1:{dovecot.port}"
    smtpd.start(LMTP.replace("{target}", str(target)))
    smtpd.send(["alice@example.org", "bob@example.org"],
               "Subject: for both\r\n\r\n.dots\r\n..too\r\n")
    for user in ("alice", "bob"):
        mail = wait_for(lambda who=user: dovecot.mails(who), f"mail of {user}")
        assert "Subject: for both\n\n.dots\n..too\n" in mail[0]
        assert f"Delivered-To: {user}" in mail[0]
    smtpd.wait_queue_empty()
