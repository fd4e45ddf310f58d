# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Mail that goes on to another host: what is said to it, and what it says."""

import re

import pytest
from conftest import wait_for
from sink import Sink

KEPT = 'mta limit session-keepalive 300\n'
RELAY = ('action out relay host "%s" %s\n'
         'action here maildir virtual <users> userbase <base>\n'
         'match from any for domain "example.org" action here\n'
         'match from any for any action out\n')
FULL = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN")


@pytest.fixture
def relay(smtpd):
    """Start smtpd with a sink as its smarthost."""
    sinks = []

    def go(script=None, options="", scheme="smtp", head="", patience=None,
           **how):
        sinks.append(Sink(script, **how))
        if patience is not None:
            smtpd.env["SMTPD_RELAY_PATIENCE"] = str(patience)
        host = scheme if "%d" in scheme else scheme + "://127.0.0.1:%d"
        smtpd.configure(RELAY % (host % sinks[-1].port, options))
        if head:
            path = smtpd.dir / "smtpd.conf"
            path.write_text(head + path.read_text())
        smtpd.start()
        return sinks[-1]

    yield go
    for sink in sinks:
        sink.stop()


def wait_result(smtpd, result, n=1):
    pattern = rf'mta delivery evpid=.* result="{result}" stat="(.*)"\n'
    return wait_for(lambda: len(got := re.findall(pattern, smtpd.log_text()))
                    >= n and got, f"{n} {result}; log:\n{smtpd.log_text()}")


def wait_mail(smtpd, sink, n=1):
    wait_for(lambda: len(sink.mails) >= n,
             f"{n} mails at the sink; log:\n{smtpd.log_text()}")
    return sink.mails


def test_a_message_goes_on_whole(smtpd, relay):
    sink = relay(features=FULL)
    body = "Subject: hi\r\n\r\n.dot\r\n..two\r\nend\r\n"
    smtpd.send("x@elsewhere.org", body)
    mail, rcpts, data = wait_mail(smtpd, sink)[0]
    assert mail.startswith(b"MAIL FROM:<s@test.org> SIZE=")
    assert rcpts == [b"RCPT TO:<x@elsewhere.org>"]
    assert data.endswith(b"Subject: hi\r\n\r\n..dot\r\n...two\r\nend\r\n.\r\n")
    assert data.startswith(b"Received: from ")
    assert sink.lines[0] == b"EHLO mx.example.org"
    smtpd.wait_queue_empty()
    assert wait_result(smtpd, "Ok") == ["250 2.0.0 taken"]


@pytest.mark.parametrize("features", [(), FULL])
def test_each_recipient_has_its_own_result(smtpd, relay, features):
    def script(n, line):
        if b"bad" in line:
            return b"550-5.1.1 no\r\n550 5.1.1 such user\r\n"
        if b"later" in line:
            return b"450 4.2.1 busy\r\n"
        return None
    sink = relay(script, features=features)
    smtpd.send(["a@x.org", "bad@x.org", "later@x.org", "b@x.org"],
               sender="alice@example.org")
    assert len(wait_mail(smtpd, sink)[0][1]) == 2
    wait_result(smtpd, "Ok", 2)
    assert wait_result(smtpd, "PermFail") == ["550 5.1.1 no such user"]
    assert wait_result(smtpd, "TempFail") == ["450 4.2.1 busy"]
    notice = smtpd.wait_mails("alice", 1)[0]
    queue = wait_for(lambda: (q := smtpd.ctl("show", "queue").stdout)
                     .count("\n") == 1 and q, "one is left")
    assert "later@x.org" in queue
    assert "Final-Recipient: rfc822; bad@x.org\n" in notice
    assert "Status: 5.1.1\n" in notice
    assert "Diagnostic-Code: smtp; 550 5.1.1 no such user\n" in notice


