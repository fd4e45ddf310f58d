# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Whole filter programs at work: ours, and the distribution's, unmodified."""

import pathlib
import re
import shutil
import smtplib
import subprocess
import sys

import pytest

from conftest import BUILD, GID, MAILDIR, ROOT, UID, wait_for

TESTS = ROOT / "smtpd" / "filters" / "tests"
sys.path.append(str(TESTS / "e2e"))
from dkimcheck import verified  # noqa: E402
from httpscript import Script  # noqa: E402
from realrspamd import Rspamd  # noqa: E402

OURS = BUILD / "smtpd" / "filters"
THEIRS = pathlib.Path("/usr/libexec/opensmtpd")
PAGE = ROOT / "smtpd" / "man" / "smtpd-filters.7"
GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X\r\n")
MESSAGE = ("From: <s@test.org>\r\nTo: <bob@example.org>\r\n"
           "Subject: a test\r\nX-Drop: x\r\n\r\n.a dot\r\n\r\nbye\r\n")


def run(smtpd, command, listen=""):
    d = smtpd.dir
    return smtpd.start(
        f'filter f proc-exec "{command}"\n'
        f"listen on 127.0.0.1 port {smtpd.port} {listen} filter f\n"
        f'table base {{ bob = "{UID}:{GID}:{d}/bob" }}\n'
        f'table users {{ "bob@example.org" = bob }}\n' + MAILDIR)


def theirs(name):
    path = THEIRS / f"filter-{name}"
    if not path.exists():
        pytest.skip(f"opensmtpd-filter-{name} is not installed")
    return path


@pytest.fixture
def rspamd():
    running = []

    def go(answer):
        running.append(Script(answer=answer))
        return running[-1]

    yield go
    for script in running:
        script.close()


@pytest.fixture(params=["ours", "theirs"])
def filter_rspamd(request, smtpd):
    """The command, and its text for a message that is rejected."""
    if request.param == "theirs":
        return theirs("rspamd")
    return f"{OURS}/filter-rspamd -spool {smtpd.dir}"


class TestRspamd:
    def test_a_message_goes_through(self, smtpd, filter_rspamd, rspamd):
        s = rspamd({"action": "add header", "score": 7.5,
                    "required_score": 15,
                    "symbols": {"A": {"score": 7.5}},
                    "dkim-signature": "v=1; a=rsa-sha256;\r\n\tb=xyz",
                    "milter": {"remove_headers": {"X-Drop": 0}}})
        run(smtpd, f"{filter_rspamd} -url {s.url}")
        smtpd.send("bob@example.org", MESSAGE)
        (mail,) = smtpd.wait_mails("bob", 1)
        head, _, body = mail.partition("\n\n")
        assert "X-Spam: yes\n" in mail
        assert "X-Spam-Score: 7.5 / 15\n" in mail
        assert "DKIM-Signature: v=1; a=rsa-sha256;\n\tb=xyz\n" in mail
        assert "\ttests=[A=7.500]" in mail
        assert "X-Drop" not in head
        assert body == ".a dot\n\nbye\n"
        _, headers, sent = s.requests[0]
        assert headers["Rcpt"] == "bob@example.org"
        assert headers["From"] == "s@test.org"
        assert headers["Ip"] == "127.0.0.1"
        assert re.fullmatch("[0-9a-f]{8}", headers["Queue-Id"])
        assert b"\n.a dot\n" in sent

    def test_a_message_is_rejected(self, smtpd, filter_rspamd, rspamd):
        s = rspamd({"action": "reject",
                    "messages": {"smtp_message": "not this"}})
        run(smtpd, f"{filter_rspamd} -url {s.url}")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            for action, code in (("reject", 550), ("soft reject", 451)):
                s.answer["action"] = action
                c.mail("s@test.org")
                c.rcpt("bob@example.org")
                got = c.data(MESSAGE)
                assert got[0] == code and got[1].endswith(b"not this")
            s.answer["action"] = "no action"
            c.mail("s@test.org")
            c.rcpt("bob@example.org")
            assert c.data(MESSAGE)[0] == 250
        (mail,) = smtpd.wait_mails("bob", 1)
        assert "X-Drop: x" in mail

    def test_a_large_message_comes_back_whole(self, smtpd, filter_rspamd,
                                              rspamd):
        s = rspamd({"action": "no action"})
        run(smtpd, f"{filter_rspamd} -url {s.url}")
        body = "".join(f"{n:06} {'x' * (n % 200)}\r\n" for n in range(60000))
        smtpd.send("bob@example.org", "Subject: x\r\n\r\n" + body)
        (mail,) = smtpd.wait_mails("bob", 1)
        assert mail.endswith("\n\n" + body.replace("\r\n", "\n"))


@pytest.fixture
def real_rspamd(tmp_path):
    if shutil.which("rspamd") is None:
        pytest.skip("rspamd is not installed")
    running = Rspamd(tmp_path)
    yield running
    running.stop()


