# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filters, as rules of smtpd.conf and as programs in shell and Python."""

import re
import smtplib
import textwrap

import pytest

from conftest import BUILD, MAILDIR, wait_for

TAIL = MAILDIR

# What a program says first; then it reads lines for ever.
HEAD = """
import sys

def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()

def register(*what):
    for line in what:
        say("register|" + line)
    say("register|ready")

def lines():
    for line in sys.stdin:
        yield line.rstrip("\\n")

def requests():
    for line in lines():
        f = line.split("|")
        if f[0] == "filter":
            yield f[4], f[5], f[6], "|".join(f[7:])
"""


def program(smtpd, name, body):
    path = smtpd.dir / name
    path.write_text("#!/usr/bin/env python3\n" + HEAD + textwrap.dedent(body))
    path.chmod(0o755)
    return path


def listen(smtpd, filters, chain):
    return (f"{filters}\n"
            f"listen on 127.0.0.1 port {smtpd.port} filter {chain}\n"
            f"{base(smtpd)}{TAIL}")


def base(smtpd):
    from conftest import UID, GID
    d = smtpd.dir
    return (f'table base {{ alice = "{UID}:{GID}:{d}/alice", '
            f'bob = "{UID}:{GID}:{d}/bob" }}\n'
            'table users { "alice@example.org" = alice, '
            '"bob@example.org" = bob }\n')


def run(smtpd, filters, chain):
    return smtpd.start(listen(smtpd, filters, chain))


def banner(smtpd):
    with smtpd.raw() as s:
        return s.recv(1000).decode()


class TestRules:
    def test_connect_is_refused_by_source_and_by_what_dns_lacks(self, smtpd):
        run(smtpd, 'filter a phase connect match src { 127.0.0.0/8 } '
            'reject "550 not you"', "a")
        assert banner(smtpd) == "550 not you\r\n"

    def test_a_negated_condition_holds_for_the_others(self, smtpd):
        run(smtpd, 'filter a phase connect match ! src { 10.0.0.0/8 } '
            'disconnect "421 only ten"', "a")
        assert banner(smtpd) == "421 only ten\r\n"

    def test_fcrdns_and_rdns_do_not_hold_for_a_nameless_client(self, smtpd):
        smtpd.env["SMTPD_NAMESERVER"] = "127.0.0.1@1"
        run(smtpd, 'filter a phase helo match ! fcrdns reject "550 no name"\n'
            'filter b phase ehlo match ! rdns reject "550 no ptr"',
            "{ a, b } proxy-v2")
        with smtpd.raw() as s:
            s.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n")
            f = s.makefile("rb")
            assert f.readline().startswith(b"220 ")
            s.sendall(b"HELO x.org\r\n")
            assert f.readline() == b"550 no name\r\n"
            s.sendall(b"EHLO x.org\r\n")
            assert f.readline() == b"550 no ptr\r\n"

    @pytest.mark.parametrize("phase", ["helo", "ehlo"])
    def test_helo_names_are_matched_with_wildcards(self, smtpd, phase):
        run(smtpd, f'filter a phase {phase} match helo '
            '{ "*.bad.org" } reject "550 bad name"', "a")
        with smtpd.smtp() as c:
            assert c.docmd(phase, "x.bad.org") == (550, b"bad name")
            assert c.docmd(phase, "x.good.org")[0] == 250

    def test_senders_and_recipients_by_table_regex_and_file(self, smtpd):
        (smtpd.dir / "bad").write_text("@spam.org\n")
        run(smtpd, f'table bad "{smtpd.dir}/bad"\n'
            'filter a phase mail-from match mail-from <bad> '
            'reject "550 a spammer"\n'
            'filter b phase rcpt-to match rcpt-to regex { "^bob@" } '
            'reject "450 bob is out"', "{ a, b }")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            assert c.mail("you@spam.org") == (550, b"a spammer")
            assert c.mail("you@ham.org")[0] == 250
            assert c.rcpt("bob@example.org") == (450, b"bob is out")
            assert c.rcpt("alice@example.org")[0] == 250

    def test_rewrite_changes_sender_and_recipient(self, smtpd):
        run(smtpd, 'filter a phase mail-from match mail-from "a@b.org" '
            'rewrite "new@b.org"\n'
            'filter b phase rcpt-to match rcpt-to "bob@example.org" '
            'rewrite "<alice@example.org>"', "{ a, b }")
        smtpd.send("bob@example.org", sender="a@b.org")
        (mail,) = smtpd.wait_mails("alice", 1)
        assert "Return-Path: <new@b.org>" in mail
        assert not smtpd.mails("bob")

    def test_a_bad_rewrite_is_refused_as_if_the_client_had_said_it(self,
                                                                   smtpd):
        run(smtpd, 'filter a phase rcpt-to match fcrdns rewrite "x y@"\n'
            'filter b phase rcpt-to match ! fcrdns rewrite "x y@"',
            "{ a, b }")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            c.mail("a@b.org")
            assert c.rcpt("bob@example.org")[0] // 100 == 5

    def test_junk_marks_the_message(self, smtpd):
        run(smtpd, 'filter a phase rcpt-to match rcpt-to "bob@example.org" '
            'junk', "a")
        smtpd.send("bob@example.org")
        (mail,) = smtpd.wait_mails("bob", 1)
        assert "\nX-Spam: Yes\n" in mail
        smtpd.send("alice@example.org")
        (mail,) = smtpd.wait_mails("alice", 1)
        assert "X-Spam" not in mail

    def test_bypass_skips_the_rest_of_the_phase(self, smtpd):
        run(smtpd, 'filter a phase helo match helo "good.org" bypass\n'
            'filter b phase helo match ! helo "x.org" reject "550 no"',
            "{ a, b }")
        with smtpd.smtp() as c:
            assert c.docmd("HELO good.org")[0] == 250
            assert c.docmd("HELO other.org")[0] == 550

    def test_data_and_commit_can_be_refused(self, smtpd):
        run(smtpd, 'filter a phase data match mail-from "a@b.org" '
            'reject "550 no data"\n'
            'filter b phase commit match mail-from "c@b.org" '
            'reject "550 no commit"', "{ a, b }")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            c.mail("a@b.org")
            c.rcpt("bob@example.org")
            assert c.docmd("DATA") == (550, b"no data")
            c.rset()
            c.mail("c@b.org")
            c.rcpt("bob@example.org")
            assert c.data(b"x: y\r\n\r\nz\r\n") == (550, b"no commit")
            c.mail("d@b.org")
            c.rcpt("bob@example.org")
            assert c.data(b"x: y\r\n\r\nz\r\n")[0] == 250
        smtpd.wait_mails("bob", 1)


