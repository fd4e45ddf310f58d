# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Among the servers that there are: dovecot takes what we deliver."""

import pathlib
import smtplib
import subprocess
import tempfile

import pytest
from certs import Authority
from conftest import GID, PATIENCE, UID, Client, free_port, remove, wait_for
from peers import SUBMISSION_CONF, Dovecot, Haproxy, Postfix, need


@pytest.fixture
def peer():
    """Starts one in a folder of its own; all are stopped at the end."""
    started, folders = [], []

    def start(kind, *args, **settings):
        where = pathlib.Path(tempfile.mkdtemp(prefix="smtpd-peer."))
        where.chmod(0o755)
        folders.append(where)
        started.append(kind(where, *args, **settings))
        return started[-1]

    yield start
    for server in reversed(started):
        server.stop()
    for where in folders:
        remove(where)


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


ROUND_TRIP = """\
pki mx.example.org cert "{dir}/tls/mx.example.org.crt"
pki mx.example.org key "{dir}/tls/mx.example.org.key"
table logins {{ alice = "{hash}" }}
table people {{ "alice@example.org" = alice }}
table base {{ alice = "{uid}:{gid}:{dir}/alice" }}
listen on 127.0.0.1 port {submission} tls-require pki mx.example.org \
    auth <logins> tag submission
listen on 127.0.0.1 port {port} tls pki mx.example.org proxy-v2
action "out" relay host "smtp://127.0.0.1:{postfix}"
action "in" lmtp "{lmtp}" virtual <people> userbase <base>
match from any for domain "example.org" action "in"
match auth from any for any action "out"
"""


def test_a_mail_goes_out_and_its_answer_comes_in(smtpd, peer):
    """swaks, by TLS and AUTH, to us; by us to postfix; from there through
    haproxy to us; and by LMTP into dovecot."""
    swaks = need("swaks")
    (smtpd.dir / "tls").mkdir(mode=0o755)
    authority = Authority(smtpd.dir / "tls")
    for name in ("mx.example.org", "peer.test"):
        authority.issue(name)
    dovecot = peer(Dovecot)
    haproxy = peer(Haproxy, smtpd.port)
    postfix = peer(
        Postfix, f"relayhost=[127.0.0.1]:{haproxy.port}\n"
        f"smtpd_tls_cert_file={smtpd.dir}/tls/peer.test.crt\n"
        f"smtpd_tls_key_file={smtpd.dir}/tls/peer.test.key\n"
        "smtpd_tls_security_level=may\nsmtpd_tls_received_header=yes\n"
        "smtp_tls_security_level=encrypt\n")
    submission = free_port()
    hash = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input="s3cret\n", check=True,
        capture_output=True, text=True).stdout.strip()
    text = ROUND_TRIP.format(
        dir=smtpd.dir, hash=hash, uid=UID, gid=GID, submission=submission,
        port=smtpd.port, postfix=postfix.port, lmtp=dovecot.lmtp)
    assert text.count("\n") < 20
    smtpd.start(text)
    done = subprocess.run(
        [swaks, "--server", f"127.0.0.1:{submission}", "-tls", "--auth",
         "PLAIN", "--auth-user", "alice", "--auth-password", "s3cret",
         "--from", "alice@example.org", "--to", "box@peer.test",
         "--header", "Subject: a question"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    [question] = wait_for(
        postfix.mails, f"the question; log:\n{smtpd.log_text()}")
    assert "Subject: a question" in question
    assert "with ESMTPSA id " in question  # swaks to us
    assert "using TLSv1" in question       # we to postfix
    with Client("127.0.0.1", postfix.port, timeout=PATIENCE) as client:
        client.sendmail("box@peer.test", "alice@example.org",
                        "Subject: an answer\r\n\r\nyes\r\n")
    [answer] = wait_for(
        lambda: dovecot.mails("alice"),
        f"the answer; log:\n{smtpd.log_text()}")
    assert "Subject: an answer" in answer
    assert "with ESMTPS id " in answer
    smtpd.wait_queue_empty()


def test_who_did_not_log_in_relays_nothing(smtpd, peer):
    postfix = peer(Postfix)
    smtpd.start('action "out" relay host '
                f'"smtp://127.0.0.1:{postfix.port}"\n'
                "listen on 127.0.0.1 port {port}\n"
                'match auth from any for any action "out"\n')
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        smtpd.send("box@peer.test")
    assert postfix.mails() == []


SUBMISSION = """\
pki localhost cert "{dir}/tls/localhost.crt"
pki localhost key "{dir}/tls/localhost.key"
table logins {{ dovecot = "{hash}" }}
table people {{ "alice@example.org" = alice }}
table base {{ alice = "{uid}:{gid}:{dir}/alice" }}
listen on 127.0.0.1 port {port} {tls} pki localhost auth <logins>
action "in" maildir virtual <people> userbase <base>
match auth <logins> from any for any action "in"
"""


@pytest.fixture
def behind_dovecot(smtpd, peer):
    """Our server, and a dovecot that takes mail in and logs in to ours."""
    if not pathlib.Path("/usr/lib/dovecot/submission-login").exists():
        pytest.skip("needs dovecot-submissiond")

    def start(tls, ssl, password="s3cret"):
        (smtpd.dir / "tls").mkdir(mode=0o755)
        authority = Authority(smtpd.dir / "tls")
        authority.issue("localhost")
        smtpd.start(SUBMISSION.format(
            dir=smtpd.dir, port=smtpd.port, uid=UID, gid=GID, tls=tls,
            hash=smtpd.ctl("encrypt", "s3cret").stdout.strip()))
        dovecot = peer(
            Dovecot, SUBMISSION_CONF, relay=smtpd.port, ssl=ssl,
            user="dovecot", password=password, ca=authority.path)
        return Client("127.0.0.1", dovecot.port, timeout=PATIENCE)

    return start


@pytest.mark.parametrize("tls, ssl", [
    ("tls-require", "starttls"), ("smtps", "smtps")])
def test_dovecot_logs_in_and_hands_over(smtpd, behind_dovecot, tls, ssl):
    """As the SASL client that its submission service is."""
    with behind_dovecot(tls, ssl) as client:
        client.ehlo("laptop.test")
        client.login("alice", "for-dovecot")
        client.sendmail("alice@example.org", "alice@example.org",
                        "Subject: by dovecot\r\n\r\n.dot\r\n")
    [mail] = smtpd.wait_mails("alice", 1)
    assert "Subject: by dovecot\n\n.dot\n" in mail
    assert "with ESMTPSA id " in mail
    assert "authentication user=dovecot result=ok" in smtpd.log_text()


def test_dovecot_with_a_wrong_password_hands_nothing_over(
        smtpd, behind_dovecot):
    with behind_dovecot("tls-require", "starttls", "wrong") as client:
        client.ehlo("laptop.test")
        with pytest.raises((smtplib.SMTPException, OSError)):
            client.login("alice", "for-dovecot")
            client.sendmail("alice@example.org", "alice@example.org", "x\n")
    assert "authentication user=dovecot result=permfail" in smtpd.log_text()
    assert smtpd.mails("alice") == []
