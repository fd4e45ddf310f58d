# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filters of an smtpd that root has started, in a network with name servers,
addresses and users of its own."""

import os
import pathlib
import re
import shutil
import smtplib
import subprocess
import sys

import pytest
from conftest import GID, MAILDIR, PATIENCE, ROOT, SMTPD, UID, wait_for
from nameserver import NameServer
from test_filter_programs import MESSAGE, OURS, theirs

sys.path.append(str(ROOT / "tests" / "support"))
from privatenet import private_net  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
USERS = [("_smtpd", 64091), ("_smtpq", 64092), ("fred", 64094),
         ("crew", 64095)]
SCRIPT = """
for f in passwd group resolv.conf; do mount --bind $f /etc/$f || exit; done
mount -t tmpfs tmpfs /var && exec "$0" -d -f smtpd.conf >log 2>&1
"""
SERVER = "203.0.113.1"
SCORES = {"score.senderscore.com": """
10.113.0.203 A 127.0.4.10
50.113.0.203 A 127.0.4.50
90.113.0.203 A 127.0.4.90
"""}
SENDERS = {"example.org": """
mx MX 10 ns
four A 192.0.2.1
six AAAA 2001:db8::1
null MX 0 .
text TXT "nothing that takes mail"
"""}
JAILED = """#!/bin/sh
while read -r line; do
	[ "$line" = "config|ready" ] && break
