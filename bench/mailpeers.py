# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The mail servers that are measured, each set to do the same work.

All deliver example.org to one Maildir as nobody, and relay the rest to one
host.  They run as they come: ours and Postfix sync a message to disk before
they acknowledge it, OpenSMTPD leaves that to the kernel.  The queues are all
on the disk that the scratch folder is on.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import opensmtpd  # noqa: E402

NOBODY = 65534
PATIENCE = 60  # seconds, for what must happen
POSTFIX = """compatibility_level=3.6
queue_directory={0}/q
data_directory={0}/data
mail_owner=postfix
setgid_group=postdrop
daemon_directory=/usr/lib/postfix/sbin
command_directory=/usr/sbin
myhostname=mx.example.org
mydestination=
virtual_mailbox_domains=example.org
virtual_mailbox_base={0}/mail
virtual_mailbox_maps=static:alice/
virtual_minimum_uid=100
virtual_uid_maps=static:65534
virtual_gid_maps=static:65534
virtual_mailbox_limit=0
mailbox_size_limit=0
message_size_limit=36700160
inet_protocols=ipv4
inet_interfaces=127.0.0.1
mynetworks=127.0.0.0/8
default_process_limit=110
relayhost=[127.0.0.1]:{1}
default_destination_concurrency_limit=100
initial_destination_concurrency=100
maillog_file=/var/log/maison-bench-postfix.log
"""
# Of both that read it; {4} is for filters.
SMTPD = """{4}table users {{ "alice@example.org" = alice }}
table base {{ alice = "65534:65534:{0}" }}
listen on 127.0.0.1 port {1}{5}
action "mail" maildir "{0}/mail/alice" virtual <users> userbase <base>
action "out" relay host "smtp://127.0.0.1:{2}"
mta limit max-conn-per-host 100
{3}match from any for domain "example.org" action "mail"
match from any for any action "out"
"""
MANY_SESSIONS = "smtp limit max-sessions-per-source 20000\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_banner(port):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port)) as s:
                if s.recv(100)[:3] == b"220":
                    return
        except OSError:
            pass
        time.sleep(0.001)
    raise RuntimeError("no banner")


def descendants(pid):
    yield pid
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from descendants(int(child))


def memory(pids):
    """MiB, shared pages shared out (PSS)."""
    return sum(
        int(line.split()[1])
        for pid in pids for line in open(f"/proc/{pid}/smaps_rollup")
        if line.startswith("Pss:")) / 1024


class Server:
    name = ""

    def __init__(self, where, sink_port, filters="", chain=""):
        where.mkdir()
        self.where, self.port = where, free_port()
        self.sink_port, self.filters, self.chain = sink_port, filters, chain
        self.box = where / "mail" / "alice"
        (where / "mail").mkdir()
        for path in (where, where / "mail"):
            os.chown(path, NOBODY, NOBODY)
        self.prepare()
        self.start()

    def conf(self, more=""):
        return SMTPD.format(self.where, self.port, self.sink_port, more,
                            self.filters, self.chain)

    def prepare(self):
        pass

    def start(self):
        """Milliseconds from its exec to its banner."""
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def root(self):
        """The process that all others of the server come from."""
        raise NotImplementedError

    def memory(self):
        return memory(set(descendants(self.root())))


class Ours(Server):
    name = "smtpd"
    build = None  # the build directory: set before the first is made

    def prepare(self):
        (self.where / "smtpd.conf").write_text(self.conf(MANY_SESSIONS))

    def start(self):
        start = time.monotonic()
        self.process = subprocess.Popen(
            [self.build / "smtpd" / "smtpd", "-d", "-f",
             self.where / "smtpd.conf"],
            env=dict(os.environ, SMTPD_SPOOL=str(self.where / "spool")),
            stderr=open(self.where / "log", "ab"), user=NOBODY, group=NOBODY,
            extra_groups=[])
        wait_banner(self.port)
        return (time.monotonic() - start) * 1000

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def root(self):
        return self.process.pid


class OpenSMTPD(Server):
    name = "opensmtpd"

    def prepare(self):
        # Under its /var/spool, which is ours, on the disk.
        (self.where / "spool").mkdir()

    def start(self):
        self.server = opensmtpd.OpenSMTPD(
            self.where, self.conf(), self.port, spool=self.where / "spool",
            verbose=False)
        wait_banner(self.port)
        return self.server.took * 1000

    def stop(self):
        self.server.stop()

    def root(self):
        return self.server.process.pid


class Postfix(Server):
    name = "postfix"

    def prepare(self):
        self.etc = self.where / "etc"
        for name in ("etc", "q", "data"):
            (self.where / name).mkdir()
        (self.etc / "main.cf").write_text(
            POSTFIX.format(self.where, self.sink_port))
        lines = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        lines = lines.replace(
            "smtp      inet", f"127.0.0.1:{self.port} inet", 1)
        (self.etc / "master.cf").write_text("\n".join(
            " ".join(x.split()[:4] + ["n"] + x.split()[5:])
            if x[:1].isalnum() and len(x.split()) > 7 else x
            for x in lines.splitlines()) + "\n")
        shutil.chown(self.where / "data", "postfix")

    def run(self, verb):
        subprocess.run(["postfix", "-c", self.etc, verb], check=True,
                       stderr=subprocess.DEVNULL, timeout=PATIENCE)

    def start(self):
        start = time.monotonic()
        self.run("start")
        wait_banner(self.port)
        return (time.monotonic() - start) * 1000

    def stop(self):
        self.run("stop")

    def root(self):
        return int((self.where / "q/pid/master.pid").read_text())


class Sink:
    """Takes mail, and counts it."""

    def __init__(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{self.port}",
             "1000"], stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.seen = b""
        self.messages = 0
        wait_banner(self.port)

    def count(self):
        self.seen += self.process.stdout.read() or b""
        *whole, self.seen = self.seen.split(b"\r")
        for line in whole:
            # sess=1 quit=0 mesg=3
            self.messages = int(line.rpartition(b"=")[2])
        return self.messages

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