class TestPrograms:
    def test_a_shell_script_of_three_lines_filters(self, smtpd):
        path = smtpd.dir / "f.sh"
        path.write_text(
            "#!/bin/sh\n"
            'echo "register|filter|smtp-in|helo"; echo "register|ready"\n'
            "while IFS='|' read -r k v t s p id token name; do\n"
            '[ "$k" = filter ] && case "$name" in bad*)\n'
            'echo "filter-result|$id|$token|reject|550 go away";;\n'
            '*) echo "filter-result|$id|$token|proceed";; esac; done\n')
        path.chmod(0o755)
        run(smtpd, f'filter f proc-exec "{path}"', "f")
        with smtpd.smtp() as c:
            assert c.docmd("HELO bad.org") == (550, b"go away")
            assert c.docmd("HELO good.org")[0] == 250

    def test_it_hears_the_whole_handshake(self, smtpd):
        path = program(smtpd, "f.py", """
            log = open("handshake", "w")
            for line in lines():
                log.write(line + "\\n")
                if line == "config|ready":
                    break
            log.close()
            register("report|smtp-in|*")
            for line in lines():
                pass
            """)
        run(smtpd, f'admd "mx.example.org"\nfilter f proc-exec "{path}"', "f")
        seen = (smtpd.dir / "handshake").read_text().splitlines()
        assert re.fullmatch(r"config\|smtpd-version\|7\.\d\.\d-\w+", seen[0])
        assert seen[1:] == [
            "config|protocol|0.7", "config|smtp-session-timeout|300",
            "config|subsystem|smtp-in", "config|admd|mx.example.org",
            "config|ready"]

    def test_each_phase_is_asked_with_its_parameter(self, smtpd):
        phases = ["connect", "helo", "ehlo", "mail-from", "rcpt-to", "data",
                  "commit", "quit", "rset", "noop"]
        path = program(smtpd, "f.py", f"""
            register(*["filter|smtp-in|" + p for p in {phases}])
            log = open("asked", "a", 1)
            for phase, session, token, param in requests():
                log.write(phase + "|" + param + "\\n")
                say("filter-result|%s|%s|proceed" % (session, token))
            """)
        run(smtpd, f'filter f proc-exec "{path}"', "f")
        with smtpd.smtp() as c:
            c.docmd("HELO a.org")
            c.docmd("EHLO b.org")
            c.noop()
            c.mail("s@x.org", ["BODY=8BITMIME"])
            c.rcpt("bob@example.org")
            assert c.data(b"a: b\r\n\r\n")[0] == 250
            c.rset()
            c.mail("")
        wait_for(lambda: "quit" in (smtpd.dir / "asked").read_text(), "quit")
        asked = (smtpd.dir / "asked").read_text().splitlines()
        assert re.fullmatch(r"connect\|[^|]+\|127\.0\.0\.1", asked[0])
        assert asked[1:] == [
            "helo|a.org", "ehlo|b.org",
            "noop|", "mail-from|s@x.org", "rcpt-to|bob@example.org",
            "data|", "commit|", "rset|", "mail-from|", "quit|"]

    def test_every_answer_does_what_it_says(self, smtpd):
        path = program(smtpd, "f.py", """
            register("filter|smtp-in|mail-from", "filter|smtp-in|rcpt-to")
            answers = {
                "reject@x.org": "reject|550 rejected",
                "close@x.org": "reject|421 rejected and closed",
                "disconnect@x.org": "disconnect|550 disconnected",
                "junk@x.org": "junk",
                "rewrite@x.org": "rewrite|<new@x.org>",
                "report@x.org": "report|a|text",
                "lie@x.org": "reject|what",
            }
            for phase, session, token, param in requests():
                say("filter-result|%s|%s|%s" % (
                    session, token, answers.get(param, "proceed")))
            """)
        run(smtpd, f'filter f proc-exec "{path}"', "f")

        def mail(sender):
            c = smtpd.smtp()
            c.ehlo("x.org")
            return c, c.mail(sender)

        assert mail("reject@x.org")[1] == (550, b"rejected")
        for sender, reply in (("close@x.org", (421, b"rejected and closed")),
                              ("disconnect@x.org", (550, b"disconnected")),
                              ("lie@x.org", (421, b"Internal server error"))):
            c, got = mail(sender)
            assert got == reply
            with pytest.raises(smtplib.SMTPServerDisconnected):
                c.noop()
        for sender in ("junk@x.org", "rewrite@x.org", "report@x.org"):
            smtpd.send("bob@example.org", sender=sender)
        mails = smtpd.wait_mails("bob", 3)
        assert sum("X-Spam: Yes" in m for m in mails) == 1
        froms = sorted(re.findall(r"Return-Path: <(.*)>", "".join(mails)))
        assert froms == ["junk@x.org", "new@x.org", "report@x.org"]

    def test_a_chain_asks_in_order_and_stops_at_a_decision(self, smtpd):
        body = """
            register("filter|smtp-in|helo")
            for phase, session, token, param in requests():
                sys.stderr.write("asked %s\\n" % param)
                sys.stderr.flush()
                say("filter-result|%s|%s|%s" % (session, token,
                    "rewrite|r.org" if param == "w.org" else
                    "reject|550 NAME" if param == "NAME.org" else "proceed"))
            """
        one = program(smtpd, "one", body.replace("NAME", "one"))
        two = program(smtpd, "two", body.replace("NAME", "two"))
        run(smtpd, f'filter one proc-exec "{one}"\n'
            f'proc p "{two}"\nfilter two proc p\n'
            'filter mid phase helo match helo "mid.org" reject "550 mid"\n'
            "filter all chain { one, mid, two }", "all")
        with smtpd.smtp() as c:
            assert c.docmd("HELO one.org") == (550, b"one")
            assert c.docmd("HELO mid.org") == (550, b"mid")
            assert c.docmd("HELO two.org") == (550, b"two")
            assert b"r.org" in c.docmd("HELO w.org")[1]

        def asked(name):
            return re.findall(rf"{name}: asked (\S+)", smtpd.log_text())
        wait_for(lambda: len(asked("one")) == 4 and asked("p"),
                 "both were asked")
        assert asked("one") == ["one.org", "mid.org", "two.org", "w.org"]
        assert asked("p") == ["two.org"]

    def test_data_lines_pass_several_programs(self, smtpd):
        body = """
            register("filter|smtp-in|data-line")
            for phase, session, token, line in requests():
                if line == ".":
                    say("filter-dataline|%s|%s|NAME-end" % (session, token))
                if line == "" and NAME:
                    say("filter-dataline|%s|%s|X-NAME: yes" %
                        (session, token))
                say("filter-dataline|%s|%s|%s" % (session, token, line))
            """
        one = program(smtpd, "one", body.replace("NAME", "1"))
        two = program(smtpd, "two", body.replace("NAME", "2"))
        run(smtpd, f'filter one proc-exec "{one}"\n'
            f'filter two proc-exec "{two}"', "{ one, two }")
        smtpd.send("bob@example.org", "Subject: x\r\n\r\n..a\r\n.\r\nb\r\n")
        (mail,) = smtpd.wait_mails("bob", 1)
        head, _, text = mail.partition("\n\n")
        assert "X-1: yes" in head and "X-2: yes" in head
        assert head.index("Received:") < head.index("Subject:")
        assert text == "..a\n.\nb\n1-end\n2-end\n"

    def test_a_program_that_keeps_all_until_the_end(self, smtpd):
        path = program(smtpd, "f.py", """
            register("filter|smtp-in|data-line", "filter|smtp-in|commit",
                     "report|smtp-in|link-connect")
            kept = []
            for phase, session, token, line in requests():
                if phase == "commit":
                    say("filter-result|%s|%s|proceed" % (session, token))
                    continue
                kept.append(line)
                if line == ".":
                    for k in kept:
                        sys.stdout.write("filter-dataline|%s|%s|%s\\n" % (
                            session, token, k))
                    sys.stdout.flush()
                    kept = []
            """)
        run(smtpd, f'filter f proc-exec "{path}"', "f")
        text = "".join(f"line {i} {'x' * 60}\r\n" for i in range(40000))
        for user in ("bob", "alice"):
            smtpd.send(f"{user}@example.org", "Subject: x\r\n\r\n" + text)
            (mail,) = smtpd.wait_mails(user, 1)
            assert mail.endswith("\n\n" + text.replace("\r\n", "\n"))

    def test_chunks_pass_the_programs_too(self, smtpd):
        path = program(smtpd, "f.py", """
            register("filter|smtp-in|data-line")
            for phase, session, token, line in requests():
                say("filter-dataline|%s|%s|%s" % (
                    session, token, line.upper()))
            """)
        run(smtpd, f'filter f proc-exec "{path}"', "f")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            c.mail("a@b.org")
            c.rcpt("bob@example.org")
            c.send(b"BDAT 5\r\na: b\r")
            assert c.getreply()[0] == 250
            c.send(b"BDAT 7 LAST\r\n\n\r\n.c\r\n")
            assert c.getreply()[0] == 250
        (mail,) = smtpd.wait_mails("bob", 1)
        assert mail.endswith("A: B\n\n.C\n")

    def test_stderr_goes_to_the_log_with_the_name(self, smtpd):
        path = program(smtpd, "f.py", """
            sys.stderr.write("hello there\\n")
            sys.stderr.flush()
            register("report|smtp-in|timeout")
            for line in lines():
                pass
            """)
        run(smtpd, f'filter talker proc-exec "{path}"', "talker")
        wait_for(lambda: "talker: hello there" in smtpd.log_text(), "stderr")


class TestOurs:
    def test_eventlog_reads_what_happens(self, smtpd):
        path = BUILD / "smtpd" / "filters" / "filter-eventlog"
        logs = smtpd.dir / "events"
        logs.mkdir()
        run(smtpd, f'filter log proc-exec "{path} -d {logs}"', "log")
        smtpd.send("bob@example.org")

        def text():
            return "".join(p.read_text() for p in logs.rglob("*")
                           if p.is_file())
        wait_for(lambda: "link-disconnect" in text(), "the last event")
        assert "tx-commit" in text() and "bob@example.org" in text()

    def test_checksenderdomain_refuses_under_our_daemon(self, smtpd):
        path = BUILD / "smtpd" / "filters" / "filter-checksenderdomain"
        run(smtpd, f'filter dom proc-exec "{path}"', "dom")
        with smtpd.smtp() as c:
            c.ehlo("x.org")
            assert c.mail("")[0] == 250
