# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Tables kept by programs, good and bad ones."""

import os
import re
import smtplib

import pytest

from conftest import GID, PATIENCE, UID, wait_for
from test_auth import conf as auth_conf
from test_auth import secure
from test_tls import Authority

PROGRAM = r'''#!/usr/bin/python3 -u
import pathlib, sys, time
HERE = pathlib.Path("{dir}")
for line in sys.stdin:
    if line == "config|ready\n":
        break
    with open(HERE / "config", "a") as f:
        f.write(line)
for service in open(HERE / "services").read().split():
    print("register|" + service)
print("register|ready", flush=True)
for line in sys.stdin:
    with open(HERE / "asked", "a") as f:
        f.write(line)
    word = line.rstrip("\n").split("|")
    assert word[:2] == ["table", "0.1"] and word[3] == "people", word
    data = dict(l.split(" ", 1) for l in
                open(HERE / "data").read().splitlines())
    if word[4] == "update":
        print("update-result|" + word[5] + "|ok", flush=True)
    elif word[4] == "fetch":
        print(f"lookup-result|{word[6]}|found|" + data["fetch"], flush=True)
    else:
        found = data.get(word[5] + ":" + "|".join(word[7:]))
        if found == "crash":
            sys.exit("I give up")
        if found == "hang":
            continue
        if found and found.startswith("slow"):
            while not (HERE / "go").exists():
                time.sleep(0.01)
            found = found.split()[1]
        if found == "flood":
            print("x" * 1000000, flush=True)
            continue
        if found == "stray":
            print("lookup-result|00000000|found|mallory", flush=True)
            continue
        if found == "twice":
            print(f"{word[4]}-result|{word[6]}|found|alice", flush=True)
            found = "alice"
        if found is None:
            answer = "not-found"
        elif found.startswith("error"):
            answer = found
        else:
            answer = "found|" + found if word[4] == "lookup" else "found"
        print(f"{word[4]}-result|{word[6]}|{answer}", flush=True)
'''

RULES = ('table people "proc:{dir}/table-people"\n'
         'table base { alice = "%d:%d:{dir}/alice" }\n'
         'listen on 127.0.0.1 port {port}\n'
         'action here maildir virtual <people> userbase <base>\n'
         'match from any for domain "example.org" action here\n')


@pytest.fixture
def people(smtpd):
    """A daemon whose virtual users a program keeps."""
    program = smtpd.dir / "table-people"
    program.write_text(PROGRAM.replace("{dir}", str(smtpd.dir)))
    program.chmod(0o755)
    (smtpd.dir / "services").write_text("alias domain mailaddr netaddr")
    (smtpd.dir / "data").write_text("alias:alice@example.org alice\n")
    smtpd.env["SMTPD_TABLE_TIME"] = str(PATIENCE)
    return smtpd


def rules():
    return RULES % (UID, GID)


def asked(smtpd):
    path = smtpd.dir / "asked"
    return path.read_text() if path.exists() else ""


def rcpt(smtpd, to):
    with smtpd.smtp() as c:
        c.helo("client.test.org")
        c.mail("s@test.org")
        return c.rcpt(to)[0]


def test_a_program_keeps_the_virtual_users(people):
    people.start(rules())
    people.send("alice@example.org")
    people.wait_mails("alice", 1)
    assert rcpt(people, "nobody@example.org") == 550
    config = (people.dir / "config").read_text()
    assert re.fullmatch(r"config\|smtpd-version\|\S+\nconfig\|protocol\|0.1\n"
                        r"config\|tablename\|people\n", config)
    assert re.search(r"^table\|0\.1\|\d+\.\d{6}\|people\|lookup\|alias\|"
                     r"[0-9a-f]{8}\|alice@example\.org$", asked(people), re.M)


def test_keys_are_asked_in_lower_case(people):
    people.start(rules())
    assert rcpt(people, "ALICE@Example.ORG") == 250


def test_checks_of_rules(people):
    (people.dir / "data").write_text(
        "netaddr:127.0.0.1 x\ndomain:example.org x\n"
        "mailaddr:s@test.org x\nalias:alice@example.org alice\n")
    people.start(rules().replace(
        "match from any for domain \"example.org\"",
        "match from src <people> mail-from <people> for domain <people>"))
    assert rcpt(people, "alice@example.org") == 250
    assert rcpt(people, "alice@example.net") == 550
    for service in ("netaddr", "domain", "mailaddr"):
        assert f"|check|{service}|" in asked(people)


