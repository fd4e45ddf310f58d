# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""How many connections go to other hosts, how fast, and what waits."""

import re
import threading
import time

import pytest
from conftest import PATIENCE, wait_for
from sink import Sink
from test_relay import (FULL, KEPT, relay, wait_mail,  # noqa: F401
                        wait_result)
from test_relay_mx import world  # noqa: F401


class Gate:
    """Sessions that have said all of a message wait here."""

    def __init__(self):
        self.now, self.open = [], threading.Event()

    def script(self, n, line):
        if line == b".":
            self.now.append(n)
            self.open.wait(2 * PATIENCE)
        return None


@pytest.mark.parametrize("limit, head, options, connections", [
    ("max-conn-per-route", "", "", 2),
    ("max-conn-per-source", "", "src 127.0.0.5", 2),
    ("max-conn-per-relay", "", "", 2),
    ("max-conn-per-host", "table mine { 127.0.0.5, 127.0.0.6 }\n",
     "src <mine>", 2),
    ("max-conn-per-route", "table mine { 127.0.0.5, 127.0.0.6 }\n",
     "src <mine>", 4),
    ("max-conn-per-connector", "table mine { 127.0.0.5, 127.0.0.6 }\n",
     "src <mine>", 4),
])
def test_no_more_connections_than_the_limit(
        smtpd, relay, limit, head, options, connections):  # noqa: F811
    gate = Gate()
    sink = relay(gate.script, features=FULL, options=options,
                 head=head + KEPT + f"mta limit {limit} 2\n")
    for i in range(9):
        smtpd.send("a@x.org")
    wait_for(lambda: len(gate.now) == connections, "all that there may be; "
             + smtpd.log_text())
    gate.open.set()
    wait_mail(smtpd, sink, 9)
    assert sink.connections == connections
    smtpd.wait_queue_empty()


# A second that was waited for is one of smtpd's clock, and is over not before
# it is; what a busy machine adds is ours: each is measured from something that
# must have been before it began to something that must be after its end.
SECOND = 0.99


@pytest.mark.parametrize("what", ["host", "route", "source", "connector",
                                  "relay"])
def test_connections_come_apart(smtpd, relay, what):  # noqa: F811
    """Each message ends its session; the next may come a second later."""
    times = []

    def script(n, line):
        if line.startswith(b"EHLO"):
            times.append(time.monotonic())
        return None
    sink = relay(script, features=FULL,
                 head=f"mta limit session-mail-max 1 conn-delay-{what} 1\n")
    begun = time.monotonic()
    for i in range(3):
        smtpd.send("a@x.org")
    wait_mail(smtpd, sink, 3)
    assert sink.connections == 3
    assert times[1] - begun > SECOND and times[2] - begun > 2 * SECOND
    smtpd.wait_queue_empty()


def test_a_route_rests_after_a_connection(smtpd, relay):  # noqa: F811
    times = []

    def script(n, line):
        if line.startswith((b"EHLO", b".", b"QUIT")):
            times.append((line[:4], time.monotonic()))
        return None
    sink = relay(script, features=FULL, head="mta limit session-mail-max 1 "
                 "max-conn-per-host 1 reconn-delay-route 1\n")
    for i in range(3):
        smtpd.send("a@x.org")
    wait_mail(smtpd, sink, 3)
    assert [w for w, _ in times][:7] == [b"EHLO", b".", b"QUIT"] * 2 + [
        b"EHLO"]
    assert times[3][1] - times[1][1] > SECOND


def test_a_session_rests_between_messages(smtpd, relay):  # noqa: F811
    times = []

    def script(n, line):
        if line.startswith((b"MAIL", b".")):
            times.append((line[:4], time.monotonic()))
        return None
    sink = relay(script, features=FULL, head=KEPT + "mta limit "
                 "max-conn-per-host 1 session-transaction-delay 1\n")
    for i in range(3):
        smtpd.send("a@x.org")
    wait_mail(smtpd, sink, 3)
    assert sink.connections == 1
    assert [w for w, _ in times] == [b"MAIL", b"."] * 3
    for end, begin in ((1, 2), (3, 4)):
        assert times[begin][1] - times[end][1] > SECOND


def test_a_session_ends_after_many_failures(smtpd, relay):  # noqa: F811
    def script(n, line):
        return b"550 no\r\n" if line.startswith(b"RCPT") else None
    sink = relay(script, features=FULL, head=KEPT + "mta limit "
                 "max-conn-per-host 1 max-failures-per-session 2\n")
    for i in range(5):
        smtpd.send("a@x.org", sender="")
    wait_result(smtpd, "PermFail", 5)
    assert sink.connections == 3


def test_limits_of_one_domain_are_not_those_of_another(world):  # noqa: F811
    """And a domain's count is of all its hosts."""
    gate = Gate()
    world.start("h1", "h2", h1=gate.script, h2=gate.script,
                head=KEPT + "mta limit for domain two.zone.net "
                "max-conn-per-domain 1\n")
    for i in range(4):
        world.send("two")
        world.send("one")
    wait_for(lambda: len(gate.now) == 5, "one for one, four for the other; "
             + world.smtpd.log_text())
    gate.open.set()
    world.smtpd.wait_queue_empty()
    assert sum(s.connections for s in world.sinks.values()) == 5


@pytest.mark.parametrize("family, host", [("inet4", "h1"),
                                          ("inet6", "six")])
def test_a_family_can_be_asked_for(world, family, host):  # noqa: F811
    world.start("h1", "six",
                head=f"mta limit for domain BOTH.zone.net {family}\n")
    for i in range(3):
        world.send("both")
    world.smtpd.wait_queue_empty()
    assert len(world.sinks[host].mails) == 3
    assert sum(s.connections for s in world.sinks.values()) == \
        world.sinks[host].connections


def test_what_was_deferred_goes_when_the_host_is_back(smtpd):
    """Not at the end of their pause, 400 seconds later; as many as may be."""
    probe = Sink()
    port = probe.port
    probe.stop()
    smtpd.configure(f'action out relay host "smtp://127.0.0.1:{port}"\n'
                    "match from any for any action out\n")
    path = smtpd.dir / "smtpd.conf"
    path.write_text("mta max-deferred 2\n" + path.read_text())
    smtpd.start()
    for i in range(4):
        smtpd.send("a@x.org", f"Subject: n{i}\r\n\r\nx\r\n")
    wait_result(smtpd, "TempFail", 4)
    sink = Sink(features=FULL, port=port)
    smtpd.ctl("resume", "route", "1")
    smtpd.send("b@x.org", "Subject: new\r\n\r\nx\r\n")
    wait_mail(smtpd, sink, 3)
    got = sorted(re.search(rb"Subject: (\w+)", data)[1].decode()
                 for _, _, data in sink.mails)
    assert got[2] == "new" and len(set(got)) == 3
    assert len(smtpd.ctl("show", "queue").stdout.splitlines()) == 2
    sink.stop()
