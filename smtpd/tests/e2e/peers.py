# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The distribution's servers, each a private instance that only loopback
sees: postfix, dovecot as LMTP target, haproxy."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest
from conftest import PATIENCE, free_port, wait_for

NOBODY = 65534

POSTFIX_CONF = """\
compatibility_level=3.6
queue_directory={dir}/queue
data_directory={dir}/data
mail_owner=postfix
setgid_group=postdrop
daemon_directory=/usr/lib/postfix/sbin
command_directory=/usr/sbin
myhostname=peer.test
mydestination=
virtual_mailbox_domains=peer.test
virtual_mailbox_base={dir}/mail
virtual_mailbox_maps=static:box/
virtual_minimum_uid=100
virtual_uid_maps=static:65534
virtual_gid_maps=static:65534
inet_protocols=ipv4
inet_interfaces=127.0.0.1
mynetworks=127.0.0.0/8
maillog_file_prefixes={dir}
maillog_file={dir}/log
"""

DOVECOT_CONF = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = lmtp
ssl = no
mail_location = maildir:{dir}/mail/%n
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}/mail/%n allow_all_users=yes
}}
service lmtp {{
  unix_listener {dir}/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""

# What a mail program talks to; it logs in to another server and hands over.
SUBMISSION_CONF = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = submission
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{dir}/mail/%n
first_valid_uid = 1
hostname = dovecot.test
passdb {{
  driver = static
  args = password=for-dovecot
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}/mail/%n allow_all_users=yes
}}
service submission-login {{
  inet_listener submission {{
    address = 127.0.0.1
    port = {port}
  }}
}}
submission_relay_host = localhost
submission_relay_port = {relay}
submission_relay_ssl = {ssl}
submission_relay_user = {user}
submission_relay_password = {password}
ssl_client_ca_file = {ca}
"""


def need(name):
    """Its path; the test is skipped without it, or without root."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if path is None or os.getuid() != 0:
        pytest.skip(f"needs {name}, and root to start it")
    return path


def wait_greeting(port, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.settimeout(PATIENCE)
                if s.recv(10).startswith(b"220"):
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text() if log.exists() else "no log")


class Postfix:
    """Takes mail for peer.test into mails(); sends the rest to relayhost."""

    def __init__(self, where, settings=""):
        self.postfix = need("postfix")
        self.dir, self.port = where, free_port()
        self.etc = where / "etc"
        for name in ("etc", "queue", "data", "mail"):
            (where / name).mkdir()
        (self.etc / "main.cf").write_text(
            POSTFIX_CONF.format(dir=where) + settings)
        master = pathlib.Path(
            "/usr/share/postfix/master.cf.dist").read_text().replace(
                "smtp      inet", f"127.0.0.1:{self.port} inet", 1)
        (self.etc / "master.cf").write_text("\n".join(
            " ".join(x.split()[:4] + ["n"] + x.split()[5:])
            if x[:1].isalnum() and len(x.split()) > 7 else x
            for x in master.splitlines()) + "\n")
        shutil.chown(where / "data", "postfix")
        os.chown(where / "mail", NOBODY, NOBODY)
        self.run("start")
        wait_greeting(self.port, where / "log")

    def run(self, verb):
        subprocess.run([self.postfix, "-c", self.etc, verb], check=True,
                       capture_output=True, timeout=60)

    def mails(self):
        box = self.dir / "mail/box/new"
        return [m.read_text() for m in sorted(box.iterdir())] \
            if box.exists() else []

    def stop(self):
        self.run("stop")


class Dovecot:
    """An LMTP server, on self.port and on the socket self.lmtp; or what
    another configuration makes of it."""

    def __init__(self, where, conf=DOVECOT_CONF, **settings):
        dovecot = need("dovecot")
        self.dir, self.port = where, free_port()
        self.lmtp = where / "lmtp"
        (where / "mail").mkdir()
        os.chown(where / "mail", NOBODY, NOBODY)
        (where / "dovecot.conf").write_text(
            conf.format(dir=where, port=self.port, **settings))
        self.process = subprocess.Popen(
            [dovecot, "-F", "-c", where / "dovecot.conf"],
            stdin=subprocess.DEVNULL)
        wait_greeting(self.port, where / "log")

    def mails(self, user):
        box = self.dir / "mail" / user / "new"
        return [m.read_text() for m in sorted(box.iterdir())] \
            if box.exists() else []

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Haproxy:
    """Passes self.port on to a port, with the header of version 2."""

    def __init__(self, where, to):
        haproxy = need("haproxy")
        self.port = free_port()
        (where / "haproxy.cfg").write_text(
            "defaults\n  mode tcp\n  timeout connect 60s\n"
            "  timeout client 60s\n  timeout server 60s\n"
            f"listen smtp\n  bind 127.0.0.1:{self.port}\n"
            f"  server s 127.0.0.1:{to} send-proxy-v2\n")
        self.process = subprocess.Popen(
            [haproxy, "-db", "-f", where / "haproxy.cfg"],
            stdin=subprocess.DEVNULL)
        wait_for(self.listens, "haproxy listens")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