def test_the_real_rspamd_behind_it_all(smtpd, filter_rspamd, real_rspamd):
    run(smtpd, f"{filter_rspamd} -url {real_rspamd.url}")
    with smtpd.smtp() as c:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            c.sendmail("s@test.org", "bob@example.org", MESSAGE + GTUBE)
        assert refused.value.smtp_code == 550
        assert refused.value.smtp_error.endswith(b"Gtube pattern")
        c.sendmail("a@example.org", "bob@example.org",
                   "X-Want: WANT_SPAM\r\n" + MESSAGE)
        c.sendmail("a@example.org", "bob@example.org", MESSAGE)
    ham, spam = sorted(smtpd.wait_mails("bob", 2),
                       key=lambda mail: "WANT_SPAM" in mail)
    assert "X-Spam" not in ham and "X-Drop" not in ham
    assert ham.endswith("\n\n.a dot\n\nbye\n")
    assert verified(ham, real_rspamd.key, "s1._domainkey.example.org.")
    head = spam.partition("\n\n")[0]
    assert "X-Spam: yes\n" in head
    assert "WANT_SPAM=7.000" in head
    assert "X-Seen: 127.0.0.1 " in head
    assert "X-Drop" not in head


class TestSenderscore:
    def test_blocks_a_client(self, smtpd):
        # 127.0.0.1: the test mode's score is 1.
        run(smtpd, f"{OURS}/filter-senderscore -testMode -blockBelow 50")
        with smtpd.raw() as s:
            assert s.recv(1000) == (
                b"550 your IP reputation is too low for this MX\r\n")
            assert s.recv(1000) == b""

    def test_marks_and_junks_mail(self, smtpd):
        run(smtpd, f"{OURS}/filter-senderscore -testMode -junkBelow 50 "
            "-scoreHeader")
        smtpd.send("bob@example.org", MESSAGE)
        (mail,) = smtpd.wait_mails("bob", 1)
        assert "X-SenderScore: 1\n" in mail
        assert "X-Spam: Yes\n" in mail

    def test_theirs_lets_pass_who_has_no_score(self, smtpd):
        # It asks DNS for IPv4 alone: no name server is needed here.
        run(smtpd, f"{theirs('senderscore')} -blockBelow 50 -junkBelow 50 "
            "-scoreHeader -slowFactor 1", listen="proxy-v2")
        with smtpd.raw() as s:
            f = s.makefile("rb")
            s.sendall(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n")
            assert f.readline().startswith(b"220 ")
            for line, code in (("HELO x.org", b"250"),
                               ("MAIL FROM:<s@test.org>", b"250"),
                               ("RCPT TO:<bob@example.org>", b"250"),
                               ("DATA", b"354"), (MESSAGE + ".", b"250")):
                s.sendall(line.encode() + b"\r\n")
                assert f.readline()[:3] == code
        (mail,) = smtpd.wait_mails("bob", 1)
        assert "X-Spam" not in mail
        assert mail.endswith("\n\na dot\n\nbye\n")


class TestDkimsign:
    def test_a_message_is_signed(self, smtpd):
        key = smtpd.dir / "dkim.pem"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"],
                       check=True, capture_output=True)
        run(smtpd, f"{theirs('dkimsign')} -d example.org -s s1 -k {key}")
        with smtpd.smtp() as c:
            for n in range(2):
                c.sendmail("s@test.org", "bob@example.org", MESSAGE)
        for mail in smtpd.wait_mails("bob", 2):
            assert re.search(r"^DKIM-Signature: .*a=rsa-sha256;", mail, re.M)
            assert re.search(r"\bd=example\.org;", mail)
            assert mail.endswith("\n\n.a dot\n\nbye\n")
            assert verified(mail, key, "s1._domainkey.example.org.")
            assert not verified(mail.replace("bye", "by"), key,
                                "s1._domainkey.example.org.")


class TestReplay:
    def test_what_eventlog_kept_can_be_replayed(self, smtpd):
        logs = smtpd.dir / "events"
        logs.mkdir()
        run(smtpd, f"{OURS}/filter-eventlog -d {logs}")
        smtpd.send("bob@example.org")
        wait_for(lambda: any("link-disconnect" in p.read_text()
                             for p in logs.iterdir()), "the last event")
        kept, = logs.iterdir()
        # A filter's sandbox keeps the leak sanitizer from /proc.
        smtpd.env["ASAN_OPTIONS"] = "detect_leaks=0"
        done = smtpd.ctl("replay", kept, "--", OURS / "filter-senderscore",
                         "-testMode", "-junkBelow", "50")
        assert re.search(r"^[0-9a-f]{16} mail-from junk$", done.stdout, re.M)


class TestManual:
    def example(self, smtpd, name):
        text = re.search(
            r'^\.\\" example ' + re.escape(name) +
            r"\n\.Bd -literal\n(.*?)^\.Ed\n", PAGE.read_text(),
            re.M | re.S).group(1)
        path = smtpd.dir / name
        path.write_text(text.replace("\\e", "\\").replace("\\&", ""))
        path.chmod(0o755)
        return path

    def test_the_shell_script(self, smtpd):
        run(smtpd, self.example(smtpd, "refuse-localhost.sh"))
        with smtpd.smtp() as c:
            assert c.docmd("HELO localhost") == (550, b"you are not me")
            assert c.docmd("EHLO x.org")[0] == 250

    def test_the_shortest_script(self, smtpd):
        run(smtpd, self.example(smtpd, "refuse-domain.sh"))
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            assert c.mail("a@spam.example") == (550, b"5.7.1 not this")
            assert c.mail("a@x.org")[0] == 250
            c.rset()
            assert c.mail("")[0] == 250

    def test_the_python_program(self, smtpd):
        run(smtpd, self.example(smtpd, "add-client.py"))
        for _ in range(2):
            smtpd.send("bob@example.org", MESSAGE)
        for mail in smtpd.wait_mails("bob", 2):
            assert len(re.findall(r"^X-Client: 127\.0\.0\.1:\d+$", mail,
                                  re.M)) == 1
