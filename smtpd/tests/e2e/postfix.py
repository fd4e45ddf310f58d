# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A Postfix of our own: its own directories, its own port, `postfix -c'."""

import os
import shutil
import subprocess

import pytest
from conftest import free_port, wait_for

MASTER = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """settings are lines of main.cf; {dir} and {port} stand for ours."""

    def __init__(self, where, settings):
        if os.getuid() != 0 or shutil.which("postfix") is None:
            pytest.skip("needs postfix and root")
        self.dir = where / "postfix"
        self.port = free_port()
        for name in ("conf", "queue", "data", "box"):
            (self.dir / name).mkdir(parents=True)
        shutil.chown(self.dir / "data", "postfix")
        base = f"""compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtp_host_lookup = native
"""
        (self.dir / "conf" / "main.cf").write_text(
            base + settings.replace("{dir}", str(self.dir)))
        (self.dir / "conf" / "master.cf").write_text(
            MASTER.format(port=self.port))
        where.chmod(0o755)
        self.run("start")
        wait_for(lambda: "daemon started" in self.log(), "postfix has started")

    def run(self, *args):
        done = subprocess.run(
            ["postfix", "-c", self.dir / "conf", *args], timeout=60,
            capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + self.log()

    def log(self):
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def mails(self):
        return [p.read_text(errors="replace")
                for p in (self.dir / "box").rglob("new/*")]

    def stop(self):
        self.run("stop")
