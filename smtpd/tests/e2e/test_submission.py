# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What is added to the header of a user of ours, and to nobody else's."""

import re
import sys

import pytest
from conftest import MAILDIR, UID
from test_auth import conf, daemon, plain, secure  # noqa: F401

LOCAL = MAILDIR.replace("from any", "from socket")
HEADER = ('From: "Jürgen, at home" <root> (of cron)\n'
          "To: people: mabel, Bob <bob>;, x@y.org,\n"
          "\ttom\n"
          "Cc: Two Words, (a) first.last (b)\n"
          "Reply-To: \"odd name\"\n"
          "Subject: root,  all\n"
          "X-To: root\n"
          "DKIM-Signature: v=1; d=example.org; h=subject:x-to;\n"
          "\tb=abc  def\n"
          "Date: Sat, 21 Nov 2026 10:00:00 +0000\n"
          "Message-ID: <own@example.org>\n")
WANTED = ('From: "Jürgen, at home" <root@mx.example.org> (of cron)\n'
          "To: people: mabel@mx.example.org, Bob <bob@mx.example.org>;, "
          "x@y.org,\n"
          "\ttom@mx.example.org\n"
          "Cc: Two Words, (a) first.last@mx.example.org (b)\n"
          'Reply-To: "odd name"@mx.example.org\n'
          + HEADER[HEADER.index("Subject"):])
BODY = "\nTo: root\n\n.dot, 8 bits: \xe4\n"


def whole(daemon):
    """The first mail of alice, without what delivery and we put on top."""
    daemon.wait_mails("alice", 1)
    text = daemon.mails("alice")[0].read_bytes().decode("utf-8")
    return re.sub(r"\A(?:Return-Path|Delivered-To|Received):.*\n(?:\s.*\n)*",
                  "", re.sub(r"\A(?:(?:Return-Path|Delivered-To):.*\n)*", "",
                             text))


def test_local_mail_is_completed_and_else_as_it_was(smtpd):
    smtpd.start(LOCAL)
    smtpd.ctl("-i", "-f", "s@test.org", "alice@example.org", name="sendmail",
              stdin=HEADER + "Bcc: secret\nResent-Bcc: too,\n  secret\n"
              + BODY)
    assert whole(smtpd) == WANTED + BODY


def test_what_is_missing_is_added(smtpd):
    smtpd.start(LOCAL)
    smtpd.ctl("-f", "s", "alice@example.org", name="sendmail",
              stdin="Subject: x\n\nb\n")
    fields = whole(smtpd).split("\n\n")[0].split("\n")
    assert re.fullmatch(r"Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4}",
                        fields[0])
    assert re.fullmatch(r"Message-ID: <[0-9a-f]{8}\.[0-9a-f]{16}"
                        r"@mx\.example\.org>", fields[1])
    assert fields[2:] == ["From: <s@mx.example.org>", "Subject: x"]


def test_a_notice_has_an_author_too(smtpd):
    smtpd.start(LOCAL)
    smtpd.ctl("-f", "<>", "alice@example.org", name="sendmail",
              stdin="Subject: x\n\nb\n")
    assert "\nFrom: <MAILER-DAEMON@mx.example.org>\n" in whole(smtpd)


def test_relayed_mail_is_not_touched(smtpd):
    smtpd.start(MAILDIR)
    text = HEADER[:HEADER.index("Date")] + "Bcc: secret\n" + BODY
    with smtpd.smtp() as client:
        client.ehlo()
        client.sendmail("s@test.org", "alice@example.org",
                        text.replace("\n", "\r\n").encode("utf-8"),
                        ["BODY=8BITMIME"])
    assert whole(smtpd) == text


@pytest.mark.parametrize("chunks", [False, True])
def test_an_authenticated_user_is_one_of_ours(daemon, chunks):  # noqa: F811
    daemon.start(conf(daemon, "auth-optional <logins>",
                      rule="match from any for any action here"))
    text = (HEADER + "Bcc: secret\n" + BODY).replace("\n", "\r\n").encode()
    with secure(daemon) as client:
        assert client.docmd(plain("alice", "open sesame 9"))[0] == 235
        if chunks:
            client.ehlo()
            client.mail("alice@example.org")
            client.rcpt("alice@example.org")
            for i in range(0, len(text), 7):
                part = text[i:i + 7]
                last = " LAST" if i + 7 >= len(text) else ""
                client.send(f"BDAT {len(part)}{last}\r\n".encode() + part)
                assert client.getreply()[0] == 250
        else:
            client.sendmail("alice@example.org", "alice@example.org", text)
    assert whole(daemon) == WANTED + BODY


def test_long_and_folded_headers_stay_within_a_line(smtpd):
    smtpd.start(LOCAL)
    names = [f"user{i}" for i in range(300)]
    smtpd.ctl("-f", "s@test.org", "alice@example.org", name="sendmail",
              stdin="To: " + ",".join(names) + "\nCc: a,\n b,\n\tc\n"
              "Subject: x\n" + BODY)
    text = whole(smtpd)
    assert max(map(len, text.split("\n"))) < 998
    to = re.search(r"^To: ((?:.*\n)(?:[ \t].*\n)*)", text, re.M)[1]
    assert re.split(r",\s*", to.strip()) == [
        f"{n}@mx.example.org" for n in names]
    assert ("\nCc: a@mx.example.org,\n b@mx.example.org,\n"
            "\tc@mx.example.org\n") in text


def test_what_has_no_header_or_a_bad_one_is_judged_as_before(smtpd):
    smtpd.start(LOCAL)
    smtpd.ctl("-f", "s@test.org", "alice@example.org", name="sendmail",
              stdin="no header at all\n")
    assert whole(smtpd).endswith("\n\nno header at all\n")
    smtpd.ctl("-f", "s@test.org", "alice@example.org", name="sendmail",
              stdin="")
    smtpd.wait_mails("alice", 2)


def test_filters_see_the_header_as_it_is_sent(smtpd):
    """One that signs must sign what the next host will see."""
    filter_ = smtpd.dir / "copy.py"
    filter_.write_text(
        "import sys\n"
        "print('register|filter|smtp-in|data-line', flush=True)\n"
        "print('register|ready', flush=True)\n"
        "out = open(sys.argv[1], 'a')\n"
        "for line in sys.stdin:\n"
        "    f = line.rstrip('\\n').split('|', 7)\n"
        "    if f[0] != 'filter':\n"
        "        continue\n"
        "    out.write(f[7] + '\\n')\n"
        "    out.flush()\n"
        "    print('filter-dataline', f[5], f[6], f[7], sep='|', "
        "flush=True)\n")
    smtpd.start(f'filter "copy" proc-exec "{sys.executable} {filter_} '
                f'{smtpd.dir}/seen"\n'
                f"listen on 127.0.0.1 port {smtpd.port}\n"
                'listen on socket filter "copy"\n'
                'table users { "alice@example.org" = alice }\n'
                f'table base {{ alice = "{UID}:{UID}:{smtpd.dir}/alice" }}\n'
                + LOCAL)
    smtpd.ctl("-i", "-f", "s@test.org", "alice@example.org", name="sendmail",
              stdin="To: mabel\nBcc: secret\n" + BODY.replace("\xe4", "a"))
    text = whole(smtpd)
    assert "To: mabel@mx.example.org\n" in text and "Bcc" not in text
    seen = (smtpd.dir / "seen").read_text()
    assert seen.startswith("Received: ") and "Bcc" not in seen
    assert text.replace("\n.", "\n..") in seen
