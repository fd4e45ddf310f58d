# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Messages carried out of a queue, and into one."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import MAILDIR, ROOT, wait_for

ENVELOPE = """version: 3
dispatcher: here
type: mda
smtpname: old.example.org
helo: client.test
hostname: client.test
sockaddr: 192.0.2.1
sender: s@test.org
rcpt: {to}@example.org
dest: {to}@example.org
ctime: {ctime}
last-try: 0
last-bounce: 0
ttl: 345600
retry: 0
mda-user: {to}
"""
TEXT = "Received: by old\nSubject: carried\n\nbody\n"


def queue(smtpd):
    return sorted((json.loads(line) for line in smtpd.ctl(
        "show", "queue", "-j").stdout.splitlines()),
        key=lambda e: e["evpid"])


def spool(smtpd, layout="queue/{0:.2}/{0}", msgid="1a2b3c4d", to=("alice",),
          text=TEXT, ctime=None):
    """A message as OpenSMTPD keeps it; returns its directory."""
    where = smtpd.dir / "old" / layout.format(msgid)
    where.mkdir(parents=True)
    (where / "message").write_text(text)
    for n, user in enumerate(to):
        (where / f"{msgid}{n + 7:08x}").write_text(ENVELOPE.format(
            to=user, ctime=ctime or int(time.time())))
    smtpd.own()
    return where


def test_out_of_one_queue_into_another(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    large = "Subject: large\r\n\r\n" + "0123456789\r\n" * 100000
    smtpd.send(["alice@example.org", "bob@example.org"])
    smtpd.send("alice@example.org", large)
    before = queue(smtpd)
    smtpd.ctl("pause", "envelope", before[0]["evpid"])
    before = queue(smtpd)
    out = smtpd.dir / "out"
    done = smtpd.ctl("export", str(out))
    assert done.stdout == f"2 messages are in {out}\n"
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*")
                   if p.is_file())
    assert files == sorted(
        [f"{e['evpid'][:8]}/{e['evpid']}" for e in before]
        + [f"{m}/message" for m in {e["evpid"][:8] for e in before}])
    assert queue(smtpd) == before, "it is a copy"
    again = smtpd.ctl("export", str(out), ok=False)
    assert again.returncode == 1 and "there already" in again.stderr

    smtpd.stop()
    shutil.rmtree(smtpd.dir / "spool")
    smtpd.start(None, "-P", "mda")
    assert queue(smtpd) == []
    done = smtpd.ctl("import", str(out))
    assert done.stdout == "taken in: 2; there before: 0\n"
    assert queue(smtpd) == before, "all is as it was"
    smtpd.process.send_signal(signal.SIGKILL)
    smtpd.process.wait()
    smtpd.process = None
    smtpd.start(None, "-P", "mda")
    assert queue(smtpd) == before, "and it is on disk"
    smtpd.ctl("resume", "envelope", "all")
    smtpd.ctl("resume", "mda")
    smtpd.wait_queue_empty()
    assert len(smtpd.mails("bob")) == 1
    assert max(len(m.read_text()) for m in smtpd.mails("alice")) > 1100000
    done = smtpd.ctl("import", str(out))
    assert done.stdout == "taken in: 0; there before: 2\n"
    assert queue(smtpd) == []


