# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""AUTH: by tables and by PAM, who may, who may not, and as whom."""

import base64
import os
import signal
import smtplib
import subprocess

import pytest
from certs import Authority
from conftest import GID, PATIENCE, UID, wait_for

SECRET = "open sesame 9"


def encrypted(daemon, secret):
    return daemon.ctl("encrypt", secret).stdout.strip()


def conf(daemon, options, extra="", rule=""):
    """Who is authenticated may send anywhere in example.org."""
    return (f'pki mx.example.org cert "{daemon.dir}/tls/mx.example.org.crt" '
            f'key "{daemon.dir}/tls/mx.example.org.key"\n'
            f'table users {{ "alice@example.org" = alice }}\n'
            f'table base {{ alice = "{UID}:{GID}:{daemon.dir}/alice" }}\n'
            f'table logins {{ alice = "{encrypted(daemon, SECRET)}", '
            f'"bob@example.org" = "bob:{encrypted(daemon, "bobs")}" }}\n'
            f"{extra}"
            f"listen on 127.0.0.1 port {{port}} tls pki mx.example.org "
            f"{options}\n"
            "action here maildir virtual <users> userbase <base>\n"
            f"{rule or 'match auth from any for any action here'}\n")


@pytest.fixture
def daemon(smtpd):
    (smtpd.dir / "tls").mkdir(mode=0o755)
    smtpd.ca = Authority(smtpd.dir / "tls")
    smtpd.ca.issue("mx.example.org")
    return smtpd


@pytest.fixture
def tabled(daemon):
    return daemon.start(conf(daemon, "auth <logins>"))


def secure(daemon):
    client = daemon.smtp()
    client._host = "mx.example.org"
    client.starttls(context=daemon.ca.trust())
    client.ehlo()
    return client


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(user, password):
    return "AUTH PLAIN " + b64(f"\0{user}\0{password}")


def send(client, sender="alice@example.org", text="Subject: x\r\n\r\nb\r\n"):
    return client.sendmail(sender, "alice@example.org", text)


def test_the_table_may_stand_in_the_line(daemon):
    daemon.start(conf(daemon, f'auth {{ eve = "{encrypted(daemon, SECRET)}" }}'))
    with secure(daemon) as client:
        assert client.docmd(plain("alice", SECRET))[0] == 535
        assert client.docmd(plain("eve", SECRET))[0] == 235
        assert send(client) == {}
    daemon.wait_mails("alice", 1)


def test_auth_is_offered_under_tls_only(tabled):
    with tabled.smtp() as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd(plain("alice", SECRET))[0] == 538
        assert client.mail("a@b.org")[0] == 530
        client._host = "mx.example.org"
        client.starttls(context=tabled.ca.trust())
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize("method", ["auth_plain", "auth_login"])
@pytest.mark.parametrize("initial", [True, False])
def test_smtplib_comes_in(tabled, method, initial):
    with secure(tabled) as client:
        assert client.mail("a@b.org")[0] == 530
        client.user, client.password = "alice", SECRET
        client.auth(method[5:].upper(), getattr(client, method),
                    initial_response_ok=initial)
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("AUTH PLAIN")[0] == 503
        send(client)
    mail = tabled.wait_mails("alice", 1)[0]
    assert "with ESMTPSA id " in mail and "auth=" not in mail
    assert "authentication user=alice result=ok" in tabled.log_text()


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("user, password, status", [
    ("alice", SECRET, 0), ("bob@example.org", "bobs", 0),
    ("alice", "wrong", 28), ("nobody", SECRET, 28)])
def test_swaks_comes_in_or_not(tabled, method, user, password, status):
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{tabled.port}", "-tls", "-a",
         method, "-au", user, "-ap", password, "--from", "a@test.org", "--to",
         "alice@example.org"], capture_output=True, text=True, timeout=60,
        check=False)
    assert done.returncode == status, done.stdout
    if status == 0:
        tabled.wait_mails("alice", 1)
    else:
        assert "535 5.7.8" in done.stdout
        assert f"user={user} result=permfail" in tabled.log_text()


