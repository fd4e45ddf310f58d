# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What has been published against OpenSMTPD, tried on this smtpd."""

import contextlib
import os
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys

import pytest
from conftest import (GID, MAILDIR, PATIENCE, SMTPD, UID, free_port,
                      wait_for)
from nameserver import Liar
from sink import Sink
from test_filters import program, run
from test_smtp import Raw, reply
from test_tables import people, rules  # noqa: F401
from test_tls import authority, conf, handshake  # noqa: F401


@pytest.mark.parametrize("method", [
    'maildir "{dir}/%{sender.user}"', 'mda "cat > {dir}/out"',
    'lmtp "127.0.0.1:1"', "mbox"])
def test_cve_2020_7247_sender_with_a_command(smtpd, method):
    smtpd.start(f"action here {method} virtual <users> userbase <base>\n"
                'match from any for any action here\n')
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    for sender in (b";sleep 66;", b";sleep 66;@", b"|id", b"`id`@",
                   b"$(id)@test.org"):
        assert raw.say(b"MAIL FROM:<%s>\r\n" % sender)[:3] == "553"


def test_cve_2020_7247_no_shell_reads_a_value(smtpd):
    smtpd.start(
        'action here mda "printf %s %{sender|raw} > {dir}/out" '
        'virtual <users> userbase <base>\n'
        'match from any for any action here\n')
    evil = f"\"$(touch {smtpd.dir}/pwned)`touch {smtpd.dir}/pwned`\"@test.org"
    smtpd.send("alice@example.org", sender=evil)
    wait_for(lambda: (smtpd.dir / "out").exists()
             and (smtpd.dir / "out").read_text() == evil, "the mda has run")
    assert not (smtpd.dir / "pwned").exists()


def test_cve_2020_8793_hard_linked_forward(smtpd):
    secret = smtpd.dir / "secret"
    secret.write_text("bob@example.org\n")
    os.link(secret, smtpd.dir / "alice" / ".forward")
    smtpd.start(MAILDIR)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b"RCPT TO:<alice@example.org>\r\n")[:3] == "424"


def test_qualys_2015_forward_as_a_pipe_does_not_hang(smtpd):
    os.mkfifo(smtpd.dir / "alice" / ".forward")
    smtpd.start(MAILDIR)
    raw = Raw(smtpd)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b"RCPT TO:<alice@example.org>\r\n")[:3] == "424"


