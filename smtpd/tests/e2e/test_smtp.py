# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""SMTP in: what clients say, and what must not get through."""

import smtplib
import struct
import subprocess

import pytest
from conftest import MAILDIR, PATIENCE, free_port, wait_for


def reply(f):
    lines = []
    while True:
        line = f.readline()
        assert line, "closed"
        lines.append(line.decode().rstrip("\r\n"))
        if line[3:4] != b"-":
            return lines


class Raw:
    def __init__(self, daemon):
        self.s = daemon.raw()
        self.f = self.s.makefile("rb")
        reply(self.f)

    def say(self, data):
        self.s.sendall(data)
        return reply(self.f)[-1]

    def to_data(self):
        self.say(b"EHLO test\r\n")
        assert self.say(b"MAIL FROM:<s@test.org>\r\n")[0] == "2"
        assert self.say(b"RCPT TO:<alice@example.org>\r\n")[0] == "2"
        assert self.say(b"DATA\r\n")[0] == "3"


def test_ehlo_offers_what_is_there(maildir):
    with maildir.smtp() as client:
        client.ehlo()
        for name in ("8bitmime", "pipelining", "chunking", "smtputf8", "dsn",
                     "enhancedstatuscodes", "help"):
            assert client.has_extn(name), name
        assert client.esmtp_features["size"] == str(35 << 20)
        assert not client.has_extn("starttls")


def test_message_arrives_with_its_trace(maildir):
    maildir.send("alice@example.org", "Subject: hi\r\n\r\n..dot\r\n.x\r\n")
    mail = maildir.wait_mails("alice", 1)[0]
    assert mail.startswith("Return-Path: <s@test.org>\n"
                           "Delivered-To: alice@example.org\nReceived: from ")
    assert "\tby mx.example.org (maison) with ESMTP id " in mail
    assert mail.endswith("\n\n..dot\n.x\n")


def test_swaks_is_served(maildir):
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{maildir.port}", "--from",
         "me@test.org", "--to", "alice@example.org,bob@example.org",
         "--pipeline"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    maildir.wait_mails("alice", 1)
    maildir.wait_mails("bob", 1)


def test_pipelined_group_is_answered_in_order(maildir):
    raw = Raw(maildir)
    raw.s.sendall(b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n"
                  b"RCPT TO:<nobody@example.org>\r\n"
                  b"RCPT TO:<alice@example.org>\r\nDATA\r\n")
    codes = [reply(raw.f)[-1][:3] for _ in range(5)]
    assert codes == ["250", "250", "550", "250", "354"]
    assert raw.say(b"a: b\r\n\r\nx\r\n.\r\n")[:3] == "250"
    assert len(maildir.wait_mails("alice", 1)) == 1


def test_bdat_delivers(maildir):
    raw = Raw(maildir)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    raw.say(b"RCPT TO:<alice@example.org>\r\n")
    assert raw.say(b"BDAT 9\r\nSubject: ")[:3] == "250"
    assert raw.say(b"BDAT 10 LAST\r\ny\r\n\r\n.\r\nz\r")[:3] == "550"
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    raw.say(b"RCPT TO:<alice@example.org>\r\n")
    assert raw.say(b"BDAT 17 LAST\r\na: b\r\n\r\n.\r\nline\r\n")[:3] == "250"
    assert maildir.wait_mails("alice", 1)[0].endswith("\n\n.\nline\n")


def test_wrong_order_and_nonsense_get_replies(maildir):
    raw = Raw(maildir)
    for line, code in [(b"MAIL FROM:<a@b>", "503"), (b"FOO", "500"),
                       (b"EHLO", "501"), (b"EHLO x", "250"),
                       (b"RCPT TO:<a@b>", "503"), (b"DATA", "503"),
                       (b"MAIL FROM:<a@b> FOO=1", "555"),
                       (b"MAIL FROM:<a@b> SIZE=99999999999", "552"),
                       (b"MAIL FROM:<a@b>", "250"), (b"DATA", "503"),
                       (b"MAIL FROM:<a@b>", "503"), (b"RSET", "250"),
                       (b"STARTTLS", "502"), (b"AUTH PLAIN eA==", "502"),
                       (b"VRFY root", "252"), (b"NOOP", "250"),
                       (b"EHLO again", "250"), (b"QUIT", "221")]:
        assert raw.say(line + b"\r\n")[:3] == code, line


