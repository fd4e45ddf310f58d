# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Relaying in TLS, and to hosts that want to know who we are."""

import base64
import ssl
import subprocess

import pytest
from certs import Authority
from conftest import SMTPD
from test_relay import FULL, relay, wait_mail, wait_result  # noqa: F401

OFFER = (*FULL, "STARTTLS")
CA = 'ca ours cert "{dir}/ca.pem"\n'


@pytest.fixture
def authority(smtpd):
    return Authority(smtpd.dir)


def head(smtpd, text=CA):
    return text.replace("{dir}", str(smtpd.dir))


@pytest.mark.parametrize("scheme, options", [
    ("smtp+tls", "ca ours"), ("smtps", "ca ours"), ("smtp", "ca ours tls"),
    ("smtp+tls", "tls no-verify"), ("smtp", "")])
def test_what_is_offered_is_used(smtpd, relay, authority, scheme, options):
    sink = relay(scheme=scheme, options=options, head=head(smtpd),
                 tls=authority.context("127.0.0.1"), features=OFFER,
                 implicit=scheme == "smtps")
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink)
    assert sink.secret == [True]
    log = smtpd.log_text()
    assert "mta tls ciphers=TLSv1.3:TLS_" in log
    valid = "ours" in options
    assert f'cert-check result="{"valid" if valid else "unverified"}"' in log
    hellos = [x for x in sink.lines if x.startswith(b"EHLO")]
    assert len(hellos) == (1 if scheme == "smtps" else 2)
    smtpd.wait_queue_empty()


def test_a_name_is_verified_and_not_an_address_alone(smtpd, relay, authority):
    sink = relay(scheme="smtp+tls", options="ca ours", head=head(smtpd),
                 tls=authority.context("other.test"), features=OFFER)
    smtpd.send("a@x.org")
    line = wait_result(smtpd, "TempFail")[0]
    assert line.startswith("451 4.7.5 ") and "mismatch" in line
    assert sink.mails == []


@pytest.mark.parametrize("days, other, words", [
    (-1, False, "expired"), (30, True, "certificate")])
def test_what_is_required_is_never_left_out(smtpd, relay, authority, days,
                                            other, words):
    if other:
        (smtpd.dir / "other").mkdir()
        signer = Authority(smtpd.dir / "other", "another one")
    else:
        signer = authority
    sink = relay(scheme="smtp+tls", options="ca ours", head=head(smtpd),
                 tls=signer.context("127.0.0.1", days), features=OFFER)
    smtpd.send("a@x.org")
    assert words in wait_result(smtpd, "TempFail")[0]
    assert not any(x.startswith(b"MAIL") for x in sink.lines)


def test_the_authorities_of_the_system_do_not_speak_for_ours(
        smtpd, relay, authority):
    sink = relay(scheme="smtp+tls", tls=authority.context("127.0.0.1"),
                 features=OFFER)
    for to in ("a@x.org", "b@y.org"):
        smtpd.send(to)
    for result in wait_result(smtpd, "TempFail"):
        assert result.startswith("451 4.7.5 TLS")
    assert not any(x.startswith(b"MAIL") for x in sink.lines)


@pytest.mark.parametrize("features, script", [
    (FULL, None),
    (OFFER, lambda n, x: b"454 4.7.0 no\r\n" if x == b"STARTTLS" else None),
    (OFFER, lambda n, x: b"220 go\r\nrubbish that is no handshake" * 100
     if x == b"STARTTLS" else None),
    (OFFER, lambda n, x: b"220 go\r\n250 MAIL smuggled in\r\n"
     if x == b"STARTTLS" else None)],
    ids=["no-offer", "refused", "no-handshake", "injection"])
@pytest.mark.parametrize("scheme", ["smtp", "smtp+tls"])
def test_may_is_not_must(smtpd, relay, authority, features, script, scheme):
    def late(n, line):
        return script(n, line) if script else None
    sink = relay(late, scheme=scheme, head=head(smtpd), features=features)
    smtpd.send("a@x.org")
    if scheme == "smtp+tls" or script and b"220" in (
            script(1, b"STARTTLS") or b""):
        assert wait_result(smtpd, "TempFail")[0].startswith("451 4.7.")
        assert sink.mails == []
    else:
        wait_mail(smtpd, sink)
        assert sink.secret == [False]


def test_a_handshake_that_fails_is_not_tried_twice(smtpd, relay, authority):
    """Opportunistic: a new connection, in the clear."""
    context = authority.context("127.0.0.1")
    context.set_ciphers("AES128-SHA")
    context.maximum_version = 0x0303
    sink = relay(tls=context, features=OFFER)
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink)
    assert sink.secret == [False] and sink.connections == 2
    smtpd.wait_queue_empty()


