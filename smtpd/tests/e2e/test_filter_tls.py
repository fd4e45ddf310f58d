# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filters and what is secret: STARTTLS, users, their events and phases."""

import base64

import pytest
from certs import Authority
from conftest import MAILDIR, wait_for
from test_filter_reports import ALL, ended
from test_filters import base, program

SECRET = base64.b64encode(b"\0me\0secret").decode()


@pytest.fixture
def secure(smtpd):
    """smtpd with TLS, a user me, and filters; and a context for it."""
    authority = Authority(smtpd.dir)
    authority.issue("mx.example.org")
    where = f"{smtpd.dir}/mx.example.org"

    def go(filters, chain):
        secret = smtpd.ctl("encrypt", "secret").stdout.strip()
        smtpd.start(
            f'pki mail cert "{where}.crt" key "{where}.key"\n'
            f'table secrets {{ "me" = "{secret}" }}\n{filters}\n'
            f"listen on 127.0.0.1 port {smtpd.port} tls pki mail "
            f"auth-optional <secrets> filter {chain}\n"
            f"{base(smtpd)}{MAILDIR}")
        return authority.trust(check_hostname=False)

    return go


def answer(smtpd, text):
    """A program that gives this answer in phase starttls and in auth."""
    return program(smtpd, "f.py", f"""
        register("filter|smtp-in|starttls", "filter|smtp-in|auth")
        for phase, session, token, param in requests():
            say(f"filter-result|{{session}}|{{token}}|{text}")
        """)


class TestStarttls:
    def refused(self, smtpd, reply):
        """STARTTLS gets this reply, and the session goes on without."""
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            assert c.docmd("STARTTLS") == reply
            assert c.mail("s@x.org")[0] == 250

    def test_a_program_refuses_it(self, smtpd, secure):
        path = answer(smtpd, "reject|454 4.7.0 not today")
        secure(f'filter f proc-exec "{path}"', "f")
        self.refused(smtpd, (454, b"4.7.0 not today"))

    def test_a_rule_refuses_it(self, smtpd, secure):
        secure("filter f phase starttls match src { 127.0.0.0/8 } "
               'reject "454 4.7.0 not you"', "f")
        self.refused(smtpd, (454, b"4.7.0 not you"))

    def test_a_program_hangs_up(self, smtpd, secure):
        path = answer(smtpd, "disconnect|421 4.7.0 go away")
        secure(f'filter f proc-exec "{path}"', "f")
        with smtpd.raw() as s:
            f = s.makefile("rb")
            s.sendall(b"EHLO x.org\r\n")
            while f.readline()[3:4] == b"-" or b"220 " in f.peek()[:4]:
                pass
            s.sendall(b"STARTTLS\r\n")
            got = [line for line in f if line[:3] == b"421"]
        assert got == [b"421 4.7.0 go away\r\n"]

    def test_a_rule_hangs_up_on_one_that_said_the_wrong_name(self, smtpd,
                                                             secure):
        secure('filter f phase starttls match helo { "bad.org" } '
               'disconnect "421 4.7.0 go away"', "f")
        with smtpd.smtp() as c:
            c.ehlo("bad.org")
            assert c.docmd("STARTTLS") == (421, b"4.7.0 go away")

    def test_what_goes_on_is_secure(self, smtpd, secure):
        path = answer(smtpd, "report|seen")
        context = secure(
            f'filter p proc-exec "{path}"\n'
            'filter r phase starttls match ! rdns { "no.such" } report "it"\n',
            "{ r, p }")
        with smtpd.smtp() as c:
            c.starttls(context=context)
            assert c.login("me", "secret")[0] == 235