def test_an_exchange_goes_wrong_with_the_right_codes(tabled):
    with secure(tabled) as client:
        assert client.docmd("AUTH")[0] == 501
        assert client.docmd("AUTH CRAM-MD5")[0] == 504
        assert client.docmd("AUTH PLAIN ???")[0] == 501
        assert client.docmd("AUTH LOGIN")[0] == 334
        assert client.docmd("*")[0] == 501
        assert client.docmd("AUTH PLAIN " + b64("x\0alice\0" + SECRET))[
            0] == 535
        assert client.docmd("AUTH PLAIN " + b64("\0al\nice\0x"))[0] == 535
        assert client.docmd("AUTH PLAIN")[0] == 334
        # What looks like a command is a line of the exchange.
        assert client.docmd("QUIT")[0] == 535
        assert client.docmd(plain("alice", SECRET))[0] == 235


def test_three_wrong_passwords_end_the_session(tabled):
    with pytest.raises(smtplib.SMTPServerDisconnected):
        with secure(tabled) as client:
            codes = [client.docmd(plain("alice", f"{i}"))[0]
                     for i in range(3)]
            assert codes == [535, 535, 421]
            client.docmd("NOOP")
            client.docmd("NOOP")


def test_a_guesser_is_shut_out_and_a_user_is_not_forgotten(tabled):
    for _ in range(2):
        with pytest.raises(smtplib.SMTPException):
            with secure(tabled) as client:
                for _ in range(4):
                    assert client.docmd(plain("alice", "no"))[0] != 235
    # A right one makes up for them.
    with secure(tabled) as client:
        assert client.docmd(plain("alice", SECRET))[0] == 235
    code, tried = 535, 0
    while code != 421 or tried % 3 == 0:
        with secure(tabled) as client:
            for _ in range(3):
                tried += 1
                code, text = client.docmd(plain("alice", "no"))
                if code == 421:
                    break
        assert tried < 20
    assert b"try later" in text and tried == 11
    with secure(tabled) as client:
        assert client.docmd(plain("alice", SECRET))[0] == 421


def test_optional_auth_lets_strangers_in(daemon):
    daemon.start(conf(
        daemon, "auth-optional <logins> received-auth",
        rule='match ! auth from any for domain "example.org" action here\n'
        'match from auth <known> for any action here',
        extra="table known { alice }\n"))
    with secure(daemon) as client:
        send(client, "s@test.org")
    assert "(auth=no)" in daemon.wait_mails("alice", 1)[0]
    with secure(daemon) as client:
        client.login("alice", SECRET)
        send(client)
    mail = [m for m in daemon.wait_mails("alice", 2) if "(auth=no)" not in m]
    assert "(auth=yes user=alice)" in mail[0]
    with secure(daemon) as client:
        client.login("bob@example.org", "bobs")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(client)


def test_senders_and_masquerade(daemon):
    daemon.start(conf(
        daemon, "auth <logins> senders <names> masquerade",
        'table names { alice = "alice@example.org, @alice.org", '
        '"bob@example.org" = "@example.org" }\n'))
    with secure(daemon) as client:
        client.login("alice", SECRET)
        assert client.mail("bob@example.org") == (
            530, b"5.7.1 Sender rejected")
        assert client.mail("any@alice.org")[0] == 250
        client.rset()
        assert client.mail("")[0] == 250
        client.rset()
        send(client, text="From: Al <boss@test.org>\r\n"
             "Bcc: x@test.org\r\nSubject: x\r\n\r\nFrom: kept\r\n")
    mail = daemon.wait_mails("alice", 1)[0]
    assert "\nFrom: Al <alice@example.org>\n" in mail
    assert "boss@" not in mail and "Bcc" not in mail
    assert mail.endswith("\n\nFrom: kept\n")
    with secure(daemon) as client:
        client.login("bob@example.org", "bobs")
        assert client.mail("any@example.org")[0] == 250


