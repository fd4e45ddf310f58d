# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The rooms of plakar, run by drive.c, over a small source that changes."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import pytest

import crash

DRIVE = crash.BUILD / "plakar/tests/crash/plakar_drive"


class Place:
    """A scratch folder in memory where there is one: thousands of states are
    written to it, and syncs are not what is tested there."""

    def __init__(self):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="plakar-",
                                                  dir=memory))
        self.repo = self.root / "repo"
        self.cache = self.root / "cache"
        self.source = self.root / "source"
        self.versions = {}  # snapshot id -> what it must give back

    def run(self, *args, repo=None, cache=None, env=None):
        """Run drive VERB with the repository put in; no check of status."""
        verb, *rest = map(str, args)
        return subprocess.run(
            [DRIVE, verb, repo or self.repo, *rest], text=True, check=False,
            stdin=subprocess.DEVNULL, capture_output=True,
            env={**os.environ, "PLAKAR_CACHE": str(cache or self.cache),
                 **(env or {})})

    def do(self, *args, **where):
        done = self.run(*args, **where)
        assert done.returncode == 0, f"{args}: {done.stderr}"
        return done.stdout.split()

    def write_source(self, version):
        """Files that change a little from version to version."""
        rng = random.Random(version)
        shutil.rmtree(self.source, ignore_errors=True)
        (self.source / "dir/sub").mkdir(parents=True)
        (self.source / "same").write_bytes(b"the same in all versions\n" * 40)
        (self.source / "dir/text").write_text(f"version {version}\n" * 50)
        (self.source / "dir/sub/random").write_bytes(rng.randbytes(2000))
        (self.source / f"dir/only{version}").write_bytes(rng.randbytes(300))
        (self.source / "empty").touch()
        (self.source / "link").symlink_to("dir/text")

    def push(self, **where):
        """Push the source; returns the id, and remembers the content."""
        ident, = self.do("push", self.source, **where)
        self.versions[ident] = self.expected()
        return ident

    def expected(self):
        return crash.read_tree(self.source)

    def pulled(self, ident, **where):
        """What a snapshot gives back, as a state."""
        with tempfile.TemporaryDirectory(dir=self.root) as to:
            self.do("pull", ident, to, **where)
            return crash.read_tree(to + str(self.source))

    def assert_whole(self, idents, **where):
        """The check is clean, and these snapshots, no others, come back."""
        self.do("check", **where)
        assert set(self.do("list", **where)) == set(idents)
        for ident in idents:
            assert self.pulled(ident, **where) == self.versions[ident]


@pytest.fixture(name="place")
def make_place():
    place = Place()
    place.do("init")
    place.write_source(1)
    place.push()
    yield place
    shutil.rmtree(place.root)