def test_cve_2020_8794_reply_with_lines_stays_one_line(smtpd):
    """A line that an LMTP server says can't make a second field."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    smtpd.start(f'action here lmtp "127.0.0.1:{port}" virtual <users> '
                'userbase <base>\nmatch from any for any action here\n')
    smtpd.send("alice@example.org")
    peer, _ = server.accept()
    f = peer.makefile("rwb")
    f.write(b"220 x\r\n")
    f.flush()
    f.readline()
    f.write(b"250 x\r\n")
    f.flush()
    f.readline()
    f.write(b"450-\r\n450-\n450 a\x01b\ttype: mda\r\n")
    f.flush()
    line = wait_for(lambda: [x for x in smtpd.ctl(
        "show", "queue").stdout.splitlines() if "450" in x], "the error")
    assert len(line) == 1 and "450 a?b?type: mda" in line[0]
    peer.close()
    server.close()


def test_cve_2025_62875_nonsense_on_the_control_socket(maildir):
    frames = [b"\xff" * 100, struct.pack("<IHH", 5000, 23, 0) + b"x" * 5000,
              struct.pack("<IHH", 4, 9999, 0) + b"abcd",
              struct.pack("<IHH", 0, 23, 1), b"\0",
              struct.pack("<IHH", 3, 12, 0) + b"\0\0\0"]
    for frame in frames * 10:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(str(maildir.dir / "spool" / "smtpd.sock"))
        try:
            s.sendall(frame)
        except BrokenPipeError:
            pass
        s.close()
    lives(maildir)


def lives(daemon):
    """Mail still comes in and is delivered, and no process has ended."""
    daemon.send("alice@example.org", "Subject: the last\r\n\r\nx\r\n")
    wait_for(lambda: any("Subject: the last" in m.read_text(errors="replace")
                         for m in daemon.mails("alice")), "the last mail")
    assert "ended by signal" not in daemon.log_text()
    assert "exited" not in daemon.log_text()


@pytest.mark.parametrize("body", [b"", b"\0", b"\0" * 64, b"\xff" * 64],
                         ids=["nothing", "empty", "zeros", "ones"])
def test_errata_2025_07_empty_strings_to_the_control_socket(maildir, body):
    for kind in range(128):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(maildir.dir / "spool" / "smtpd.sock"))
            # A user has no more than so many connections there at once.
            with contextlib.suppress(BrokenPipeError):
                s.sendall(struct.pack("<IHH", len(body), kind, 0) + body)
    lives(maildir)


@pytest.mark.parametrize("certificates", [150, 3000])
def test_cve_2015_7687_long_chain_of_certificates(
        smtpd, authority, certificates):  # noqa: F811
    """Of under and of over 100 KB: what a client may send, and may not."""
    smtpd.start(conf(smtpd, 'smtps verify ca "own"',
                     f'ca "own" cert "{authority.path}"\n'))
    own, key = authority.issue("client")
    chain = smtpd.dir / "chain.pem"
    chain.write_bytes(
        own.read_bytes() + authority.path.read_bytes() * certificates)
    context = authority.trust()
    context.load_cert_chain(chain, key)
    if certificates < 200:
        handshake(smtpd, context).close()
    else:
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            handshake(smtpd, context)
    context = authority.trust()
    context.load_cert_chain(own, key)
    handshake(smtpd, context).close()
    assert "ended by signal" not in smtpd.log_text()


def test_cve_2015_7687_values_longer_than_a_path(smtpd):
    smtpd.start('action here maildir "{dir}/' + "%{sender}%{rcpt}" * 100 +
                '" virtual <users> userbase <base>\n'
                'match from any for any action here\n')
    sender = "s" * 60 + "@" + ".".join(["d" * 60] * 3) + ".org"
    smtpd.send("alice@example.org", sender=sender)
    wait_for(lambda: "result=" in smtpd.log_text(), "the attempt")
    assert "ended by signal" not in smtpd.log_text()
    assert not smtpd.mails("alice")


# In a network of its own: smtpd, a client, and a while for the delivery.
LINK_LOCAL = """
ip link set lo up
ip link add maison0 type veth peer maison1 && ip link set maison1 up &&
ip link set maison0 up && ip address add fe80::1234/64 dev maison0 nodad ||
exit 77
timeout 150 setpriv --reuid $1 --regid $2 --clear-groups "$3" -d \\
    -f smtpd.conf 2>log &
for i in $(seq 600); do grep -q 'is ready' log && break; sleep 0.1; done
"$4" -c '
import smtplib, sys
with smtplib.SMTP("fe80::1234%maison0", int(sys.argv[1]), "x", 60) as c:
    c.sendmail("s@test.org", "alice@example.org", "Subject: x\\n\\nb")