AUTH = ('table secrets { me = "user:pass:word" }\n' + CA)


class Judge:
    """A script that takes AUTH PLAIN or LOGIN."""

    def __init__(self, verdict=b"235 2.7.0 ok\r\n"):
        self.verdict = verdict
        self.said = []
        self.login = 0

    def __call__(self, n, line):
        if line.startswith(b"AUTH PLAIN "):
            self.said = base64.b64decode(line[11:]).split(b"\0")[1:]
            return self.verdict
        if line == b"AUTH LOGIN":
            self.login = 2
            return b"334 VXNlcm5hbWU6\r\n"
        if self.login:
            self.said.append(base64.b64decode(line))
            self.login -= 1
            return self.verdict if self.login == 0 else b"334 UGFzc3dk\r\n"
        return None


@pytest.mark.parametrize("mechanism", ["AUTH PLAIN LOGIN", "AUTH LOGIN"])
@pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])
def test_we_say_who_we_are(smtpd, relay, authority, mechanism, scheme):
    judge = Judge()
    sink = relay(judge, scheme=scheme + "://me@127.0.0.1:%d",
                 options="auth <secrets> ca ours", head=head(smtpd, AUTH),
                 tls=authority.context("127.0.0.1"),
                 implicit=scheme == "smtps", features=(*OFFER, mechanism))
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink)
    assert judge.said == [b"user", b"pass:word"]
    assert "pass:word" not in smtpd.log_text()
    assert "mta authentication result=ok" in smtpd.log_text()


@pytest.mark.parametrize("features, verdict, words", [
    (OFFER, b"235 ok\r\n", "AUTH"),
    ((*OFFER, "AUTH PLAIN"), b"535 5.7.8 wrong\r\n", "535 5.7.8 wrong"),
    ((*OFFER, "AUTH LOGIN"), b"334 again\r\n", "334 again")])
def test_no_mail_without_being_known(smtpd, relay, authority, features,
                                     verdict, words):
    sink = relay(Judge(verdict), scheme="smtp+tls://me@127.0.0.1:%d",
                 options="auth <secrets> ca ours", head=head(smtpd, AUTH),
                 tls=authority.context("127.0.0.1"), features=features)
    smtpd.send("a@x.org")
    assert words in wait_result(smtpd, "TempFail")[0]
    assert not any(x.startswith(b"MAIL") for x in sink.lines)


def test_a_label_that_nobody_knows_is_told(smtpd, relay, authority):
    relay(scheme="smtp+tls://you@127.0.0.1:%d",
          options="auth <secrets> ca ours", head=head(smtpd, AUTH),
          tls=authority.context("127.0.0.1"), features=OFFER)
    smtpd.send("a@x.org")
    assert "label" in wait_result(smtpd, "TempFail")[0]


def test_a_ca_that_is_not_there_is_told_at_once(smtpd):
    smtpd.configure('ca gone cert "/nowhere/ca.pem"\n'
                    'listen on 127.0.0.1 port {port}\n'
                    'action out relay ca gone\n'
                    'match from any for any action out\n')
    done = subprocess.run([SMTPD, "-n", "-f", smtpd.dir / "smtpd.conf"],
                          capture_output=True, text=True, env=smtpd.env)
    assert done.returncode == 1
    assert "/nowhere/ca.pem" in done.stderr


def test_we_show_our_certificate(smtpd, relay, authority):
    cert, key = authority.issue("us.test")
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    sink = relay(scheme="smtp+tls", options='ca ours pki us.test', tls=context,
                 features=OFFER, head=head(smtpd, CA) + (
                     f'pki us.test cert "{cert}"\npki us.test key "{key}"\n'))
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink)
    assert sink.secret == [True]


@pytest.mark.parametrize("options, words", [
    ('host "smtp+notls://x.org" tls', "the action asks for tls"),
    ('host "smtps://me@x.org"', "a label needs auth"),
    ('host "smtp://me@x.org"', "a label needs tls, smtp+tls or smtps"),
    ('host "lmtp+tls:///run/lmtp"', "a socket's path goes with lmtp"),
    ('host "gopher://x.org"', "no such scheme"),
    ('mail-from "a@b@c"', "not an address")])
def test_what_cannot_be_is_told_at_once(smtpd, options, words):
    smtpd.configure(f"listen on 127.0.0.1 port 1\naction out relay {options}\n"
                    "match from any for any action out\n")
    done = subprocess.run([SMTPD, "-n", "-f", smtpd.dir / "smtpd.conf"],
                          capture_output=True, text=True, env=smtpd.env)
    assert done.returncode == 1
    assert words in done.stderr and "smtpd.conf:2:" in done.stderr
