# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Started by root, in a mount name space with users of its own."""

import os
import pathlib
import re
import smtplib
import subprocess

import pytest
from certs import Authority
from conftest import SMTPD, free_port, wait_for

USERS = [("_smtpd", 64091), ("_smtpq", 64092), ("mabel", 64093)]

SCRIPT = """
mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
mount -t tmpfs tmpfs /var && mkdir /var/mail &&
exec "$0" -d -f smtpd.conf >log 2>&1
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_each_process_has_its_user_and_root_gets_no_mail(smtpd):
    for name, line in (("passwd", "{0}:x:{1}:{1}::{2}/{0}:/bin/false\n"),
                       ("group", "{0}:x:{1}:\n")):
        with open(f"/etc/{name}") as f:
            (smtpd.dir / name).write_text(f.read() + "".join(
                line.format(user, uid, smtpd.dir) for user, uid in USERS))
    home = smtpd.dir / "mabel"
    home.mkdir()
    os.chown(home, 64093, 64093)
    port = smtpd.port = free_port()
    (smtpd.dir / "smtpd.conf").write_text(
        f"listen on 127.0.0.1 port {port}\n"
        "action box mbox\naction dir maildir\n"
        'match from any for domain "a.org" action box\n'
        'match from any for domain "b.org" action dir\n')
    os.chown(smtpd.dir / "smtpd.conf", 0, 0)
    smtpd.process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", SCRIPT, SMTPD], cwd=smtpd.dir,
        env=smtpd.env)
    smtpd.log = open(smtpd.dir / "log", "a")
    wait_for(lambda: "is ready" in smtpd.log_text(), "smtpd is ready")
    owners = {}
    for pid in smtpd.children():
        with open(f"/proc/{pid}/status") as f:
            status = dict(x.split(":", 1) for x in f)
        with open(f"/proc/{pid}/cmdline") as f:
            name = f.read().split("\0")[0].removeprefix("smtpd: ")
        owners[name] = int(status["Uid"].split()[0])
        assert status["NoNewPrivs"].strip() == "1", name
        assert status["Seccomp"].strip() == "2", name
        if name in ("control", "scheduler", "dispatcher", "resolver", "keys",
                    "filter"):
            assert os.path.samefile(
                f"/proc/{pid}/root",
                f"/proc/{smtpd.process.pid}/root/var/empty")
    assert owners == {"auth": 0, "control": 64091, "scheduler": 64091,
                      "lookup": 64091, "dispatcher": 64091, "resolver": 64091,
                      "keys": 64091, "filter": 64091, "queue": 64092}
    smtpd.send(["mabel@a.org", "mabel@b.org", "root@b.org"])
    wait_for(lambda: "root gets no mail" in smtpd.log_text(), "a refusal")
    mail = wait_for(lambda: smtpd.mails("mabel"), "a mail in the Maildir")[0]
    assert mail.stat().st_uid == 64093 and mail.stat().st_mode & 0o77 == 0
    # The DNS library has a thread, made after the sandbox.
    tasks = [*pathlib.Path(
        f"/proc/{smtpd.children('resolver')[0]}/task").iterdir()]
    assert len(tasks) == 2
    for task in tasks:
        assert "Seccomp:\t2\n" in (task / "status").read_text()
    wait_for(lambda: re.search(
        r"to=<mabel@a.org> rcpt=<mabel@a.org> user=mabel delay=\d+s "
        "result=Ok", smtpd.log_text()), "a mail in the mbox")
    carry_as_root(smtpd)
    assert smtpd.stop() == 0


def carry_as_root(smtpd):
    """Files of root, handed to a queue that may open none of them."""
    link = smtpd.dir / "smtpctl"
    link.symlink_to(SMTPD)

    def ctl(*args, **how):
        return subprocess.run([link, *args], env=smtpd.env, text=True,
                              capture_output=True, timeout=60, **how)
    assert ctl("pause", "mda").returncode == 0
    assert ctl("remove", "all").returncode == 0
    smtpd.send("mabel@b.org", "Subject: small\r\n\r\nx\r\n")
    smtpd.send("mabel@b.org", "Subject: large\r\n\r\n" + "y\r\n" * 200000)
    queue = ctl("show", "queue").stdout
    assert len(queue.splitlines()) == 2
    out = smtpd.dir / "out"
    assert ctl("export", out).returncode == 0
    assert out.stat().st_mode & 0o77 == 0
    assert ctl("remove", "all").returncode == 0
    done = ctl("import", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(ctl("show", "queue").stdout.splitlines()) == sorted(
        queue.splitlines())
    assert "mda limit" in ctl("show", "config").stdout
    assert ctl("uncorrupt").returncode == 0
    other = ctl("show", "queue", user=64093, group=64093, extra_groups=[])
    assert other.returncode == 1 and "only root may" in other.stderr
    before = len(smtpd.mails("mabel"))
    assert ctl("resume", "mda").returncode == 0
    wait_for(lambda: len(smtpd.mails("mabel")) == before + 2, "two mails")


def test_a_thousand_idle_sessions_stop_nobody(maildir):
    idle = [maildir.raw() for _ in range(1000)]
    for s in idle:
        assert s.recv(100)[:3] == b"220"
    maildir.send("alice@example.org")
    maildir.wait_mails("alice", 1)
    for s in idle:
        s.close()


PAM_SCRIPT = """
mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
mount --bind shadow /etc/shadow &&
mount -t tmpfs tmpfs /var && mkdir /var/mail &&
exec "$0" -d -f smtpd.conf >log 2>&1
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_users_of_the_system_authenticate_with_their_passwords(smtpd):
    """pam_unix, a shadow file of our own, and nobody else who reads it."""
    (smtpd.dir / "tls").mkdir(mode=0o755)
    authority = Authority(smtpd.dir / "tls")
    authority.issue("mx.example.org")
    secret = smtpd.ctl("encrypt", "mabels own").stdout.strip()
    for name, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"),
                       ("group", "{0}:x:{1}:\n")):
        with open(f"/etc/{name}") as f:
            (smtpd.dir / name).write_text(f.read() + "".join(
                line.format(user, uid) for user, uid in USERS))
    (smtpd.dir / "shadow").write_text(f"mabel:{secret}:19000:0:99999:7:::\n")
    (smtpd.dir / "shadow").chmod(0o600)
    (smtpd.dir / "pam.d").mkdir()
    (smtpd.dir / "pam.d/smtpd").write_text(
        "auth required pam_unix.so\naccount required pam_unix.so\n")
    smtpd.env["SMTPD_PAM_DIR"] = str(smtpd.dir / "pam.d")
    (smtpd.dir / "smtpd.conf").write_text(
        f'pki mx.example.org cert "{smtpd.dir}/tls/mx.example.org.crt" '
        f'key "{smtpd.dir}/tls/mx.example.org.key"\n'
        f"listen on 127.0.0.1 port {smtpd.port} tls pki mx.example.org auth\n"
        "action dir maildir\nmatch auth from any for any action dir\n")
    smtpd.process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", PAM_SCRIPT, SMTPD], cwd=smtpd.dir,
        env=smtpd.env)
    smtpd.log = open(smtpd.dir / "log", "a")
    wait_for(lambda: "is ready" in smtpd.log_text(), "smtpd is ready")
    with smtpd.smtp() as client:
        client._host = "mx.example.org"
        client.starttls(context=authority.trust())
        for user, password in (("mabel", "wrong"), ("root", "")):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(user, password)
    with smtpd.smtp() as client:
        client._host = "mx.example.org"
        client.starttls(context=authority.trust())
        assert client.login("mabel", "mabels own")[0] == 235
