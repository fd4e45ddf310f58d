# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The lines that a filter hears of us, beside those of a real OpenSMTPD.

filters/tests/data/opensmtpd-*/NAME.lines is what OpenSMTPD said in a session
of sessions.py; here smtpd has the same session with the same filter.  Every
line is compared, field by field, with identifiers, ports, times and sizes
replaced, replies by their class, and the text of our Received left out.
"""

import difflib
import re
import shutil
import subprocess
import sys

import pytest

from certs import Authority
from conftest import ROOT, free_port, wait_for
from sink import Sink

DATA = ROOT / "smtpd" / "filters" / "tests" / "data"
sys.path.append(str(DATA))
import sessions  # noqa: E402

RECORDED = sorted(DATA.glob("opensmtpd-*"))
CONF = """
filter "rec" proc-exec "{dir}/recorder.py {dir}/lines"
listen on 127.0.0.1 port {port} hostname mail.example.org filter "rec"
table base {{ alice = "{uid}:{gid}:{dir}/alice" }}
table all {{ "@" = alice }}
action keep maildir virtual <all> userbase <base>
match from any for domain "example.org" action keep
"""
# Where we answer otherwise, on purpose: by what the client said.
OTHERWISE = {
    # VRFY is known, and tells nothing: RFC 5321 section 3.5.3.
    "VRFY me": "2xx",
}
# They report the address that the client said, we the one that counts.
REWRITTEN = ("tx-rcpt", "tx1", "ok", "rewrite@example.org")


def differences(theirs, mine):
    """The events that differ, "-" before theirs and "+" before ours."""
    lines = difflib.ndiff(["|".join(e) for e in theirs],
                          ["|".join(e) for e in mine])
    return "\n".join(line for line in lines if line[0] in "-+")


def heard(lines):
    return [line[2:] for line in lines if line.startswith("> ")]


class Plain:
    """Lines with what differs from run to run taken out of them."""

    def __init__(self, lines):
        self.names = {}
        self.events, self.message, self.before = [], [], None
        received = False
        for line in lines:
            field = line.split("|")
            if field[0] == "filter" and field[4] == "data-line":
                text = "|".join(field[7:])
                received = text.startswith("Received:") or (
                    received and text[:1] in ("\t", " "))
                if not received:
                    self.message.append(text)
            else:
                self.add(field)

    def name(self, kind, value):
        """The first transaction is tx1, the second tx2."""
        known = self.names.setdefault(kind, {})
        return known.setdefault(value, f"{kind}{len(known) + 1}")

    def add(self, field):
        kind, subsystem, event, session = field[0], *field[3:6]
        rest = field[6:]
        assert re.fullmatch(r"0\.[0-9]+", field[1])
        assert re.fullmatch(r"[0-9]+\.[0-9]{6}", field[2])
        assert re.fullmatch(r"[0-9a-f]{16}", session)
        self.name("session", session)
        if kind == "filter":
            assert re.fullmatch(r"[0-9a-f]{1,16}", rest[0])
            if event == "connect":
                rest[1] = "RDNS"  # of this machine
            self.events.append((kind, subsystem, event, *rest[1:]))
            return
        if event == "link-tls":
            assert re.fullmatch(r"TLSv[0-9.]+:[A-Z0-9_-]+:[0-9]+", rest[0])
            rest[0] = "TLS"
        if event == "link-auth" and float(field[1]) < 0.7:
            rest.reverse()
        if event == "protocol-client":
            self.before = rest[0]
        if event == "protocol-server":
            return self.add_reply(subsystem, "|".join(rest))
        if event == "link-connect":
            rest[:2] = ["RDNS", "FCRDNS"]
            rest[2:] = [re.sub(r":\d+$", ":PORT", part) for part in rest[2:]]
        if event.startswith("tx-") and rest:
            assert re.fullmatch(r"[0-9a-f]{8}", rest[0])
            if event == "tx-envelope":
                assert re.fullmatch(r"[0-9a-f]{16}", rest[1])
                assert rest[1].startswith(rest[0])
                rest[1] = self.name("envelope", rest[1])
            if event == "tx-commit":
                assert int(rest[1]) > 0
                rest[1] = "SIZE"
            rest[0] = self.name("tx", rest[0])
        if (event, *rest) == REWRITTEN:
            rest[-1] = "new@example.org"
        self.events.append((kind, subsystem, event, *rest))

    def add_reply(self, subsystem, text):
        """A reply is its last line's class: the words are each one's own."""
        if text[3:4] == "-":
            return
        reply = OTHERWISE.get(self.before, text[0] + "xx")
        self.events.append(("report", subsystem, "protocol-server", reply))


def start(smtpd, more=""):
    from conftest import GID, UID
    shutil.copy(DATA / "recorder.py", smtpd.dir)
    (smtpd.dir / "recorder.py").chmod(0o755)
    smtpd.env["SMTPD_NAMESERVER"] = "127.0.0.1@1"
    text = CONF.format(dir=smtpd.dir, port=smtpd.port, uid=UID, gid=GID)
    smtpd.start(text + more)


def wait_lines(smtpd, subsystem):
    """What the filter heard by the end of a session of subsystem."""
    log = smtpd.dir / "lines"
    wait_for(lambda: f"|{subsystem}|link-disconnect|" in
             log.read_text("latin-1"), "the end of the session")
    lines = heard(log.read_text("latin-1").splitlines())
    return [line for line in lines if not line.startswith("config|")]


def secure(smtpd, port):
    """A listener with TLS and a user; and a context of who trusts it."""
    authority = Authority(smtpd.dir)
    authority.issue("mail.example.org")
    secret = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True,
                            capture_output=True, text=True).stdout.strip()
    where = f"{smtpd.dir}/mail.example.org"
    return authority.trust(check_hostname=False), f"""
