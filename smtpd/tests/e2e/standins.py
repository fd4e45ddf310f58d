#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What doc/smtpd.md calls and a test has not: by the name it is called as.

systemctl obeys the unit file that was installed, and waits for the readiness
that smtpd tells; journalctl shows what came to /dev/log; certbot has an
authority of its own; apt-get believes that all is there.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

UNIT = pathlib.Path("/usr/local/lib/systemd/system/smtpd.service")
PID = pathlib.Path("/run/smtpd.pid")
LOG = pathlib.Path("/var/log/mail")
LETSENCRYPT = pathlib.Path("/etc/letsencrypt")


def wait_told(listener, process):
    """Until smtpd says that it is ready, or ends."""
    threading.Thread(target=lambda: (process.wait(), os._exit(1)),
                     daemon=True).start()
    while b"READY=1" not in listener.recv(1000):
        pass


def systemctl(verb, *words):
    unit = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert unit["Type"] == "notify"
    if verb == "reload":
        os.kill(int(PID.read_text()), signal.SIGHUP)
        return
    assert (verb, *words) == ("enable", "--now", "smtpd")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("/run/notify")
    process = subprocess.Popen(
        unit["ExecStart"].split(), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open("/var/log/stderr", "w"),
        env=dict(os.environ, NOTIFY_SOCKET="/run/notify"))
    PID.write_text(str(process.pid))
    wait_told(listener, process)
    os._exit(0)  # and leave smtpd to itself


def journalctl(option, unit, *words):
    assert (option, unit) == ("-u", "smtpd")
    lines = LOG.read_text().splitlines()
    if words:
        assert words[0] == "-n"
        lines = lines[-int(words[1]):]
    print("\n".join(lines))


def certbot(*words):
    assert words[:3] == ("certonly", "--standalone", "-d"), words
    sys.path.insert(0, os.environ["CERTS"])
    from certs import Authority
    where, live = LETSENCRYPT / "archive", LETSENCRYPT / "live" / words[3]
    for folder in (where, live):
        folder.mkdir(parents=True)
    for folder in (where, live.parent):
        folder.chmod(0o700)
    cert, key = Authority(where).issue(words[3])
    (live / "fullchain.pem").symlink_to(cert)
    (live / "privkey.pem").symlink_to(key)


def apt_get(*words):
    assert words[:2] == ("install", "-y")


def log():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    with open(LOG, "ab", buffering=0) as f:
        while True:
            f.write(listener.recv(65536).rstrip(b"\0\n") + b"\n")


if __name__ == "__main__":
    globals()[os.path.basename(sys.argv[0]).replace("-", "_")](*sys.argv[1:])
