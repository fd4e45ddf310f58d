# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-rspamd, with a scripted HTTP server in rspamd's place."""

import socket
import subprocess
import threading

import pytest

from filterserver import FILTERS
from httpscript import Script
from mailtalk import begin, commit, judge, pull, push

LATER = "reject|451 4.3.0 message cannot be checked now"
MAIL = ["From: a", "Subject: hello", "X-Drop: 1", " more", "X-Drop: 2",
        "X-Drop: 3", "", "X-Drop: body", "..dot", "end"]


@pytest.fixture
def scanner():
    running = []

    def go(**kwargs):
        running.append(Script(**kwargs))
        return running[-1]

    yield go
    for script in running:
        script.close()


@pytest.fixture
def rspamd(start, tmp_path):
    def go(url, *args):
        return start("rspamd", "-url", url, "-spool", tmp_path, *args)

    return go


def test_tells_rspamd_all_that_it_knows(scanner, rspamd):
    s = scanner(answer={"action": "no action"})
    f = rspamd(s.url, "-settings-id", "in")
    f.report("link-auth", 1, "pass", "me")
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], "proceed")
    path, headers, body = s.requests[0]
    assert path == "/checkv2"
    assert body.decode() == "\n".join(MAIL).replace("..dot", ".dot") + "\n"
    assert headers.get_all("Rcpt") == ["b@example.net", "c@example.net"]
    for name, value in {
            "Pass": "All", "Ip": "192.0.2.7", "Hostname": "mx.example.org",
            "Helo": "helo.example.org", "MTA-Name": "mail.example.net",
            "Queue-Id": "0a0b0c0d", "From": "a@example.org", "User": "me",
            "TLS-Version": "TLSv1.3", "TLS-Cipher": "TLS_AES_256_GCM_SHA384",
            "Settings-ID": "in"}.items():
        assert headers[name] == value
    assert f.end() == (b"", "", 0)


def test_the_null_sender_and_the_machine_itself(scanner, rspamd):
    s = scanner(answer={"action": "no action"})
    f = rspamd(s.url)
    f.report("link-connect", 1, "<unknown>", "error", "unix:/run/s", "unix:")
    f.report("tx-begin", 1, "01")
    f.report("tx-mail", 1, "01", "ok", "")
    f.report("link-connect", 2, "<unknown>", "error", "[2001:db8::1]:9", "")
    judge(f, MAIL, session=1)
    judge(f, MAIL, session=2)
    local, six = (request[1] for request in s.requests)
    assert local["Ip"] == "127.0.0.1" and local["From"] == "<>"
    assert six["Ip"] == "2001:db8::1"
    for name in ["Hostname", "User", "Helo", "Settings-ID", "Rcpt"]:
        assert local[name] is None


@pytest.mark.parametrize("answer, verdict", [
    ({"action": "reject"}, "reject|550 5.7.1 message rejected"),
    ({"action": "reject", "messages": {"smtp_message": "Gtube pattern"}},
     "reject|550 5.7.1 Gtube pattern"),
    ({"action": "reject", "messages": {"smtp_message": "5.7.9 a\r\nb|c\u00e9"}},
     "reject|550 5.7.9 a  b|c??"),
    ({"action": "soft reject"}, "reject|451 4.7.1 try again later"),
    ({"action": "soft reject", "messages": {"smtp_message": "greylisted"}},
     "reject|451 4.7.1 greylisted"),
    ({"action": "discard"}, "reject|550 5.7.1 message rejected"),
    ({"action": "greylist"}, "proceed"),
    ({"action": "no action"}, "proceed"),
    ({"action": "one of our own"}, "proceed"),
])
def test_does_as_the_action_says(scanner, rspamd, answer, verdict):
    refused = {**answer, "milter": {"add_headers": {"X-A": "b"}}}
    s = scanner(answer=refused if verdict != "proceed" else answer)
    f = rspamd(s.url)
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], verdict)


def test_marks_spam_with_the_headers_that_users_know(scanner, rspamd):
    symbols = {f"SYMBOL_{n:02}": {"score": n / 2} for n in range(12, 0, -1)}
    s = scanner(answer={"action": "add header", "score": 7.25,
                        "required_score": 15, "symbols": symbols})
    f = rspamd(s.url)
    begin(f)
    out, verdict = judge(f, MAIL)
    assert verdict == "proceed"
    assert out[:3] == ["X-Spam: yes", "X-Spam-Score: 7.25 / 15",
                       "X-Spam-Status: Yes, score=7.250 required=15.000"]
    at = out.index(MAIL[0])
    tests = out[3:at]
    assert all(line[0] == "\t" and len(line) < 80 for line in tests)
    assert "".join(tests).replace("\t", " ") == " tests=[" + ", ".join(
        f"SYMBOL_{n:02}={n / 2:.3f}" for n in range(1, 13)) + "]"
    assert out[at:] == [*MAIL, "."]


def test_rewrites_the_subject_once(scanner, rspamd):
    s = scanner(answer={"action": "rewrite subject", "subject": "*** hello"})
    f = rspamd(s.url)
    begin(f)
    lines = ["subject: one", "\tfolded", "To: b", "Subject : two", "", "x"]
    assert judge(f, lines)[0] == ["Subject: *** hello", "To: b", "", "x", "."]


