# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""From the queue into mailboxes, and back to the sender."""

import email
import json
import os
import signal
import socket
import threading

from conftest import MAILDIR, PATIENCE, UID, wait_for
from test_smtp import Raw

BOUNCES = ('match from local for domain "test.org" action back\n')
BACK = ('table backs { "s@test.org" = bob }\n'
        'action back maildir virtual <backs> userbase <base>\n')


def test_junk_goes_to_its_folder(smtpd):
    smtpd.start(MAILDIR.replace("maildir virtual", "maildir junk virtual"))
    smtpd.send("alice@example.org", "X-Spam: YES\r\n\r\nx\r\n")
    smtpd.wait_mails("alice", 1, "Maildir/.Junk")


def test_tag_goes_to_the_folder_that_exists(smtpd):
    (smtpd.dir / "alice" / "Maildir" / ".lists").mkdir(parents=True)
    smtpd.start(MAILDIR)
    smtpd.send("alice+lists@example.org")
    smtpd.wait_mails("alice", 1, "Maildir/.lists")
    smtpd.send("alice+none@example.org")
    smtpd.wait_mails("alice", 1)


def test_forward_holds_what_it_may_hold(smtpd):
    out = smtpd.dir / "alice" / "out"
    file = smtpd.dir / "alice" / "file"
    (smtpd.dir / "alice" / ".forward").write_text(
        f'alice, bob@example.org # both\n"|cat > {out}"\n{file}\n')
    smtpd.start(MAILDIR + 'match for domain "example.org" action here\n')
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)
    smtpd.wait_mails("bob", 1)
    wait_for(lambda: out.exists() and "body" in out.read_text(), "the pipe")
    wait_for(lambda: file.exists()
             and file.read_text().startswith("From s@test.org "), "the file")


def test_aliases_chain_and_refuse(smtpd):
    (smtpd.dir / "aliases").write_text(
        "staff: alice, bob\nall: staff\nloop: loop2\nloop2: loop\n"
        "gone: error:550 5.1.6 moved away\n")
    smtpd.start('table al "{dir}/aliases"\n'
                'action here maildir alias <al> userbase <base>\n'
                'match from any for domain "example.org" action here\n')
    smtpd.send("all@example.org")
    smtpd.wait_mails("alice", 1)
    smtpd.wait_mails("bob", 1)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b"RCPT TO:<gone@example.org>\r\n") == "550 5.1.6 moved away"
    assert raw.say(b"RCPT TO:<loop@example.org>\r\n")[:3] == "524"
    # A name that is not there, then a table that is read again.
    assert raw.say(b"RCPT TO:<new@example.org>\r\n")[:3] == "550"
    (smtpd.dir / "aliases").write_text("new: alice\n")
    smtpd.ctl("update", "table", "al")
    assert raw.say(b"RCPT TO:<new@example.org>\r\n")[:3] == "250"


def test_makemap_makes_what_a_db_table_reads(smtpd):
    (smtpd.dir / "virt").write_text("a@example.org alice\n@b.org bob\n")
    smtpd.own()
    done = smtpd.ctl("-o", str(smtpd.dir / "virt.db"),
                     str(smtpd.dir / "virt"), name="makemap")
    assert "2 entries" in done.stdout
    smtpd.start('table v db:{dir}/virt.db\n'
                'action here maildir virtual <v> userbase <base>\n'
                'match from any for any action here\n')
    smtpd.send(["a@example.org", "x@b.org"])
    smtpd.wait_mails("alice", 1)
    smtpd.wait_mails("bob", 1)


def test_mda_gets_its_values_in_the_environment(smtpd):
    smtpd.start(
        'action here mda "(env; cat) > {dir}/out; echo %{user.username}" '
        'virtual <users> userbase <base>\n'
        'match from any for any action here\n')
    smtpd.send("alice+tag@example.org")
    out = smtpd.dir / "out"
    text = wait_for(lambda: out.exists() and "body" in out.read_text()
                    and out.read_text(), "the mda")
    for line in ("SENDER=s@test.org", "RECIPIENT=alice+tag@example.org",
                 "EXTENSION=tag", "LOCAL=alice", "USER=alice",
                 "DOMAIN=example.org", f"HOME={smtpd.dir}/alice"):
        assert line + "\n" in text


