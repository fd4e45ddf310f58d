# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The distribution's OpenSMTPD, run beside ours and never installed.

./dev unpacks it into build/peers/opensmtpd.  Its paths and users are built
in: they are mounted over, in mount and process name spaces for it alone, so
nothing of the machine is touched.  The network is that of who starts it.
Needs root.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build" / "peers" / "opensmtpd"
HOST = "mail.example.org"
PATIENCE = 60  # seconds, at most, until it greets, and until it has ended
USERS = [("opensmtpd", 990), ("opensmtpq", 991)]


def why_not():
    """Why it cannot run here, or None."""
    if os.getuid() != 0:
        return "OpenSMTPD needs root"
    if not (TREE / "usr/sbin/smtpd").exists():
        return f"OpenSMTPD is not in {TREE}: ./dev test puts it there"
    return None


def mount(*args):
    subprocess.run(["mount", *map(str, args)], check=True)


def mount_over(folder, tree=TREE, spool=None):
    """What smtpd has built in, for this mount name space alone."""
    mount("--make-rprivate", "/")
    for path in ["/var/spool", "/var/lib", "/run"]:
        mount("-t", "tmpfs", "none", path)
    if spool is not None:
        mount("--bind", spool, "/var/spool")
    for path, mode in [("/var/lib/opensmtpd/empty", 0o755),
                       ("/var/spool/smtpd", 0o711)]:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
    mount("--bind", tree / "usr/libexec", "/usr/libexec")
    for name, line in [("passwd", "{0}:x:{1}:{1}::/:/bin/false\n"),
                       ("group", "{0}:x:{1}:\n")]:
        text = pathlib.Path("/etc", name).read_text()
        (folder / name).write_text(
            text + "".join(line.format(*user) for user in USERS))
    for name, text in [("hosts", f"127.0.0.1 localhost {HOST}\n"),
                       ("resolv.conf", "nameserver 127.0.0.1\n"),
                       ("mailname", HOST + "\n")]:
        (folder / name).write_text(text)
    for name in ["passwd", "group", "hosts", "resolv.conf", "mailname"]:
        (folder / name).chmod(0o644)
        if os.path.exists("/etc/" + name):
            mount("--bind", folder / name, "/etc/" + name)
    socket.sethostname(HOST)


class OpenSMTPD:
    """Runs conf, with what it logs in folder/log; one listener at port.

    Its queue is in memory, or in the folder spool.  took: the seconds from
    its exec to its greeting."""

    def __init__(self, folder, conf, port, tree=TREE, spool=None,
                 verbose=True):
        self.log = folder / "log"
        path = folder / "smtpd.conf"
        path.write_text(conf)
        os.chown(path, 0, 0)
        path.chmod(0o600)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--uts", "--pid", "--fork",
                 "--kill-child", "--mount-proc", sys.executable, __file__,
                 folder, tree, "-dv" if verbose else "-d",
                 *([] if spool is None else [spool])], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        self.wait_greeting(port)
        self.took = time.monotonic() - float(
            (folder / "started").read_text())

    def log_text(self):
        return self.log.read_text(errors="replace")

    def wait_greeting(self, port):
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < end, self.log_text()
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as s:
                    if s.recv(4) != b"":
                        return
            except OSError:
                time.sleep(0.002)

    def enter(self, *args, stdin=b""):
        """Run a program where smtpd runs: its sendmail, its smtpctl."""
        pid = self.process.pid
        child = pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        subprocess.run(["nsenter", "--target", child, "--mount", "--uts",
                        *args], input=stdin, check=True)

    def stop(self):
        """In order: unshare itself passes over this signal."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main():
    folder, tree, options, *spool = sys.argv[1:]
    folder, tree = pathlib.Path(folder), pathlib.Path(tree)
    mount_over(folder, tree, *spool)
    smtpd = tree / "usr/sbin/smtpd"
    (folder / "started").write_text(str(time.monotonic()))
    os.execv(smtpd, [smtpd, options, "-f", folder / "smtpd.conf"])


if __name__ == "__main__":
    main()
