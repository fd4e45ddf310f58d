# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The spool that the distribution's OpenSMTPD leaves, taken over."""

import json
import re
import smtplib
import sys
import time

import pytest

from conftest import GID, PATIENCE, ROOT, UID, wait_for
from sink import Sink

sys.path.insert(0, str(ROOT / "tests" / "support"))
from opensmtpd import TREE, USERS, OpenSMTPD, why_not  # noqa: E402
from privatenet import private_net  # noqa: E402

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
PORT, REFUSES, LATER = 2525, 2526, 2527  # in a network of its own
DAY = 86400
TRIED = {"alice@example.org", "bob@example.org", "alice@gone.test",
         "never@later.test"}

THEIRS = """
table base {{ alice = "{uid}:{gid}:{dir}", bob = "{uid}:{gid}:{dir}/bob" }}
table users {{ "alice@example.org" = alice, "bob@example.org" = bob, \\
    "carol@example.org" = "carol@example.net" }}
table gone {{ "alice@gone.test" = alice }}
queue ttl 3d
listen on lo port {port} tag "in"
action "here" mda "exit 75" virtual <users> userbase <base>
action "gone" mda "exit 75" virtual <gone> userbase <base>
action "out" relay host "smtp+notls://127.0.0.1:{refuses}"
action "later" relay host "smtp+notls://127.0.0.2:{later}"
match from any for domain "example.org" action "here"
match from any for domain "gone.test" action "gone"
match from any for domain "example.net" action "out"
match from any for domain "later.test" action "later"
"""

# A file and a command that are not possible before there is a folder.
FORWARD = """{0}/bob/new/box
|/bin/cat >>{0}/bob/new/piped || exit 75
"""

OURS = """
queue ttl 5d
action here maildir virtual <users> userbase <base>
action out relay host "smtp+notls://127.0.0.1:%d"
action later relay host "smtp+notls://127.0.0.1:%d" ttl 2d
match from any for domain "example.org" action here
"""


def send(host, sender, options, *rcpts):
    with smtplib.SMTP(host, PORT, "client.test", PATIENCE) as client:
        client.ehlo()
        client.mail(sender, options)
        for to, parameters in rcpts:
            code, said = client.rcpt(to, parameters)
            assert code == 250, said
        code, said = client.data("Subject: to %s\r\n\r\nhello\r\n.dot\r\n"
                                 % rcpts[0][0])
        assert code == 250, said