class TestUsers:
    def test_a_program_sees_what_is_said_and_may_refuse(self, smtpd, secure):
        path = program(smtpd, "f.py", """
            register("filter|smtp-in|auth")
            for phase, session, token, param in requests():
                print(param, file=open("params", "a"))
                if param.startswith("LOGIN"):
                    verdict = "reject|535 5.7.8 no LOGIN here"
                else:
                    verdict = "proceed"
                say(f"filter-result|{session}|{token}|{verdict}")
            """)
        context = secure(f'filter f proc-exec "{path}"', "f")
        with smtpd.smtp() as c:
            c.starttls(context=context)
            c.ehlo()
            assert c.docmd("AUTH LOGIN") == (535, b"5.7.8 no LOGIN here")
            assert c.docmd(f"AUTH PLAIN {SECRET}")[0] == 235
        assert (smtpd.dir / "params").read_text() == (
            f"LOGIN\nPLAIN {SECRET}\n")

    def test_a_rule_of_phase_auth_refuses(self, smtpd, secure):
        context = secure("filter f phase auth match src { 127.0.0.0/8 } "
                         'reject "535 5.7.8 not from here"', "f")
        with smtpd.smtp() as c:
            c.starttls(context=context)
            c.ehlo()
            assert c.docmd(f"AUTH PLAIN {SECRET}") == (
                535, b"5.7.8 not from here")
            assert c.mail("s@x.org")[0] == 250

    def test_a_rule_knows_who_has_authenticated(self, smtpd, secure):
        context = secure(
            'filter a phase mail-from match auth { "me" } bypass\n'
            'filter b phase mail-from match ! auth reject "550 who?"\n'
            'filter c phase rcpt-to match auth reject "550 not you"',
            "{ a, b, c }")
        with smtpd.smtp() as c:
            c.starttls(context=context)
            c.ehlo()
            assert c.mail("s@x.org") == (550, b"who?")
            assert c.login("me", "secret")[0] == 235
            assert c.mail("s@x.org")[0] == 250
            assert c.rcpt("bob@example.org") == (550, b"not you")


def events(smtpd, *names):
    return [line for line in ended(smtpd)[0]
            if line.split("|")[0] in names]


def test_events_of_tls_and_users(smtpd, secure):
    path = program(smtpd, "f.py", ALL % "")
    context = secure(f'filter f proc-exec "{path}"', "f")
    with smtpd.smtp() as c:
        c.starttls(context=context)
        cipher, version, bits = c.sock.cipher()
        c.ehlo("x.org")
        assert c.docmd("AUTH PLAIN AG1lAHdyb25n")[0] == 535
        assert c.docmd(f"AUTH PLAIN {SECRET}")[0] == 235
        assert c.docmd("AUTH PLAIN " + SECRET)[0] == 503
    assert events(smtpd, "link-tls", "link-auth") == [
        f"link-tls|{version}:{cipher}:{bits}", "link-auth|fail|me",
        "link-auth|pass|me"]
    text = (smtpd.dir / "heard").read_text()
    assert SECRET not in text and "AUTH PLAIN ********" in text


def test_a_user_whose_name_is_odd_is_told_on_one_line(smtpd, secure):
    path = program(smtpd, "f.py", ALL % "")
    context = secure(f'filter f proc-exec "{path}"', "f")
    odd = base64.b64encode(b"\0a|b\nc\xff\0x").decode()
    with smtpd.smtp() as c:
        c.starttls(context=context)
        c.ehlo("x.org")
        assert c.docmd(f"AUTH PLAIN {odd}")[0] in (501, 535)
    wait_for(lambda: "|link-disconnect|" in
             (smtpd.dir / "heard").read_text(), "the end")
    # Every line is one that a report can be.
    ended(smtpd)


def test_one_that_says_nothing_times_out(smtpd, secure):
    smtpd.env["SMTPD_SESSION_TIME"] = "1"
    path = program(smtpd, "f.py", ALL % "")
    secure(f'filter f proc-exec "{path}"', "f")
    with smtpd.raw() as s:
        said = b""
        while got := s.recv(1000):
            said += got
    assert said.endswith(b"\r\n421 4.4.2 Timeout\r\n")
    assert [line for line in ended(smtpd)[0]][-3:] == [
        "timeout", "protocol-server|421 4.4.2 Timeout", "link-disconnect"]
    text = (smtpd.dir / "heard").read_text()
    assert "config|smtp-session-timeout|1\n" in text
