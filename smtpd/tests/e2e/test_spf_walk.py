# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""smtpctl spf walk, with the real nsd as its name server."""

import pytest
from nameserver import NameServer

ZONE = """
@ TXT "v=spf1 +a mx:mail.x.example/24//64 ip4:192.0.2.77/25 ip6:2001:db8::1/32 -ip4:203.0.113.9 include:b.x.example -all"
@ TXT "something else"
@ A 198.51.100.1
@ AAAA 2001:db8:ffff::1
mail MX 10 mx1
mail MX 20 mx2
mx1 A 10.1.2.3
mx2 A 10.1.2.4
mx2 AAAA fd00::1
b TXT "v=spf1 ip4:10.1.2" ".9 ?ip4:10.9.9.9 redirect=c.x.example"
c TXT "V=SPF1 a:mx1.x.example ip4:198.51.100.1 all ip4:9.9.9.9"
bare TXT "v=spf1"
macro TXT "v=spf1 ip4:10.0.0.1 exists:%{i}.x.example -all"
loop TXT "v=spf1 ip4:10.0.0.2 include:loop.x.example -all"
bad TXT "v=spf1 ip4:10.0.0.300 -all"
two TXT "v=spf1 ip4:10.0.0.3"
two TXT "v=spf1 ip4:10.0.0.4"
many TXT "v=spf1 a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx1.x.example a:mx2.x.example -all"
"""


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    server = NameServer(tmp_path_factory.mktemp("nsd"), {"x.example": ZONE})
    yield server
    server.stop()


@pytest.fixture
def walk(smtpd, names):
    smtpd.env["SMTPD_NAMESERVER"] = names.address

    def go(domains, *args):
        done = smtpd.ctl("spf", "walk", *args, stdin=domains, ok=False)
        return done.returncode, done.stdout.split(), done.stderr
    return go


V4 = ["10.1.2.0/24", "10.9.9.9", "192.0.2.0/25", "198.51.100.1"]
V6 = ["2001:db8::/32", "fd00::/64"]


def test_networks_once_and_in_order(walk):
    assert walk("x.example\n") == (0, V4 + V6, "")
    assert walk("x.example\nc.x.example\n\nx.example\n") == (0, V4 + V6, "")


def test_one_family(walk):
    assert walk("x.example\n", "-4") == (0, V4, "")
    assert walk("x.example\n", "-6") == (0, V6, "")


def test_a_redirect_counts_only_without_all(walk):
    assert walk("c.x.example\n")[1] == ["10.1.2.3", "198.51.100.1"]


def test_a_bare_record_is_one_without_networks(walk):
    assert walk("bare.x.example\n") == (0, [], "")


@pytest.mark.parametrize("domain, networks, why", [
    ("macro", ["10.0.0.1"], "a macro is not followed"),
    ("loop", ["10.0.0.2"], "too many includes"),
    ("bad", [], "not valid"),
    ("two", [], "more than one SPF record"),
    ("many", ["10.1.2.3"], "more than 10 look-ups"),
    ("mail", [], "no SPF record"),
    ("nowhere", [], "no SPF record"),
])
def test_what_can_not_be_followed_is_told(walk, domain, networks, why):
    status, got, told = walk(f"{domain}.x.example\n")
    assert (status, got) == (1, networks)
    assert why in told


def test_one_bad_domain_spoils_no_other(walk):
    status, got, told = walk("bad.x.example\nb.x.example\n")
    assert status == 1 and "10.1.2.9" in got and "bad.x.example" in told


def test_a_wrong_command_line(walk):
    assert walk("", "-5")[0] == 2
