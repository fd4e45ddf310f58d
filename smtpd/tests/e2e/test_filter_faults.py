# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filter programs that do wrong: the daemon and the other sessions live, the
operator is told, the session gets a temporary failure, and the program is
started again without ever hearing of a session that it hasn't seen begin."""

import contextlib
import os
import pathlib
import smtplib

import pytest

from conftest import PATIENCE, Client, free_port, wait_for
from test_filters import program, run

GOOD = """
    register("filter|smtp-in|helo", "report|smtp-in|*")
    for phase, session, token, param in requests():
        say("filter-result|%s|%s|proceed" % (session, token))
    """


def good(smtpd):
    """The daemon answers, unfiltered, on a second port."""
    with Client("127.0.0.1", smtpd.other, timeout=PATIENCE) as c:
        c.ehlo("x.org")
        c.sendmail("a@b.org", "bob@example.org", "Subject: x\r\n\r\ny\r\n")


def begin(smtpd, body, time=None, name="f"):
    smtpd.other = free_port()
    if time is not None:
        smtpd.env["SMTPD_FILTER_TIME"] = str(time)
    path = program(smtpd, "f.py", body)
    run(smtpd, f'listen on 127.0.0.1 port {smtpd.other}\n'
        f'filter {name} proc-exec "{path}"', name)
    return path


def hear(smtpd, text):
    wait_for(lambda: text in smtpd.log_text(), f"{text} in the log")


