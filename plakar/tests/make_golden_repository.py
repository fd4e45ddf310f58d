#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Makes doc/formats/vectors/repository and repository.json.

usage: make_golden_repository.py PLAKAR

Not run again: the tests read what version 1 once wrote.  To be used for the
repository of a new version of the format, beside the old one.
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "plakar/tests/support"))

import plakar_reader as reader  # noqa: E402

PASSPHRASE = "a house of one's own"
TIME = 1_600_000_000_123_456_789


def described(repository, snapshot):
    """A snapshot as a JSON value, but for what differs with its place."""
    out = {}
    for path, e in repository.entries(snapshot).items():
        out[os.fsdecode(path)] = {
            "type": e.type, "mode": oct(e.mode), "uid": e.uid, "gid": e.gid,
            "size": e.size, "mtime": e.mtime, "hard links": bool(e.links),
            "target": e.target and os.fsdecode(e.target),
            "xattrs": {os.fsdecode(k): base64.b64encode(v).decode()
                       for k, v in sorted(e.xattrs.items())},
            "sha256": hashlib.sha256(repository.content(e)).hexdigest()
            if e.type == reader.FILE else None}
    return {"name": snapshot.name, "start": snapshot.start,
            "host": snapshot.host.decode(), "user": snapshot.user.decode(),
            "roots": [os.fsdecode(r) for r in snapshot.roots],
            "tags": [t.decode() for t in snapshot.tags],
            "trashed": snapshot.name in repository.trashed(),
            "sums": list(snapshot.sums), "entries": out}


def make_tree(top):
    top.mkdir()
    (top / "empty").touch()
    (top / "short").write_text("kept in its entry\n")
    (top / "large").write_bytes(random.Random(1).randbytes(150_000))
    (top / "text").write_text("the same line, again and again\n" * 3000)
    (top / "nümber of ways").symlink_to("short")
    (top / "folder").mkdir(0o750)
    os.link(top / "short", top / "folder/short too")
    os.setxattr(top / "text", "user.mime", b"text/plain")
    os.mkfifo(top / "pipe")
    with open(top / "sparse", "wb") as f:
        f.truncate(1 << 20)
        f.write(b"at the front")
    for path in [*top.rglob("*"), top]:
        os.utime(path, ns=(TIME, TIME), follow_symlinks=False)


def main():
    vectors = ROOT / "doc/formats/vectors"
    top = pathlib.Path("/tmp/golden")
    with tempfile.NamedTemporaryFile("w") as word:
        word.write(PASSPHRASE + "\n")
        word.flush()

        def plakar(*args):
            subprocess.run([sys.argv[1], "at", vectors / "repository", *args,
                            "--passphrase-file", word.name], check=True)

        plakar("init")
        make_tree(top)
        plakar("push", "--tag", "first", top)
        (top / "folder/later").write_text("came with the second\n")
        plakar("push", "--tag", "second", top)
        (top / "text").unlink()
        plakar("push", top)
        repository = reader.Repository(vectors / "repository",
                                       PASSPHRASE.encode())
        plakar("trash", repository.snapshots()[-1].name[:32])
    about = {"passphrase": PASSPHRASE,
             "snapshots": [described(repository, s)
                           for s in repository.snapshots()]}
    with open(vectors / "repository.json", "w") as f:
        json.dump(about, f, indent=1)
        f.write("\n")
    subprocess.run(["rm", "-r", top], check=True)


if __name__ == "__main__":
    main()
