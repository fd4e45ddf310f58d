# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What has been acknowledged is delivered, whatever is killed and when."""

import os
import random
import re
import signal
import smtplib
import subprocess
import threading

import pytest
from conftest import BUILD, MAILDIR, PATIENCE, wait_for

SESSIONS = 8


class Load(threading.Thread):
    """Send numbered messages until told to stop; remember what got a 250."""

    def __init__(self, daemon, number, stop, to="alice", sizes=(500,),
                 most=None):
        super().__init__(daemon=True)
        self.target, self.number, self.stop = daemon, number, stop
        self.to, self.sizes, self.most = to, sizes, most
        self.acknowledged = []

    def text(self, name, n):
        size = self.sizes[n % len(self.sizes)]
        return (f"Subject: {name}\r\n\r\n" + f"{'x' * 70}\r\n" * (size // 72)
                + f"end of {name}\r\n")

    def run(self):
        n = 0
        while not self.stop.is_set() and n != self.most:
            try:
                with self.target.smtp() as client:
                    for _ in range(20):
                        n += 1
                        name = f"id-{self.number}-{n}"
                        client.sendmail("", f"{self.to}@example.org",
                                        self.text(name, n))
                        self.acknowledged.append(name)
                        if self.stop.is_set() or n == self.most:
                            return
            except (OSError, smtplib.SMTPException):
                self.stop.wait(0.05)


def arrived(daemon):
    """The names of what has been delivered, each whole."""
    names = []
    for mail in daemon.mails("alice"):
        text = mail.read_text()
        name = re.search(r"^Subject: (id-\S+)", text, re.M)[1]
        assert text.endswith(f"end of {name}\n")
        names.append(name)
    return names


# With bodies that are in the log, and some that are files of their own.
MIXED = (500, 500, 500, 500, 3000, 300_000)

@pytest.mark.parametrize("victim", ["lookup", "dispatcher", "deliver",
                                    "control", "resolver", "auth", "filter"])
def test_a_killed_helper_loses_nothing(maildir, victim):
    stop = threading.Event()
    load = [Load(maildir, i, stop, sizes=MIXED) for i in range(SESSIONS)]
    for thread in load:
        thread.start()
    for kill in range(3):
        before = sum(len(x.acknowledged) for x in load)
        wait_for(lambda: sum(len(x.acknowledged) for x in load)
                 > before + 50, "progress")
        os.kill(wait_for(lambda: maildir.children(victim),
                         f"there is a {victim} process")[0], signal.SIGKILL)
    before = sum(len(x.acknowledged) for x in load)
    wait_for(lambda: sum(len(x.acknowledged) for x in load) > before + 50,
             "progress after the last kill")
    stop.set()
    for thread in load:
        thread.join()
    maildir.ctl("schedule", "all")
    maildir.wait_queue_empty()
    missing = {n for x in load for n in x.acknowledged} - set(
        arrived(maildir))
    assert not missing


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.mark.parametrize("victim", ["queue", "scheduler", "keys", "parent",
                                    "all"])
def test_a_killed_daemon_loses_nothing(smtpd, victim):
    smtpd.start(MAILDIR)
    acknowledged = set()
    for turn in range(3):
        stop = threading.Event()
        load = [Load(smtpd, f"{turn}x{i}", stop, sizes=MIXED)
                for i in range(SESSIONS)]
        for thread in load:
            thread.start()
        wait_for(lambda: sum(len(x.acknowledged) for x in load)
                 > 20 + random.randrange(200), "progress")
        pids = []
        if victim in ("parent", "all"):
            pids.append(smtpd.process.pid)
        if victim != "parent":
            pids += smtpd.children(None if victim == "all" else victim)
        assert pids
        kill(pids)
        smtpd.process.wait(PATIENCE)
        stop.set()
        for thread in load:
            thread.join()
            acknowledged |= set(thread.acknowledged)
        smtpd.start()
    smtpd.ctl("schedule", "all")
    smtpd.wait_queue_empty()
    missing = acknowledged - set(arrived(smtpd))
    assert acknowledged and not missing


def segments(daemon):
    names = os.listdir(daemon.dir / "spool" / "log")
    return sorted(int(name.split(".")[0], 16) for name in names)


def test_killed_while_segments_are_emptied_loses_nothing(smtpd):
    """Bob's few messages can't be delivered: they live in segments that die
    with what alice gets, and are carried on, again and again."""
    smtpd.start('action later mda "exit 75" virtual <users> userbase <base>\n'
                'match from any for rcpt-to "bob@example.org" action later\n'
                + MAILDIR)
    acknowledged, held = set(), set()
    for turn in range(2):
        stop = threading.Event()
        load = [Load(smtpd, f"{turn}x{i}", stop, sizes=(250_000,))
                for i in range(4)]
        kept = Load(smtpd, f"{turn}b", stop, to="bob", sizes=(5000,), most=30)
        for thread in (*load, kept):
            thread.start()
        first, last = segments(smtpd)[0], segments(smtpd)[-1]
        # The first turn ends as a segment is begun, and the one before it may
        # be emptied; the last, when that has happened.
        wait_for(lambda: segments(smtpd)[-1] > last if turn < 1
                 else segments(smtpd)[0] > first, "segments come and go")
        kill(smtpd.children("queue"))
        smtpd.process.wait(PATIENCE)
        stop.set()
        for thread in (*load, kept):
            thread.join()
        held |= set(kept.acknowledged)
        for thread in load:
            acknowledged |= set(thread.acknowledged)
        smtpd.start()
    smtpd.ctl("schedule", "all")
    wait_for(lambda: "alice" not in smtpd.ctl("show", "queue").stdout,
             "alice has all of hers")
    assert acknowledged <= set(arrived(smtpd))
    there = []
    for line in smtpd.ctl("show", "queue").stdout.splitlines():
        text = smtpd.ctl("show", "message", line[:8]).stdout
        there.append(re.search(r"^Subject: (id-\S+)", text, re.M)[1])
        assert text.endswith(f"end of {there[-1]}\n")
    assert held and held <= set(there)
    assert len(there) == len(set(there))


def test_a_queue_longer_than_a_frame_is_scheduled(smtpd):
    """300,000 envelopes wait for a relay; a new message goes all the same."""
    spool = smtpd.dir / "spool"
    subprocess.run([BUILD / "smtpd" / "fillqueue", spool, "30", "10000"],
                   check=True)
    smtpd.start(MAILDIR + 'action "out" relay host "smtp://127.0.0.1:1"\n'
                'match from any for domain "example.net" action "out"\n',
                "-P", "mta")
    smtpd.send("alice@example.org", "Subject: new\r\n\r\nbody\r\n")
    smtpd.wait_mails("alice", 1)
    # All have their time.
    wait_for(lambda: smtpd.ctl("show", "stats").stdout.count(
        "scheduler.envelope=300000"), "the new one is gone, the others wait")
