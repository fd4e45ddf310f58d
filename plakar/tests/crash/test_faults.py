# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The disk fails, fills up, or the program is killed: it is told, nothing
that was saved is lost, and the next push completes."""

import errno
import os
import random
import shutil
import subprocess
import time

import pytest

import crash
from drive import DRIVE, make_place  # noqa: F401 (a fixture)

KILLS = 3 if crash.SANITIZED else 15


@pytest.fixture(name="pushed")
def make_pushed(place):
    """A repository of one snapshot, the source changed since."""
    place.write_source(2)
    shutil.copytree(place.cache, place.root / "cache0")
    place.before = crash.read_tree(place.repo)
    return place


def fresh(place):
    """The repository and the cache as they were, in another place."""
    where = {"repo": place.root / "state", "cache": place.root / "state-cache"}
    for path in where.values():
        shutil.rmtree(path, ignore_errors=True)
    crash.write_tree(place.before, where["repo"])
    shutil.copytree(place.root / "cache0", where["cache"])
    return where


def count_calls(place, *args):
    where = fresh(place)
    calls = place.root / "calls"
    place.do(*args, **where, env=crash.shim_env(where["repo"], count=calls))
    return int(calls.read_text())


def assert_recovers(place, where, said):
    """All old snapshots are there, and those that were said to be saved;
    another push completes."""
    found = set(place.do("list", **where))
    assert set(place.versions) | set(said) >= found
    assert found >= (set(place.versions) & set(place.old)) | set(said)
    for ident in found - set(place.versions):
        place.versions[ident] = place.expected()
    place.assert_whole(found, **where)
    new = place.push(**where)
    place.assert_whole(found | {new}, **where)
    for ident in (found | {new}) - set(place.old):
        del place.versions[ident]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO],
                         ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("lasting", ["", "forever"], ids=["once", "for good"])
def test_a_push_meets_a_fault_at_every_call(pushed, number, lasting):
    pushed.old = list(pushed.versions)
    total = count_calls(pushed, "push", pushed.source)
    assert total > 20
    told = 0
    for n in range(1, total + 1, crash.STEP):
        where = fresh(pushed)
        done = pushed.run(
            "push", pushed.source, **where, env=crash.shim_env(
                where["repo"], fail=f"{n} {number} {lasting}".strip()))
        print(f"call {n}:", done)  # shown when the test fails
        assert done.returncode in (0, 1)
        if done.returncode == 1:
            told += 1
            assert os.strerror(number) in done.stderr
            # It may have been stored, only not be known to be safe.
            said = []
            visible = set(pushed.do("list", **where)) - set(pushed.old)
            assert len(visible) <= 1
            for ident in visible:
                pushed.versions[ident] = pushed.expected()
        else:
            said = done.stdout.split()
        assert_recovers(pushed, where, said)
    assert told > total / crash.STEP / 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO],
                         ids=["ENOSPC", "EIO"])
def test_a_trash_meets_a_fault_at_every_call(pushed, number):
    old, = pushed.versions
    other = pushed.push()
    pushed.before = crash.read_tree(pushed.repo)
    told = 0
    total = count_calls(pushed, "trash", other)
    for n in range(1, total + 1, crash.STEP):
        where = fresh(pushed)
        done = pushed.run("trash", other, **where, env=crash.shim_env(
            where["repo"], fail=f"{n} {number} forever"))
        found = pushed.do("list", **where)
        assert found == [old] or (done.returncode != 0 and
                                  found == [old, other])
        pushed.assert_whole(found, **where)
        if done.returncode != 0:
            told += 1
            assert os.strerror(number) in done.stderr
            if other in found:
                pushed.do("trash", other, **where)
                assert pushed.do("list", **where) == [old]
    assert told > total / crash.STEP / 2


@pytest.mark.parametrize("command", ["check", "pull"])
def test_a_read_error_is_told_and_gives_nothing_wrong(pushed, command):
    ident, = pushed.versions
    to = pushed.root / "to"
    args = [command] if command == "check" else [command, ident, to]
    to.mkdir()
    total = count_calls(pushed, *args)
    told = 0
    for n in range(1, total + 1, crash.STEP):
        shutil.rmtree(to)
        to.mkdir()
        where = fresh(pushed)
        done = pushed.run(*args, **where, env=crash.shim_env(
            where["repo"], fail=f"{n} {errno.EIO}"))
        assert done.returncode >= 0, done
        told += done.returncode != 0
        if command == "pull":
            below = to / str(pushed.source)[1:]
            found = crash.read_tree(below) if below.exists() else {}
            right = pushed.versions[ident]
            assert found.items() <= right.items()
            assert done.returncode != 0 or found == right
    assert told > total / crash.STEP / 2


def test_a_push_can_be_killed_at_any_moment(pushed):
    pushed.old = list(pushed.versions)
    start = time.monotonic()
    pushed.do("push", pushed.source, **fresh(pushed))
    length = time.monotonic() - start
    rng = random.Random(1)
    for _ in range(KILLS):
        where = fresh(pushed)
        running = subprocess.Popen(
            [DRIVE, "push", where["repo"], pushed.source],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PLAKAR_CACHE": str(where["cache"])})
        # When exactly does not matter: every moment must do.
        time.sleep(rng.random() * length)
        running.kill()
        said = running.communicate()[0].split()
        if not said:
            visible = set(pushed.do("list", **where)) - set(pushed.old)
            for ident in visible:
                pushed.versions[ident] = pushed.expected()
        assert_recovers(pushed, where, said)


def test_a_disk_that_is_really_full(place):
    """On a file system of a few pages; needs the right to mount one."""
    small = place.root / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", small],
        capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"can't mount a tmpfs: {mounted.stderr.strip()}")
    try:
        where = {"repo": small / "repo", "cache": place.root / "small-cache"}
        place.do("init", **where)
        place.write_source(1)
        place.old = [place.push(**where)]
        big = place.source / "big"
        big.write_bytes(random.Random(0).randbytes(3 << 20))
        done = place.run("push", place.source, **where)
        assert done.returncode == 1
        assert "disk full" in done.stderr
        assert list((where["repo"] / "tmp").iterdir()) == []
        place.assert_whole(place.old, **where)
        # With the big file gone, there is room again.
        big.unlink()
        new = place.push(**where)
        place.assert_whole(place.old + [new], **where)
    finally:
        subprocess.run(["umount", small], check=True)
