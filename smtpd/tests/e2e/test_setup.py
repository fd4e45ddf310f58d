# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What processes are told when they start, and when smtpd.conf changes."""

import re
import signal
import subprocess

import pytest
from certs import Authority
from conftest import MAILDIR, SMTPD, wait_for

TOLD = re.compile(r"imsg: (\w+)\.\d+ <- parent\.0 type=6 len=(\d+)")


def told(smtpd):
    """The size of what each kind of process was told by a reload."""
    return {who: int(n) for who, n in TOLD.findall(smtpd.log_text())}


def test_certificates_are_for_those_who_speak_tls(smtpd):
    (smtpd.dir / "tls").mkdir(mode=0o755)
    ca = Authority(smtpd.dir / "tls")
    bundle = smtpd.dir / "tls" / "many.crt"
    bundle.write_text(ca.path.read_text() * 100)
    bundle.chmod(0o644)
    cert, key = ca.issue("mx.example.org")
    smtpd.configure(MAILDIR)
    conf = smtpd.dir / "smtpd.conf"
    conf.write_text(f'ca many cert "{bundle}"\n'
                    f'pki mx.example.org cert "{cert}" key "{key}"\n' +
                    conf.read_text().replace(
                        f"port {smtpd.port}", f"port {smtpd.port} "
                        "tls-require verify pki mx.example.org ca many"))
    smtpd.start()
    smtpd.ctl("trace", "imsg")
    wait_for(lambda: "imsg: " in smtpd.log_text(), "a trace")
    smtpd.process.send_signal(signal.SIGHUP)
    sizes = wait_for(lambda: len(got := told(smtpd)) == 9 and got,
                     "all processes have been told")
    with_certificates = sizes.pop("dispatcher")
    assert with_certificates > bundle.stat().st_size
    assert max(sizes.values()) < 4096, sizes


def test_a_configuration_that_no_process_can_be_told_is_refused(smtpd):
    for i in range(5):
        (smtpd.dir / f"{i}.conf").write_text("# word\n" * 149_000)
    smtpd.configure("".join(f'include "{smtpd.dir}/{i}.conf"\n'
                            for i in range(5)) + MAILDIR)
    smtpd.own()
    done = subprocess.run([SMTPD, "-n", "-f", smtpd.dir / "smtpd.conf"],
                          capture_output=True, text=True, timeout=60,
                          env=smtpd.env, **smtpd.as_user())
    assert done.returncode == 1
    assert "more than 4 MiB: let tables name files" in done.stderr


RELAY = ('action out relay host "smtps://me@127.0.0.1:1" auth <secrets>\n'
         "match from any for any action out\n")
KEY = ("queue encryption 0123456789abcdef0123456789abcdef\n"
       "match from any for any reject\n")
# What smtpd.conf has, the modes of the file of logins and of smtpd.conf, and
# what is warned of.
EXPOSED = {
    "a file": ('table secrets "{logins}"\n' + RELAY, 0o644, 0o600,
               "1:7: warning: {logins}: all users may read"),
    "a private file": ('table secrets "{logins}"\n' + RELAY, 0o640, 0o644,
                       None),
    "in a private folder": ('table secrets "{logins}"\n' + RELAY, 0o644,
                            0o644, None),
    "in place": ("table secrets {{ me = me:secret }}\n" + RELAY, 0o644, 0o644,
                 "1:7: warning: {conf}: all users may read"),
    "in place, private": ("table secrets {{ me = me:secret }}\n" + RELAY,
                          0o644, 0o600, None),
    "no passwords": ('table other "{logins}"\nmatch from any for domain '
                     "<other> reject\n", 0o644, 0o644, None),
    "a key": (KEY, 0o644, 0o644,
              " warning: all users may read the queue's key"),
    "a private key": (KEY, 0o644, 0o600, None),
}


@pytest.mark.parametrize("what", EXPOSED)
def test_passwords_that_all_may_read_are_told(smtpd, what):
    text, logins_mode, conf_mode, told = EXPOSED[what]
    folder = smtpd.dir / "etc"
    folder.mkdir()
    folder.chmod(0o700 if what == "in a private folder" else 0o711)
    logins, conf = folder / "logins", smtpd.dir / "smtpd.conf"
    logins.write_text("me me:secret\n")
    logins.chmod(logins_mode)
    conf.write_text(text.format(logins=logins, conf=conf)
                    + f"listen on 127.0.0.1 port {smtpd.port}\n")
    conf.chmod(conf_mode)
    (smtpd.dir / "mailname").write_text("mx.example.org\n")
    smtpd.own()
    done = subprocess.run([SMTPD, "-n", "-f", conf], capture_output=True,
                          text=True, timeout=60, env=smtpd.env,
                          **smtpd.as_user())
    warning = done.stderr.removesuffix("configuration OK\n")
    assert done.returncode == 0 and warning != done.stderr
    if told is None:
        assert warning == ""
    else:
        assert told.format(logins=logins, conf=conf) in warning
        assert warning.endswith("(chmod o-r)\n")
        assert warning.count("\n") == 1
    smtpd.start()
    assert warning in smtpd.log_text()