' $5 || exit 1
for i in $(seq 600); do grep -q stat=Delivered log && break; sleep 0.1; done
kill $!
wait $!
"""


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("ip") is None,
                    reason="needs root and ip, for an interface of its own")
def test_cve_2023_29323_a_client_with_a_scope(smtpd):
    """A link-local address says its interface too: it is matched, written
    and read back like any other."""
    smtpd.configure(
        f"listen on fe80::1234%maison0 port {smtpd.port}\n"
        f'table base {{ alice = "{UID}:{GID}:{smtpd.dir}/alice" }}\n'
        'table users { "alice@example.org" = alice }\n'
        'action here maildir virtual <users> userbase <base>\n'
        'match from src "fe80::/10" for any action here\n')
    smtpd.own()
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", LINK_LOCAL, "sh", str(UID), str(GID),
         SMTPD, sys.executable, str(smtpd.port)], cwd=smtpd.dir,
        env=smtpd.env, timeout=3 * PATIENCE, check=False)
    if done.returncode == 77:
        pytest.skip("no interface can be made here")
    assert done.returncode == 0, smtpd.log_text()
    assert "ended by signal" not in smtpd.log_text()
    assert "[IPv6:fe80::1234]" in smtpd.wait_mails("alice", 1)[0]


PASS_THROUGH = """
register("filter|smtp-in|data-line")
for f in (line.split("|", 7) for line in lines()):
    if f[0] == "filter":
        say("|".join(["filter-dataline", f[5], f[6], f[7]]))
