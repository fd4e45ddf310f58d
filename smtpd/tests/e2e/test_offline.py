# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""sendmail without smtpd: the mail waits, and is handed in once."""

import os
import re
import signal
import socket
import stat
import subprocess
import threading

import pytest
from conftest import MAILDIR, PATIENCE, SMTPD, UID, wait_for

RULES = MAILDIR.replace("from any", "from socket")
TABLES = ('table users {{ "alice@example.org" = alice }}\n'
          'table base {{ alice = "%d:%d:{d.dir}/alice" }}\n'
          "listen on 127.0.0.1 port {d.port}\n" % (UID, UID))
HELD = RULES + ('action held relay host "smtp://127.0.0.1:1"\n'
                'match from socket for domain "held.org" action held\n')


def write(daemon, name="one", to="alice@example.org", *args, ok=True):
    return daemon.ctl("-f", "s@test.org", *args, to, name="sendmail", ok=ok,
                      stdin=f"Subject: {name}\n\n.body\n")


def waiting(daemon):
    where = daemon.dir / "spool/offline"
    return sorted(x for x in where.iterdir()) if where.exists() else []


@pytest.fixture
def down(smtpd):
    """It has run once: its spool is there."""
    smtpd.start(RULES)
    assert smtpd.stop() == 0
    return smtpd


def subjects(daemon):
    return sorted(re.search("^Subject: (.*)$", m.read_text(), re.M)[1]
                  for m in daemon.mails("alice"))


def test_what_is_sent_while_it_is_down_arrives_once(down):
    write(down)
    write(down, "two", "-i", "bob@example.org", "alice@example.org")
    files = waiting(down)
    assert len(files) == 2
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.stat().st_uid == UID
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    down.start()
    wait_for(lambda: subjects(down) == ["one", "two"], "both mails")
    down.wait_mails("bob", 1)
    wait_for(lambda: waiting(down) == [], "nothing waits")
    text = next(m for m in down.mails("bob")).read_text()
    assert text.startswith("Return-Path: <s@test.org>\n")
    assert "Received: from localhost (localhost [local])\n" in text
    assert text.endswith("\n\n.body\n")
    down.stop()
    down.start()
    down.wait_queue_empty()
    assert subjects(down) == ["one", "two"]


def test_it_is_seen_that_something_waits(down):
    write(down)
    for name, args in (("mailq", []), ("smtpctl", ["show", "queue"])):
        done = down.ctl(*args, name=name, ok=False)
        assert done.returncode == 1 and done.stdout == ""
        assert "smtpd is not running" in done.stderr
        assert "1 message waiting offline" in done.stderr
    down.start()
    down.wait_mails("alice", 1)
    wait_for(lambda: waiting(down) == [], "nothing waits")
    assert down.ctl(name="mailq").stderr == ""


def test_a_file_is_taken_while_it_runs(down):
    """smtpd may have started after sendmail looked for it."""
    write(down)
    kept = waiting(down)[0]
    bytes_ = kept.read_bytes()
    kept.unlink()
    down.start()
    down.wait_queue_empty()
    kept.with_name("." + kept.name).write_bytes(bytes_)
    kept.with_name("." + kept.name).chmod(0o600)
    os.chown(kept.with_name("." + kept.name), UID, -1)
    kept.with_name("." + kept.name).rename(kept)
    down.wait_mails("alice", 1)
    wait_for(lambda: waiting(down) == [], "nothing waits")


def test_a_message_that_is_refused_returns_to_who_wrote_it(smtpd):
    smtpd.start('table me { "nobody" = alice, "@" = alice }\n'
                'action back maildir virtual <me> userbase <base>\n'
                'match from socket for local action back\n'
                'match from socket for domain "mx.example.org" action back\n')
    smtpd.stop()
    write(smtpd, "lost", "x@nowhere.org", "y@mx.example.org")
    smtpd.start()
    text = smtpd.wait_mails("alice", 1)[0]
    assert "Auto-Submitted: auto-replied" in text
    assert "Final-Recipient: rfc822; x@nowhere.org" in text
    assert "550" in text and "another recipient was refused" in text
    assert "Subject: lost" in text
    wait_for(lambda: waiting(smtpd) == [], "nothing waits")


def test_what_is_refused_for_now_waits_on(down):
    write(down)
    down.start(
        'filter a phase mail-from match fcrdns reject "451 later"\n'
        "listen on socket filter a\n"
        + TABLES.format(d=down) + RULES)
    wait_for(lambda: "waits on" in down.log_text(), "a word in the log")
    assert "451 later" in down.log_text()
    assert len(waiting(down)) == 1
    assert "1 message waiting offline" in down.ctl(name="mailq").stderr
    down.stop()
    down.start(RULES)
    down.wait_mails("alice", 1)
    wait_for(lambda: waiting(down) == [], "nothing waits")


