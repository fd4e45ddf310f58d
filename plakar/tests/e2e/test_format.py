# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What plakar writes, as doc/formats/plakar-repository.md says it: read by a
second implementation of that page, and by plakar long after it was written."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess

import pytest

import everything
import plakar_reader as reader
from maison import ROOT, clean_env, program
from make_chunker_vectors import cuts
from make_golden_repository import described

VECTORS = ROOT / "doc/formats/vectors"
TYPES = {stat.S_IFREG: reader.FILE, stat.S_IFDIR: reader.DIRECTORY,
         stat.S_IFLNK: reader.LINK, stat.S_IFIFO: reader.FIFO,
         stat.S_IFSOCK: reader.SOCKET, stat.S_IFCHR: reader.CHARACTER,
         stat.S_IFBLK: reader.BLOCK}


class Plakar:
    """A repository of its own."""

    def __init__(self, home, *init):
        self.home, self.path = home, home / "repository"
        self.env = clean_env(home, PLAKAR_REPOSITORY=str(self.path))
        self("init", *(init or ("--no-passphrase",)))

    def __call__(self, *args):
        done = subprocess.run(
            [program("plakar/plakar"), *map(str, args)], env=self.env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def push(self, *args):
        """Push, and the second reader's view of the newest snapshot."""
        self("push", *args)
        repository = reader.Repository(self.path)
        return repository, repository.snapshots()[-1]


@pytest.fixture
def plakar(tmp_path):
    return Plakar(tmp_path)


def walk(top):
    """The bytes of every path at and below top."""
    yield top
    if stat.S_ISDIR(os.lstat(top).st_mode):
        for name in os.listdir(top):
            yield from walk(os.path.join(top, name))


def attributes(path):
    found = {os.fsencode(name): os.getxattr(path, name, follow_symlinks=False)
             for name in os.listxattr(path, follow_symlinks=False)}
    return {name: value for name, value in found.items()
            if not name.startswith(b"security.selinux")}


def compare(repository, path, e):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    assert e.type == TYPES[kind]
    assert (e.mode, e.uid, e.gid) == (
        stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid)
    assert (e.mtime, e.ctime, e.inode) == (
        st.st_mtime_ns, st.st_ctime_ns, st.st_ino)
    assert e.error is None and not e.changed
    assert (e.links is not None) == (
        st.st_nlink > 1 and kind != stat.S_IFDIR)
    if e.links:
        assert e.links == (st.st_nlink, os.major(st.st_dev),
                           os.minor(st.st_dev))
    if e.device:
        assert e.device == (os.major(st.st_rdev), os.minor(st.st_rdev))
    if kind == stat.S_IFLNK:
        assert e.target == os.readlink(path)
    if kind == stat.S_IFREG:
        assert e.size == st.st_size
        if st.st_size < 1 << 30:
            with open(path, "rb") as f:
                assert repository.content(e) == f.read()
    assert e.xattrs == attributes(path)


def test_one_of_everything_is_read_as_it_is(plakar, tmp_path):
    top = tmp_path / "everything"
    top.mkdir()
    below = os.fsencode(top)
    everything.plain(below)
    if os.geteuid() == 0:
        everything.privileged(below)
    repository, snapshot = plakar.push("--tag", "one", "--tag", "two", top)
    entries = repository.entries(snapshot)
    for path in walk(below):
        compare(repository, path, entries[path])
    parents = {os.fsencode(p) for p in top.parents}
    assert set(entries) == set(walk(below)) | parents
    assert snapshot.roots == [below]
    assert snapshot.tags == [b"one", b"two"]
    assert snapshot.end >= snapshot.start
    assert snapshot.users[0] == b"root"


def test_index_tables_and_blocks_agree(plakar, tmp_path):
    rand = random.Random(7)
    for i in range(60):
        (tmp_path / f"f{i}").write_bytes(rand.randbytes(i * 3000))
    repository, _ = plakar.push(*tmp_path.glob("f*"))
    (tmp_path / "f5").write_bytes(rand.randbytes(100_000))
    repository, _ = plakar.push(*tmp_path.glob("f*"))
    assert len(repository.index) > 100
    assert repository.index == repository.index_from_packs(scan=False)
    assert repository.index == repository.index_from_packs(scan=True)


def test_chunks_end_where_the_page_says(plakar, tmp_path):
    data = random.Random(3).randbytes(3 << 20)
    (tmp_path / "big").write_bytes(data)
    repository, snapshot = plakar.push(tmp_path / "big")
    entry = repository.entries(snapshot)[os.fsencode(tmp_path / "big")]
    lengths = [length for length, _ in repository.items(entry)]
    assert lengths == cuts(repository.secrets["gear"],
                           *repository.config.chunker, data)


def test_nodes_end_where_the_page_says(plakar, tmp_path):
    rand = random.Random(9)
    top = tmp_path / "tree"
    for i in range(3000):
        folder = top / f"folder {i % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        name = "".join(rand.choices("abcdef", k=rand.randrange(5, 200)))
        (folder / f"{name} {i}").write_bytes(rand.randbytes(i % 90))
    repository, snapshot = plakar.push(top)
    levels = repository.levels(snapshot.tree)
    assert len(levels) > 1 and len(levels[0]) > 10
    for level, nodes in enumerate(levels):
        items = [item for node in nodes for item in node.items]
        lengths = [n for node in nodes for n in node.lengths]
        split = reader.split_tree(repository.secrets["boundary"], level,
                                  items, lengths)
        assert split == [node.items for node in nodes]


def test_content_nodes_end_where_the_page_says(plakar, tmp_path):
    with open(tmp_path / "image", "wb") as f:
        f.write(random.Random(4).randbytes(48 << 20))
        f.seek(1 << 30)
        f.write(b"after a hole")
    repository, snapshot = plakar.push(tmp_path / "image")
    entry = repository.entries(snapshot)[os.fsencode(tmp_path / "image")]
    levels = repository.content_levels(entry.content_id)
    for level, nodes in enumerate(levels):
        items = [item for node in nodes for item in node]
        if level:
            items = [tuple(item) for item in items]
        assert reader.split_content(level, items) == nodes
    assert sum(n for n, _ in repository.items(entry)) == entry.size
    assert any(chunk is None for _, chunk in repository.items(entry))


def test_snapshots_name_their_parent_and_those_before(plakar, tmp_path):
    (tmp_path / "file").write_text("one")
    _, first = plakar.push(tmp_path / "file")
    _, second = plakar.push(tmp_path / "file")
    repository, third = plakar.push(tmp_path / "file")
    assert first.parent is None and first.previous is None
    assert second.parent.hex() == second.previous.hex() == first.name
    assert third.previous.hex() == second.name
    plakar("trash", first.name[:32])
    assert repository.trashed() == {first.name}


def test_a_passphrase_opens_and_another_does_not(tmp_path):
    (tmp_path / "word").write_text("correct horse\n")
    plakar = Plakar(tmp_path, "--passphrase-file", tmp_path / "word")
    reader.Repository(plakar.path, b"correct horse")
    with pytest.raises(reader.Bad, match="no slot opens"):
        reader.Repository(plakar.path, b"wrong horse")


# --- the golden repository: written by version 1, read for ever ---

@pytest.fixture
def golden(tmp_path):
    """(the golden repository, what it holds), a copy that may be changed."""
    shutil.copytree(VECTORS / "repository", tmp_path / "repository")
    about = json.loads((VECTORS / "repository.json").read_text())
    return tmp_path / "repository", about


def test_golden_repository_read_by_the_second_reader(golden):
    path, about = golden
    repository = reader.Repository(path, about["passphrase"].encode())
    assert [described(repository, s) for s in repository.snapshots()] == \
        about["snapshots"]
    assert repository.index == repository.index_from_packs(scan=True)


def test_golden_repository_read_by_plakar(golden, tmp_path):
    path, about = golden
    (tmp_path / "word").write_text(about["passphrase"] + "\n")

    def run(*args):
        done = subprocess.run(
            [program("plakar/plakar"), "at", path, *args,
             "--passphrase-file", tmp_path / "word"],
            env=clean_env(tmp_path), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("check")
    for snapshot in about["snapshots"]:
        if snapshot["trashed"]:
            continue
        assert snapshot["name"][:32] in run("list", "--json")
        out = tmp_path / snapshot["name"]
        run("pull", "--to", out, snapshot["name"][:32])
        [root] = snapshot["roots"]
        below = {str(out) + name: e for name, e in snapshot["entries"].items()
                 if name == root or name.startswith(root + "/")}
        assert {os.fsdecode(p) for p in walk(os.fsencode(str(out) + root))} \
            == set(below)
        for path_out, e in below.items():
            compare_golden(path_out, e)


def compare_golden(path, e):
    st = os.lstat(path)
    assert TYPES[stat.S_IFMT(st.st_mode)] == e["type"]
    assert st.st_mtime_ns == e["mtime"]
    if e["type"] != reader.LINK:
        assert oct(stat.S_IMODE(st.st_mode)) == e["mode"]
    else:
        assert os.readlink(path) == e["target"]
    if e["type"] == reader.FILE:
        data = pathlib.Path(path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == e["sha256"]
        assert (st.st_nlink > 1) == e["hard links"]