pki mail cert "{where}.crt" key "{where}.key"
table secrets {{ "me" = "{secret}" }}
listen on 127.0.0.1 port {port} hostname mail.example.org tls pki mail \\
    auth-optional <secrets> filter "rec"
"""


@pytest.fixture
def ours(smtpd):
    start(smtpd)

    def go(name):
        sessions.SESSIONS[name](smtpd.port)
        return wait_lines(smtpd, "smtp-in")

    return go


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
@pytest.mark.parametrize("name", sorted(sessions.SESSIONS))
def test_a_filter_hears_the_same(ours, folder, name):
    path = folder / f"{name}.lines"
    theirs = Plain(heard(path.read_text("latin-1").splitlines()))
    mine = Plain(ours(name))
    assert not differences(theirs.events, mine.events), name
    assert mine.message == theirs.message
    assert len(mine.events) > 4


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
@pytest.mark.parametrize("name", sorted(sessions.SECURE))
def test_a_filter_hears_the_same_of_tls_and_users(smtpd, folder, name):
    port = free_port()
    context, more = secure(smtpd, port)
    start(smtpd, more)
    sessions.SECURE[name](port, context)
    text = (folder / f"{name}.lines").read_text("latin-1")
    theirs = Plain(heard(text.splitlines()))
    mine = Plain(wait_lines(smtpd, "smtp-in"))
    assert not differences(theirs.events, mine.events), name
    # What a user's message lacks, we add before the filters, which may sign.
    assert [line for line in mine.message if not line.startswith(
        ("Date:", "Message-ID:"))] == theirs.message
    assert ("report", "smtp-in", "link-tls", "TLS") in mine.events


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
@pytest.mark.parametrize("name", sorted(sessions.SILENT))
def test_a_filter_hears_the_same_of_one_that_says_nothing(smtpd, folder,
                                                          name):
    smtpd.env["SMTPD_SESSION_TIME"] = "3"
    start(smtpd)
    sessions.SILENT[name](smtpd.port)
    text = (folder / f"{name}.lines").read_text("latin-1")
    theirs = Plain(heard(text.splitlines()))
    mine = Plain(wait_lines(smtpd, "smtp-in"))
    # We say why we hang up, as RFC 5321, section 3.8, would have it.
    mine.events.remove(("report", "smtp-in", "protocol-server", "4xx"))
    assert not differences(theirs.events, mine.events), name
    assert ("report", "smtp-in", "timeout") in mine.events


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_a_filter_hears_the_same_of_relaying(smtpd, folder):
    sink = Sink(banner=b"220 sink.example.net ESMTP\r\n")
    try:
        start(smtpd, 'action out relay host '
              f'"smtp+notls://127.0.0.1:{sink.port}" filter "rec" '
              'helo "mail.example.org"\n'
              'match from any for domain "example.net" action out\n')
        sessions.talk(smtpd.port, sessions.EHLO, sessions.FROM,
                      "RCPT TO:<b@example.net>", message=b"hi")
        lines = wait_lines(smtpd, "smtp-out")
    finally:
        sink.stop()
    text = (folder / "relay.lines").read_text("latin-1")
    theirs, mine = [Plain([line for line in some if "|smtp-out|" in line])
                    for some in (heard(text.splitlines()), lines)]
    # We pipeline: a transaction begins when MAIL is said, not answered.
    begin = ("report", "smtp-out", "tx-begin", "tx1")
    names = [event[2] for event in mine.events]
    assert names.index("tx-begin") < names.index("tx-envelope")
    for some in (theirs, mine):
        some.events.remove(begin)
    assert not differences(theirs.events, mine.events)
    assert len(mine.events) > 10


def test_there_are_recordings():
    assert RECORDED
