# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What a filter is told of sessions in and out, byte for byte; and messages
too large for any memory."""

import re

from conftest import MAILDIR, wait_for
from sink import Sink
from test_filters import base, program, run

ALL = """
    out = open("heard", "a", 1)
    register("report|smtp-in|*", "report|smtp-out|*"%s)
    for line in lines():
        out.write(line + "\\n")
        f = line.split("|")
        if f[0] == "filter":
            say("filter-result|%%s|%%s|proceed" %% (f[5], f[6]))
    """


def reports(smtpd, subsystem="smtp-in"):
    """The events of each session, without time and id."""
    out = {}
    for line in (smtpd.dir / "heard").read_text().splitlines():
        m = re.fullmatch(r"report\|0\.7\|\d+\.\d{6}\|(smtp-in|smtp-out)\|"
                         r"([a-z-]+)\|([0-9a-f]{16})(\|.*)?", line)
        if m is None:
            assert line.startswith(("config|", "filter|")), line
        elif m[1] == subsystem:
            out.setdefault(m[3], []).append(m[2] + (m[4] or ""))
    return list(out.values())


def ended(smtpd, n=1, subsystem="smtp-in"):
    def all_ended():
        got = reports(smtpd, subsystem)
        return len(got) >= n and all(g[-1] == "link-disconnect" for g in got)
    wait_for(all_ended, "all sessions ended")
    return reports(smtpd, subsystem)


def plain(lines):
    """Without what differs from run to run."""
    text = "\n".join(lines)
    for pattern, name in ((r"\b[0-9a-f]{16}\b", "EVPID"),
                          (r"\b[0-9a-f]{8}\b", "MSGID"),
                          (r"127\.0\.0\.1:\d+", "ADDR"),
                          (r"link-connect\|[^|]+\|(pass|fail|error)",
                           "link-connect|NAME|DNS"),
                          (r"(tx-commit\|MSGID)\|\d+", r"\1|SIZE")):
        text = re.sub(pattern, name, text)
    return text.split("\n")


def test_a_whole_session_is_told_in_order(smtpd):
    path = program(smtpd, "f.py", ALL % ', "filter|smtp-in|mail-from"')
    run(smtpd, f'filter f proc-exec "{path}"', "f")
    with smtpd.smtp() as c:
        c.docmd("HELO h.org")
        c.mail("s@x.org")
        c.rcpt("nobody@example.org")
        c.rcpt("bob@example.org")
        c.data(b"Subject: x\r\n\r\ny\r\n")
        c.mail("")
        c.rset()
    (got,) = ended(smtpd)
    assert plain(got) == [
        "link-connect|NAME|DNS|ADDR|ADDR",
        "filter-response|connected|proceed",
        "protocol-server|220 mx.example.org ESMTP maison",
        "link-greeting|mx.example.org",
        "protocol-client|HELO h.org",
        "filter-response|helo|proceed",
        "link-identify|HELO|h.org",
        "protocol-server|250 mx.example.org Hello h.org [127.0.0.1], "
        "pleased to meet you",
        "protocol-client|mail FROM:<s@x.org>",
        "filter-response|mail-from|proceed",
        "protocol-server|250 2.0.0 Ok",
        "tx-begin|MSGID",
        "tx-mail|MSGID|ok|s@x.org",
        "protocol-client|rcpt TO:<nobody@example.org>",
        "filter-response|rcpt-to|proceed",
        [x for x in got if x.startswith("protocol-server|550")][0],
        "tx-rcpt|MSGID|permfail|nobody@example.org",
        "protocol-client|rcpt TO:<bob@example.org>",
        "filter-response|rcpt-to|proceed",
        "tx-envelope|MSGID|EVPID",
        "protocol-server|250 2.1.5 Destination address valid: Recipient ok",
        "tx-rcpt|MSGID|ok|bob@example.org",
        "protocol-client|data",
        "filter-response|data|proceed",
        'protocol-server|354 Enter mail, end with "." on a line by itself',
        "tx-data|MSGID|ok",
        "protocol-client|.",
        "filter-response|commit|proceed",
        "protocol-server|250 2.0.0 MSGID Message accepted for delivery",
        "tx-commit|MSGID|SIZE",
        "tx-reset|MSGID",
        "protocol-client|mail FROM:<>",
        "filter-response|mail-from|proceed",
        "protocol-server|250 2.0.0 Ok",
        "tx-begin|MSGID",
        "tx-mail|MSGID|ok|",
        "protocol-client|rset",
        "filter-response|rset|proceed",
        "protocol-server|250 2.0.0 Reset state",
        "tx-rollback|MSGID",
        "tx-reset|MSGID",
        "protocol-client|QUIT",
        "filter-response|quit|proceed",
        "protocol-server|221 2.0.0 Bye",
        "link-disconnect",
    ]
    envelope = [x for x in got if x.startswith("tx-envelope")][0].split("|")
    assert envelope[2].startswith(envelope[1])
    log = smtpd.log_text()
    wait_for(lambda: f"evpid={envelope[2]}" in smtpd.log_text(),
             "the envelope's delivery by that name")
    assert envelope[1] in log


def test_a_rule_and_a_program_report_to_the_others(smtpd):
    path = program(smtpd, "f.py", ALL % "")
    talker = program(smtpd, "t.py", """
        register("filter|smtp-in|helo")
        for phase, session, token, param in requests():
            say("report|1.000000|smtp-in|%s|of its own|accord" % session)
            say("filter-result|%s|%s|report|when asked" % (session, token))
        """)
    run(smtpd, f'filter f proc-exec "{path}"\n'
        'filter b phase helo match ! helo "no.org" report "a rule"\n'
        f'filter talker proc-exec "{talker}"', "{ f, b, talker }")
    with smtpd.smtp() as c:
        c.docmd("HELO h.org")
    (got,) = ended(smtpd)
    said = [x for x in got if x.startswith("filter-report")]
    assert said == ["filter-report|builtin|b|a rule",
                    "filter-report|proc|talker|of its own|accord",
                    "filter-report|proc|talker|when asked"]


def test_the_local_socket_is_filtered_if_it_says_so(smtpd):
    path = program(smtpd, "f.py", ALL % ', "filter|smtp-in|connect"')
    smtpd.start(f'filter f proc-exec "{path}"\nlisten on socket filter f\n'
                f"{base(smtpd)}{MAILDIR}")
    smtpd.ctl("bob@example.org", name="sendmail", stdin="Subject: x\n\ny\n")
    smtpd.wait_mails("bob", 1)
    (got,) = ended(smtpd)
    assert re.fullmatch(r"link-connect\|mx\.example\.org\|pass\|unix:/.*"
                        r"\|unix:/.*smtpd\.sock", got[0])
    assert "|connect|" in (smtpd.dir / "heard").read_text()
    assert "|mx.example.org|local\n" in (smtpd.dir / "heard").read_text()


def test_sessions_out_are_told_to_the_filter_of_their_action(smtpd):
    path = program(smtpd, "f.py", ALL % "")
    sink = Sink(lambda n, line: b"550 no\r\n" if b"bad@" in line else None)
    try:
        smtpd.start(
            f'filter f proc-exec "{path}"\n'
            f'listen on 127.0.0.1 port {smtpd.port}\n'
            f'action out relay host "smtp://127.0.0.1:{sink.port}" filter f\n'
            "match from any for any action out\n")
        # From nobody: what is refused makes no notice, which would go out too.
        smtpd.send(["x@y.org", "bad@y.org"], sender="")
        wait_for(lambda: "|smtp-out|link-disconnect|" in
                 (smtpd.dir / "heard").read_text(), "the session's end")
        smtpd.stop()
    finally:
        sink.stop()
    assert "config|subsystem|smtp-out\n" in (smtpd.dir / "heard").read_text()
    assert not reports(smtpd)
    got = plain(ended(smtpd, 1, "smtp-out")[0])
    client = [x for x in got if x.startswith("protocol-client")]
    assert client[0] == "protocol-client|EHLO mx.example.org"
    events = [x for x in got if not x.startswith("protocol-")]
    assert events[0] == "link-connect|NAME|DNS|ADDR|ADDR"
    assert events[1].startswith("link-greeting|")
    assert events[2] == "link-identify|EHLO|mx.example.org"
    assert events[3:5] == ["tx-begin|MSGID", "tx-envelope|MSGID|EVPID"] or \
        events[3:5] == ["tx-begin|MSGID", "tx-mail|MSGID|ok|"]
    assert sorted(events[3:]) == sorted([
        "tx-begin|MSGID", "tx-mail|MSGID|ok|",
        "tx-envelope|MSGID|EVPID", "tx-rcpt|MSGID|ok|x@y.org",
        "tx-envelope|MSGID|EVPID", "tx-rcpt|MSGID|permfail|bad@y.org",
        "tx-data|MSGID|ok", "tx-commit|MSGID|SIZE", "tx-reset|MSGID",
        "link-disconnect"])


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        (line,) = [x for x in f if x.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def test_a_message_of_100_mib_flows_through_slow_filters(smtpd):
    body = """
        import time
        register("filter|smtp-in|data-line")
        n = 0
        for line in sys.stdin:
            if not line.startswith("filter|"):
                continue
            session, token, text = line.rstrip("\\n").split("|", 7)[5:]
            sys.stdout.write("filter-dataline|%s|%s|%s\\n" % (
                session, token, text))
            n += 1
            if n % SLOW == 0 or text == ".":
                sys.stdout.flush()
                time.sleep(0.001)
        """
    one = program(smtpd, "one", body.replace("SLOW", "5000"))
    two = program(smtpd, "two", body.replace("SLOW", "500"))
    # What a sanitizer keeps of freed memory is not what is measured.
    smtpd.env["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=0"
    run(smtpd, "smtp max-message-size 200M\n"
        f'filter one proc-exec "{one}"\nfilter two proc-exec "{two}"',
        "{ one, two }")
    line = b"x" * 998 + b"\r\n"
    block = line * 1000
    with smtpd.raw() as s:
        f = s.makefile("rb")
        s.sendall(b"EHLO x.org\r\n")
        while not f.readline().startswith(b"250 "):
            pass
        s.sendall(b"MAIL FROM:<a@b.org>\r\nRCPT TO:<bob@example.org>\r\n"
                  b"DATA\r\n")
        assert [f.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        s.settimeout(120)
        s.sendall(b"Subject: big\r\n\r\n")
        for _ in range(105):
            s.sendall(block)
        s.sendall(b".\r\n")
        assert f.readline().startswith(b"250 ")
    peaks = {n: max(memory(p) for p in smtpd.children(n))
             for n in ("filter", "dispatcher")}
    assert peaks["filter"] < 64 and peaks["dispatcher"] < 64, peaks
    wait_for(lambda: len(smtpd.mails("bob")) == 1, "the mail")
    assert smtpd.mails("bob")[0].stat().st_size > (100 << 20)
