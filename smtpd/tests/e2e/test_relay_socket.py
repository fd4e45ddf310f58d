# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A relay whose host is a socket of this machine, by LMTP."""

import re
import subprocess

import pytest
from conftest import SMTPD, wait_for
from sink import Sink
from test_relay import FULL, KEPT, RELAY, wait_mail, wait_result


@pytest.fixture
def lmtp(smtpd):
    sinks = []

    def go(script=None, head="", options="", path="lmtp"):
        sinks.append(Sink(script, lmtp=True, features=FULL,
                          path=smtpd.dir / "lmtp"))
        smtpd.configure(RELAY % (f"lmtp://{smtpd.dir}/{path}", options))
        conf = smtpd.dir / "smtpd.conf"
        conf.write_text(KEPT + head + conf.read_text())
        smtpd.start()
        return sinks[-1]

    yield go
    for sink in sinks:
        sink.stop()


def test_mail_goes_to_a_socket_and_the_connection_is_kept(smtpd, lmtp):
    sink = lmtp()
    for i in range(3):
        smtpd.send("a@x.org", f"Subject: n{i}\r\n\r\n.x\r\n")
        wait_mail(smtpd, sink, i + 1)
    assert sink.connections == 1
    assert sink.lines[0] == b"LHLO mx.example.org"
    assert sink.mails[0][1] == [b"RCPT TO:<a@x.org>"]
    assert b"\r\n..x\r\n" in sink.mails[0][2]
    assert f'relay="{smtpd.dir}/lmtp (localhost)"' in smtpd.log_text()
    assert f"{smtpd.dir}/lmtp" in smtpd.ctl("show", "routes").stdout


def test_each_recipient_has_a_reply(smtpd, lmtp):
    sink = lmtp(lambda n, line: b"250 one\r\n552 5.2.2 full\r\n"
                if line == b"." else None)
    smtpd.send(["a@x.org", "b@x.org"], sender="")
    assert wait_result(smtpd, "Ok") == ["250 one"]
    assert wait_result(smtpd, "PermFail") == ["552 5.2.2 full"]
    assert sink.connections == 1


def test_a_socket_that_is_not_there_is_tried_again(smtpd, lmtp):
    lmtp(path="absent")
    smtpd.send("a@x.org")
    assert wait_result(smtpd, "TempFail") == [
        f"451 4.4.1 Connection to {smtpd.dir}/absent failed: "
        "No such file or directory"]
    sink = Sink(lmtp=True, features=FULL, path=smtpd.dir / "absent")
    smtpd.ctl("schedule", "all")
    wait_mail(smtpd, sink)
    sink.stop()


def test_limits_count_there_too(smtpd, lmtp):
    held, now = [], []

    def script(n, line):
        if line == b".":
            now.append(n)
            wait_for(lambda: held, "leave to answer")
        return None
    sink = lmtp(script, head="mta limit max-conn-per-host 2\n")
    for _ in range(6):
        smtpd.send("a@x.org")
    wait_for(lambda: len(now) == 2, "two sessions")
    held.append(True)
    wait_mail(smtpd, sink, 6)
    assert sink.connections == 2
    smtpd.wait_queue_empty()


@pytest.mark.parametrize("url, options, what", [
    ("smtp:///run/x", "", "a socket's path goes with lmtp"),
    ("lmtp+tls:///run/x", "", "a socket's path goes with lmtp"),
    ("lmtp:///run/x", "tls", "the action asks for tls"),
    ("lmtp:///run/x", "src 127.0.0.1", "src does not go with a path"),
])
def test_what_makes_no_sense_is_refused_by_name(smtpd, url, options, what):
    smtpd.configure(RELAY % (url, options))
    done = subprocess.run(
        [SMTPD, "-n", "-f", smtpd.dir / "smtpd.conf"], env=smtpd.env,
        stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"{re.escape(url)}: {what}$", done.stderr, re.M)
