# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""smtpctl against a running smtpd: what each command does is seen."""

import ctypes
import json
import os
import signal
import socket

from conftest import MAILDIR, PATIENCE, wait_for
from sink import Sink

WAITING = ('action here mda "touch {dir}/alice/begun; '
           'until test -e {dir}/alice/go; do sleep 0.02; done; '
           'cat > $(mktemp {dir}/alice/got.XXXXXX)" '
           'virtual <users> userbase <base>\n'
           'match from any for domain "example.org" action here\n')


def status(smtpd):
    return dict(line.split() for line in
                smtpd.ctl("show", "status").stdout.splitlines())


def queue(smtpd):
    return [json.loads(line) for line in
            smtpd.ctl("show", "queue", "-j").stdout.splitlines()]


def test_queue_as_json(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.send(["alice@example.org", "bob@example.org"])
    found = sorted(queue(smtpd), key=lambda e: e["rcpt"])
    assert [e["rcpt"] for e in found] == ["alice@example.org",
                                          "bob@example.org"]
    for e in found:
        assert len(e["evpid"]) == 16 and int(e["evpid"], 16)
        assert e["sender"] == "s@test.org" and e["dest"] == e["rcpt"]
        assert (e["family"], e["type"], e["action"]) == (
            "inet4", "mda", "here")
        assert e["expires"] > e["created"] > 1700000000
        assert (e["last_try"], e["retry"], e["error"]) == (0, 0, "")
        assert (e["suspended"], e["state"]) == (False, "pending")
    msgid, evpid = found[0]["evpid"][:8], found[0]["evpid"]
    assert len(smtpd.ctl("show", "queue", msgid).stdout.splitlines()) == 2
    only = smtpd.ctl("show", "queue", "-j", evpid).stdout.splitlines()
    assert [json.loads(line)["evpid"] for line in only] == [evpid]
    fields = smtpd.ctl("show", "queue", evpid).stdout.strip().split("|")
    assert len(fields) == 14 and fields[0] == evpid
    assert fields[11] == "pending"


def test_what_a_host_says_in_latin_1_is_json_too(smtpd):
    sink = Sink(lambda n, line: b"451 caf\xe9\r\n"
                if line.upper().startswith(b"RCPT") else None)
    smtpd.start(f'action out relay host "smtp://127.0.0.1:{sink.port}"\n'
                "match from any for any action out\n")
    smtpd.send("x@example.net")
    entry = wait_for(lambda: next((e for e in queue(smtpd) if e["error"]),
                                  None), "an error")
    assert entry["error"].endswith("caf?")


def test_status_and_pausing_deliveries(smtpd):
    smtpd.start(MAILDIR)
    assert status(smtpd) == {"MDA": "running", "MTA": "running",
                             "SMTP": "running"}
    smtpd.ctl("pause", "mda")
    assert status(smtpd)["MDA"] == "paused"
    smtpd.send("alice@example.org")
    smtpd.ctl("schedule", "all")
    assert [e["state"] for e in queue(smtpd)] == ["pending"]
    assert not smtpd.mails("alice")
    smtpd.ctl("resume", "mda")
    smtpd.wait_mails("alice", 1)
    smtpd.wait_queue_empty()
    assert status(smtpd)["MDA"] == "running"


def test_pausing_relays(smtpd):
    sink = Sink()
    smtpd.start(f'action out relay host "smtp://127.0.0.1:{sink.port}"\n'
                "match from any for any action out\n")
    smtpd.ctl("pause", "mta")
    assert status(smtpd) == {"MDA": "running", "MTA": "paused",
                             "SMTP": "running"}
    smtpd.send("x@example.net")
    smtpd.ctl("schedule", "all")
    assert [e["type"] for e in queue(smtpd)] == ["mta"]
    assert not sink.mails
    smtpd.ctl("resume", "mta")
    smtpd.wait_queue_empty()
    assert len(sink.mails) == 1


def test_pausing_new_sessions(smtpd):
    smtpd.start(MAILDIR)
    old = smtpd.smtp()
    smtpd.ctl("pause", "smtp")
    assert status(smtpd)["SMTP"] == "paused"
    with socket.create_connection(("127.0.0.1", smtpd.port)) as new:
        assert old.noop()[0] == 250, "a session that was there goes on"
        new.setblocking(False)
        try:
            said = new.recv(1)
        except BlockingIOError:
            said = None
        assert said is None, "nobody greets while smtp is paused"
        smtpd.ctl("resume", "smtp")
        new.settimeout(PATIENCE)
        assert new.recv(4) == b"220 "
    old.quit()


def test_what_is_paused_stays_so(smtpd):
    smtpd.start(MAILDIR)
    for agent in ("mda", "smtp"):
        smtpd.ctl("pause", agent)
    paused = {"MDA": "paused", "MTA": "running", "SMTP": "paused"}
    smtpd.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in smtpd.log_text(), "a reload")
    assert status(smtpd) == paused
    for name in ("control", "dispatcher"):
        for pid in smtpd.children(name):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: smtpd.ctl("show", "status", ok=False).returncode == 0,
             "smtpctl is answered again")
    assert status(smtpd) == paused