# What a program does when it is asked about HELO; each is its end.
FAULTS = {
    "dies": ("sys.exit(3)", "exited with 3"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
    "closes its output": ("import os, time; os.close(1); os.close(0); "
                          "time.sleep(100)", "it has closed its output"),
    "answers an unknown token": (
        'say("filter-result|%s|%016x|proceed" % (session, 1))',
        "an answer to what was not asked"),
    "answers twice": (
        'sys.stdout.write(2 * ("filter-result|%s|%s|proceed\\n" '
        '% (session, token))); sys.stdout.flush()',
        "an answer to what was not asked"),
    "answers no word of the protocol": (
        'say("filter-result|%s|%s|perhaps" % (session, token))',
        "not a result"),
    "answers without a text": (
        'say("filter-result|%s|%s|reject" % (session, token))',
        "a result with other fields"),
    "talks": ('say("hello")', "not a line of the protocol"),
    "has no session": ('say("filter-result|x|y|proceed")',
                       "a result without session and token"),
    "writes a NUL": ('say("filter-result|%s|%s|rewrite|a\\0b" '
                     '% (session, token))', "a CR or a NUL in a line"),
    "writes a line of a megabyte": ('say("x" * (1 << 20))',
                                    "a line of more than"),
    "writes a megabyte without end": (
        'sys.stdout.write("x" * (1 << 20)); sys.stdout.flush()',
        "a line of more than"),
    "writes lines of no message": (
        'say("filter-dataline|%s|%s|x" % (session, token))',
        "a line of a message that it was not given"),
    "registers late": ('say("register|report|smtp-in|timeout")',
                       "it registers after it was ready"),
    "floods": ('while True: sys.stdout.write("filter-result|%s|%s|proceed\\n" '
               '% (session, token))', "an answer to what was not asked"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_its_sessions_and_no_more(smtpd, fault):
    what, told = FAULTS[fault]
    begin(smtpd, f"""
        register("filter|smtp-in|helo", "filter|smtp-in|noop",
                 "report|smtp-in|*")
        for phase, session, token, param in requests():
            if param == "bad.org":
                {what}
            else:
                say("filter-result|%s|%s|proceed" % (session, token))
        """)
    waits = smtpd.smtp()
    assert waits.docmd("HELO fine.org")[0] == 250
    with smtpd.raw() as s:
        f = s.makefile("rb")
        assert f.readline().startswith(b"220")
        s.sendall(b"HELO bad.org\r\n")
        replies = f.readlines()
        assert replies[-1].startswith(b"421 "), replies
    hear(smtpd, told)
    good(smtpd)
    assert waits.getreply()[0] == 421

    def works_again():
        try:
            with smtpd.smtp() as c:
                return c.docmd("HELO again.org")[0] == 250
        except (smtplib.SMTPException, ConnectionError):
            return False
    wait_for(works_again, "the filter works again")
    assert "filter f: ready" in smtpd.log_text().split(told, 1)[1]


def test_it_never_hears_of_a_session_that_began_before_it(smtpd):
    begin(smtpd, """
        import os
        out = open("heard", "a", 1)
        out.write("start\\n")
        register("filter|smtp-in|helo", "report|smtp-in|*")
        for line in lines():
            if not line.startswith("config"):
                out.write(line + "\\n")
            if line.endswith("|bad.org") and "filter|" in line:
                sys.exit(1)
            f = line.split("|")
            if f[0] == "filter":
                say("filter-result|%s|%s|proceed" % (f[5], f[6]))
        """)
    first, second = smtpd.smtp(), smtpd.smtp()
    assert first.docmd("HELO x.org")[0] == 250
    assert second.docmd("HELO bad.org")[0] == 421
    wait_for(lambda: smtpd.log_text().count("filter f: ready") == 2, "again")
    assert first.getreply()[0] == 421
    with smtpd.smtp() as third:
        assert third.docmd("HELO y.org")[0] == 250
    wait_for(lambda: "link-disconnect" in
             (smtpd.dir / "heard").read_text().split("start\n")[2], "end")
    known = set()
    for line in (smtpd.dir / "heard").read_text().split("start\n")[2].splitlines():
        f = line.split("|")
        session = f[5]
        if f[4] == "link-connect":
            known.add(session)
        assert session in known, line
    assert len(known) == 1


def test_one_that_hangs_is_ended_when_its_time_is_over(smtpd):
    # It has the same time to begin: a shell needs less of it.
    path = smtpd.dir / "hangs"
    path.write_text("#!/bin/sh\necho 'register|filter|smtp-in|helo'\n"
                    "echo 'register|ready'\nexec sleep 1000\n")
    path.chmod(0o755)
    smtpd.other = free_port()
    smtpd.env["SMTPD_FILTER_TIME"] = "3"
    run(smtpd, f'listen on 127.0.0.1 port {smtpd.other}\n'
        f'filter f proc-exec "{path}"', "f")
    with smtpd.smtp() as c:
        assert c.docmd("HELO x.org")[0] == 421
    hear(smtpd, "filter f: it does not answer")
    good(smtpd)


def test_one_late_answer_costs_one_session(smtpd):
    begin(smtpd, """
        register("filter|smtp-in|helo")
        late = []
        for phase, session, token, param in requests():
            answer = "filter-result|%s|%s|proceed" % (session, token)
            if param == "late.org":
                late.append(answer)
                continue
            if param == "now.org":
                for a in late:
                    say(a)
            say(answer)
        """, time=5)
    lazy, busy = smtpd.smtp(), smtpd.smtp()
    lazy.putcmd("HELO late.org")
    lazy.sock.settimeout(0.05)
    while True:
        assert busy.docmd("HELO x.org")[0] == 250
        try:
            assert lazy.sock.recv(1000).startswith(b"421 ")
            break
        except TimeoutError:
            pass
    assert busy.docmd("HELO now.org")[0] == 250
    hear(smtpd, "no answer in time")
    assert "started again" not in smtpd.log_text()


def test_one_that_hangs_in_the_handshake_keeps_nobody_out_for_ever(smtpd):
    begin(smtpd, """
        import time
        time.sleep(1000)
        """, time=1)
    hear(smtpd, "filter f: it did not register in time")
    good(smtpd)
    with pytest.raises(smtplib.SMTPConnectError) as e:
        smtpd.smtp()
    assert e.value.smtp_code == 421


@pytest.mark.parametrize("what,told", [
    ("sys.exit(1)", "exited with 1"),
    ('say("register|filter|smtp-in|lunch")', 'not a phase: "lunch"'),
    ('say("register|report|smtp-up|*")', 'not a subsystem: "smtp-up"'),
    ('say("filter-result|0000000000000001|0000000000000001|proceed")',
     "it answers before it is ready"),
    ('while True: say("register|report|smtp-in|*")',
     "more than 1000 registrations"),
])
def test_faults_in_the_handshake(smtpd, what, told):
    begin(smtpd, what)
    hear(smtpd, told)
    good(smtpd)
    with pytest.raises(smtplib.SMTPConnectError) as e:
        smtpd.smtp()
    assert e.value.smtp_code == 421


def test_a_command_that_is_not_there_is_told(smtpd):
    smtpd.other = free_port()
    run(smtpd, f'listen on 127.0.0.1 port {smtpd.other}\n'
        'filter f proc-exec "/nowhere/at/all"', "f")
    hear(smtpd, "f: ")
    hear(smtpd, "exited with 127")
    good(smtpd)


def test_one_that_only_listens_may_die(smtpd):
    begin(smtpd, """
        register("report|smtp-in|*")
        for line in lines():
            if line.endswith("HELO bad.org"):
                sys.exit(1)
        """)
    with smtpd.smtp() as c:
        assert c.docmd("HELO bad.org")[0] == 250
        hear(smtpd, "exited with 1")
        assert c.docmd("HELO x.org")[0] == 250
    with smtpd.smtp() as c:
        assert c.docmd("HELO x.org")[0] == 250


def test_a_flood_on_stderr_is_cut(smtpd):
    begin(smtpd, """
        register("filter|smtp-in|helo")
        for phase, session, token, param in requests():
            for i in range(20000):
                sys.stderr.write("noise\\n")
            sys.stderr.write("x" * 100000 + "\\n")
            sys.stderr.flush()
            say("filter-result|%s|%s|proceed" % (session, token))
        """)
    with smtpd.smtp() as c:
        assert c.docmd("HELO x.org")[0] == 250
    assert smtpd.log_text().count("noise") < 2000
    good(smtpd)


@pytest.mark.parametrize("what,told", [
    ('say("filter-dataline|%s|%s|." % (session, token))',
     "it ends a message that has not ended"),
    ('say("filter-dataline|%s|%s|%s" % (session, token, "y" * 70000))',
     "a line of 70000 bytes"),
    ('sys.exit(4)', "exited with 4"),
    ('while True: say("filter-dataline|%s|%s|%s" % '
     '(session, token, "y" * 60000))', "a message without end"),
])
def test_faults_within_a_message(smtpd, what, told):
    begin(smtpd, f"""
        register("filter|smtp-in|data-line")
        for phase, session, token, line in requests():
            if line == "now":
                {what}
            say("filter-dataline|%s|%s|%s" % (session, token, line))
        """)
    smtpd.stop()
    text = (smtpd.dir / "smtpd.conf").read_text()
    smtpd.configure("smtp max-message-size 1M\n" + text)
    smtpd.start()
    with smtpd.raw() as s:
        f = s.makefile("rb")
        s.sendall(b"EHLO x.org\r\n")
        while not f.readline().startswith(b"250 "):
            pass
        s.sendall(b"MAIL FROM:<a@b.org>\r\nRCPT TO:<bob@example.org>\r\n"
                  b"DATA\r\n")
        assert [f.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        # The fault is in the middle: the filter has no "." to be done with.
        s.sendall(b"a: b\r\n\r\nnow\r\n")
        hear(smtpd, told)
        with contextlib.suppress(ConnectionError):  # it may have hung up
            s.sendall(b"then\r\n.\r\n")
        assert f.readline().startswith(b"421 ")
    good(smtpd)
    smtpd.wait_mails("bob", 1)


def test_a_line_after_the_last_is_a_fault_too(smtpd):
    begin(smtpd, """
        register("filter|smtp-in|data-line")
        for phase, session, token, line in requests():
            say("filter-dataline|%s|%s|%s" % (session, token, line))
            if line == ".":
                say("filter-dataline|%s|%s|more" % (session, token))
        """)
    with smtpd.smtp() as c:
        c.ehlo("x.org")
        c.mail("a@b.org")
        c.rcpt("bob@example.org")
        try:
            # It had given the message whole, just before.
            assert c.data(b"a: b\r\n\r\nx\r\n")[0] in (250, 421)
        except smtplib.SMTPServerDisconnected:
            pass
        hear(smtpd, "a line of a message that it was not given")


def test_the_filter_process_itself_may_die(smtpd):
    begin(smtpd, GOOD)
    c = smtpd.smtp()
    assert c.docmd("HELO x.org")[0] == 250
    (pid,) = smtpd.children("filter")
    os.kill(pid, 9)
    assert c.getreply()[0] == 421

    def works_again():
        try:
            with smtpd.smtp() as c:
                return c.docmd("HELO again.org")[0] == 250
        except (smtplib.SMTPException, ConnectionError):
            return False
    wait_for(works_again, "the filter works again")


def test_nothing_is_left_behind_at_the_end(smtpd):
    begin(smtpd, """
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("pid", "w").write(str(os.getpid()))
        register("filter|smtp-in|helo")
        while True:
            signal.pause()
        """)
    pid = (smtpd.dir / "pid").read_text()
    assert smtpd.stop() == 0
    assert not pathlib.Path("/proc", pid).exists()


def test_a_reload_keeps_sessions_and_swaps_filters(smtpd):
    path = begin(smtpd, """
        register("filter|smtp-in|helo")
        for phase, session, token, param in requests():
            say("filter-result|%s|%s|rewrite|%s.org" % (
                session, token, sys.argv[1] if sys.argv[1:] else "old"))
        """)
    old = smtpd.smtp()
    assert b"old.org" in old.docmd("HELO x.org")[1]
    text = (smtpd.dir / "smtpd.conf").read_text()
    smtpd.configure(text.replace(f'"{path}"', f'"{path} new"'))
    smtpd.process.send_signal(1)
    wait_for(lambda: smtpd.log_text().count("filter f: ready") == 2, "new")

    def new():
        try:
            with smtpd.smtp() as c:
                return b"new.org" in c.docmd("HELO x.org")[1]
        except smtplib.SMTPException:
            return False
    wait_for(new, "the new filter answers")
    assert b"old.org" in old.docmd("HELO x.org")[1]
