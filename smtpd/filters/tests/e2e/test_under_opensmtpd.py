# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Our filters at work in the distribution's OpenSMTPD, on real mail."""

import os
import pathlib
import re
import shutil
import smtplib
import sys
import tempfile
import time

import pytest

from dkimcheck import verified
from filterserver import FILTERS, ROOT
from realrspamd import Rspamd

sys.path.insert(0, str(ROOT / "tests" / "support"))
from opensmtpd import OpenSMTPD, why_not  # noqa: E402
from privatenet import private_net  # noqa: E402

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
PORT = 2525  # in a network of its own
NOBODY = 65534
PATIENCE = 60
CONF = """
filter "f" proc-exec "{command}"
table users {{ "@" = "nobody" }}
table base {{ nobody = "65534:65534:{dir}" }}
listen on 127.0.0.1 port {port} filter "f"
listen on 203.0.113.1 port {port} filter "f"
action "keep" maildir "{dir}/mail" virtual <users> userbase <base>
match from any for domain "example.net" action "keep"
"""
# The sandbox keeps the leak sanitizer from the files of /proc that it reads.
ENV = "/usr/bin/env ASAN_OPTIONS=detect_leaks=0"
MESSAGE = "From: <s@test.org>\r\nSubject: a test\r\n\r\nhello\r\n.dot\r\n"
GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X\r\n")
SCORES = """$ORIGIN score.senderscore.com.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
10.113.0.203 A 127.0.4.10
50.113.0.203 A 127.0.4.50
90.113.0.203 A 127.0.4.90
"""
SENDERS = """$ORIGIN example.org.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
mx MX 10 ns
null MX 0 .
text TXT "nothing that takes mail"
"""


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="opensmtpd-test."))
    path.chmod(0o755)
    (path / "mail").mkdir()
    os.chown(path / "mail", NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def net(folder):
    with private_net("203.0.113.1/24", *(f"203.0.113.{n}/24"
                                         for n in (10, 50, 90, 99))):
        yield


@pytest.fixture
def serve(folder, net):
    running = []

    def go(name, *args):
        command = " ".join(map(str, [ENV, FILTERS / f"filter-{name}", *args]))
        running.append(OpenSMTPD(folder, CONF.format(
            command=command, dir=folder, port=PORT), PORT))

    yield go
    for smtpd in running:
        smtpd.stop()


def client(n=None):
    """From 203.0.113.n, or from the machine itself."""
    if n is None:
        return smtplib.SMTP("127.0.0.1", PORT, "test.org", PATIENCE)
    return smtplib.SMTP("203.0.113.1", PORT, "test.org", PATIENCE,
                        (f"203.0.113.{n}", 0))


def send(c, text=MESSAGE, sender="s@test.org"):
    """The code that refused it, or 250."""
    try:
        c.sendmail(sender, "b@example.net", text)
    except smtplib.SMTPDataError as refused:
        return refused.smtp_code
    return 250


def mails(folder, count):
    new = folder / "mail" / "new"
    end = time.monotonic() + PATIENCE
    while not new.is_dir() or len(list(new.iterdir())) < count:
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.05)
    found = [path.read_text() for path in new.iterdir()]
    assert len(found) == count
    return found


def test_rspamd_judges_and_signs(folder, serve, tmp_path):
    if shutil.which("rspamd") is None:
        pytest.skip("rspamd is not installed")
    rspamd = Rspamd(tmp_path)
    try:
        serve("rspamd", "-url", rspamd.url, "-spool", "/tmp")
        with client() as c:
            assert send(c, MESSAGE + GTUBE) == 550
            assert send(c, "X-Want: soft\r\n" + MESSAGE) == 451
            assert send(c, "X-Want: WANT_SPAM\r\n" + MESSAGE) == 250
            assert send(c, "X-Ham: yes\r\n" + MESSAGE, "a@example.org") == 250
    finally:
        rspamd.stop()
    ham, spam = sorted(mails(folder, 2), key=lambda m: "WANT_SPAM" in m)
    assert "X-Spam: yes\n" in spam and "WANT_SPAM=7.000" in spam
    assert "X-Ham: yes\n" in ham and "X-Spam" not in ham
    assert re.search(r"^X-Seen: 127\.0\.0\.1 \S+ test\.org ", ham, re.M)
    assert ham.endswith("\n\nhello\n.dot\n")
    assert verified(ham, tmp_path / "key.pem",
                    "s1._domainkey.example.org.")


def test_senderscore_acts_on_scores(folder, serve, name_server):
    serve("senderscore", "-r", name_server("score.senderscore.com", SCORES),
          "-blockBelow", "20", "-junkBelow", "70", "-scoreHeader")
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        client(10)
    assert refused.value.smtp_code == 550
    assert b"reputation is too low" in refused.value.smtp_error
    for n in (50, 90, 99):
        with client(n) as c:
            assert send(c, f"X-Client: {n}\r\n" + MESSAGE) == 250
    found = {int(re.search(r"X-Client: (\d+)", m)[1]): m
             for m in mails(folder, 3)}
    assert "X-SenderScore: 50\n" in found[50]
    assert "X-Spam: Yes\n" in found[50]
    assert "X-SenderScore: 90\n" in found[90]
    assert "X-Spam" not in found[90]
    assert "X-SenderScore" not in found[99]


def test_checksenderdomain_refuses_senders(folder, serve, name_server):
    serve("checksenderdomain", "-r", name_server("example.org", SENDERS))
    with client() as c:
        c.ehlo()
        for sender, code in [("a@mx.example.org", 250), ("", 250),
                             ("a@null.example.org", 550),
                             ("a@text.example.org", 550),
                             ("a@absent.example.org", 550),
                             ("a@elsewhere.example.com", 451)]:
            got, text = c.mail(sender)
            assert (sender, got) == (sender, code)
            if code != 250:
                assert text.startswith(b"5.1.8 " if code == 550 else
                                       b"4.4.3 ")
            c.rset()
        assert send(c, sender="a@mx.example.org") == 250
    mails(folder, 1)


def test_eventlog_keeps_what_happened(folder, serve):
    logs = folder / "events"
    logs.mkdir()
    logs.chmod(0o777)
    serve("eventlog", "-d", logs)
    with client() as c:
        assert send(c) == 250
    mails(folder, 1)
    end = time.monotonic() + PATIENCE
    while True:
        lines = [line.split("|") for path in logs.iterdir()
                 for line in path.read_text().splitlines()]
        events = [line[4] for line in lines if line[5] == lines[-1][5]]
        if "tx-commit" in events and events[-1] == "link-disconnect":
            break
        assert time.monotonic() < end, lines
        time.sleep(0.05)
    order = ["link-connect", "link-greeting", "link-identify", "tx-begin",
             "tx-mail", "tx-envelope", "tx-rcpt", "tx-data", "tx-commit",
             "link-disconnect"]
    assert [event for event in events if event in order] == order
    assert {line[1] for line in lines} == {"0.6"}
