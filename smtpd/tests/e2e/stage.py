# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A machine to be root on: namespaces with an address, a network, an /etc, a
/usr/local and a /var of their own, and beside it another machine that has the
name server, a mailbox, and whoever writes."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import BUILD, PATIENCE, ROOT, wait_for

HERE = pathlib.Path(__file__).resolve().parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STANDINS = ["systemctl", "journalctl", "certbot", "apt-get", "log"]
SERVER, ELSEWHERE = "192.0.2.1", "192.0.2.2"

SETUP = """set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$0"
hostname mail
for d in etc dev home srv; do
    mkdir -p "$0/$d.upper" "$0/$d.work"
    mount -t overlay -o "lowerdir=/$d,upperdir=$0/$d.upper,workdir=$0/$d.work" \
        overlay /$d
done
for d in /usr/local /var /run; do
    mount -t tmpfs -o mode=755 tmpfs $d
done
rm -rf /dev/log /etc/mail /etc/letsencrypt
mkdir -p /var/mail /var/log /var/spool /usr/local/bin
chmod 1777 /var/mail
echo nameserver 192.0.2.2 >/etc/resolv.conf
unshare --net sleep infinity &
echo $! >/run/elsewhere
until nsenter -t $! -n ip link add eth0 type veth peer name eth0 netns 1 \
    2>/dev/null; do :; done
ip addr add 192.0.2.1/24 dev eth0
nsenter -t $! -n ip addr add 192.0.2.2/24 dev eth0
for s in '' "nsenter -t $! -n"; do
    $s ip link set lo up
    $s ip link set eth0 up
done
touch /run/up
exec sleep infinity
"""

NSD = """server:
 ip-address: 192.0.2.2
 username: ""
 chroot: ""
 zonesdir: "{0}"
 database: ""
 pidfile: "{0}/pid"
 xfrdfile: "{0}/xfrd"
 xfrdir: "{0}"
 zonelistfile: "{0}/list"
 server-count: 1
remote-control:
 control-enable: no
"""


class Stage:
    def __init__(self, where):
        if os.getuid() != 0:
            pytest.skip("a machine of one's own needs root")
        for tool in ("unshare", "nsenter", "ip", "nsd", "swaks", "dig",
                     "smtp-sink", "curl"):
            if shutil.which(tool, path=PATH) is None:
                pytest.skip(f"needs {tool}")
        self.dir = where
        self.log = open(where / "log", "wb")
        self.running = []
        self.outer = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid",
             "--fork", "--kill-child", "--mount-proc", "bash", "-c", SETUP,
             where], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        wait_for(self.is_up, "the stage is set")
        for name in STANDINS:
            self.run(f"ln -s {HERE}/standins.py /usr/local/bin/{name}")
        self.start("log")
        self.run("until [ -S /dev/log ]; do sleep 0.02; done")

    def is_up(self):
        assert self.outer.poll() is None, (self.dir / "log").read_text()
        children = pathlib.Path(
            f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        self.pid = children.read_text().strip()
        return self.pid and os.path.exists(f"/proc/{self.pid}/root/run/up")

    def words(self, command, elsewhere):
        """command, entered where it belongs."""
        net = ""
        if elsewhere:
            net = "nsenter -t $(cat /run/elsewhere) -n "
        return ["nsenter", "-t", self.pid, "--mount", "--net", "--uts",
                "--ipc", "--pid", "env", "-i", f"PATH={PATH}", "HOME=/root",
                f"CERTS={HERE}", *(
                    f"{name}={os.environ[name]}" for name in os.environ
                    if name.endswith("SAN_OPTIONS")),
                "sh", "-c", f"cd {ROOT}; exec {net}sh -c "
                + shlex.quote(command)]

    def run(self, command, elsewhere=False, check=True):
        done = subprocess.run(
            self.words(command, elsewhere), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False)
        assert not check or done.returncode == 0, (command, done.stdout)
        return done.stdout

    def wait(self, condition):
        wait_for(lambda: subprocess.run(
            self.words(condition, False), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, check=False).returncode == 0,
            condition)

    def start(self, command, elsewhere=False):
        self.running.append(subprocess.Popen(
            self.words("exec " + command, elsewhere),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log))
        return self.running[-1]

    def inside(self, path):
        """A path of the stage, as it is seen from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def install(self):
        """What ./dev install does, of the build that is tested."""
        return self.run(f"meson install -C {BUILD} --no-rebuild --quiet && "
                        "echo installed below /usr/local")

    def serve_names(self, zones):
        """zones: the lines of each."""
        where = self.inside(self.dir / "nsd")
        where.mkdir()
        conf = NSD.format(self.dir / "nsd")
        for name, lines in zones.items():
            (where / name).write_text(
                f"$ORIGIN {name}.\n$TTL 60\n"
                f"@ SOA ns hostmaster 1 3600 600 86400 0\n@ NS ns\n"
                f"ns A {ELSEWHERE}\n" + "".join(x + "\n" for x in lines))
            conf += f"zone:\n name: {name}\n zonefile: {name}\n"
        (where / "nsd.conf").write_text(conf)
        self.start(f"nsd -d -c {self.dir}/nsd/nsd.conf", True)
        wait_for(lambda: "SOA" in self.run(
            f"dig +tries=1 +timeout=1 @{ELSEWHERE} example.net soa", True,
            check=False), "the name server answers")

    def serve_mail(self):
        """Elsewhere, a server that appends all mail to /srv/friend."""
        return self.start(
            "sh -c 'echo $$ >/run/friend; exec smtp-sink -u root "
            f"-D /srv/friend {ELSEWHERE}:25 100'", True)

    def stop(self):
        self.outer.kill()
        self.outer.wait(PATIENCE)
        for process in self.running:
            process.wait(PATIENCE)
        self.log.close()
