# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The name of a client: asked of DNS, led back, and what rules make of it."""

import os
import signal
import socket
import struct

import pytest
from conftest import GID, UID, wait_for
from nameserver import NameServer, Silent

RULES = """table base { "alice" = "%(uid)d:%(gid)d:{dir}/alice" }
table users { "alice@example.org" = alice }
listen on 127.0.0.1 port {port} proxy-v2
action here maildir virtual <users> userbase <base>
match from rdns "*.known.net" for domain "example.org" action here
"""
ZONES = {
    "known.net": "good A 5.6.7.1\ngood6 AAAA 2600::1\nfalse A 5.6.7.99\n"
                  "second A 5.6.7.4\n",
    "7.6.5.in-addr.arpa": "1 PTR good.known.net.\n2 PTR false.known.net.\n"
                          "4 PTR gone.known.net.\n4 PTR second.known.net.\n"
                          "5 PTR bad\\|name.known.net.\n",
    "0.0.6.2.ip6.arpa": "1" + ".0" * 27 + " PTR good6.known.net.\n",
}


def start(smtpd, server):
    smtpd.env["SMTPD_NAMESERVER"] = server.address
    smtpd.start(RULES % {"uid": UID, "gid": GID})


@pytest.fixture
def server(tmp_path):
    server = NameServer(tmp_path, ZONES)
    yield server
    server.stop()


def connect(smtpd, source):
    """A client behind a proxy; the replies to MAIL and RCPT."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    raw = socket.inet_pton(family, source)
    addresses = raw + raw + struct.pack("!HH", 4711, 25)
    s = smtpd.raw()
    s.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21" +
              (b"\x21" if ":" in source else b"\x11") +
              struct.pack("!H", len(addresses)) + addresses)
    f = s.makefile("rb")
    assert f.readline().startswith(b"220 ")
    s.sendall(b"HELO x\r\nMAIL FROM:<a@b.test>\r\n"
              b"RCPT TO:<alice@example.org>\r\n")
    f.readline()
    f.readline()
    return s, f, f.readline().decode()


@pytest.mark.parametrize("source, name", [
    ("5.6.7.1", "good.known.net"), ("2600::1", "good6.known.net"),
    ("5.6.7.4", "second.known.net")])
def test_a_name_that_leads_back_counts(smtpd, server, source, name):
    start(smtpd, server)
    s, f, got = connect(smtpd, source)
    assert got[:3] == "250"
    s.sendall(b"DATA\r\na: b\r\n\r\nx\r\n.\r\n")
    f.readline()
    assert f.readline()[:3] == b"250"
    mail = smtpd.wait_mails("alice", 1)[0]
    prefix = "IPv6:" if ":" in source else ""
    assert f"Received: from x ({name} [{prefix}{source}])\n" in mail
    assert f"smtp connected address={source} host={name}\n" in smtpd.log_text()


@pytest.mark.parametrize("source, shown", [
    ("5.6.7.2", "false.known.net"), ("5.6.7.3", "<unknown>"),
    ("5.6.7.5", "<unknown>"), ("8.8.9.9", "<unknown>")])
def test_a_name_that_does_not_lead_back_is_none(smtpd, server, source, shown):
    start(smtpd, server)
    assert connect(smtpd, source)[2][:3] == "550"
    assert f"address={source} host={shown}\n" in smtpd.log_text()


def test_silent_dns_costs_a_few_seconds_and_no_more(smtpd):
    server = Silent()
    start(smtpd, server)
    assert connect(smtpd, "5.6.7.1")[2][:3] == "550"
    server.stop()


def test_a_resolver_that_dies_is_started_again(smtpd, server):
    start(smtpd, server)
    assert connect(smtpd, "5.6.7.1")[2][:3] == "250"
    old = smtpd.children("resolver")
    assert len(old) == 1
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: smtpd.children("resolver") not in ([], old),
             "a new resolver")
    wait_for(lambda: connect(smtpd, "5.6.7.1")[2][:3] == "250",
             "names are known again")