"""


def test_errata_2023_06_a_filter_gets_a_long_line_whole(smtpd):
    path = program(smtpd, "through", PASS_THROUGH)
    run(smtpd, f'filter f proc-exec "{path}"', "f")
    long = "a|b" * 20000
    smtpd.send("bob@example.org", f"Subject: x\r\n\r\n{long}\r\nend\r\n")
    assert f"\n{long}\nend\n" in smtpd.wait_mails("bob", 1)[0]


def test_errata_2024_02_forward_of_an_lmtp_recipient(smtpd):
    """Where mail goes to an LMTP server, a command in .forward still runs
    as its user, and as nobody else; root has none (test_privileges.py)."""
    (smtpd.dir / "alice" / ".forward").write_text(
        f'"|id -u > {smtpd.dir}/alice/ran"\n')
    smtpd.start('action here lmtp "127.0.0.1:1" virtual <users> '
                'userbase <base>\nmatch from any for any action here\n')
    smtpd.send("alice@example.org")
    smtpd.wait_queue_empty()
    assert (smtpd.dir / "alice" / "ran").read_text() == f"{UID}\n"


def test_cve_2020_35680_commands_in_odd_orders(maildir):
    words = [b"DATA", b"RSET", b"RCPT TO:<alice@example.org>", b"BDAT 0 LAST",
             b"MAIL FROM:<>", b"EHLO x", b"HELO y", b"NOOP", b"HELP"]
    for shift in range(len(words)):
        raw = Raw(maildir)
        for word in words[shift:] + words[:shift]:
            if raw.say(word + b"\r\n")[:3] == "354":
                raw.say(b".\r\n")
        raw.s.close()
    assert "ended by signal" not in maildir.log_text()


def test_2026_03_line_ends_in_a_command_are_refused(maildir):
    raw = Raw(maildir)
    raw.s.sendall(b"EHLO a\rb\r\n")
    assert reply(raw.f)[0][:3] == "500"


def test_cve_2013_2125_one_stalled_client_stops_nobody(maildir):
    stalled = [maildir.raw() for _ in range(200)]
    for s in stalled:
        s.sendall(b"EHL")
    maildir.send("alice@example.org")
    maildir.wait_mails("alice", 1)
    for s in stalled:
        s.close()


def test_overlong_domain_is_an_address_error(maildir):
    raw = Raw(maildir)
    raw.say(b"EHLO x\r\n")
    domain = b".".join([b"a" * 60] * 20)
    assert raw.say(b"MAIL FROM:<a@%s>\r\n" % domain)[:3] == "553"


def test_processes_are_not_root(maildir):
    for pid in maildir.children():
        with open(f"/proc/{pid}/status") as f:
            uids = [x for x in f if x.startswith("Uid:")][0].split()[1:]
        assert set(uids) == {str(UID)}


def open_files(daemon):
    return {pid: len(os.listdir(f"/proc/{pid}/fd"))
            for pid in [daemon.process.pid, *daemon.children()]}


def test_2016_10_commands_in_any_order(smtpd, authority):  # noqa: F811
    """What the session's logic was not made for: seeded, so that it can be
    had again."""
    smtpd.start(conf(smtpd, "tls"))
    chance = random.Random(2016)
    words = [b"EHLO x", b"HELO y", b"MAIL FROM:<s@test.org>", b"MAIL FROM:<>",
             b"RCPT TO:<alice@example.org>", b"RCPT TO:<nobody@x.org>",
             b"DATA", b"BDAT 3", b"BDAT 0 LAST", b"RSET", b"NOOP", b"HELP",
             b"VRFY a", b"AUTH PLAIN", b"AUTH LOGIN", b"STARTTLS", b".",
             b"Subject: x", b"", b"QUIT", b"\x16\x03\x01\x00\x01\x01"]
    for _ in range(300):
        with smtpd.raw() as s:
            lines = chance.choices(words, k=chance.randint(1, 12))
            try:
                s.sendall(b"\r\n".join(lines) + b"\r\n")
                if chance.random() < 0.5:
                    s.recv(1000)
            except ConnectionError:
                pass
    lives(smtpd)


def test_errata_2017_sessions_that_break_off_leave_no_file_open(maildir):
    stages = [b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n",
              b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n"
              b"RCPT TO:<alice@example.org>\r\n",
              b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n"
              b"RCPT TO:<alice@example.org>\r\nDATA\r\n" +
              b"x" * 500 + b"\r\n" * 700,
              b"EHLO x\r\nMAIL FROM:<s@test.org>\r\n"
              b"RCPT TO:<alice@example.org>\r\nBDAT 900000\r\n" +
              b"x" * 600000]

    def break_off():
        for stage in stages * 10:
            with maildir.raw() as s:
                s.recv(100)
                s.sendall(stage)
        wait_for(lambda: "smtp.session=0\n" in maildir.ctl(
            "show", "stats").stdout, "no session is left")
    break_off()  # what is opened once stays
    before = open_files(maildir)
    break_off()
    wait_for(lambda: not any(n > before.get(pid, 0) for pid, n
                             in open_files(maildir).items()),
             "no more open files")


@pytest.mark.parametrize("source", [
    "rdns { mx.test.org }", 'rdns regex { ".*" }', "socket", "auth", "local",
    'mail-from { "s@test.org" }', 'src { "10.0.0.0/8" }'])
def test_errata_2019_every_source_with_every_kind_of_session(smtpd, source):
    """A client without a name, and one on the socket, met rules that looked
    at what they lack."""
    smtpd.start('action here maildir virtual <users> userbase <base>\n'
                f'match from {source} for any action here\n'
                f'match !from {source} for any action here\n')
    for client in ("127.0.0.1", "127.0.0.2"):
        with socket.create_connection(("127.0.0.1", smtpd.port), PATIENCE,
                                      (client, 0)) as s:
            f = s.makefile("rb")
            f.readline()
            for line in (b"HELO x", b"MAIL FROM:<>",
                         b"RCPT TO:<alice@example.org>"):
                s.sendall(line + b"\r\n")
                assert f.readline()[:3] == b"250"
    smtpd.ctl("alice@example.org", name="sendmail",
              stdin="Subject: the socket\n\nx\n")
    smtpd.wait_mails("alice", 1)
    assert "ended by signal" not in smtpd.log_text()


def test_2026_03_no_key_is_two_lines_to_a_table_program(people):  # noqa: F811
    people.start(rules())
    raw = Raw(people)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    evil = b'"a\rtable|0.1|0|people|lookup|alias|1|bob"@example.org'
    assert raw.say(b"RCPT TO:<%s>\r\n" % evil)[:3] in ("500", "553")
    raw = Raw(people)
    raw.say(b"EHLO x\r\n")
    raw.say(b"MAIL FROM:<s@test.org>\r\n")
    assert raw.say(b'RCPT TO:<"a|b"@example.org>\r\n')[:1] in "45"
    asked = people.dir / "asked"
    assert not asked.exists() or "|bob" not in asked.read_text()


A, MX, PTR = 1, 15, 12
HERE = b"\xc0\x0c"  # the name that was asked for


def record(kind, data, name=HERE, length=None):
    return name + struct.pack(">HHIH", kind, 1, 60, len(data)
                              if length is None else length) + data


# What is answered to a question for an MX: the counts, and what follows.
LIES = {
    "loop": ((1, 0, 0), record(MX, b"\0\1\xc0\x2d")),
    "itself": ((1, 0, 0), record(MX, b"\0\1\0", b"\xc0\x21")),
    "beyond": ((1, 0, 0), record(MX, b"\0\1\xff\xff")),
    "cut": ((1, 0, 0), record(MX, b"\0\1\4ma", length=400)),
    "no-data": ((1, 0, 0), record(MX, b"")),
    "half-a-number": ((1, 0, 0), record(MX, b"\0")),
    "too-many": ((65535, 65535, 65535), record(MX, b"\0\1\0")),
    "long-label": ((1, 0, 0), record(MX, b"\0\1" + b"\x3f" + b"x" * 20)),
    "long-name": ((1, 0, 0), record(MX, b"\0\1" + (
        b"\x3f" + b"x" * 63) * 5 + b"\0")),
    "odd-label": ((1, 0, 0), record(MX, b"\0\1\x40xxxx\0")),
    "a-chain": ((300, 0, 0), b"".join(
        record(MX, b"\0\1" + struct.pack(">H", 0xc000 | 12 + 16 * i))
        for i in range(300))),
    "oversize": ((4000, 0, 0), record(MX, b"\0\1\1x" + HERE) * 4000),
    "evil-name": ((1, 0, 0), record(
        MX, b"\0\1\x0a|\n;$(id)%n" + b"\4evil\3net\0")),
}


def lie(name, kind, _):
    first, *rest = name.split(".")
    if rest == ["evil", "net"] and first in LIES and kind == MX:
        return 0, *LIES[first]
    if (name, kind) == ("good.net", MX):
        return 0, (1, 0, 0), record(MX, b"\0\1\1h" + HERE)
    if (name, kind) == ("h.good.net", A):
        return 0, (1, 0, 0), record(A, socket.inet_aton("127.0.0.2"))
    if kind == PTR:  # the client's name goes on for ever
        return 0, (1, 0, 0), record(PTR, HERE * 2)
    return 3, (0, 0, 0), b""


def test_errata_7_2_022_lying_name_servers(smtpd):
    """2023: an answer could make a resolver read what is not its own.  Here
    it is asked by a process that has nothing else, and libunbound; none of
    these answers ends it, or does more than to delay its own mail."""
    server, port = Liar(lie), free_port()
    sink = Sink(host="127.0.0.2", port=port)
    smtpd.env.update(SMTPD_NAMESERVER=server.address,
                     SMTPD_MX_PORT=str(port))
    smtpd.start("action out relay\nmatch from any for any action out\n")
    processes = sorted(smtpd.children())
    with smtpd.smtp() as client:
        for what in LIES:
            client.sendmail("s@test.org", f"a@{what}.evil.net",
                            "Subject: x\r\n\r\nbody\r\n")
    for what in LIES:
        found = re.compile(rf'to=<a@{what}\.evil\.net>.* result="(\w+)"')
        result = wait_for(lambda f=found: f.search(smtpd.log_text()),
                          f"a result of {what}")[1]
        assert (f"{what}.evil.net", MX) in server.asked
        assert result == ("PermFail" if what == "evil-name" else "TempFail")
    smtpd.send("a@good.net")
    wait_for(lambda: sink.mails, f"mail goes on; log:\n{smtpd.log_text()}")
    assert sorted(smtpd.children()) == processes
    assert "process" not in smtpd.log_text()
    assert len(sink.mails) == 1
    server.stop()
    sink.stop()