def queue_mail(theirs, spool):
    """Until each was tried, in whatever way it can be."""
    send("127.0.0.1", "s@test.org", ["RET=HDRS", "ENVID=a+2Bb"],
         ("c@example.net", []),  # before: it keeps those of the one before
         ("b@example.net",
          ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;b+2Bx@orig.test"]))
    send("127.0.0.1", "s@test.org", ["RET=FULL"],
         ("never@later.test", ["NOTIFY=NEVER"]))
    send("::1", "", [], ("d@example.net", []), ("carol@example.org", []))
    send("::1", "s@test.org", [], ("alice@example.org", []))
    send("::1", "s@test.org", [], ("bob@example.org", []))
    send("127.0.0.1", "s@test.org", [], ("alice@gone.test", []))
    wait_for(lambda: "Connection refused" in theirs.log_text(),
             "the relay host refuses")
    wait_for(lambda: {was["rcpt"] for was in envelopes(spool).values()
                      if "errorline" in was} >= TRIED,
             "what failed is written down")


def leave(theirs, folder):
    """What a user sends while it does not hear."""
    (folder / "sendmail").symlink_to(TREE / "usr/sbin/smtpctl")
    theirs.enter("sh", "-c", 'rm /run/smtpd.sock; exec setpriv "$@"; true',
                 "sh", "--reuid", str(UID), "--regid", str(dict(USERS)[
                     "opensmtpq"]), "--clear-groups", "sh", "-c",
                 '"$0" "$@"; [ $? = 75 ]', folder / "sendmail",
                 "-i", "-f", "s@test.org", "alice@example.org",
                 stdin=b"Subject: left\n\nhello\n.\nthere\n")


def envelopes(spool):
    """The fields of each, by its id."""
    return {path.name: dict(line.split(": ", 1)
                            for line in path.read_text().splitlines())
            for path in (spool / "queue").rglob("*")
            if re.fullmatch("[0-9a-f]{16}", path.name)}


def spooled(smtpd):
    """Where OpenSMTPD has left what it could not deliver."""
    spool = smtpd.dir / "old"
    forward = smtpd.dir / "bob" / ".forward"
    forward.write_text(FORWARD.format(smtpd.dir))
    smtpd.own()
    forward.chmod(0o600)
    spool.mkdir(mode=0o711)
    with private_net():
        sink = Sink(lambda n, line: b"451 4.7.1 later\r\n"
                    if line.startswith(b"RCPT") else None, "127.0.0.2", LATER)
        theirs = OpenSMTPD(
            smtpd.dir, THEIRS.format(dir=smtpd.dir, uid=UID, gid=GID,
                                     port=PORT, refuses=REFUSES,
                                     later=LATER), PORT, spool=spool)
        try:
            queue_mail(theirs, spool / "smtpd")
            leave(theirs, smtpd.dir)
        finally:
            theirs.stop()
            sink.stop()
    theirs.log.rename(smtpd.dir / "theirs.log")
    return spool / "smtpd"


def listed(smtpd):
    return [json.loads(line) for line in smtpd.ctl(
        "show", "queue", "-j").stdout.splitlines()]


def check_listed(found, old, families, since):
    """All that was in their files is in our queue."""
    assert {e["evpid"] for e in found} == set(old)
    for e in found:
        was = old[e["evpid"]]
        days = 2 if e["action"] == "later" else 5
        assert e["type"] == was["type"]
        assert e["action"] == was["dispatcher"]
        assert e["sender"] == ("" if was["sender"] == "@"
                               else was["sender"])
        assert (e["rcpt"], e["dest"]) == (was["rcpt"], was["dest"])
        assert e["created"] == int(was["ctime"])
        assert since <= e["created"] <= time.time()
        assert e["expires"] == e["created"] + days * DAY
        assert e["retry"] == int(was["retry"])
        assert e["error"] == was.get("errorline", "")
        assert e["family"] == families[was["sockaddr"]]
        assert not e["suspended"]


def test_all_that_waits_in_a_spool_is_delivered(smtpd):
    since = int(time.time())
    spool = spooled(smtpd)
    old = envelopes(spool)
    by_rcpt = {was["rcpt"]: was for was in old.values()}
    assert len(old) == 9
    assert {was["sockaddr"] for was in old.values()} == {"127.0.0.1", "[::1]"}
    assert by_rcpt["alice@example.org"]["errorline"] == "exited abnormally"
    assert "451" in by_rcpt["never@later.test"]["errorline"]

    sinks = [Sink(features=["DSN"]), Sink(features=["DSN"])]
    smtpd.start(OURS % tuple(s.port for s in sinks),
                "-P", "mda", "-P", "mta")
    done = smtpd.ctl("import", str(spool))
    assert done.stdout == "taken in: 7; there before: 0\n"
    assert sorted(e["family"] for e in listed(smtpd)
                  if e["evpid"] not in old) == ["local"]
    found = [e for e in listed(smtpd) if e["evpid"] in old]
    check_listed(found, old, {"127.0.0.1": "inet4", "[::1]": "inet6"}, since)
    again = smtpd.ctl("import", str(spool))
    assert again.stdout == "taken in: 0; there before: 7\n"
    assert len(listed(smtpd)) == 1 + len(found)

    (smtpd.dir / "bob" / "new").mkdir()
    smtpd.own()
    smtpd.ctl("resume", "mda")
    smtpd.ctl("resume", "mta")
    left, text = sorted(smtpd.wait_mails("alice", 2),
                        key=lambda text: "Subject: left" not in text)
    assert left.endswith("Subject: left\n\nhello\n.\nthere\n")
    assert "Subject: to alice@example.org\n" in text
    assert text.endswith("\n\nhello\n.dot\n")
    wait_for(lambda: [e["action"] for e in listed(smtpd)] == ["gone"],
             "all are gone but the one that has no action")
    assert 'there is no action "gone"' in smtpd.log_text()

    for name in ("box", "piped"):
        text = (smtpd.dir / "bob" / "new" / name).read_text()
        assert "\nSubject: to bob@example.org\n" in text

    out, later = sinks
    lines = sorted(line for _, rcpts, _ in out.mails for line in rcpts)
    assert lines == [
        b"RCPT TO:<b@example.net> NOTIFY=SUCCESS,FAILURE "
        b"ORCPT=rfc822;b+2Bx@orig.test",
        b"RCPT TO:<c@example.net>",
        b"RCPT TO:<carol@example.net>", b"RCPT TO:<d@example.net>"]
    senders = {line.split()[1]: mail for mail, rcpts, _ in out.mails
               for line in rcpts}
    for to in (b"TO:<b@example.net>", b"TO:<c@example.net>"):
        assert b"FROM:<s@test.org> " in senders[to]
        assert b" RET=HDRS ENVID=a+2Bb" in senders[to]
    for to in (b"TO:<d@example.net>", b"TO:<carol@example.net>"):
        assert b"FROM:<>" in senders[to] and b"ENVID" not in senders[to]
    (mail, rcpts, data), = later.mails
    assert mail.startswith(b"MAIL FROM:<s@test.org>") and b"RET=FULL" in mail
    assert rcpts == [b"RCPT TO:<never@later.test> NOTIFY=NEVER"]
    assert data.endswith(b"\r\n\r\nhello\r\n..dot\r\n.\r\n")
    for s in sinks:
        s.stop()