def test_an_open_one_is_exported_alone(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.send("alice@example.org")
    smtpd.send("bob@example.org")
    msgid = queue(smtpd)[0]["evpid"][:8]
    smtpd.ctl("export", str(smtpd.dir / "out"), msgid)
    assert [p.name for p in (smtpd.dir / "out").iterdir()] == [msgid]
    assert smtpd.ctl("export", str(smtpd.dir / "out"), "ffffffff",
                     ok=False).returncode == 1
    assert smtpd.ctl("export", ok=False).returncode == 2


@pytest.mark.parametrize("where", ["old", "old/queue"])
def test_the_spool_of_opensmtpd(smtpd, where):
    spool(smtpd, to=("alice", "bob"))
    spool(smtpd, msgid="1affffff", to=("bob",))
    (smtpd.dir / "old" / "corrupt").mkdir()
    smtpd.start(MAILDIR)
    done = smtpd.ctl("import", str(smtpd.dir / where))
    assert done.stdout.startswith("taken in: 2;")
    assert "Subject: carried" in smtpd.wait_mails("alice", 1)[0]
    smtpd.wait_mails("bob", 2)
    smtpd.wait_queue_empty()
    smtpd.ctl("import", str(smtpd.dir / where))
    smtpd.wait_queue_empty()
    assert len(smtpd.mails("bob")) == 2, "once"


def left(smtpd, name, line, text="Subject: left\n\nbody\n"):
    """A message as OpenSMTPD's sendmail leaves it while that is down."""
    where = smtpd.dir / "old" / "offline"
    where.mkdir(parents=True, exist_ok=True)
    (where / name).write_text(line + "\n" + text)
    (where / name).chmod(0o600)
    smtpd.own()
    return where / name


FROM_SOCKET = MAILDIR.replace("from any", "from socket")


def test_what_waits_offline_in_the_spool_of_opensmtpd(smtpd):
    spool(smtpd, to=("bob",))
    left(smtpd, "1700000000.XXXXa1b2C3",
         "-f|s@test.org|-F|A B|alice@example.org|bob@example.org",
         "Subject: one\n\nfirst\n.\nnot any more\n")
    left(smtpd, "1700000001.XXXXa1b2C3", "-t|-i",
         "Subject: two\nTo: alice@example.org\n\nfirst\n.\nmore\n")
    left(smtpd, "half.written", "alice@example.org")
    smtpd.start(FROM_SOCKET)
    done = smtpd.ctl("import", str(smtpd.dir / "old"))
    assert done.stdout == "taken in: 3; there before: 0\n"
    one, two = sorted(smtpd.wait_mails("alice", 2),
                      key=lambda m: "Subject: two" in m)
    assert "Return-Path: <s@test.org>\n" in one
    assert "From: A B <s@test.org>\n" in one
    assert one.endswith("\n\nfirst\n")
    assert two.endswith("\n\nfirst\n.\nmore\n")
    smtpd.wait_mails("bob", 2)
    smtpd.wait_queue_empty()
    done = smtpd.ctl("import", str(smtpd.dir / "old"))
    assert done.stdout == "taken in: 0; there before: 3\n"
    smtpd.wait_queue_empty()
    assert len(smtpd.mails("alice")) == 2


def link(path):
    path.with_name("other").hardlink_to(path)


def become_a_link(path):
    path.rename(path.with_name("other"))
    path.symlink_to("other")


LEFT_WRONG = {
    "nobody takes it": ("x@nowhere.org", None,
                        ["sendmail: x@nowhere.org: 550 ",
                         "ended with 69"]),
    "a bad option": ("-Q|alice@example.org", None, ["ended with 64"]),
    "no recipient": ("-i", None, ["sendmail: no recipients"]),
    "two names": ("alice@example.org", link, ["it has another name, too"]),
    "a link": ("alice@example.org", become_a_link, ["levels of symbolic"]),
    "a fifo": ("alice@example.org",
               lambda path: (path.unlink(), os.mkfifo(path)),
               ["is no file"]),
    "no arguments": ("x" * 70000, None,
                     ["it does not begin with arguments"]),
    "a NUL": ("alice@example.org\0", None,
              ["it does not begin with arguments"]),
}


@pytest.mark.parametrize("what", LEFT_WRONG)
def test_what_is_wrong_offline_is_told_and_stays(smtpd, what):
    line, edit, told = LEFT_WRONG[what]
    path = left(smtpd, "1700000000.XXXXa1b2C3", line)
    left(smtpd, "1700000001.XXXXa1b2C3", "alice@example.org")
    if edit is not None:
        edit(path)
        smtpd.own()
    smtpd.start(FROM_SOCKET)
    done = smtpd.ctl("import", str(smtpd.dir / "old"), ok=False)
    assert done.returncode == 1
    for words in ["taken in: 1;", "offline/1700000000.XXXXa1b2C3: ", *told]:
        assert words in done.stderr
    assert os.path.lexists(path)
    smtpd.wait_mails("alice", 1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes others")
def test_what_waits_offline_is_handed_in_by_its_owner(smtpd):
    left(smtpd, "1700000000.XXXXa1b2C3", "alice@example.org")
    path = left(smtpd, "1700000001.XXXXa1b2C3", "bob@example.org")
    smtpd.start(FROM_SOCKET)
    os.chown(path, 1, 1)
    path.chmod(0o644)
    done = smtpd.ctl("import", str(smtpd.dir / "old"), ok=False)
    assert "it is another user's: root may do it" in done.stderr
    smtpd.wait_mails("alice", 1)
    path.chmod(0o600)
    (smtpd.dir / "spool").chmod(0o711)  # to the socket, as to the system's
    done = subprocess.run([smtpd.dir / "smtpctl", "import",
                           smtpd.dir / "old"], env=smtpd.env, check=True,
                          capture_output=True, text=True)
    assert done.stdout == "taken in: 1; there before: 1\n"
    name = pwd.getpwuid(1).pw_name
    assert f"Return-Path: <{name}@mx.example.org>" in \
        smtpd.wait_mails("bob", 1)[0]


def test_what_is_in_the_queue_is_not_taken_twice(smtpd):
    spool(smtpd)
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.ctl("import", str(smtpd.dir / "old"))
    (smtpd.dir / "old" / ".imported").unlink()
    done = smtpd.ctl("import", str(smtpd.dir / "old"))
    assert done.stdout == "taken in: 0; there before: 1\n"
    assert len(queue(smtpd)) == 1


def test_another_message_of_the_same_id_gets_its_own(smtpd):
    now = int(time.time())
    spool(smtpd, ctime=now - 9)
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.ctl("import", str(smtpd.dir / "old"))
    shutil.rmtree(smtpd.dir / "old")
    spool(smtpd, ctime=now, to=("bob",))
    smtpd.ctl("import", str(smtpd.dir / "old"))
    found = queue(smtpd)
    assert {e["created"] for e in found} == {now - 9, now}
    assert len({e["evpid"][:8] for e in found}) == 2


@pytest.mark.parametrize("edit, told", [
    (lambda d: (d / "message").unlink(), "message"),
    (lambda d: (d / "message").write_bytes(b"\x1f\x8b\x08"), "gzip"),
    (lambda d: (d / "message").write_bytes(b"\x01\x02\x03"), "encrypted"),
    (lambda d: (d / "message").write_bytes(b""), "empty"),
    (lambda d: (d / "1a2b3c4d00000007").write_bytes(b"\x1f\x8b"),
     "1a2b3c4d00000007: it is compressed"),
    (lambda d: (d / "1a2b3c4d00000007").write_text("type: mda\n"),
     "there is no version"),
    (lambda d: (d / "1a2b3c4d00000007").write_text(
        ENVELOPE.format(to="alice", ctime=1) + "shell: sh\n"),
     'line 17: "shell" is no field'),
    (lambda d: (d / "1a2b3c4d00000007").write_text(
        ENVELOPE.format(to="alice", ctime=1) + "type: mta\n"), "twice"),
    (lambda d: (d / "1a2b3c4d00000007").unlink(), "no envelope"),
    (lambda d: (d / "1a2b3c4d00000008").mkdir(), "is no file"),
    (lambda d: (d / "ffffffff00000001").write_text("x"),
     "no envelope of this message"),
    (lambda d: ((d / "message").unlink(),
                (d / "message").symlink_to("/etc/passwd")), "message"),
    (lambda d: ((d / "message").unlink(), os.mkfifo(d / "message")),
     "is no file"),
])
def test_what_is_wrong_is_told_and_stays(smtpd, edit, told):
    bad = spool(smtpd)
    spool(smtpd, msgid="1affffff", to=("bob",))
    edit(bad)
    before = sorted(p.name for p in bad.iterdir())
    smtpd.start(MAILDIR)
    done = smtpd.ctl("import", str(smtpd.dir / "old"), ok=False)
    assert done.returncode == 1
    assert told in done.stderr and "1a2b3c4d" in done.stderr
    assert "taken in: 1;" in done.stderr
    smtpd.wait_mails("bob", 1)
    assert not smtpd.mails("alice")
    assert sorted(p.name for p in bad.iterdir()) == before


def test_what_was_mended_is_taken_by_the_next_run(smtpd):
    bad = spool(smtpd)
    good = (bad / "1a2b3c4d00000007").read_text()
    (bad / "1a2b3c4d00000007").write_text("nonsense")
    smtpd.start(MAILDIR)
    assert smtpd.ctl("import", str(smtpd.dir / "old"),
                     ok=False).returncode == 1
    (bad / "1a2b3c4d00000007").write_text(good)
    smtpd.ctl("import", str(smtpd.dir / "old"))
    smtpd.wait_mails("alice", 1)


def test_an_action_that_is_not_there_is_told(smtpd):
    where = spool(smtpd)
    path = where / "1a2b3c4d00000007"
    path.write_text(path.read_text().replace("dispatcher: here",
                                             "dispatcher: gone"))
    smtpd.start(MAILDIR)
    smtpd.ctl("import", str(smtpd.dir / "old"))
    wait_for(lambda: 'there is no action "gone"' in smtpd.log_text(),
             "a warning")
    assert [e["action"] for e in queue(smtpd)] == ["gone"]


def test_discover_takes_what_was_put_into_the_spool(smtpd):
    smtpd.start(MAILDIR)
    spool(smtpd, layout="{0}")
    spool(smtpd, layout="{0}", msgid="00000001", to=("bob",))
    shutil.move(smtpd.dir / "old", smtpd.dir / "spool" / "discover")
    smtpd.own()
    done = smtpd.ctl("discover", "1a2b3c4d00000007")
    assert done.stdout.startswith("taken in: 1;")
    smtpd.wait_mails("alice", 1)
    smtpd.wait_queue_empty()
    left = smtpd.dir / "spool" / "discover"
    assert [p.name for p in left.iterdir()] == ["00000001"]
    assert not smtpd.mails("bob")
    smtpd.ctl("discover", "all")
    smtpd.wait_mails("bob", 1)
    assert smtpd.ctl("discover", "all", ok=False).returncode == 1
    assert smtpd.ctl("discover", "x", ok=False).returncode == 2


def test_the_document_has_every_field():
    source = (ROOT / "smtpd" / "queue" / "spoolfile.c").read_text()
    table = source[source.index("} fields[] = {"):source.index("#define FIEL")]
    fields = set(re.findall(r'\{ "([a-z-]+)"', table))
    text = (ROOT / "doc" / "formats" / "smtpd-export.md").read_text()
    told = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.M))
    assert fields == told and len(fields) > 20


