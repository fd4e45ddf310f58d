# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""smtpctl replay: a recording, a filter, and no server."""

import pathlib
import stat
import subprocess

import pytest

from filterserver import BUILD, ENV, FILTERS

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
SHELL = """#!/bin/sh
while read -r line; do
	case $line in
	"config|ready") break ;;
	esac
done
%s
"""


def recording(tmp_path, *names, reports_only=False):
    """Sessions that a real server had, as it said them."""
    lines = []
    for name in names:
        text = (DATA / "opensmtpd-6.8" / f"{name}.lines").read_text("latin-1")
        lines += [line[2:] for line in text.splitlines()
                  if line.startswith("> ")]
    if reports_only:
        lines = [line for line in lines if line.startswith("report|")]
    path = tmp_path / "recording"
    path.write_text("".join(line + "\n" for line in lines), "latin-1")
    return path, lines


@pytest.fixture
def replay(tmp_path):
    def go(*args):
        done = subprocess.run(
            ["smtpctl", "replay", *map(str, args)], text=True, env=ENV,
            executable=BUILD / "smtpd" / "smtpd", capture_output=True,
            timeout=100)
        return done.returncode, done.stdout.splitlines(), done.stderr

    return go


@pytest.fixture
def shell(tmp_path):
    def go(body):
        path = tmp_path / "filter"
        path.write_text(SHELL % body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return go


def test_replays_the_requests_of_a_recording(replay, tmp_path):
    path, lines = recording(tmp_path, "recipients", "junk")
    status, out, errors = replay(
        path, "--", FILTERS / "filter-senderscore", "-scoreHeader",
        "-junkBelow", "5", "-testMode")
    assert (status, errors) == (0, "")
    asked = [line.split("|", 7) for line in lines
             if line.startswith("filter|")]
    data = [a[7] for a in asked if a[4] == "data-line"]
    got = [line.split(" ", 2) for line in out[:-1]]
    said = [g[2] for g in got if g[1] == "data-line"]
    # 127.0.0.1: the test mode's score is 1.
    assert [line for line in said if line != "X-SenderScore: 1"] == data
    assert said.count("X-SenderScore: 1") == 2
    assert [g[2] for g in got if g[1] == "mail-from"] == ["junk", "junk"]
    assert len(got) == len(data) + 2 + 2 + 2
    assert out[-1].endswith(" requests")


def test_makes_requests_of_reports(replay, tmp_path, shell):
    path, _ = recording(tmp_path, "parameters", "rset", "local",
                        reports_only=True)
    echo = shell("""
for phase in connect ehlo mail-from rcpt-to data commit rset noop quit; do
	echo "register|filter|smtp-in|$phase"
done
echo "register|ready"
while IFS='|' read -r kind version time subsystem phase session token param
do
	echo "filter-result|$session|$token|reject|550 $phase $param"
done
""")
    status, out, errors = replay(path, "--", echo)
    assert (status, errors) == (0, "")
    asked = [line.split("550 ", 1)[1].rstrip() for line in out[:-1]]
    assert asked == [
        "connect localhost|127.0.0.1", "ehlo client.example.com",
        "mail-from a@example.com", "rcpt-to b@example.org", "data", "commit",
        "quit",
        "connect localhost|127.0.0.1", "ehlo client.example.com",
        "mail-from a@example.com", "rcpt-to b@example.org", "rset", "noop",
        "mail-from a@example.com", "quit",
        "connect mail.example.org|local", "ehlo localhost",
        "mail-from a@example.com", "rcpt-to b@example.org", "data", "commit",
        "quit"]
    assert out[-1] == "0 reports, 22 requests"


def test_gives_reports_to_who_asked_for_them(replay, tmp_path):
    path, lines = recording(tmp_path, "plain", "relay", reports_only=True)
    folder = tmp_path / "log"
    folder.mkdir()
    status, out, errors = replay(
        path, FILTERS / "filter-eventlog", "-d", folder)
    assert (status, out, errors) == (
        0, [f"{len(lines)} reports, 0 requests"], "")
    kept, = folder.iterdir()
    assert kept.read_text("latin-1").splitlines() == lines


def test_says_that_a_recording_has_no_messages(replay, tmp_path):
    path, _ = recording(tmp_path, "plain", reports_only=True)
    status, _, errors = replay(
        path, "--", FILTERS / "filter-rspamd", "-spool", tmp_path)
    # The commit of a message that it never saw is put off.
    assert status == 0
    assert "the recording has no messages" in errors


@pytest.mark.parametrize("body, said", [
    ("exit 3", "the filter has ended"),
    ("echo hello", '"hello" before it is ready'),
    ('echo "register|ready"; exit 3', "the filter ended with status 3"),
    ('echo "register|ready"; kill -9 $$', "the filter ended with signal 9"),
    ('echo "register|filter|smtp-in|ehlo"; echo "register|ready"; exit 0',
     "the filter has ended"),
    ('echo "register|ready"; cat >/dev/null; '
     'echo "filter-result|0000000000000001|01|proceed"',
     "1 answers that nobody asked for"),
])
def test_a_filter_that_fails_is_an_error(replay, tmp_path, shell, body, said):
    path, _ = recording(tmp_path, "plain")
    status, out, errors = replay(path, "--", shell(body))
    assert status == 1
    assert said in errors


def test_says_what_is_wrong(replay, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("config|x|y\nreport me\n")
    assert replay(bad)[0] == 2
    assert replay(bad, "--")[0] == 2
    assert replay(tmp_path / "none", "--", "x")[0] == 1
    status, _, errors = replay(
        bad, "--", FILTERS / "filter-senderscore", "-testMode")
    assert status == 1
    assert 'line 2: "report me" is no line of smtpd\'s' in errors
    status, _, errors = replay(bad, "--", tmp_path / "no-such-filter")
    assert status == 1
    assert "No such file" in errors
