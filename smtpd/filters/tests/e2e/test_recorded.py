# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What a real OpenSMTPD said to a filter, said again to each of ours.

tests/data/opensmtpd-*/NAME.lines are the lines of one session, those of the
server behind "> ", the recording filter's behind "< ".
"""

import pathlib

import pytest

from httpscript import Script

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
SESSIONS = sorted(DATA.glob("opensmtpd-*/*.lines"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in SESSIONS]


def heard(path):
    """The server's lines that a filter of these registrations would get."""
    lines = path.read_text("latin-1").splitlines()
    return [line[2:] for line in lines if line.startswith("> ")]


def wanted(lines, registered):
    for line in lines:
        field = line.split("|")
        kind = field[0]
        if kind == "config":
            yield line
        elif {f"register|{kind}|{field[3]}|{name}"
              for name in (field[4], "*")} & set(registered):
            yield line


def replay(f, path):
    """Say it; every request has one answer, a message all its lines."""
    lines = list(wanted(heard(path), f.registered))
    f.send("".join(line + "\n" for line in lines).encode("latin-1"))
    out, errors, status = f.end()
    assert (errors, status) == ("", 0)
    asked = [line.split("|") for line in lines if line.startswith("filter|")]
    answers = out.decode("latin-1").splitlines()
    return asked, [line.split("|", 3) for line in answers]


def check(asked, answers):
    verdicts = [a for a in answers if a[0] == "filter-result"]
    requests = [r for r in asked if r[4] != "data-line"]
    assert sorted((r[5], r[6]) for r in requests) == \
        sorted((a[1], a[2]) for a in verdicts)
    given = ["|".join(r[7:]) for r in asked if r[4] == "data-line"]
    back = [a[3] for a in answers if a[0] == "filter-dataline"]
    assert back == given
    return verdicts


def test_there_are_recordings():
    assert len(SESSIONS) > 15


@pytest.mark.parametrize("path", SESSIONS, ids=NAMES)
def test_senderscore_answers_all(start, path):
    f = start("senderscore", "-blockBelow", "90", "-scoreHeader",
              "-slowFactor", "1", "-resolver", "127.0.0.1@9")
    verdicts = check(*replay(f, path))
    assert {v[3] for v in verdicts} <= {"proceed"}


@pytest.mark.parametrize("path", SESSIONS, ids=NAMES)
def test_eventlog_keeps_the_reports(start, path, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    asked, answers = replay(f, path)
    assert (asked, answers) == ([], [])
    kept = "".join(p.read_text("latin-1") for p in tmp_path.iterdir())
    assert kept.splitlines() == [
        line for line in heard(path) if line.startswith("report|")]


@pytest.mark.parametrize("path", SESSIONS, ids=NAMES)
def test_rspamd_gives_each_message_back(start, path, tmp_path):
    script = Script(answer={"action": "no action"})
    f = start("rspamd", "-url", script.url, "-spool", tmp_path)
    lines = list(wanted(heard(path), f.registered))
    given = []
    for line in lines:
        f.send((line + "\n").encode("latin-1"))
        field = line.split("|", 7)
        if field[0] == "filter" and field[4] == "data-line":
            given.append(field[7])
            if field[7] == ".":
                back = [f.answer().split("|", 3)[3] for _ in given]
                assert back == given
                given = []
        elif field[0] == "filter":
            assert f.answer() == f"filter-result|{field[5]}|{field[6]}|proceed"
    assert f.end() == (b"", "", 0)
    script.close()
    for _, headers, _ in script.requests:
        assert headers["Ip"] == "127.0.0.1"
        assert headers["MTA-Name"] == "mail.example.org"
        assert headers["Rcpt"].endswith(("@example.org", "@example.net"))
        assert len(headers["Queue-Id"]) == 8
