# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The store in every state that a crash can leave; and proof that these
tests see it when a program is careless."""

import hashlib
import os
import subprocess

import pytest

import crash

SEEDS = range(40)


def toy(*args, env=None):
    done = subprocess.run([crash.TOY, *map(str, args)], capture_output=True,
                          text=True, check=False,
                          env={**os.environ, **(env or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fault(state, wanted):
    """What is wrong with the toy's repository, or None.

    wanted: names of snapshots that must be there.
    """
    def get(name):
        kind, ident = name.split("/")
        path = (f"data/{ident[:2]}/{ident}" if kind == "data" else name)
        content = state.get(path)
        if content is None:
            return None, f"{name} is missing"
        if hashlib.sha256(content).hexdigest() != ident:
            return None, f"{name} has other bytes"
        return content.decode("latin-1"), None

    snapshots = {path for path in state if path.startswith("snapshots/")}
    for name in sorted(snapshots | set(wanted)):
        index, wrong = get(name)
        if wrong:
            return wrong
        packs, wrong = get(index)
        if wrong:
            return f"{name}: {wrong}"
        for pack in packs.split():
            _, wrong = get(pack)
            if wrong:
                return f"{name}: {wrong}"
    return None


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    repo = tmp_path / "repo"
    toy("init", repo)
    return repo


def record(tmp_path, *args):
    return crash.Recording(
        tmp_path / "repo", [crash.TOY, *map(str, args)], tmp_path / "log")


def faults(recording, wanted, model):
    """(complete, what is wrong) of each state in which something is."""
    found = []
    count = 0
    for complete, text, state in recording.states(model, SEEDS):
        count += 1
        new = [recording.done.stdout.strip()] if complete else []
        wrong = fault(state, [name for name in wanted + new if name])
        if wrong:
            found.append((complete, f"{text}: {wrong}"))
    assert count > 1
    return found


@pytest.mark.parametrize("model", crash.MODELS)
def test_a_push_loses_nothing_whenever_it_crashes(repo, tmp_path, model):
    old = toy("push", repo, 1)
    recording = record(tmp_path, "push", repo, 2)
    assert faults(recording, [old], model) == []


@pytest.mark.parametrize("model", crash.MODELS)
def test_a_deletion_touches_nothing_else(repo, tmp_path, model):
    old = toy("push", repo, 1)
    other = toy("push", repo, 2)
    recording = record(tmp_path, "trash", repo, other)
    assert faults(recording, [old], model) == []
    gone = [other in state for complete, _, state in recording.states(model)
            if complete]
    assert gone and not any(gone)


def test_a_push_that_never_waits_for_the_disk_is_found_out(repo, tmp_path):
    old = toy("push", repo, 1)
    recording = record(tmp_path, "careless", repo, 2)
    assert faults(recording, [old], "written") == []
    lost = faults(recording, [old], "synced")
    assert [complete for complete, _ in lost] == [True]
    assert faults(recording, [old], "random") != []


def test_a_snapshot_put_too_early_is_found_out(repo, tmp_path):
    old = toy("push", repo, 1)
    recording = record(tmp_path, "hasty", repo, 2)
    for model in crash.MODELS:
        assert faults(recording, [old], model) != []


@pytest.mark.parametrize("model", crash.MODELS)
def test_an_interrupted_init_can_be_repeated(tmp_path, model):
    top = tmp_path / "top"
    top.mkdir()
    recording = crash.Recording(
        top, [crash.TOY, "init", top / "repo"], tmp_path / "log")
    states = [(complete, state) for n, (complete, _, state)
              in enumerate(recording.states(model)) if n % 16 == 0 or complete]
    for n, (complete, state) in enumerate(states):
        root = tmp_path / f"state{n}"
        crash.write_tree(state, root)
        made = (root / "repo/config").exists()
        assert made or not complete
        if not made:
            toy("init", root / "repo")
        toy("push", root / "repo", 1)


def test_what_a_killed_push_leaves_harms_nobody(repo, tmp_path):
    old = toy("push", repo, 1)
    calls = tmp_path / "calls"
    toy("push", repo, 2, env=crash.shim_env(repo, count=calls))
    before = crash.read_tree(repo)
    for n in range(1, int(calls.read_text()) + 1):
        root = tmp_path / f"killed{n}"
        crash.write_tree(before, root)
        done = subprocess.run(
            [crash.TOY, "push", root, "3"], capture_output=True, check=False,
            env={**os.environ, **crash.shim_env(root, kill=n)})
        assert done.returncode == -9
        assert fault(crash.read_tree(root), [old]) is None
        new = toy("push", root, 3)
        assert fault(crash.read_tree(root), [old, new]) is None


@pytest.mark.parametrize("errnum", ["28", "5"], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("lasting", ["", "forever"])
def test_a_failing_disk_is_told_and_loses_nothing(
        repo, tmp_path, errnum, lasting):
    old = toy("push", repo, 1)
    calls = tmp_path / "calls"
    toy("push", repo, 2, env=crash.shim_env(repo, count=calls))
    before = crash.read_tree(repo)
    told = 0
    for n in range(1, int(calls.read_text()) + 1):
        root = tmp_path / f"failed{n}"
        crash.write_tree(before, root)
        done = subprocess.run(
            [crash.TOY, "push", root, "3"], capture_output=True, check=False,
            text=True, env={**os.environ, **crash.shim_env(
                root, fail=f"{n} {errnum} {lasting}".strip())})
        after = crash.read_tree(root)
        assert fault(after, [old]) is None
        if done.returncode == 0:
            # Only the look for leftovers may fail unnoticed.
            assert fault(after, [old, done.stdout.strip()]) is None
            continue
        told += 1
        assert done.returncode == 1
        assert os.strerror(int(errnum)) in done.stderr
        new = toy("push", root, 3)
        assert fault(crash.read_tree(root), [old, new]) is None
    assert told > 20
