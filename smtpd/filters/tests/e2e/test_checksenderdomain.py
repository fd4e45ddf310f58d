# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-checksenderdomain, asking a real name server with a zone of ours."""

import subprocess

import pytest

from filterserver import FILTERS

ZONE = """$ORIGIN example.org.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
mx MX 10 ns
four A 192.0.2.1
six AAAA 2001:db8::1
null MX 0 .
text TXT "nothing that takes mail"
"""
REFUSED = "reject|550 5.1.8 "
LATER = "reject|451 4.4.3 "


@pytest.fixture
def server(name_server):
    return name_server("example.org", ZONE)


def ask(f, sender, session=1):
    f.request("mail-from", session, "00ff", sender)
    got = f.answer()
    prefix = f"filter-result|{session:016x}|00ff|"
    assert got.startswith(prefix)
    return got[len(prefix):]


def test_judges_a_domain_by_its_records(start, server):
    f = start("checksenderdomain", "-r", server)
    assert "register|filter|smtp-in|mail-from" in f.registered
    for domain in ["mx", "four", "six"]:
        assert ask(f, f"a@{domain}.example.org") == "proceed"
    for domain in ["null", "text", "absent"]:
        assert ask(f, f"a@{domain}.example.org").startswith(REFUSED)
    assert f.end() == (b"", "", 0)


def test_a_dns_failure_is_temporary(start, server):
    f = start("checksenderdomain", "-r", server)
    # The server refuses to speak of a zone that is not its own.
    assert ask(f, "a@elsewhere.example.net").startswith(LATER)


def test_lets_pass_what_has_no_domain_to_ask_for(start, server):
    f = start("checksenderdomain", "-r", server)
    for sender in ["", "postmaster", "a@[192.0.2.1]", "a@b\u00fccher.example"]:
        assert ask(f, sender) == "proceed"


def test_refuses_what_cannot_be_a_domain(start, server):
    f = start("checksenderdomain", "-r", server)
    for sender in ["a@", "a@" + "x" * 64 + ".example.org",
                   "a@" + "x." * 200 + "org", "a@x..example.org"]:
        assert ask(f, sender).startswith(REFUSED)


def test_trusts_users_and_the_machine_itself(start, server):
    f = start("checksenderdomain", "-r", server)
    f.report("link-auth", 1, "pass", "me")
    assert ask(f, "a@absent.example.org", 1) == "proceed"
    f.report("link-connect", 2, "localhost", "pass", "unix:/run/s", "unix:/s")
    assert ask(f, "a@absent.example.org", 2) == "proceed"
    f.report("link-auth", 3, "fail", "me")
    assert ask(f, "a@absent.example.org", 3).startswith(REFUSED)


def test_many_senders_at_once_and_some_that_leave(start, server):
    f = start("checksenderdomain", "-r", server)
    for n in range(500):
        f.request("mail-from", n, f"{n:x}", f"a@n{n}.example.org")
        if n % 2 == 1:
            f.report("link-disconnect", n)
    heard = {f.answer().split("|")[1] for _ in range(250)}
    # An answer may have been faster than the hang-up behind its request.
    assert heard <= {f"{n:016x}" for n in range(500)}
    assert len(heard) == 250


def test_says_what_is_wrong_before_it_starts():
    run = subprocess.run(
        [FILTERS / "filter-checksenderdomain", "-r", "not an address"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "not ADDRESS or ADDRESS@PORT" in run.stderr