@pytest.mark.parametrize("size", [1, 400000])
def test_what_there_is_no_room_for_waits_on(down, size):
    """Under its own name, so that it is tried again."""
    down.ctl("-f", "s@test.org", "alice@example.org", name="sendmail",
             stdin="Subject: one\n\n" + ("x" * 79 + "\n") * (size // 80))
    name = waiting(down)[0].name
    down.start("queue reserve 100000G\n" + TABLES.format(d=down) + RULES)
    wait_for(lambda: f"{name} of user {UID} waits on" in down.log_text(),
             "a word in the log; " + down.log_text())
    assert [x.name for x in waiting(down)] == [name]
    down.stop()
    down.start(RULES)
    down.wait_mails("alice", 1)
    wait_for(lambda: waiting(down) == [], "nothing waits")


def test_what_others_may_have_planted_is_left_alone(down):
    write(down)
    where = waiting(down)[0].parent
    good = waiting(down)[0]
    (down.dir / "secret").write_bytes(good.read_bytes())
    (down.dir / "secret").chmod(0o600)
    names = [f"{i:032x}" for i in range(6)]
    (where / names[0]).symlink_to(down.dir / "secret")
    os.mkfifo(where / names[1], 0o600)
    os.link(down.dir / "secret", where / names[2])
    (where / names[3]).write_bytes(good.read_bytes())
    (where / names[3]).chmod(0o644)
    (where / names[4]).mkdir()
    (where / names[5]).write_text("root:secret:0:0\n")
    (where / names[5]).chmod(0o600)
    (where / "notes").write_text("no mail")
    down.start()
    down.wait_mails("alice", 1)
    wait_for(lambda: f"{names[5]} of user {UID} waits on" in down.log_text(),
             "a word about the one that is no mail")
    assert "not a message of sendmail" in down.log_text()
    assert "root:secret" not in down.log_text()
    assert {x.name for x in waiting(down)} == {*names, "notes"}
    assert len(down.mails("alice")) == 1


def test_a_draft_is_nobodys_mail_and_goes_after_a_day(down):
    write(down)
    whole = waiting(down)[0]
    for name, age in (("0" * 32, 0), ("1" * 32, 90000)):
        draft = whole.with_name("." + name)
        draft.write_bytes(whole.read_bytes()[:40])
        os.utime(draft, (os.stat(draft).st_mtime - age,) * 2)
    down.start()
    down.wait_mails("alice", 1)
    wait_for(lambda: [x.name for x in waiting(down)] == ["." + "0" * 32],
             "the old draft is gone")


def queued(daemon):
    """The message ids of what is in the queue, in the order of subjects."""
    lines = daemon.ctl("show", "queue").stdout.splitlines()
    return [line.split("|")[0][:8] for line in lines]


def test_a_commit_cut_short_is_neither_lost_nor_repeated(down):
    """The two states that a kill can leave: the file has its id already,
    and the store has the message, or hasn't."""
    down.start(HELD, "-P", "mta")
    write(down, "kept", "x@held.org")
    msgid = queued(down)[0]
    down.stop(signal.SIGKILL)
    wait_for(lambda: not alive(down), "all its processes are gone")
    write(down, "again", "y@held.org")
    write(down, "fresh", "z@held.org")
    again, fresh = waiting(down)
    again.rename(again.with_name(f"{again.name}.{msgid}"))
    fresh.rename(fresh.with_name(f"{fresh.name}.{int(msgid, 16) ^ 1:08x}"))
    down.start(None, "-P", "mta")
    wait_for(lambda: waiting(down) == [] and len(queued(down)) == 2,
             "one is in the store, one is handed in")


def alive(daemon):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(daemon.dir / "spool/smtpd.sock"))
        return True
    except OSError:
        return False


def kill_all(daemon):
    pids = [daemon.process.pid, *daemon.children()]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    daemon.process.wait(PATIENCE)
    daemon.process = None
    daemon.log.close()


@pytest.mark.parametrize("victim", ["all", "queue", "dispatcher", "offline"])
def test_kills_while_it_hands_in_lose_and_repeat_nothing(down, victim):
    """With relaying paused, the queue holds what was handed in: all of it,
    each once, whoever was killed when."""
    count = 12
    for i in range(count):
        write(down, f"n{i}", f"u{i}@held.org")
    down.configure(HELD)
    for kill in range(4):
        down.start(None, "-P", "mta")
        want = count - len(waiting(down)) + 1 + kill
        wait_for(lambda: count - len(waiting(down)) >= min(want, count),
                 "progress")
        if victim == "all":
            kill_all(down)
            continue
        for pid in down.children(victim):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if victim == "queue":
            down.process.wait(PATIENCE)
            down.process = None
        else:
            down.stop()
    down.start(None, "-P", "mta")
    wait_for(lambda: waiting(down) == [], "nothing waits")
    lines = down.ctl("show", "queue").stdout
    found = re.findall(r"\bu(\d+)@held\.org", lines)
    assert sorted(set(found), key=int) == [str(i) for i in range(count)]
    assert len(lines.splitlines()) == count


def test_a_daemon_that_dies_in_the_session_costs_no_mail(down):
    """Nothing had been sent when the connection went: so it may wait."""
    path = down.dir / "spool/smtpd.sock"
    with socket.socket(socket.AF_UNIX) as fake:
        fake.bind(str(path))
        os.chown(path, UID, -1)
        fake.listen()
        fake.settimeout(PATIENCE)

        def answer():
            client, _ = fake.accept()
            client.sendall(b"220 x\r\n")
            client.recv(4096)
            client.close()
        thread = threading.Thread(target=answer)
        thread.start()
        assert write(down).returncode == 0
        thread.join()
    path.unlink()
    assert len(waiting(down)) == 1
    down.start()
    down.wait_mails("alice", 1)


def test_without_a_place_to_wait_sendmail_says_so(smtpd):
    done = write(smtpd, ok=False)
    assert done.returncode == os.EX_TEMPFAIL
    assert "smtpd is not running" in done.stderr
    assert "nor can it wait" in done.stderr


HOLD = """
mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
mount -t tmpfs tmpfs /var && mkdir /var/mail /var/spool &&
mount -t tmpfs tmpfs /run && echo ready && exec cat
"""
USERS = [("_smtpd", 64091), ("_smtpq", 64092), ("mabel", 64093),
         ("mallory", 64094)]


class House:
    """A mount name space with users of its own, and smtpd as root in it."""

    def __init__(self, daemon):
        self.dir = where = daemon.dir
        self.env = {k: v for k, v in daemon.env.items() if k != "SMTPD_SPOOL"}
        for name, line in (
                ("passwd", "{0}:x:{1}:{1}::{2}/{0}:/bin/false\n"),
                ("group", "{0}:x:{1}:\n")):
            with open(f"/etc/{name}") as f:
                (where / name).write_text(f.read() + "".join(
                    line.format(user, uid, where) for user, uid in USERS))
        for user, uid in USERS[2:]:
            (where / user).mkdir()
            os.chown(where / user, uid, uid)
        (where / "smtpd.conf").write_text(
            "action dir maildir\nmatch from local for local action dir\n")
        (where / "mailname").write_text("mx.example.org\n")
        for path in (where / "smtpd.conf", where / "mailname"):
            os.chown(path, 0, 0)
        for name in ("sendmail", "mailq"):
            (where / name).symlink_to(SMTPD)
        self.holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", HOLD], cwd=where,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"
        self.smtpd = None

    def inside(self, *args, user=None):
        uid = dict(USERS).get(user)
        drop = [] if uid is None else [
            "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        return ["nsenter", "-m", f"-t{self.holder.pid}", f"-w{self.dir}",
                *drop, *map(str, args)]

    def run(self, *args, user=None, stdin=""):
        return subprocess.run(
            self.inside(*args, user=user), input=stdin, capture_output=True,
            text=True, env=dict(self.env, HOME=str(self.dir / (user or ""))),
            timeout=60, check=False)

    def start(self):
        log = self.dir / "log"
        with open(log, "w") as f:
            self.smtpd = subprocess.Popen(
                self.inside(SMTPD, "-d", "-f", "smtpd.conf"), env=self.env,
                stdin=subprocess.DEVNULL, stdout=f, stderr=f)
        wait_for(lambda: "is ready" in log.read_text()
                 or self.smtpd.poll() is not None, "smtpd is ready")
        assert self.smtpd.poll() is None, log.read_text()

    def stop(self):
        if self.smtpd is not None:
            self.smtpd.terminate()
            self.smtpd.wait(PATIENCE)
        self.smtpd = None

    def close(self):
        self.stop()
        self.holder.communicate()


@pytest.fixture
def house(smtpd):
    house = House(smtpd)
    yield house
    house.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_any_user_may_leave_mail_that_nobody_else_can_touch(house):
    place = "/var/spool/smtpd/offline"
    house.start()
    house.stop()
    assert house.run("stat", "-c", "%a %U", place).stdout == "1733 _smtpq\n"
    done = house.run(house.dir / "sendmail", "mabel", user="mabel",
                     stdin="Subject: mine\n\nsecret\n")
    assert (done.returncode, done.stderr) == (0, "")
    name = house.run("ls", place).stdout.strip()
    file = f"{place}/{name}"
    assert house.run("stat", "-c", "%a %U", file).stdout == "600 mabel\n"
    assert house.run("cat", file, user="mabel").stdout.endswith("secret\n")
    for what in (["ls", place], ["cat", file], ["rm", "-f", file],
                 ["mv", file, file + "x"], ["ls", "/var/spool/smtpd"],
                 ["cat", "/var/spool/smtpd/lock"]):
        assert house.run(*what, user="mallory").returncode != 0, what
    assert "1 message waiting" in house.run(house.dir / "mailq").stderr
    assert "waiting" not in house.run(
        house.dir / "mailq", user="mallory").stderr
    house.start()
    box = house.dir / "mabel/Maildir/new"
    mail = wait_for(lambda: box.exists() and list(box.iterdir()), "her mail")
    assert "From: <mabel@mx.example.org>" in mail[0].read_text()
    wait_for(lambda: name not in house.run("ls", place).stdout,
             "nothing of hers waits")