def test_update_table_reaches_the_program(people):
    people.start(rules())
    people.ctl("update", "table", "people")
    assert "|people|update|" in asked(people)


def test_a_service_that_is_not_offered_is_a_temporary_failure(people):
    (people.dir / "services").write_text("netaddr")
    people.start(rules())
    assert rcpt(people, "alice@example.org") in (424, 451)
    wait_for(lambda: "offers no alias" in people.log_text(), "the log says so")


@pytest.mark.parametrize("how", ["crash", "flood", "stray", "hang"])
def test_a_program_that_fails_is_started_again(people, how):
    with open(people.dir / "data", "a") as f:
        f.write(f"alias:bad@example.org {how}\n")
    if how == "hang":
        people.env["SMTPD_TABLE_TIME"] = "5"
    people.start(rules())
    assert rcpt(people, "bad@example.org") in (424, 451)
    wait_for(lambda: rcpt(people, "alice@example.org") == 250,
             "the table answers again")
    log = people.log_text()
    assert "it is started again" in log
    assert "mallory" not in log
    assert how != "crash" or "table people: I give up" in log


def test_two_answers_are_one_too_many(people):
    with open(people.dir / "data", "a") as f:
        f.write("alias:twice@example.org twice\n")
    people.start(rules())
    assert rcpt(people, "twice@example.org") == 250
    assert rcpt(people, "alice@example.org") in (424, 451)
    wait_for(lambda: rcpt(people, "alice@example.org") == 250,
             "the table answers again")


def test_an_error_is_told_and_is_temporary(people):
    with open(people.dir / "data", "a") as f:
        f.write("alias:sick@example.org error|no database\n")
    people.start(rules())
    assert rcpt(people, "sick@example.org") in (424, 451)
    assert "no database" in people.log_text()
    assert rcpt(people, "alice@example.org") == 250


def test_a_program_that_is_not_there(people):
    (people.dir / "table-people").unlink()
    people.start(rules())
    assert rcpt(people, "alice@example.org") in (424, 451)


def test_a_type_names_the_program(people):
    """table-T is looked for, and gets what stands after the colon."""
    people.env["PATH"] = f"{people.dir}:{people.env['PATH']}"
    people.start(rules().replace(
        '"proc:{dir}/table-people"', '"people:it\'s here"'))
    assert rcpt(people, "alice@example.org") == 250


def test_programs_end_with_the_daemon(people):
    people.start(rules())
    assert rcpt(people, "alice@example.org") == 250
    people.process.send_signal(1)
    wait_for(lambda: rcpt(people, "alice@example.org") == 250,
             "the table answers after a reload")
    assert people.stop() == 0


@pytest.mark.parametrize("service", ["auth", "credentials"])
def test_authentication_by_a_program(people, service):
    (people.dir / "tls").mkdir(mode=0o755)
    people.ca = Authority(people.dir / "tls")
    people.ca.issue("mx.example.org")
    (people.dir / "services").write_text("credentials " + service)
    secret = people.ctl("encrypt", "Open|Sesame").stdout.strip()
    (people.dir / "data").write_text(
        "auth:alice:Open|Sesame yes\n" if service == "auth" else
        f"credentials:alice alice:{secret}\n")
    people.start(auth_conf(people, "auth <people>",
                           'table people "proc:{dir}/table-people"\n'))
    with secure(people) as c:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            c.login("alice", "open|sesame")
    with secure(people) as c:
        assert c.login("alice", "Open|Sesame")[0] == 235


OTHER = ('table others { "bob@other.org" = alice }\n'
         'action there maildir virtual <others> userbase <base>\n'
         'match from any for domain "other.org" action there\n')


