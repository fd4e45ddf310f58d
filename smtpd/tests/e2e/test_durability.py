# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What has been acknowledged is delivered, whatever is killed and when."""

import random
import re
import signal
import smtplib
import threading
import os

import pytest
from conftest import MAILDIR, wait_for

SESSIONS = 8


class Load(threading.Thread):
    """Send numbered messages until told to stop; remember what got a 250."""

    def __init__(self, daemon, number, stop):
        super().__init__(daemon=True)
        self.target, self.number, self.stop = daemon, number, stop
        self.acknowledged = []

    def run(self):
        n = 0
        while not self.stop.is_set():
            try:
                with self.target.smtp() as client:
                    for _ in range(20):
                        n += 1
                        name = f"id-{self.number}-{n}"
                        client.sendmail(
                            "", "alice@example.org",
                            f"Subject: {name}\r\n\r\n{'x' * 500}\r\n")
                        self.acknowledged.append(name)
                        if self.stop.is_set():
                            return
            except (OSError, smtplib.SMTPException):
                self.stop.wait(0.05)


def arrived(daemon):
    names = []
    for mail in daemon.mails("alice"):
        names += re.findall(r"^Subject: (id-\S+)", mail.read_text(), re.M)
    return names


@pytest.mark.parametrize("victim", ["lookup", "dispatcher", "deliver",
                                    "control"])
def test_a_killed_helper_loses_nothing(maildir, victim):
    stop = threading.Event()
    load = [Load(maildir, i, stop) for i in range(SESSIONS)]
    for thread in load:
        thread.start()
    for kill in range(3):
        before = sum(len(x.acknowledged) for x in load)
        wait_for(lambda: sum(len(x.acknowledged) for x in load)
                 > before + 50, "progress")
        for pid in maildir.children(victim)[:1]:
            os.kill(pid, signal.SIGKILL)
    before = sum(len(x.acknowledged) for x in load)
    wait_for(lambda: sum(len(x.acknowledged) for x in load) > before + 50,
             "progress after the last kill")
    stop.set()
    for thread in load:
        thread.join(20)
    maildir.ctl("schedule", "all")
    maildir.wait_queue_empty()
    missing = {n for x in load for n in x.acknowledged} - set(
        arrived(maildir))
    assert not missing


@pytest.mark.parametrize("victim", ["queue", "all"])
def test_a_killed_queue_loses_nothing(smtpd, victim):
    smtpd.start(MAILDIR)
    acknowledged = set()
    for kill in range(3):
        stop = threading.Event()
        load = [Load(smtpd, f"{kill}x{i}", stop) for i in range(SESSIONS)]
        for thread in load:
            thread.start()
        wait_for(lambda: sum(len(x.acknowledged) for x in load)
                 > 20 + random.randrange(200), "progress")
        pids = smtpd.children(None if victim == "all" else victim)
        if victim == "all":
            pids.append(smtpd.process.pid)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        smtpd.process.wait(20)
        stop.set()
        for thread in load:
            thread.join(20)
            acknowledged |= set(thread.acknowledged)
        smtpd.start()
    smtpd.ctl("schedule", "all")
    smtpd.wait_queue_empty()
    missing = acknowledged - set(arrived(smtpd))
    assert acknowledged and not missing
