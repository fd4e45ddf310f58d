# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Where mail for a domain goes, by a real name server's word."""

import pytest
from conftest import free_port, wait_for
from nameserver import NameServer, Silent
from sink import Sink
from test_relay import FULL, wait_result

ZONE = """
one MX 10 h1
two MX 20 h2
two MX 10 h1
equal MX 10 h1
equal MX 10 h2
dead MX 10 nobody
dead MX 20 h2
busy MX 10 h1
busy MX 20 h2
bare A 127.0.0.2
six AAAA ::1
sixmx MX 10 six
both MX 10 h46
h46 AAAA ::1
h46 A 127.0.0.2
null MX 0 .
text TXT "no mail"
nowhere MX 10 absent
cname MX 10 alias
alias CNAME h1
ours MX 10 mx.example.org.
ours MX 20 h2
backup MX 10 h1
backup MX 20 mx.example.org.
backup MX 30 h2
named MX 10 h1
named MX 20 second
second A 127.0.0.9
h1 A 127.0.0.2
h2 A 127.0.0.3
nobody A 127.0.0.4
"""
RULES = ('action out relay %s\n'
         'action here maildir virtual <users> userbase <base>\n'
         'match from any for domain "example.org" action here\n'
         'match from any for any action out\n')


class World:
    """smtpd, its name server, and two hosts that take mail at one port."""

    def __init__(self, smtpd, tmp_path):
        self.smtpd = smtpd
        self.port = free_port()
        self.server = NameServer(tmp_path, {"zone.net": ZONE})
        self.sinks = {}

    def start(self, *hosts, options="", server=None, head="", **scripts):
        env = self.smtpd.env
        env["SMTPD_NAMESERVER"] = (server or self.server).address
        env["SMTPD_MX_PORT"] = str(self.port)
        addresses = {"h1": "127.0.0.2", "h2": "127.0.0.3", "six": "::1"}
        for host in hosts:
            self.sinks[host] = Sink(scripts.get(host), port=self.port,
                                    host=addresses[host], features=FULL)
        self.smtpd.configure(RULES % options)
        conf = self.smtpd.dir / "smtpd.conf"
        conf.write_text(head.replace("PORT", str(self.port))
                        + conf.read_text())
        self.smtpd.start()

    def send(self, domain):
        self.smtpd.send(f"a@{domain}.zone.net", sender="alice@example.org")

    def got(self, host):
        wait_for(lambda: self.sinks[host].mails, f"mail at {host}; log:\n"
                 + self.smtpd.log_text())

    def stop(self):
        self.server.stop()
        for sink in self.sinks.values():
            sink.stop()


@pytest.fixture
def world(smtpd, tmp_path):
    world = World(smtpd, tmp_path)
    yield world
    world.stop()


@pytest.mark.parametrize("domain, host", [
    ("one", "h1"), ("two", "h1"), ("dead", "h2"), ("bare", "h1"),
    ("cname", "h1"), ("six", "six"), ("sixmx", "six"), ("both", "six")])
def test_the_best_host_gets_it(world, domain, host):
    world.start("h1", "h2", "six")
    world.send(domain)
    world.got(host)
    world.smtpd.wait_queue_empty()
    assert sum(len(s.mails) for s in world.sinks.values()) == 1


def test_ipv4_serves_where_ipv6_does_not(world):
    world.start("h1")
    world.send("both")
    world.got("h1")


def test_a_host_that_has_no_time_leaves_it_to_the_next(world):
    world.start("h1", "h2", h1=lambda n, line: b"421 4.3.2 busy\r\n")
    world.send("busy")
    world.got("h2")


def test_equals_share(world):
    world.start("h1", "h2", head="mta limit session-mail-max 1\n")
    count = lambda: [len(s.mails) for s in world.sinks.values()]  # noqa: E731
    for i in range(40):
        world.send("equal")
        wait_for(lambda n=i: sum(count()) == n + 1, "one more")
        if min(count()) > 0:
            return
    raise AssertionError("forty times the same of two equals")


@pytest.mark.parametrize("domain, line", [
    ("null", "556 5.1.10 No mail is taken by null.zone.net"),
    ("absent", "550 5.1.2 No such domain: absent.zone.net"),
    ("text", "550 5.4.4 No mail host has text.zone.net"),
    ("nowhere", "550 5.4.4 No mail host has nowhere.zone.net"),
    ("ours", "550 5.4.6 This server is the best mail host of ours.zone.net")])
def test_what_can_never_be_sent_comes_back(world, domain, line):
    world.start("h1", "h2")
    world.send(domain)
    assert wait_result(world.smtpd, "PermFail") == [line]
    assert line in world.smtpd.wait_mails("alice", 1)[0]
    assert not any(s.connections for s in world.sinks.values())


@pytest.mark.parametrize("options, domain", [
    ("backup", "backup"), ("backup mx second.zone.net", "named")])
def test_a_backup_host_asks_only_the_better_ones(world, options, domain):
    world.start("h1", "h2", options=options)
    world.send(domain)
    world.got("h1")
    world.sinks["h1"].stop()
    world.smtpd.stop()
    world.smtpd.start()
    world.send(domain)
    wait_result(world.smtpd, "TempFail")
    assert world.sinks["h2"].connections == 0


def test_silent_dns_is_tried_later(world):
    silent = Silent()
    world.start(server=silent)
    world.send("one")
    assert wait_result(world.smtpd, "TempFail")[0].startswith("451 4.4.3 ")
    silent.stop()


def test_dns_that_refuses_is_tried_later(world):
    world.start()
    world.smtpd.send("a@elsewhere.example.net")
    assert wait_result(world.smtpd, "TempFail")[0].startswith("451 4.4.3 ")


def test_an_address_literal_needs_no_dns(world):
    world.start("h1")
    world.smtpd.send("a@[127.0.0.2]")
    world.got("h1")


def test_a_table_says_where_domains_go(world):
    world.start("h1", options="domain <ways>", head=(
        'table ways { "x.org" = "smtp://h1.zone.net:PORT" }\n'))
    world.smtpd.send(["a@x.org", "a@y.org"])
    world.got("h1")
    assert wait_result(world.smtpd, "TempFail")[0].startswith("451 4.4.4 ")