def test_adds_a_dkim_signature_folded(scanner, rspamd):
    long = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1; " + \
        "h=" + " : ".join(["from"] * 20) + "; b=" + "x" * 100
    s = scanner(answer={"action": "no action",
                        "dkim-signature": [long, "v=1;\r\n\tb=2\n"]})
    f = rspamd(s.url)
    begin(f)
    out = judge(f, MAIL)[0]
    first = out[:out.index("DKIM-Signature: v=1;")]
    assert "".join(first) == "DKIM-Signature: " + long
    assert len(first) > 3 and all(line[0] == " " for line in first[1:])
    assert all(len(line) <= 78 for line in first[:-1])
    assert out[len(first):] == ["DKIM-Signature: v=1;", "\tb=2", *MAIL, "."]


def test_does_not_fold_what_a_simple_signature_covers(scanner, rspamd):
    sig = "v=1; c=simple/simple; " + "h=a; " * 40 + "b=c"
    s = scanner(answer={"action": "no action", "dkim-signature": sig})
    f = rspamd(s.url)
    begin(f)
    assert judge(f, MAIL)[0][0] == "DKIM-Signature: " + sig


def test_adds_milter_headers_in_their_order(scanner, rspamd):
    s = scanner(answer={"action": "no action", "milter": {"add_headers": {
        "Authentication-Results": {"order": 1, "value": "mail;\n\tspf=pass"},
        "ARC-Authentication-Results": {"order": 1, "value": "i=1"},
        "X-Two": ["a", {"value": "b", "order": 0}],
        "ARC-Seal": {"order": 1, "value": "i=1; s"},
        "ARC-Message-Signature": {"order": 1, "value": "i=1; m"},
        "X-One": "1", "X-Odd": 7, "X-Odder": {"value": None}}}})
    f = rspamd(s.url)
    begin(f)
    out = judge(f, MAIL)[0]
    assert out[:out.index(MAIL[0])] == [
        "X-Two: a", "X-One: 1", "ARC-Seal: i=1; s",
        "ARC-Message-Signature: i=1; m", "ARC-Authentication-Results: i=1",
        "Authentication-Results: mail;", "\tspf=pass", "X-Two: b"]


@pytest.mark.parametrize("nth, left", [
    (0, []), (1, [2, 3]), (3, [1, 2]), (4, [1, 2, 3]), (-1, [1, 2]),
    (-3, [2, 3]), (-4, [1, 2, 3]), ([1, -1], [2]),
])
def test_removes_milter_headers(scanner, rspamd, nth, left):
    s = scanner(answer={"action": "no action", "milter": {
        "remove_headers": {"x-drop": nth}}})
    f = rspamd(s.url)
    begin(f)
    out = judge(f, MAIL)[0]
    heads = {1: ["X-Drop: 1", " more"], 2: ["X-Drop: 2"], 3: ["X-Drop: 3"]}
    want = MAIL[:2] + sum((heads[n] for n in left), []) + MAIL[6:]
    assert out == [*want, "."]


def test_no_header_of_rspamd_can_end_the_header(scanner, rspamd):
    s = scanner(answer={"action": "no action", "dkim-signature": "a\n\nb",
                        "milter": {"add_headers": {
                            "X-A": "b\n\nBcc: c\r\n.\r\n\x01d",
                            "Bad name": "x", "": "x", "A:b": "x",
                            "X-B": "\r\n\r\n"}}})
    f = rspamd(s.url)
    begin(f)
    out = judge(f, MAIL)[0]
    assert out == ["DKIM-Signature: a", "\tb", "X-A: b", "\tBcc: c", "\t.",
                   "\t d", "X-B:", *MAIL, "."]


@pytest.mark.parametrize("script", [
    {"status": 500, "answer": {"action": "no action"}},
    {"status": 302, "answer": {"action": "no action"}},
    {"raw": b"not HTTP at all\r\n\r\n"},
    {"raw": b""},
    {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"act"},
    {"body": b""},
    {"body": b"<html>no</html>"},
    {"body": b'{"action": "no action"'},
    {"body": b'["action"]'},
    {"body": b'{"action": 5}'},
    {"body": b'{"action": "no action", "x": "\xff\xfe"}'},
    {"body": b"{" * 100000},
    {"body": b'{"action":"no action","x":"' + b"y" * 5000000 + b'"}'},
    {"answer": {"action": "no action", "dkim-signature": "x" * 300000}},
    {"answer": {"action": "no action", "milter": {
        "remove_headers": {f"X-{n}": 0 for n in range(2000)}}}},
])
def test_nonsense_is_a_temporary_failure(scanner, rspamd, script):
    s = scanner(**script)
    f = rspamd(s.url)
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], LATER)
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], LATER)
    assert f.end()[1].count("filter-rspamd: rspamd: ") == 2


