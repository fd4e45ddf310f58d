# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What has been published against OpenSMTPD, tried on this smtpd."""

import os
import socket
import struct

import pytest
from conftest import MAILDIR, PATIENCE, UID, wait_for
from test_smtp import Raw, reply


@pytest.mark.parametrize("method", [
    'maildir "{dir}/%{sender.user}"', 'mda "cat > {dir}/out"',
    'lmtp "127.0.0.1:1"', "mbox"])
def test_cve_2020_7247_sender_with_a_command(smtpd, method):
    smtpd.start(f"action here {method} virtual <users> userbase <base>\n"
                'match from any for any action here\n')
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    for sender in (b";sleep 66;", b";sleep 66;@", b"|id", b"`id`@",
                   b"$(id)@test.org"):
        assert raw.say(b"MAIL FROM:<%s>\r\n" % sender)[:3] == "553"


def test_cve_2020_7247_no_shell_reads_a_value(smtpd):
    smtpd.start(
        'action here mda "printf %s %{sender|raw} > {dir}/out" '
        'virtual <users> userbase <base>\n'
        'match from any for any action here\n')
    evil = f"\"$(touch {smtpd.dir}/pwned)`touch {smtpd.dir}/pwned`\"@test.org"
    smtpd.send("alice@example.org", sender=evil)
    wait_for(lambda: (smtpd.dir / "out").exists()
             and (smtpd.dir / "out").read_text() == evil, "the mda has run")
    assert not (smtpd.dir / "pwned").exists()


def test_cve_2020_8793_hard_linked_forward(smtpd):
    secret = smtpd.dir / "secret"
    secret.write_text("bob@example.org\n")
    os.link(secret, smtpd.dir / "alice" / ".forward")
    smtpd.start(MAILDIR)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b"RCPT TO:<alice@example.org>\r\n")[:3] == "424"


def test_qualys_2015_forward_as_a_pipe_does_not_hang(smtpd):
    os.mkfifo(smtpd.dir / "alice" / ".forward")
    smtpd.start(MAILDIR)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b"RCPT TO:<alice@example.org>\r\n")[:3] == "424"


def test_cve_2020_8794_reply_with_lines_stays_one_line(smtpd):
    """A line that an LMTP server says can't make a second field."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    smtpd.start(f'action here lmtp "127.0.0.1:{port}" virtual <users> '
                'userbase <base>\nmatch from any for any action here\n')
    smtpd.send("alice@example.org")
    peer, _ = server.accept()
    f = peer.makefile("rwb")
    f.write(b"220 x\r\n")
    f.flush()
    f.readline()
    f.write(b"250 x\r\n")
    f.flush()
    f.readline()
    f.write(b"450-\r\n450-\n450 a\x01b\ttype: mda\r\n")
    f.flush()
    line = wait_for(lambda: [x for x in smtpd.ctl(
        "show", "queue").stdout.splitlines() if "450" in x], "the error")
    assert len(line) == 1 and "450 a?b?type: mda" in line[0]
    peer.close()
    server.close()


def test_cve_2025_62875_nonsense_on_the_control_socket(maildir):
    frames = [b"\xff" * 100, struct.pack("<IHH", 5000, 23, 0) + b"x" * 5000,
              struct.pack("<IHH", 4, 9999, 0) + b"abcd",
              struct.pack("<IHH", 0, 23, 1), b"\0",
              struct.pack("<IHH", 3, 12, 0) + b"\0\0\0"]
    for frame in frames * 10:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(str(maildir.dir / "spool" / "smtpd.sock"))
        try:
            s.sendall(frame)
        except BrokenPipeError:
            pass
        s.close()
    maildir.send("alice@example.org")
    maildir.wait_mails("alice", 1)
    assert "ended by signal" not in maildir.log_text()
    assert "exited" not in maildir.log_text()


def test_cve_2020_35680_commands_in_odd_orders(maildir):
    words = [b"DATA", b"RSET", b"RCPT TO:<alice@example.org>", b"BDAT 0 LAST",
             b"MAIL FROM:<>", b"EHLO x", b"HELO y", b"NOOP", b"HELP"]
    for shift in range(len(words)):
        raw = Raw(maildir)
        for word in words[shift:] + words[:shift]:
            if raw.say(word + b"\r\n")[:3] == "354":
                raw.say(b".\r\n")
        raw.s.close()
    assert "ended by signal" not in maildir.log_text()


def test_2026_03_line_ends_in_a_command_are_refused(maildir):
    raw = Raw(maildir)
    raw.s.sendall(b"EHLO a\rb\r\n")
    assert reply(raw.f)[0][:3] == "500"


def test_cve_2013_2125_one_stalled_client_stops_nobody(maildir):
    stalled = [maildir.raw() for _ in range(200)]
    for s in stalled:
        s.sendall(b"EHL")
    maildir.send("alice@example.org")
    maildir.wait_mails("alice", 1)
    for s in stalled:
        s.close()


def test_overlong_domain_is_an_address_error(maildir):
    raw = Raw(maildir)
    raw.say(b"EHLO x\r\n")
    domain = b".".join([b"a" * 60] * 20)
    assert raw.say(b"MAIL FROM:<a@%s>\r\n" % domain)[:3] == "553"


def test_processes_are_not_root(maildir):
    for pid in maildir.children():
        with open(f"/proc/{pid}/status") as f:
            uids = [x for x in f if x.startswith("Uid:")][0].split()[1:]
        assert set(uids) == {str(UID)}
