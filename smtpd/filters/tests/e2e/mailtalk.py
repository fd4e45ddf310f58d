# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What a server says to a filter for one message, and hears of it."""


def begin(f, session=1, sender="a@example.org", source="192.0.2.7:999"):
    f.report("link-connect", session, "mx.example.org", "pass", source,
             "192.0.2.9:25")
    f.report("link-greeting", session, "mail.example.net")
    f.report("link-identify", session, "EHLO", "helo.example.org")
    f.report("link-tls", session, "TLSv1.3:TLS_AES_256_GCM_SHA384:256")
    f.report("tx-begin", session, "0a0b0c0d")
    f.report("tx-mail", session, "0a0b0c0d", "ok", sender)
    f.report("tx-rcpt", session, "0a0b0c0d", "ok", "b@example.net")
    f.report("tx-rcpt", session, "0a0b0c0d", "permfail", "no@example.net")
    f.report("tx-rcpt", session, "0a0b0c0d", "ok", "c@example.net")


def push(f, lines, session=1):
    f.send(b"".join(
        b"filter|0.7|1.000000|smtp-in|data-line|%016x|00aa|%b\n"
        % (session, line.encode())
        for line in [*lines, "."]))


def pull(f, session=1):
    out = []
    while not out or out[-1] != ".":
        head, line = f.answer().split("|00aa|", 1)
        assert head == f"filter-dataline|{session:016x}"
        out.append(line)
    return out


def commit(f, session=1):
    f.request("commit", session, "00bb", "")
    answer = f.answer()
    assert answer.startswith(f"filter-result|{session:016x}|00bb|")
    return answer.split("|", 3)[3]


def judge(f, lines, session=1):
    """A whole message: what comes out, and what becomes of it."""
    push(f, lines, session)
    return pull(f, session), commit(f, session)
