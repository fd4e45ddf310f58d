# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What processes are told when they start, and when smtpd.conf changes."""

import re
import signal
import subprocess

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