def test_hostnames_by_address(daemon):
    daemon.start(conf(daemon, "hostnames <ours>",
                      'table ours { 127.0.0.1 = "here.example.net" }\n',
                      "match from any for any action here"))
    with daemon.raw() as raw:
        assert raw.recv(100).startswith(b"220 here.example.net ")
    daemon.send("alice@example.org")
    assert "by here.example.net (" in daemon.wait_mails("alice", 1)[0]


def test_hostnames_that_have_none_fall_back(daemon):
    daemon.start(conf(daemon, "hostnames <ours>",
                      'table ours { 192.0.2.1 = "here.example.net" }\n',
                      "match from any for any action here"))
    with daemon.raw() as raw:
        assert raw.recv(100).startswith(b"220 mx.example.org ")


def test_no_password_is_in_the_log(daemon):
    daemon.start(conf(daemon, "auth <logins>"), "-v")
    with secure(daemon) as client:
        client.docmd(plain("alice", "wrong" + SECRET))
        client.docmd("AUTH LOGIN " + b64("alice"))
        client.docmd(b64(SECRET))
        send(client)
    log = daemon.log_text()
    assert "smtp command AUTH ********" in log
    for text in (SECRET, b64(SECRET), plain("alice", "wrong" + SECRET)[11:]):
        assert text not in log


def test_a_name_cannot_forge_a_log_line(tabled):
    with secure(tabled) as client:
        client.docmd(plain('x" result=ok', "y"))
    wait_for(lambda: "authentication" in tabled.log_text(), "the result")
    assert " result=ok" not in tabled.log_text()


def test_the_auth_process_dies_and_comes_back(tabled):
    [old] = tabled.children("auth")
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: [p for p in tabled.children("auth") if p != old],
             "a new one")

    def comes_in():
        with secure(tabled) as client:
            return client.docmd(plain("alice", SECRET))[0] == 235

    wait_for(comes_in, "authentication works again")


def test_a_message_with_a_reload_between(tabled):
    with secure(tabled) as client:
        tabled.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "read again" in tabled.log_text(), "the reload")
        client.login("alice", SECRET)
        send(client)
    tabled.wait_mails("alice", 1)


JUDGE = """#!/bin/sh
# pam_exec gives the password, with a NUL after it, and the name.
[ "$PAM_USER" = alice ] && [ "$(tr -d '\\0')" = "{0}" ]
"""


@pytest.fixture
def pam(daemon):
    """The service "smtpd" of a private directory, judged by a script."""
    where = daemon.dir / "pam.d"
    where.mkdir(mode=0o755)
    (daemon.dir / "judge").write_text(JUDGE.format(SECRET))
    (daemon.dir / "judge").chmod(0o755)
    (where / "smtpd").write_text(
        "auth [success=done default=ignore] pam_exec.so expose_authtok quiet "
        f"{daemon.dir}/judge\nauth requisite pam_deny.so\n"
        "account required pam_permit.so\n")
    daemon.env["SMTPD_PAM_DIR"] = str(where)
    return daemon.start(conf(daemon, "auth"))


def test_pam_judges_users_of_the_system(pam):
    with secure(pam) as client:
        assert client.docmd(plain("alice", "wrong"))[0] == 535
        assert client.docmd(plain("mallory", SECRET))[0] == 535
        assert client.docmd(plain("alice", SECRET))[0] == 235
        send(client)
    pam.wait_mails("alice", 1)


def test_pam_without_a_service_refuses(daemon):
    empty = daemon.dir / "empty"
    empty.mkdir()
    daemon.env["SMTPD_PAM_DIR"] = str(empty)
    daemon.start(conf(daemon, "auth"))
    with secure(daemon) as client:
        assert client.docmd(plain("alice", SECRET))[0] in (454, 535)