done
echo "register|filter|smtp-in|ehlo"
echo "register|ready"
while IFS="|" read -r kind version time subsystem phase session token name; do
	set -- /*
	echo "filter-result|$session|$token|reject|550 in $*"
done
"""


class Daemon:
    """What tests want of an smtpd that is root's; smtpd is the fixture."""

    def __init__(self, smtpd):
        self.smtpd, self.dir = smtpd, smtpd.dir

    def start(self, command, options=""):
        d = self.dir
        for name, line in (("passwd", "{0}:x:{1}:{1}::/:/bin/false\n"),
                           ("group", "{0}:x:{1}:\n")):
            (d / name).write_text(
                pathlib.Path("/etc", name).read_text()
                + "".join(line.format(*user) for user in USERS))
        (d / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (d / "smtpd.conf").write_text(
            f'filter f proc-exec "{command}" {options}\n'
            f"listen on {SERVER} port 25 filter f\n"
            f'table base {{ bob = "{UID}:{GID}:{d}/bob" }}\n'
            f'table users {{ "bob@example.org" = bob }}\n' + MAILDIR)
        for path in d.iterdir():
            if path.is_file():
                os.chown(path, 0, 0)
                path.chmod(0o755 if path.suffix == ".sh" else 0o644)
        self.smtpd.env.pop("SMTPD_NAMESERVER", None)
        self.smtpd.env["ASAN_OPTIONS"] = ":".join(filter(None, [
            os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        self.smtpd.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", SCRIPT, SMTPD], cwd=d,
            env=self.smtpd.env)
        self.smtpd.log = open(d / "log", "a")
        wait_for(lambda: "is ready" in self.smtpd.log_text()
                 or self.smtpd.process.poll() is not None, "smtpd is ready")
        assert self.smtpd.process.poll() is None, self.smtpd.log_text()

    def client(self, n):
        return smtplib.SMTP(SERVER, 25, "test.org", PATIENCE,
                            (f"203.0.113.{n}", 0))

    def send(self, n):
        with self.client(n) as c:
            c.sendmail("s@test.org", "bob@example.org",
                       f"X-Client: {n}\r\n" + MESSAGE)

    def mails(self, count):
        return {int(re.search(r"X-Client: (\d+)", mail)[1]): mail
                for mail in self.smtpd.wait_mails("bob", count)}


@pytest.fixture
def daemon(smtpd):
    with private_net(*(f"203.0.113.{n}/24" for n in (1, 10, 50, 90, 99))):
        yield Daemon(smtpd)
        if smtpd.process is not None:
            smtpd.stop()


@pytest.fixture
def names(smtpd):
    """After daemon: it is to be in that network."""
    running = []

    def go(zones):
        running.append(NameServer(smtpd.dir, zones, 53))

    yield go
    for server in running:
        server.stop()


def filter_process(smtpd, word):
    """The one whose command has word in it."""
    def find():
        for pid in smtpd.children():
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if word.encode() in line:
                return pathlib.Path(f"/proc/{pid}")
        return None
    return wait_for(find, f"a process of {word}")


def ids(proc):
    text = (proc / "status").read_text()
    return {name: [int(n) for n in re.search(
        rf"^{name}:(.*)$", text, re.M)[1].split()]
        for name in ("Uid", "Gid", "Groups")}


def open_files(proc):
    return sorted(int(path.name) for path in (proc / "fd").iterdir())


def make_jail(where):
    """A root directory with a shell, and a filter for it."""
    shell = pathlib.Path("/bin/sh").resolve()
    listed = subprocess.run(["ldd", shell], check=True, text=True,
                            capture_output=True).stdout
    for name in ["/bin/sh", *re.findall(r"(/\S+) \(0x", listed)]:
        to = where / name.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pathlib.Path(name).resolve(), to)
    (where / "jailed.sh").write_text(JAILED)
    for path in [where, *where.rglob("*")]:
        path.chmod(0o755)


def test_a_program_is_who_and_where_the_configuration_says(daemon):
    jail = daemon.dir / "jail"
    jail.mkdir()
    make_jail(jail)
    daemon.start("/jailed.sh", f'user fred group crew chroot "{jail}"')
    proc = filter_process(daemon.smtpd, "jailed.sh")
    assert ids(proc) == {"Uid": [64094] * 4, "Gid": [64095] * 4,
                         "Groups": [64095]}
    assert os.path.samefile(proc / "root", jail)
    with daemon.client(90) as c:
        code, text = c.ehlo()
    assert code == 550
    # Its / is the jail, and nothing of the machine.
    assert set(text.decode().split()[1:]) == {
        f"/{path.name}" for path in jail.iterdir()}
    assert open_files(proc)[:3] == [0, 1, 2]
    assert "CapEff:\t0000000000000000" in (proc / "status").read_text()


@pytest.mark.parametrize("options, uid, gid", [
    ("", 64091, 64091), ("user fred", 64094, 64094),
    ("group crew", 64091, 64095)])
def test_a_program_never_is_root(daemon, options, uid, gid):
    (daemon.dir / "f.sh").write_text(JAILED)
    daemon.start(daemon.dir / "f.sh", options)
    proc = filter_process(daemon.smtpd, "f.sh")
    assert ids(proc) == {"Uid": [uid] * 4, "Gid": [gid] * 4,
                         "Groups": [gid]}
    assert os.path.samefile(proc / "root", "/")


@pytest.fixture(params=["ours", "theirs"])
def filter_senderscore(request):
    if request.param == "theirs":
        return theirs("senderscore")
    return OURS / "filter-senderscore"


def test_senderscore_acts_on_what_dns_says(daemon, names, filter_senderscore):
    names(SCORES)
    daemon.start(f"{filter_senderscore} -blockBelow 20 -junkBelow 70 "
                 "-scoreHeader")
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        daemon.client(10)
    assert refused.value.smtp_code == 550
    assert b"reputation is too low" in refused.value.smtp_error
    for n in (50, 90, 99):
        daemon.send(n)
    mails = daemon.mails(3)
    assert "X-SenderScore: 50\n" in mails[50]
    assert "X-Spam: Yes\n" in mails[50]
    assert "X-SenderScore: 90\n" in mails[90]
    assert "X-Spam" not in mails[90]
    assert "X-SenderScore" not in mails[99]


def test_checksenderdomain_refuses_what_dns_does_not_know(daemon, names):
    names(SENDERS)
    daemon.start(OURS / "filter-checksenderdomain")
    with daemon.client(90) as c:
        c.ehlo()
        for sender, code, word in [
                ("a@mx.example.org", 250, b""),
                ("a@four.example.org", 250, b""),
                ("a@six.example.org", 250, b""), ("", 250, b""),
                ("a@null.example.org", 550, b"5.1.8 "),
                ("a@text.example.org", 550, b"5.1.8 "),
                ("a@absent.example.org", 550, b"5.1.8 "),
                # A zone that the server refuses to speak of.
                ("a@elsewhere.example.com", 451, b"4.4.3 ")]:
            got, text = c.mail(sender)
            assert (sender, got) == (sender, code)
            assert text.startswith(word)
            c.rset()
        c.sendmail("a@mx.example.org", "bob@example.org",
                   "X-Client: 90\r\n" + MESSAGE)
    daemon.mails(1)
