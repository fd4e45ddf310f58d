# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""How pushes build on each other: parents, interruptions, checkpoints,
damage that the next push mends, and several pushes at once."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from maison import clean_env, program, wait_for


class Repository:
    """A repository of its own, with the lines of JSON that plakar prints."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.path = self.home / "repository"
        self.env = clean_env(home, PLAKAR_REPOSITORY=str(self.path))
        self("init", "--no-passphrase")

    def start(self, *args):
        return subprocess.Popen(
            [program("plakar/plakar"), *map(str, args)], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __call__(self, *args, status=0):
        process = self.start(*args)
        out, err = process.communicate()
        assert process.returncode == status, out + err
        return out

    def json(self, *args, status=0):
        return [json.loads(line)
                for line in self(*args, "--json", status=status).splitlines()]

    def push(self, *args, status=0):
        """The last line of a push: what came of it."""
        return self.json("push", *args, status=status)[-1]

    def snapshots(self):
        return [s for s in self.json("list") if s["type"] == "snapshot"]


@pytest.fixture
def repo(tmp_path):
    return Repository(tmp_path)


def make_tree(top, files, size, seed=1):
    """files files of about size bytes that don't compress."""
    rand = random.Random(seed)
    for i in range(files):
        folder = top / f"d{i // 50:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{i:05d}").write_bytes(
            rand.randbytes(rand.randrange(size // 2, size)))


def wait_old(tree):
    """Wait until no change in tree is recent: then it is trusted."""
    changed = max(os.lstat(path).st_ctime for path in tree.rglob("*"))
    wait_for("time to pass", lambda: time.time() > changed + 2.5)


def same(a, b):
    """Whether two trees hold the same files."""
    done = subprocess.run(["diff", "-r", str(a), str(b)], check=False,
                          stdout=subprocess.PIPE, text=True)
    return done.stdout == ""


def test_second_push_reads_only_what_changed(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 100, 5000)
    wait_old(tree)
    first = repo.push(tree)
    (tree / "d000" / "f00007").write_bytes(b"changed" * 1000)
    second = repo.push("--why", tree)
    assert first["unchanged"] == 0
    assert second["unchanged"] == 99
    assert second["files"] == 100
    assert 0 < second["new_bytes"] <= 7000
    why = [line for line in repo.json("push", "--why", "--force", tree)
           if line["type"] == "why"]
    assert len(why) == 100


def test_interrupted_push_leaves_a_partial_parent(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 3000, 20000)
    wait_old(tree)
    process = repo.start("push", "--compression", "19", tree)
    wait_for("a pack under way",
             lambda: any((repo.path / "tmp").iterdir())
             or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    if process.returncode == 0:
        pytest.skip("the push was faster than its interruption")
    assert process.returncode == 3, err
    assert "interrupted" in err
    partial = repo.snapshots()
    if partial:
        assert partial[0]["partial"] is True
    repo("check", "--data")
    whole = repo.push(tree)
    assert whole["partial"] is False
    assert whole["files"] == 3000
    if partial:
        assert whole["unchanged"] >= partial[0]["files"]
    repo("pull", "latest", "--to", tmp_path / "out")
    assert same(tree, tmp_path / "out" / str(tree)[1:])


def test_killed_push_loses_no_work_that_was_indexed(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 400, 100000)
    process = repo.start("push", "--checkpoint", "1M", tree)
    wait_for("a checkpoint",
             lambda: any((repo.path / "snapshots").iterdir())
             or process.poll() is not None)
    process.kill()
    process.communicate()
    repo("check", "--data")
    again = repo.push(tree)
    total = sum(f.stat().st_size for f in tree.rglob("f*"))
    assert again["files"] == 400
    assert again["new_bytes"] < total
    repo("check", "--data")


def test_checkpoints_are_gone_when_the_push_is_done(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 300, 50000)
    done = repo.push("--checkpoint", "500K", tree)
    assert done["partial"] is False
    assert [s["id"] for s in repo.snapshots()] == [done["id"]]
    repo("check", "--data")


def test_dry_run_stores_nothing(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 20, 5000)
    before = sorted(p for p in repo.path.rglob("*") if p.is_file())
    done = repo.push("--dry-run", tree)
    assert done["files"] == 20
    assert done["new_bytes"] == sum(
        f.stat().st_size for f in tree.rglob("f*"))
    assert sorted(p for p in repo.path.rglob("*") if p.is_file()) == before


def test_repository_inside_the_tree_is_left_out(repo, tmp_path):
    (tmp_path / "file").write_text("text")
    repo.push(tmp_path)
    names = repo("ls", "-R", f"latest:{tmp_path}")
    assert "file" in names
    assert f"{repo.path}/" not in names


def test_equal_files_are_stored_once(repo, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    data = random.Random(3).randbytes(3_000_000)
    for name in ("a", "b", "c"):
        (tree / name).write_bytes(data)
    assert repo.push(tree)["new_bytes"] == len(data)


def test_small_edit_of_a_large_file_costs_little(repo, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    data = bytearray(random.Random(4).randbytes(20_000_000))
    (tree / "image").write_bytes(data)
    repo.push(tree)
    data[10_000_000:10_000_000] = b"some bytes put in"
    (tree / "image").write_bytes(data)
    assert repo.push(tree)["new_bytes"] < 400_000


def test_push_mends_what_the_repository_lost(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 50, 20000)
    wait_old(tree)
    repo.push(tree)
    index = list((repo.path / "index").iterdir())
    assert len(index) == 1
    index[0].unlink()
    repo("check", status=1)
    mended = repo.push(tree)
    assert mended["unchanged"] == 0
    assert mended["new_bytes"] > 0
    repo("pull", "latest", "--to", tmp_path / "out")
    assert same(tree, tmp_path / "out" / str(tree)[1:])
    # The old snapshot may be whole again too, unless a directory above the
    # tree has changed since: then a node of it is gone for good.
    repo("check", "--data", mended["id"])


def test_many_pushes_at_once_all_hold(repo, tmp_path):
    trees = []
    for i in range(4):
        tree = tmp_path / f"tree{i}"
        make_tree(tree, 100, 20000, seed=i // 2)  # two and two are equal
        trees.append(tree)
    running = [repo.start("push", tree) for tree in trees]
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err
    repo("check", "--data")
    assert len(repo.snapshots()) == 4
    for snapshot, out in zip(repo.snapshots(), ("o0", "o1", "o2", "o3")):
        repo("pull", snapshot["id"], "--to", tmp_path / out)
    for tree in trees:
        assert any(same(tree, tmp_path / f"o{i}" / str(tree)[1:])
                   for i in range(4)
                   if (tmp_path / f"o{i}" / str(tree)[1:]).exists())


def test_push_of_nothing_that_exists_fails(repo, tmp_path):
    repo("push", tmp_path / "nowhere", status=1)
    assert repo.snapshots() == []


def test_lost_cache_costs_nothing_but_time(repo, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 50, 20000)
    repo.push(tree)
    shutil.rmtree(repo.home / ".cache")
    assert repo.push(tree)["new_bytes"] == 0
    shutil.rmtree(repo.home / ".cache")
    repo("check", "--data")


def test_memory_stays_bounded_with_many_files(repo, tmp_path):
    tree = tmp_path / "tree"
    for folder in range(100):
        (tree / str(folder)).mkdir(parents=True)
        for i in range(300):
            (tree / str(folder) / str(i)).write_text(f"{folder} {i} " * 40)
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c",
         "import resource, subprocess, sys;"
         "subprocess.run(sys.argv[1:], check=True, stdout=2);"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
         program("plakar/plakar"), "push", str(tree)],
        env=repo.env, check=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    if "ASAN_OPTIONS" not in os.environ and "asan" not in program(
            "plakar/plakar"):
        assert int(done.stdout.split()[-1]) < 64 * 1024