def test_message_too_big_is_refused(smtpd):
    smtpd.start("smtp max-message-size 1000\n" + MAILDIR)
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        smtpd.send("alice@example.org", "a: b\r\n\r\n" + "x" * 2000 + "\r\n")
    assert refused.value.smtp_code == 552


def test_large_message_comes_through_a_file(maildir):
    line = "y" * 98 + "\r\n"
    maildir.send("alice@example.org", "Subject: big\r\n\r\n" + line * 20000)
    mail = maildir.wait_mails("alice", 1)[0]
    assert mail.count("y" * 98 + "\n") == 20000
    maildir.wait_queue_empty()
    wait_for(lambda: not list((maildir.dir / "spool" / "bodies").iterdir()),
             "its file is gone")


def test_too_many_received_fields_are_a_loop(maildir):
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        maildir.send("alice@example.org", "Received: x\r\n" * 101 + "\r\n")
    assert "Loop detected" in str(refused.value.smtp_error)


# SMTP smuggling (CVE-2023-51764 and its kin): none of these ends the data.
SMUGGLE = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n",
           b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\n\n.\r\n\n"]


@pytest.mark.parametrize("sequence", SMUGGLE)
def test_smuggled_end_of_data(maildir, sequence):
    raw = Raw(maildir)
    raw.to_data()
    raw.s.sendall(b"Subject: one\r\n\r\nx" + sequence)
    raw.s.sendall(b"MAIL FROM:<evil@test.org>\r\n"
                  b"RCPT TO:<bob@example.org>\r\nDATA\r\nSubject: two\r\n"
                  b"\r\nsmuggled")
    assert raw.say(b"\r\n.\r\n")[:3] == "550"
    assert raw.say(b"QUIT\r\n")[:3] == "221"
    assert not maildir.mails("bob") and not maildir.mails("alice")


def test_bare_lf_in_a_command_ends_the_session(maildir):
    raw = Raw(maildir)
    assert raw.say(b"NOOP\nNOOP\r\n")[:3] == "500"
    assert raw.f.readline() == b""


def test_proxy_header_is_believed_where_told(smtpd):
    smtpd.start("listen on 127.0.0.1 port {port} proxy-v2\n"
                'match from src "192.0.2.7" for any reject\n'
                'action l maildir "{dir}/x"\n'
                'match from local for local action l\n')
    header = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12)
              + bytes([192, 0, 2, 7, 127, 0, 0, 1]) + struct.pack(">HH", 1, 2))
    for first in (header, b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"):
        s = smtpd.raw()
        s.sendall(first)
        assert reply(s.makefile("rb"))[0].startswith("220 ")
    s = smtpd.raw()
    s.sendall(b"EHLO x\r\n")
    assert s.recv(100) == b""
    assert smtpd.log_text().count("connected address=192.0.2.7") == 2
    assert "bad-proxy-header" in smtpd.log_text()


def test_haproxy_in_front_is_understood(smtpd):
    front = free_port()
    smtpd.start("listen on 127.0.0.1 port {port} proxy-v2\n"
                'action l maildir "{dir}/x"\nmatch for local action l\n')
    (smtpd.dir / "haproxy.cfg").write_text(
        "defaults\n  mode tcp\n  timeout connect 60s\n  timeout client 60s\n"
        f"  timeout server 60s\nlisten smtp\n  bind 127.0.0.1:{front}\n"
        f"  server s 127.0.0.1:{smtpd.port} send-proxy-v2\n")
    proxy = subprocess.Popen(
        ["haproxy", "-db", "-f", smtpd.dir / "haproxy.cfg"],
        stderr=subprocess.DEVNULL)
    try:
        def ehlo():
            try:
                with smtplib.SMTP("127.0.0.1", front, timeout=PATIENCE) as client:
                    return client.ehlo()[0] == 250
            except OSError:
                return False
        wait_for(ehlo, "haproxy passes a session on")
    finally:
        proxy.terminate()
        proxy.wait()