class Waiting:
    """A session whose recipient a slow program is asked about."""

    def __init__(self, smtpd, to="slow@example.org"):
        self.s = smtpd.raw()
        self.f = self.s.makefile("rb")
        self.f.readline()
        for line in (b"HELO client.test.org", b"MAIL FROM:<s@test.org>"):
            self.s.sendall(line + b"\r\n")
            assert self.f.readline()[:3] == b"250"
        self.s.sendall(b"RCPT TO:<%s>\r\n" % to.encode())

    def answer(self):
        got = int(self.f.readline()[:3])
        self.f.close()
        self.s.close()
        return got


@pytest.fixture
def slow(people, request):
    if hasattr(request, "param"):
        people.env["SMTPD_TABLE_TIME"] = str(request.param)
    with open(people.dir / "data", "a") as f:
        f.write("alias:slow@example.org slow alice\n"
                "alias:stuck@example.org hang\n")
    people.start(rules() + OTHER)
    return people


def wait_asked(smtpd, key, n=1):
    wait_for(lambda: asked(smtpd).count(f"|{key}\n") >= n,
             f"the program was asked about {key}")


def test_a_slow_program_stops_nobody_else(slow):
    first = Waiting(slow)
    wait_asked(slow, "slow@example.org")
    # The lookup is there for others, and for tables without programs.
    assert rcpt(slow, "bob@other.org") == 250
    assert rcpt(slow, "x@example.net") == 550
    assert slow.ctl("show", "queue").stdout == ""
    (slow.dir / "go").touch()
    assert first.answer() == 250


def test_those_who_wait_for_a_program_are_answered_in_turn(slow):
    sessions = [Waiting(slow) for _ in range(12)]
    sessions.append(Waiting(slow, "alice@example.org"))
    sessions.append(Waiting(slow, "nobody@example.org"))
    wait_asked(slow, "slow@example.org")
    assert rcpt(slow, "bob@other.org") == 250
    assert asked(slow).count("|slow@example.org\n") == 1
    (slow.dir / "go").touch()
    assert [s.answer() for s in sessions] == [250] * 13 + [550]


@pytest.mark.parametrize("slow", [5], indirect=True, ids=["seconds"])
def test_a_late_program_is_ended_and_others_go_on_meanwhile(slow):
    late = Waiting(slow, "stuck@example.org")
    wait_asked(slow, "stuck@example.org")
    assert rcpt(slow, "bob@other.org") == 250
    assert late.answer() in (424, 451)
    assert "the program is too slow" in slow.log_text()
    wait_for(lambda: rcpt(slow, "alice@example.org") == 250,
             "the table answers again")


def test_a_program_that_dies_leaves_nobody_waiting(slow):
    sessions = [Waiting(slow) for _ in range(5)]
    wait_asked(slow, "slow@example.org")
    program = [p for p in slow.children()
               if "table-people" in open(f"/proc/{p}/cmdline").read()]
    assert len(program) == 1
    os.kill(program[0], 9)
    (slow.dir / "go").touch()
    assert {s.answer() for s in sessions} <= {250, 424, 451}
    wait_for(lambda: rcpt(slow, "alice@example.org") == 250,
             "the table answers again")


def test_a_request_that_waits_keeps_its_configuration(slow):
    first = Waiting(slow)
    wait_asked(slow, "slow@example.org")
    slow.configure(OTHER.replace("<base>", "<users2>").replace(
        "table others", 'table users2 { alice = "%d:%d:{dir}/alice" }\n'
        "listen on 127.0.0.1 port {port}\ntable others" % (UID, GID)))
    slow.process.send_signal(1)
    wait_for(lambda: "configuration read again" in slow.log_text(), "a reload")
    assert rcpt(slow, "bob@other.org") == 250
    assert rcpt(slow, "alice@example.org") == 550
    (slow.dir / "go").touch()
    assert first.answer() == 250
    assert slow.stop() == 0


def test_a_forward_that_comes_while_the_program_is_asked(slow):
    """Expansion goes on at one end only."""
    (slow.dir / "alice" / ".forward").write_text("alice\n")
    slow.own()
    with open(slow.dir / "data", "a") as f:
        f.write("alias:both@example.org alice, slow@example.org\n")
    both = Waiting(slow, "both@example.org")
    wait_asked(slow, "slow@example.org")
    assert rcpt(slow, "bob@other.org") == 250
    (slow.dir / "go").touch()
    assert both.answer() == 250
