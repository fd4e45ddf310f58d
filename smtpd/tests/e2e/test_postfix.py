# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The real Postfix on the other side, of both."""

import pathlib
import tempfile

import pytest
from certs import Authority
from conftest import MAILDIR, PATIENCE, Client, remove, wait_for
from postfix import Postfix

BOX = """virtual_mailbox_domains = box.test
virtual_mailbox_base = {dir}/box
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
"""


def start(settings):
    """Its processes have users of their own: no folder of pytest's."""
    where = pathlib.Path(tempfile.mkdtemp(prefix="postfix-test."))
    where.chmod(0o755)
    postfix = Postfix(where, settings)
    (postfix.dir / "box").chmod(0o777)
    return postfix


@pytest.fixture
def postfix():
    started = []

    def go(settings):
        started.append(start(settings))
        return started[-1]
    yield go
    for p in started:
        p.stop()
        remove(p.dir.parent)


def relay_to(smtpd, port, scheme="smtp", options="", head=""):
    smtpd.configure(
        f'action out relay host "{scheme}://127.0.0.1:{port}" {options}\n'
        'action here maildir virtual <users> userbase <base>\n'
        'match from any for domain "example.org" action here\n'
        "match from any for any action out\n")
    path = smtpd.dir / "smtpd.conf"
    path.write_text(head + path.read_text())
    smtpd.start()


def test_postfix_takes_what_we_relay(smtpd, postfix):
    peer = postfix(BOX)
    relay_to(smtpd, peer.port)
    for i in range(20):
        smtpd.send([f"a{i}@box.test", "b@box.test"],
                   f"Subject: {i}\r\n\r\n.dots\r\n..\r\n" + "x" * 2000
                   + "\r\n")
    smtpd.wait_queue_empty()
    wait_for(lambda: len(peer.mails()) == 40, "forty mails; " + peer.log())
    assert all("\n.dots\n..\nxx" in m for m in peer.mails())
    assert smtpd.log_text().count("mta connected") <= 10


def test_postfix_refuses_and_the_sender_hears_why(smtpd, postfix):
    peer = postfix(BOX)
    relay_to(smtpd, peer.port)
    smtpd.send("a@elsewhere.test", sender="alice@example.org")
    smtpd.send("a@box.test")
    wait_for(lambda: len(peer.mails()) == 1, "a mail; " + peer.log())
    peer2 = postfix(BOX + "smtpd_recipient_restrictions = reject\n")
    smtpd.stop()
    relay_to(smtpd, peer2.port)
    smtpd.send("a@box.test", sender="alice@example.org")
    notice = smtpd.wait_mails("alice", 1)[0]
    assert "Action: failed\nStatus: 5.7.1\n" in notice
    assert "Diagnostic-Code: smtp; 554 5.7.1 <a@box.test>: " in notice


def test_postfix_speaks_tls_with_us(smtpd, postfix):
    authority = Authority(smtpd.dir)
    cert, key = authority.issue("127.0.0.1")
    peer = postfix(BOX + "smtpd_tls_security_level = encrypt\n"
                   f"smtpd_tls_chain_files = {key}, {cert}\n")
    relay_to(smtpd, peer.port, "smtp+tls", "ca ours",
             f'ca ours cert "{authority.path}"\n')
    smtpd.send("a@box.test")
    wait_for(lambda: len(peer.mails()) == 1, "a mail; " + peer.log())
    assert 'cert-check result="valid"' in smtpd.log_text()


def test_postfix_relays_to_us(smtpd, postfix):
    smtpd.start(MAILDIR)
    peer = postfix(f"relayhost = [127.0.0.1]:{smtpd.port}\n")
    with Client("127.0.0.1", peer.port, timeout=PATIENCE) as client:
        for i in range(20):
            client.sendmail("s@test.org", ["alice@example.org",
                                           "bob@example.org"],
                            f"Subject: {i}\r\n\r\n.dot\r\n" + "y" * 3000)
    wait_for(lambda: len(smtpd.mails("alice")) == 20
             and len(smtpd.mails("bob")) == 20, "forty mails; " + peer.log())
    assert all("\n.dot\nyyy" in m
               for m in smtpd.wait_mails("alice", 20))