def test_all_recipients_refused_sends_no_message(smtpd, relay):
    def script(n, line):
        return b"550 5.7.1 no\r\n" if line[:4] == b"RCPT" else None
    sink = relay(script, features=FULL)
    smtpd.send(["a@x.org", "b@x.org"], sender="alice@example.org")
    wait_result(smtpd, "PermFail", 2)
    smtpd.wait_mails("alice", 1)
    assert all(data == b".\r\n" for _, _, data in sink.mails)


@pytest.mark.parametrize("features", [(), FULL])
def test_a_refused_sender_refuses_all(smtpd, relay, features):
    def script(n, line):
        return b"553 5.7.1 not you\r\n" if line[:4] == b"MAIL" else None
    relay(script, features=features)
    smtpd.send(["a@x.org", "b@x.org"], sender="alice@example.org")
    assert wait_result(smtpd, "PermFail", 2) == ["553 5.7.1 not you"] * 2
    smtpd.wait_mails("alice", 1)


def test_helo_is_tried_when_ehlo_is_not_known(smtpd, relay):
    def script(n, line):
        return b"500 what?\r\n" if line[:4] == b"EHLO" else None
    sink = relay(script, options='helo "other.example.org"')
    smtpd.send("a@x.org")
    wait_mail(smtpd, sink)
    assert sink.lines[:2] == [b"EHLO other.example.org",
                              b"HELO other.example.org"]
    assert b"MAIL FROM:<s@test.org>" in sink.lines


def test_dsn_options_go_on_where_they_are_known(smtpd, relay):
    sink = relay(features=FULL)
    with smtpd.smtp() as client:
        client.ehlo()
        client.mail("alice@example.org", ["RET=HDRS", "ENVID=q+2Bx"])
        client.rcpt("a@x.org", ["NOTIFY=SUCCESS,DELAY",
                                "ORCPT=rfc822;a+2Bb@x.org"])
        client.data(b"a: b\r\n\r\nx\r\n")
    mail, rcpts, _ = wait_mail(smtpd, sink)[0]
    assert mail.endswith(b" RET=HDRS ENVID=q+2Bx")
    assert rcpts == [b"RCPT TO:<a@x.org> NOTIFY=SUCCESS,DELAY "
                     b"ORCPT=rfc822;a+2Bb@x.org"]
    smtpd.wait_queue_empty()
    assert smtpd.mails("alice") == []


def test_who_asked_is_told_when_the_next_host_cannot(smtpd, relay):
    sink = relay()
    with smtpd.smtp() as client:
        client.ehlo()
        client.mail("alice@example.org")
        client.rcpt("a@x.org", ["NOTIFY=SUCCESS"])
        client.data(b"a: b\r\n\r\nx\r\n")
    assert wait_mail(smtpd, sink)[0][1] == [b"RCPT TO:<a@x.org>"]
    assert "Action: relayed\n" in smtpd.wait_mails("alice", 1)[0]


def test_too_large_is_known_beforehand(smtpd, relay):
    sink = relay(features=["SIZE 1000"])
    smtpd.send("a@x.org", "a: b\r\n\r\n" + "x\r\n" * 1000,
               sender="alice@example.org")
    assert "552 5.3.4 " in wait_result(smtpd, "PermFail")[0]
    smtpd.wait_mails("alice", 1)
    assert not any(x.startswith(b"MAIL") for x in sink.lines)


def test_utf8_addresses_need_a_host_that_knows_them(smtpd, relay):
    sink = relay()
    with smtpd.raw() as s, s.makefile("rb") as f:
        f.readline()
        s.sendall("EHLO x\r\nMAIL FROM:<alice@example.org> SMTPUTF8\r\n"
                  "RCPT TO:<us\u00e9r@x.org>\r\nDATA\r\n".encode())
        while f.readline()[:3] != b"354":
            pass
        s.sendall(b"a: b\r\n\r\nx\r\n.\r\n")
        assert f.readline()[:3] == b"250"
    assert wait_result(smtpd, "PermFail")[0].startswith("553 5.6.7 ")
    assert sink.mails == []