def damaged(smtpd, edit):
    """A queue of two messages, the first of which has been damaged on disk;
    smtpd runs again."""
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.send("alice@example.org", "Subject: one\r\n\r\nabcdefgh\r\n")
    smtpd.send("bob@example.org", "Subject: two\r\n\r\nx\r\n")
    smtpd.stop()
    segment = next(p for p in (smtpd.dir / "spool" / "log").iterdir()
                   if b"abcdefgh" in p.read_bytes())
    segment.write_bytes(edit(segment.read_bytes()))
    smtpd.start(None, "-P", "mda")
    assert [e["rcpt"] for e in queue(smtpd)] == ["bob@example.org"]
    return smtpd.ctl("uncorrupt").stdout.split()


def test_uncorrupt_gives_back_what_can_be_read(smtpd):
    names = damaged(smtpd, lambda b: b.replace(b"abcdefgh", b"abcdefgX"))
    assert len(names) == 1
    done = smtpd.ctl("uncorrupt", names[0])
    assert "suspended in the queue" in done.stdout
    found = {e["rcpt"]: e for e in queue(smtpd)}
    back = found["alice@example.org"]
    assert back["suspended"]
    assert "abcdefgX" in smtpd.ctl("show", "message", back["evpid"]).stdout
    assert smtpd.ctl("uncorrupt").stdout == "", "once"
    smtpd.ctl("resume", "mda")
    smtpd.wait_mails("bob", 1)
    assert not smtpd.mails("alice"), "not before a person says so"
    smtpd.ctl("resume", "envelope", back["evpid"])
    smtpd.wait_mails("alice", 1)


def test_uncorrupt_leaves_what_can_not_be_read(smtpd):
    def edit(b):
        at = b.rindex(b"MQRK", 0, b.index(b"abcdefgh"))
        return b[:at + 24] + b"\xff" * 40 + b[at + 64:]
    names = damaged(smtpd, edit)
    assert names
    done = smtpd.ctl("uncorrupt", "all", ok=False)
    assert done.returncode == 1 and "can't be" in done.stderr
    assert smtpd.ctl("uncorrupt").stdout.split() == names
    assert [e["rcpt"] for e in queue(smtpd)] == ["bob@example.org"]
    for wrong in ("../lock", "nothing"):
        assert smtpd.ctl("uncorrupt", wrong, ok=False).returncode != 0