def test_a_dead_rspamd_is_a_temporary_failure_or_not(rspamd):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # and nobody listens
        url = "http://127.0.0.1:%d" % s.getsockname()[1]
        for args, verdict in [((), LATER),
                              (("-on-failure", "tempfail"), LATER),
                              (("-on-failure", "accept"), "proceed")]:
            f = rspamd(url, *args)
            begin(f)
            assert judge(f, MAIL) == ([*MAIL, "."], verdict)


def test_a_slow_rspamd_is_given_up(scanner, rspamd):
    s = scanner(hold=True, answer={"action": "no action"})
    f = rspamd(s.url, "-timeout", "1")
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], LATER)
    assert "imed out" in f.end()[1]


def test_sessions_do_not_wait_for_each_other(scanner, rspamd):
    s = scanner(hold=True, answer={"action": "no action"})
    f = rspamd(s.url)
    for n in range(1, 21):
        begin(f, n)
        push(f, MAIL, n)
    s.wait_for(20)
    begin(f, 100)
    f.request("commit", 100, "00bb", "")
    assert f.answer().startswith("filter-result|0000000000000064|")
    s.release()
    heard = [f.answer() for _ in range(20 * (len(MAIL) + 1))]
    for n in range(1, 21):
        mine = [a for a in heard if f"|{n:016x}|" in a]
        assert [a.split("|", 3)[3] for a in mine] == [*MAIL, "."]


def test_sessions_that_leave_are_forgotten(scanner, rspamd):
    s = scanner(hold=True, answer={"action": "no action"})
    f = rspamd(s.url)
    for n in range(1, 11):
        begin(f, n)
        push(f, MAIL, n)
        if n % 2:
            f.report("tx-reset", n, "0a0b0c0d")
        else:
            f.report("link-disconnect", n)
    s.release()
    begin(f, 50)
    assert judge(f, MAIL, session=50) == ([*MAIL, "."], "proceed")
    assert f.end() == (b"", "", 0)


def test_a_second_message_knows_nothing_of_the_first(scanner, rspamd):
    s = scanner(answer={"action": "reject"})
    f = rspamd(s.url)
    begin(f)
    assert judge(f, MAIL)[1].startswith("reject|550")
    f.report("tx-rollback", 1, "0a0b0c0d")
    f.report("tx-reset", 1, "0a0b0c0d")
    s.answer = {"action": "no action"}
    f.report("tx-begin", 1, "0000000e")
    f.report("tx-mail", 1, "0000000e", "ok", "z@example.org")
    assert judge(f, MAIL)[1] == "proceed"
    headers = s.requests[1][1]
    assert headers["From"] == "z@example.org"
    assert headers["Rcpt"] is None
    assert headers["Helo"] == "helo.example.org"


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_a_large_message_comes_back_whole_in_flat_memory(scanner, rspamd):
    s = scanner(answer={"action": "no action", "milter": {
        "add_headers": {"X-A": "b"}, "remove_headers": {"X-Drop": -1}}})
    f = rspamd(s.url)
    begin(f)
    judge(f, MAIL)
    before = rss_kib(f.proc.pid)
    body = [f"{n:07}" + "x" * (n % 900) for n in range(120000)]
    body[5] = ""
    sender = threading.Thread(target=push, args=(f, body))
    sender.start()
    s.wait_for(2)
    assert rss_kib(f.proc.pid) - before < 12 * 1024
    out = pull(f)
    sender.join()
    assert out == ["X-A: b", *body, "."]
    assert rss_kib(f.proc.pid) - before < 12 * 1024
    assert commit(f) == "proceed"
    assert s.requests[1][2].decode() == "\n".join(body) + "\n"


def test_a_message_that_cannot_be_kept_is_refused(scanner, start, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    s = scanner(answer={"action": "no action"})
    f = start("rspamd", "-url", s.url, "-spool", folder,
              "-on-failure", "accept")
    folder.rmdir()
    begin(f)
    push(f, ["x" * 1000] * 1000)
    assert pull(f) == ["."]
    assert commit(f) == LATER
    assert s.requests == []
    begin(f)
    assert judge(f, MAIL) == ([*MAIL, "."], "proceed")


def test_speaks_over_a_unix_socket(scanner, rspamd, tmp_path):
    s = scanner(unix=tmp_path / "s", answer={"action": "reject"})
    f = rspamd(tmp_path / "s")
    begin(f)
    assert judge(f, MAIL)[1] == "reject|550 5.7.1 message rejected"


def test_says_what_is_wrong_before_it_starts(tmp_path):
    for args, status, said in [
            (["-url", "gopher://x"], 2, "neither http://"),
            (["-timeout", "0"], 2, "no number from 1"),
            (["-on-failure", "panic"], 2, "neither tempfail nor accept"),
            (["-spool", tmp_path / "none"], 1, "cannot create files"),
            (["extra"], 2, "not an option")]:
        run = subprocess.run(
            [FILTERS / "filter-rspamd", *args], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
        assert run.returncode == status
        assert said in run.stderr
    shown = subprocess.run([FILTERS / "filter-rspamd", "-h"], text=True,
                           capture_output=True, timeout=60)
    assert shown.returncode == 0 and "usage: filter-rspamd" in shown.stdout