def test_failed_mda_bounces_to_the_sender(smtpd):
    smtpd.start('action here mda "echo it is full; exit 69" '
                'virtual <users> userbase <base>\n' + BACK + BOUNCES +
                'match from any for domain "example.org" action here\n')
    smtpd.send("alice@example.org", "Subject: lost\r\n\r\nbody\r\n")
    mail = email.message_from_string(smtpd.wait_mails("bob", 1)[0])
    assert mail["Return-Path"] == "<>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail.get_content_type() == "multipart/report"
    parts = mail.get_payload()
    assert [p.get_content_type() for p in parts] == [
        "text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert "it is full" in parts[0].get_payload()
    status = parts[1].as_string()
    assert "Action: failed" in status
    assert "Final-Recipient: rfc822; alice@example.org" in status
    assert "Subject: lost" in parts[2].get_payload()
    smtpd.wait_queue_empty()


def test_success_is_told_when_asked(smtpd):
    smtpd.start(MAILDIR + BACK + BOUNCES)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org> ENVID=my+2Bid RET=HDRS\r\n")
    raw.say(b"RCPT TO:<alice@example.org> NOTIFY=SUCCESS "
            b"ORCPT=rfc822;old@x.org\r\n")
    raw.say(b"DATA\r\n")
    assert raw.say(b"a: b\r\n\r\nx\r\n.\r\n")[:3] == "250"
    mail = smtpd.wait_mails("bob", 1)[0]
    for text in ("Action: delivered", "Original-Envelope-Id: my+2Bid",
                 "Original-Recipient: rfc822;old@x.org", "Status: 2.0.0"):
        assert text in mail


def test_failing_mda_is_tried_again(smtpd):
    smtpd.start(
        'action here mda "test -e {dir}/ok || exit 75; cat > {dir}/out" '
        'virtual <users> userbase <base>\n'
        'match from any for any action here\n')
    smtpd.send("alice@example.org")
    line = wait_for(lambda: [json.loads(x) for x in smtpd.ctl(
        "show", "queue", "-j").stdout.splitlines()
        if json.loads(x)["retry"] > 0], "a failed attempt")[0]
    assert line["error"] == "command exited 75"
    (smtpd.dir / "ok").touch()
    smtpd.ctl("schedule", line["evpid"])
    wait_for(lambda: (smtpd.dir / "out").exists(), "a second attempt")
    smtpd.wait_queue_empty()


def test_expired_envelope_bounces(smtpd):
    smtpd.start('action here mda "exit 75" virtual <users> userbase <base> '
                'ttl 1s\n' + BACK + BOUNCES +
                'match from any for domain "example.org" action here\n')
    smtpd.send("alice@example.org")
    assert "Envelope expired" in smtpd.wait_mails("bob", 1)[0]


def lmtp_server(got, replies):
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = server.accept()
        f = peer.makefile("rwb")

        def say(text):
            f.write(text + b"\r\n")
            f.flush()
        say(b"220 lmtp")
        while True:
            line = f.readline()
            if not line:
                return
            word = line[:4].upper()
            got.append(line.decode().strip())
            if word == b"DATA":
                say(b"354 go")
                while (line := f.readline()) != b".\r\n":
                    got.append(line.decode())
            say(replies.get(word, b"250 ok"))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return server, server.getsockname()[1]


def test_lmtp_keeps_its_connection(smtpd):
    got = []
    server, port = lmtp_server(got, {})
    smtpd.start(f'action here lmtp "127.0.0.1:{port}" rcpt-to '
                'virtual <users> userbase <base>\n'
                'match from any for any action here\n')
    smtpd.send("alice@example.org", "a: b\r\n\r\n..\r\n")
    smtpd.wait_queue_empty()
    smtpd.send("alice+x@example.org")
    smtpd.wait_queue_empty()
    assert got.count("LHLO localhost") == 1
    assert "RCPT TO:<alice+x@example.org>" in got
    assert "...\r\n" in got
    server.close()


def test_mail_loop_is_broken(maildir):
    maildir.send("alice@example.org",
                 "Delivered-To: alice@example.org\r\n\r\nx\r\n")
    wait_for(lambda: "result=PermFail stat=Mail loop" in maildir.log_text(),
             "the loop is seen")
    assert not maildir.mails("alice")


def test_sendmail_takes_recipients_from_the_header(smtpd):
    smtpd.start(MAILDIR.replace("from any", "from socket"))
    done = smtpd.ctl("-t", "-f", "s@test.org", "-F", "Some One",
                     name="sendmail",
                     stdin="To: Alice <alice@example.org>,\n\tbob@example.org"
                           "\nBcc: alice@example.org\nSubject: x\n\n.x\n")
    assert done.returncode == 0
    mail = smtpd.wait_mails("alice", 1)[0]
    smtpd.wait_mails("bob", 1)
    assert "Bcc" not in mail and "\n.x\n" in mail
    for field in ("From: Some One <s@test.org>", "Date: ", "Message-ID: <"):
        assert field in mail


def test_smtpctl_holds_and_removes(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.send(["alice@example.org", "bob@example.org"])
    ids = [x.split("|")[0] for x in smtpd.ctl(
        "show", "queue").stdout.splitlines()]
    assert len(ids) == 2
    smtpd.ctl("pause", "envelope", ids[0])
    smtpd.ctl("remove", ids[1])
    assert "suspend" in smtpd.ctl("show", "envelope", ids[0]).stdout
    assert "Subject: x" in smtpd.ctl("show", "message", ids[0]).stdout
    assert smtpd.ctl("show", "message", "ffffffff", ok=False).returncode == 1
    smtpd.ctl("resume", "mda")
    smtpd.ctl("resume", "envelope", ids[0])
    smtpd.wait_queue_empty()
    assert len(smtpd.mails("alice")) + len(smtpd.mails("bob")) == 1
    assert "scheduler.delivery.ok=1" in smtpd.ctl("show", "stats").stdout


def test_reload_keeps_sessions_and_takes_new_rules(maildir):
    raw = Raw(maildir)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    maildir.configure(MAILDIR + 'match from any for any reject\n'
                      'admd again\n')
    maildir.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in maildir.log_text(), "a reload")
    assert raw.say(b"RCPT TO:<alice@example.org>\r\n")[:3] == "250"
    assert "reject" in maildir.ctl("show", "rules").stdout
    (maildir.dir / "smtpd.conf").write_text("nonsense\n")
    maildir.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "kept as it was" in maildir.log_text(), "a refusal")
    maildir.send("alice@example.org")
    maildir.wait_mails("alice", 1)


def test_stop_is_orderly(maildir):
    raw = Raw(maildir)
    assert maildir.stop() == 0
    assert raw.f.readline()[:3] == b"421"
    assert not (maildir.dir / "spool" / "smtpd.sock").exists()


def test_systemd_sockets_and_readiness(smtpd):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(smtpd.dir / "notify"))
    notify.settimeout(PATIENCE)
    os.chmod(smtpd.dir / "notify", 0o777)
    smtpd.env["NOTIFY_SOCKET"] = str(smtpd.dir / "notify")
    smtpd.start(MAILDIR)
    assert notify.recv(100) == b"READY=1"
    smtpd.stop()
    assert notify.recv(100) == b"STOPPING=1"


def test_root_is_never_a_recipient_without_privileges(smtpd):
    smtpd.start('table r { root = "0:0:/root" }\n'
                'action here maildir userbase <r>\n'
                'match from any for any action here\n')
    smtpd.send("root@example.org")
    wait_for(lambda: "not started by root" in smtpd.log_text(), "a refusal")
    assert UID != 0
