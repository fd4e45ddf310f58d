# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""How many sessions there may be, in all and of one source."""

import os
import signal
import ssl

import pytest
from certs import Authority
from conftest import GID, MAILDIR, UID, wait_for

RULES = MAILDIR.replace("<users>", '{ "@" = alice }')


def start(daemon, limits, options="proxy-v2"):
    base = f'table base {{ alice = "{UID}:{GID}:{daemon.dir}/alice" }}\n'
    return daemon.start(f"smtp limit {limits}\n{base}"
                        f"listen on 127.0.0.1 port {daemon.port} {options}\n"
                        + RULES)


def connect(daemon, source=None):
    """source is what a proxy says of the client."""
    s = daemon.raw()
    if source is not None:
        kind = "TCP6" if ":" in source else "TCP4"
        to = "::1" if ":" in source else "127.0.0.1"
        s.sendall(f"PROXY {kind} {source} {to} 4711 25\r\n".encode())
    return s


def first(s):
    return s.makefile("rb").readline()


def ended(s):
    try:
        return s.recv(100) == b""
    except ConnectionResetError:
        return True


def test_a_source_has_no_more_than_its_sessions(smtpd):
    """Over all dispatchers; one that ends makes room."""
    start(smtpd, "max-sessions-per-source 3")
    mine = [connect(smtpd, "192.0.2.1") for _ in range(3)]
    for s in mine:
        assert first(s)[:4] == b"220 "
    more = connect(smtpd, "192.0.2.1")
    assert first(more) == (b"421 4.7.0 Too many connections from your "
                           b"address\r\n")
    assert ended(more)
    assert "refused address=192.0.2.1 reason=too-many-of-source" in \
        smtpd.log_text()
    assert first(connect(smtpd, "192.0.2.2"))[:4] == b"220 "
    mine.pop().close()
    wait_for(lambda: first(connect(smtpd, "192.0.2.1"))[:4] == b"220 ",
             "room for another")


def test_a_source_in_ipv6_is_a_network(smtpd):
    start(smtpd, "max-sessions-per-source 2")
    kept = [connect(smtpd, "2001:db8::1"), connect(smtpd, "2001:db8::2:1")]
    assert [first(s)[:3] for s in kept] == [b"220", b"220"]
    assert first(connect(smtpd, "2001:db8::3"))[:3] == b"421"
    other = connect(smtpd, "2001:db8:0:1::1")
    assert first(other)[:3] == b"220"
    # An IPv4 address is one, however it is written.
    kept += [connect(smtpd, "::ffff:192.0.2.7"), connect(smtpd, "192.0.2.7")]
    assert [first(s)[:3] for s in kept[2:]] == [b"220", b"220"]
    assert first(connect(smtpd, "192.0.2.7"))[:3] == b"421"


def test_our_own_addresses_are_not_counted(smtpd):
    start(smtpd, "max-sessions-per-source 1", "")
    kept = [connect(smtpd) for _ in range(5)]
    assert {first(s)[:3] for s in kept} == {b"220"}


@pytest.mark.parametrize("options, source", [("", None),
                                             ("proxy-v2", "192.0.2.1")])
def test_there_are_no_more_than_all_sessions(smtpd, options, source):
    start(smtpd, "max-sessions 4", options)
    kept = [connect(smtpd, source) for _ in range(4)]
    assert {first(s)[:3] for s in kept} == {b"220"}
    more = connect(smtpd, source)
    assert first(more) == b"421 4.3.2 Too many connections\r\n"
    assert ended(more)
    assert smtpd.ctl("-f", "a@b.org", "alice@example.org", name="sendmail",
                     stdin="Subject: x\n\n\n").returncode == 0
    kept.pop().close()
    wait_for(lambda: first(connect(smtpd, source))[:3] == b"220", "room")


def session(daemon):
    """One that is let in, once there is room for it."""
    def another():
        s = connect(daemon, "192.0.2.1")
        try:
            return s if first(s)[:3] == b"220" else None
        except ConnectionResetError:
            return None
    return wait_for(another, "a session")


def test_what_a_dead_dispatcher_counted_is_gone(smtpd):
    start(smtpd, "max-sessions-per-source 2 max-sessions 2")
    for _ in range(3):
        kept = [session(smtpd) for _ in range(2)]
        for pid in smtpd.children("dispatcher"):
            os.kill(pid, signal.SIGKILL)
        for s in kept:
            s.close()


def test_no_text_is_sent_where_tls_is_spoken(smtpd):
    (smtpd.dir / "tls").mkdir(mode=0o755)
    ca = Authority(smtpd.dir / "tls")
    ca.issue("mx.example.org")
    base = f'table base {{ alice = "{UID}:{GID}:{smtpd.dir}/alice" }}\n'
    smtpd.start("smtp limit max-sessions 1\n" + base +
                f'pki mx.example.org cert "{smtpd.dir}/tls/mx.example.org.crt"'
                f' key "{smtpd.dir}/tls/mx.example.org.key"\n'
                f"listen on 127.0.0.1 port {smtpd.port} smtps "
                "pki mx.example.org\n" + RULES)
    one = ca.trust().wrap_socket(connect(smtpd),
                                 server_hostname="mx.example.org")
    assert first(one)[:3] == b"220"
    more = connect(smtpd)
    assert ended(more)
    with pytest.raises((ssl.SSLError, OSError)):
        ca.trust().wrap_socket(connect(smtpd),
                               server_hostname="mx.example.org")


def test_the_limit_of_a_new_configuration_counts(smtpd):
    start(smtpd, "max-sessions-per-source 1")
    kept = [connect(smtpd, "192.0.2.1")]
    assert first(kept[0])[:3] == b"220"
    assert first(connect(smtpd, "192.0.2.1"))[:3] == b"421"
    path = smtpd.dir / "smtpd.conf"
    path.write_text(path.read_text().replace("per-source 1", "per-source 2"))
    smtpd.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in smtpd.log_text(), "a reload")
    kept.append(session(smtpd))