def test_a_large_message_goes_out_of_its_file(smtpd, relay):
    sink = relay(features=FULL)
    lines = "".join(f"{i:074d}\r\n" for i in range(12000))
    smtpd.send("a@x.org", "a: b\r\n\r\n" + lines)
    data = wait_mail(smtpd, sink)[0][2]
    assert data.endswith(b"a: b\r\n\r\n" + lines.encode() + b".\r\n")


def test_long_lines_are_folded(smtpd, relay):
    sink = relay(features=FULL)
    smtpd.send("a@x.org", "a: b\r\n\r\n" + "x" * 998 + "\r\n" + "." * 3000
               + "\r\n")
    data = wait_mail(smtpd, sink)[0][2].split(b"\r\n\r\n", 1)[1]
    lines = data.split(b"\r\n")
    assert lines[0] == b"x" * 998
    assert lines[1:] == [b"." * 999, b" " + b"." * 997, b" " + b"." * 997,
                         b" " + b"." * 8, b".", b""]


def test_a_session_is_kept_for_the_next_message(smtpd, relay):
    sink = relay(features=FULL, head=KEPT)
    for i in range(5):
        smtpd.send(f"a{i}@x{i}.org")
        wait_mail(smtpd, sink, i + 1)
    assert sink.connections == 1


def test_a_session_carries_no_more_than_it_may(smtpd, relay):
    sink = relay(features=FULL, head=KEPT + "mta limit session-mail-max 2\n")
    for i in range(5):
        smtpd.send("a@x.org")
        wait_mail(smtpd, sink, i + 1)
    assert sink.connections == 3


def test_a_host_gets_no_more_connections_than_it_may(smtpd, relay):
    held = []
    now = []

    def script(n, line):
        if line == b".":
            now.append(n)
            wait_for(lambda: held, "leave to answer")
        return None
    sink = relay(script, features=FULL,
                 head=KEPT + "mta limit max-conn-per-host 3\n")
    for i in range(12):
        smtpd.send("a@x.org")
    wait_for(lambda: len(now) == 3, "three sessions")
    assert sink.connections == 3
    held.append(True)
    wait_mail(smtpd, sink, 12)
    assert sink.connections == 3
    smtpd.wait_queue_empty()


def test_lmtp_has_a_reply_for_each(smtpd, relay):
    def script(n, line):
        return b"250 one\r\n552 5.2.2 full\r\n" if line == b"." else None
    sink = relay(script, scheme="lmtp", lmtp=True, features=FULL)
    smtpd.send(["a@x.org", "b@x.org"], sender="alice@example.org")
    assert wait_result(smtpd, "Ok") == ["250 one"]
    assert wait_result(smtpd, "PermFail") == ["552 5.2.2 full"]
    assert sink.lines[0] == b"LHLO mx.example.org"
    assert "b@x.org" in smtpd.wait_mails("alice", 1)[0]


def test_mail_from_is_replaced_but_not_of_notices(smtpd, relay):
    sink = relay(features=FULL, options='mail-from "out@host.test"')
    smtpd.send("a@x.org")
    smtpd.send("a@x.org", sender="")
    mails = wait_mail(smtpd, sink, 2)
    senders = sorted(m.split()[1] for m, _, _ in mails)
    assert senders == [b"FROM:<>", b"FROM:<out@host.test>"]


def test_source_and_its_name(smtpd, relay):
    sink = relay(features=FULL, options='src <mine> helo-src <names>',
                 head='table mine { 127.0.0.5, 127.0.0.6 }\n'
                      'table names { 127.0.0.5 = "five.test", '
                      '127.0.0.6 = "six.test" }\n'
                      'mta limit session-mail-max 1\n')
    for i in range(2):
        smtpd.send("a@x.org")
        wait_mail(smtpd, sink, i + 1)
    assert sorted(sink.peers) == ["127.0.0.5", "127.0.0.6"]
    names = sorted(x for x in sink.lines if x.startswith(b"EHLO"))
    assert names == [b"EHLO five.test", b"EHLO six.test"]
