# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Tables kept by programs, good and bad ones."""

import re
import smtplib

import pytest

from conftest import GID, UID, wait_for
from test_auth import conf as auth_conf
from test_auth import secure
from test_tls import Authority

PROGRAM = r'''#!/usr/bin/python3 -u
import pathlib, sys
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