def test_smtps_with_auth(daemon):
    daemon.start(conf(daemon, "auth <logins>").replace(" tls pki",
                                                       " smtps pki"))
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{daemon.port}", "-tlsc", "-a",
         "-au", "alice", "-ap", SECRET, "--from", "a@test.org", "--to",
         "alice@example.org"], capture_output=True, text=True,
        timeout=3 * PATIENCE, check=False)
    assert done.returncode == 0, done.stdout
    assert "ESMTPSA" in daemon.wait_mails("alice", 1)[0]


WATCHER = """#!/usr/bin/env python3
import sys
seen = open(sys.argv[1], "a", buffering=1)
for line in ("report|smtp-in|*", "filter|smtp-in|auth", "ready"):
    print("register|" + line, flush=True)
for line in sys.stdin:
    seen.write(line)
    f = line.rstrip("\\n").split("|")
    if f[0] == "filter":
        refused = f[7] == "LOGIN"
        print("|".join(["filter-result", f[5], f[6], "reject",
                        "550 no LOGIN here"] if refused else
                       ["filter-result", f[5], f[6], "proceed"]), flush=True)
"""


def test_filters_see_who_comes_in(daemon):
    program = daemon.dir / "watcher"
    program.write_text(WATCHER)
    program.chmod(0o755)
    daemon.start(conf(daemon, "auth <logins> filter watch",
                      f'filter watch proc-exec "{program} {daemon.dir}/seen"\n'
                      ))
    with secure(daemon) as client:
        assert client.docmd("AUTH LOGIN") == (550, b"no LOGIN here")
        client.docmd(plain("al|ice", "x"))
        assert client.docmd("AUTH PLAIN")[0] == 334
        assert client.docmd(b64(f"\0alice\0{SECRET}"))[0] == 235
        send(client)
    seen = wait_for(lambda: (text := (daemon.dir / "seen").read_text()).count(
        "|link-auth|") == 2 and text, "both are heard of")
    events = [x.split("|")[4:] for x in seen.splitlines()
              if x.startswith("report|")]
    found = [(e[0], "|".join(e[2:])) for e in events]
    assert ("link-auth", "fail|al|ice") in found
    assert ("link-auth", "pass|alice") in found
    assert ("protocol-client", "AUTH PLAIN ********") in found
    assert ("protocol-client", "********") in found
    assert b64(f"\0alice\0{SECRET}") not in seen


def test_a_rule_refuses_who_it_knows(daemon):
    daemon.start(conf(
        daemon, "auth <logins> filter rules",
        "filter guests phase mail-from match !auth reject \"550 who?\"\n"
        'filter alice phase mail-from match auth { alice } '
        'reject "550 not alice"\n'
        "filter rules chain { guests, alice }\n"))
    with secure(daemon) as client:
        client.login("alice", SECRET)
        assert client.mail("a@b.org") == (550, b"not alice")
    with secure(daemon) as client:
        client.login("bob@example.org", "bobs")
        assert client.mail("a@b.org")[0] == 250


def test_a_crowd_of_guessers_has_no_more_chances(tabled):
    clients = [secure(tabled) for _ in range(30)]
    for client in clients:
        client.putcmd(plain("alice", "no"))
    replies = [client.getreply() for client in clients]
    # As many as may fail, and those that were under way with the last.
    assert 10 <= [code for code, _ in replies].count(535) < 10 + 8
    assert any(b"try later" in text for _, text in replies)


def test_a_dispatcher_dies_while_a_password_is_judged(tabled):
    with secure(tabled) as client:
        [judge] = tabled.children("auth")
        os.kill(judge, signal.SIGSTOP)  # it takes as long as we do
        client.putcmd(plain("alice", "no"))
        for pid in tabled.children("dispatcher"):
            os.kill(pid, signal.SIGKILL)
        os.kill(judge, signal.SIGCONT)
        with pytest.raises((smtplib.SMTPException, OSError)):
            client.getreply()
        client.close()

    def comes_in():
        try:
            with secure(tabled) as client:
                return client.docmd(plain("alice", SECRET))[0] == 235
        except (smtplib.SMTPException, OSError):
            return False

    wait_for(comes_in, "the new dispatchers serve")
