# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A full disk refuses mail for a while, and loses none."""

import os
import shutil
import smtplib
import subprocess

import pytest
from conftest import GID, MAILDIR, UID, wait_for

MIB = 1 << 20


@pytest.fixture
def small(smtpd):
    """smtpd, with a spool on a file system of 64 MiB of its own."""
    if os.getuid() != 0:
        pytest.skip("mounting a file system needs root")
    spool = smtpd.dir / "spool"
    spool.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o",
                    f"size=64m,mode=700,uid={UID},gid={GID}", "maison-test",
                    spool], check=True)
    try:
        yield smtpd
        if smtpd.process is not None:
            smtpd.stop()
    finally:
        subprocess.run(["umount", "-l", spool], check=True)


def fill(daemon, leave):
    """Leave so many bytes of the spool."""
    free = shutil.disk_usage(daemon.dir / "spool").free
    with open(daemon.dir / "spool" / "filler", "wb") as f:
        os.posix_fallocate(f.fileno(), 0, free - leave)


def make_room(daemon):
    (daemon.dir / "spool" / "filler").unlink()


def refuses(daemon, size=0):
    with daemon.smtp() as client:
        client.ehlo("x")
        code, text = client.mail("s@test.org", [f"SIZE={size}"])
        return code == 452 and b"4.3.1" in text


def takes(client, text):
    try:
        client.sendmail("s@test.org", "alice@example.org", text)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as e:
        assert e.smtp_code == 452
        return False
    return True


def message(name, size=500):
    return f"Subject: {name}\r\n\r\n" + "x\r\n" * (size // 3)


def test_mail_is_refused_before_the_reserve_is_touched(small):
    small.start("queue reserve 16M\n" + MAILDIR)
    small.ctl("pause", "mda")
    small.send("alice@example.org", message("queued"))
    with small.smtp() as begun:
        begun.ehlo("x")
        assert begun.mail("s@test.org")[0] == 250
        assert begun.rcpt("alice@example.org")[0] == 250
        fill(small, 15 * MIB)
        wait_for(lambda: refuses(small), "MAIL is refused")
        wait_for(lambda: begun.rcpt("bob@example.org")[0] == 452,
                 "the other dispatcher knows, too")
        assert begun.docmd("DATA")[0] == 452
        # What is queued goes out all the same, and is written down.
        small.ctl("resume", "mda")
        assert "Subject: queued" in small.wait_mails("alice", 1)[0]
        small.wait_queue_empty()
        assert "down to its reserve" in small.log_text()
        make_room(small)
        wait_for(lambda: not refuses(small), "MAIL is taken again")
        begun.rset()
        begun.sendmail("s@test.org", "alice@example.org", message("late"))
    small.wait_mails("alice", 2)
    assert shutil.disk_usage(small.dir / "spool").free > 16 * MIB


def test_a_message_that_says_its_size_is_refused_at_once(small):
    small.start("queue reserve 16M\n" + MAILDIR)
    fill(small, 18 * MIB)
    wait_for(lambda: refuses(small, 3 * MIB), "its size is too much")
    assert not refuses(small, MIB)


def test_a_message_that_grows_into_the_reserve_is_refused(small):
    small.start("queue reserve 16M\n" + MAILDIR)
    fill(small, 18 * MIB)
    with small.smtp() as client:
        client.ehlo("x")
        assert client.mail("s@test.org")[0] == 250  # no word of its size
        assert client.rcpt("alice@example.org")[0] == 250
        assert client.data(message("large", 8 * MIB))[0] == 452
        wait_for(lambda: shutil.disk_usage(
            small.dir / "spool").free > 15 * MIB, "its file is gone")
        # The session goes on, and there is room for small ones again.
        wait_for(lambda: takes(client, message("small")), "it is taken")
    assert "Subject: small" in small.wait_mails("alice", 1)[0]


@pytest.mark.parametrize("size", [3000, MIB])
def test_a_disk_that_is_full_to_the_last_byte_loses_nothing(small, size):
    small.start("queue reserve 0\n" + MAILDIR)
    small.ctl("pause", "mda")
    fill(small, 4 * MIB + 4096)
    acknowledged = []
    for n in range(4000):
        name = f"id-{n}"
        try:
            small.send("alice@example.org", message(name, size))
        except smtplib.SMTPResponseException as e:
            assert e.smtp_code == 452
            break
        except smtplib.SMTPSenderRefused as e:
            assert e.smtp_code == 452
            break
        acknowledged.append(name)
    assert 0 < len(acknowledged) < 4000
    make_room(small)

    def sent():
        """Each dispatcher hears of the room in its own time."""
        with small.smtp() as client:
            return takes(client, message("after", size))
    wait_for(sent, "mail is taken again")
    acknowledged.append("after")
    small.stop()
    small.start()
    mails = small.wait_mails("alice", len(acknowledged))
    for name in acknowledged:
        assert sum(f"Subject: {name}\n" in m for m in mails) == 1
    small.wait_queue_empty()