def test_log_verbose_and_brief(smtpd):
    smtpd.start(MAILDIR)
    n = 0

    def is_logged():
        nonlocal n
        n += 1
        with smtpd.smtp() as client:
            client.docmd(f"NOOP {n}.")
        wait_for(lambda: smtpd.log_text().count("disconnected") == n,
                 "the end of a session")
        return f"NOOP {n}." in smtpd.log_text()

    assert not is_logged()
    smtpd.ctl("log", "verbose")
    wait_for(is_logged, "the dialogue is logged")
    smtpd.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in smtpd.log_text(), "a reload")
    assert is_logged(), "it stays verbose"
    smtpd.ctl("log", "brief")
    wait_for(lambda: not is_logged(), "the dialogue is not logged")


def test_scheduling_what_is_in_flight_delivers_once(smtpd):
    smtpd.start(WAITING)
    smtpd.send("alice@example.org")
    home = smtpd.dir / "alice"
    wait_for((home / "begun").exists, "the delivery has begun")
    entry = queue(smtpd)[0]
    assert entry["state"] == "inflight"
    fields = smtpd.ctl("show", "queue").stdout.strip().split("|")
    assert fields[11] == "inflight" and fields[12].isdigit()
    for _ in range(3):
        smtpd.ctl("schedule", "all")
        smtpd.ctl("pause", "envelope", entry["evpid"])
        smtpd.ctl("resume", "envelope", entry["evpid"])
    (home / "go").touch()
    smtpd.wait_queue_empty()
    assert len(list(home.glob("got.*"))) == 1
    assert smtpd.log_text().count("result=Ok") == 1


def test_removing_what_is_in_flight(smtpd):
    smtpd.start(WAITING)
    smtpd.send("alice@example.org")
    home = smtpd.dir / "alice"
    wait_for((home / "begun").exists, "the delivery has begun")
    smtpd.ctl("remove", "all")
    assert queue(smtpd) == []
    (home / "go").touch()
    wait_for(lambda: list(home.glob("got.*")), "the delivery has ended")
    smtpd.send("alice@example.org")
    smtpd.wait_queue_empty()
    assert len(list(home.glob("got.*"))) == 2


def test_schedule_tries_at_once(smtpd):
    smtpd.start('action here mda "test -e {dir}/alice/go || exit 75" '
                "virtual <users> userbase <base>\n"
                'match from any for domain "example.org" action here\n')
    smtpd.send("alice@example.org")
    entry = wait_for(
        lambda: next((e for e in queue(smtpd) if e["retry"]), None),
        "a first attempt")
    assert entry["last_try"] >= entry["created"]
    assert entry["state"] == "pending" and entry["seconds"] > 0
    secs = smtpd.ctl("show", "queue").stdout.split("|")[12]
    assert 0 < int(secs) <= 12, "till the next attempt"
    assert entry["error"]
    (smtpd.dir / "alice" / "go").touch()
    smtpd.ctl("schedule", entry["evpid"])
    smtpd.wait_queue_empty()


def test_envelopes_and_messages_are_shown_and_removed(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    big = "Subject: big\r\n\r\n" + "0123456789\r\n" * 200000
    smtpd.send("alice@example.org", big)
    evpid = queue(smtpd)[0]["evpid"]
    shown = dict(line.split(": ", 1) for line in smtpd.ctl(
        "show", "envelope", evpid).stdout.splitlines() if ": " in line)
    assert shown["evpid"] == evpid and shown["type"] == "mda"
    assert shown["sender"] == "s@test.org"
    assert shown["dest"] == "alice@example.org"
    assert shown["mda-user"] == "alice"
    text = smtpd.ctl("show", "message", evpid).stdout
    assert text == smtpd.ctl("show", "message", evpid[:8]).stdout
    assert text.count("0123456789\n") == 200000
    smtpd.ctl("remove", evpid)
    assert queue(smtpd) == []
    for verb in (("show", "envelope"), ("show", "message"), ("remove",),
                 ("schedule",)):
        for wrong in (evpid, "nonsense"):
            done = smtpd.ctl(*verb, wrong, ok=False)
            assert done.returncode == 1 and done.stderr


def test_encrypt_makes_hashes_that_check(smtpd):
    smtpd.configure(MAILDIR)
    smtpd.own()
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    for said in (smtpd.ctl("encrypt", "horse staple").stdout,
                 smtpd.ctl("encrypt", stdin="horse staple\n").stdout):
        hashed = said.strip().encode()
        assert len(hashed) > 20
        assert library.crypt(b"horse staple", hashed) == hashed
    assert smtpd.ctl("encrypt", "a", "b", ok=False).returncode == 2
