# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The power fails after any call of a push or of a trash: nothing that was
saved is lost, and all goes on as if nothing had been."""

import itertools
import shutil

import pytest

import crash
from drive import DRIVE, make_place  # noqa: F401 (a fixture)

SEEDS = range(1 if crash.SANITIZED else 10)


def states_of(place, *command):
    """Run a command of drive recorded; returns what it said, and the states.

    The local cache is left as the whole command left it: it may know of what
    the repository has lost.
    """
    recording = crash.Recording(
        place.repo, [DRIVE, command[0], place.repo, *map(str, command[1:])],
        place.root / "log", env={"PLAKAR_CACHE": str(place.cache)})
    return recording.done.stdout.split(), recording


def each_state(place, recording, model):
    """Yield (complete, where) for each state, written out, with a copy of
    the cache."""
    count = 0
    for complete, text, state in recording.states(model, SEEDS):
        repo, cache = place.root / "state", place.root / "state-cache"
        crash.write_tree(state, repo)
        shutil.copytree(place.cache, cache)
        print("state:", text)  # shown when the test fails
        yield complete, {"repo": repo, "cache": cache}
        shutil.rmtree(repo)
        shutil.rmtree(cache)
        count += 1
    assert count > 1


def visible(place, where, candidates):
    """The snapshots that are listed, which must be among the candidates."""
    found = set(place.do("list", **where))
    assert found <= set(candidates)
    return found


@pytest.mark.parametrize("model", crash.MODELS)
def test_a_push_that_is_cut_off_loses_nothing(place, model):
    old, = place.versions
    place.write_source(2)
    said, recording = states_of(place, "push", place.source)
    new, = said
    place.versions[new] = place.expected()
    place.write_source(3)

    for complete, where in each_state(place, recording, model):
        found = visible(place, where, [old, new])
        assert old in found
        # What was reported as saved is saved.
        assert new in found or not complete
        place.assert_whole(found, **where)
        # The next push completes, and finds no damage to build on.
        next_one = place.push(**where)
        place.assert_whole(found | {next_one}, **where)
        place.do("keyless", **where)
        del place.versions[next_one]


@pytest.mark.parametrize("model", crash.MODELS)
def test_a_trash_that_is_cut_off_is_done_or_not(place, model):
    old, = place.versions
    place.write_source(2)
    other = place.push()
    _, recording = states_of(place, "trash", other)

    for complete, where in each_state(place, recording, model):
        found = visible(place, where, [old, other])
        assert old in found
        assert other not in found or not complete
        place.assert_whole(found, **where)
        next_one = place.push(**where)
        place.assert_whole(found | {next_one}, **where)
        del place.versions[next_one]


def test_a_push_can_be_killed_at_every_call(place):
    old, = place.versions
    place.write_source(2)
    before = crash.read_tree(place.repo)
    shutil.copytree(place.cache, place.root / "cache0")
    calls = place.root / "calls"
    place.do("push", place.source,
             env=crash.shim_env(place.repo, count=calls))
    total = int(calls.read_text())
    assert total > 20

    killed = 0
    for n in range(1, total + 1, crash.STEP):
        repo, cache = place.root / "state", place.root / "state-cache"
        crash.write_tree(before, repo)
        shutil.copytree(place.root / "cache0", cache)
        where = {"repo": repo, "cache": cache}
        done = place.run("push", place.source, **where,
                         env=crash.shim_env(repo, kill=n))
        # How many reads there are depends on what the threads find.
        killed += done.returncode == -9
        found = set(place.do("list", **where))
        assert old in found and len(found) <= 2
        for ident in found - {old}:
            place.versions[ident] = place.expected()
        place.assert_whole(found, **where)
        new = place.push(**where)
        place.assert_whole(found | {new}, **where)
        shutil.rmtree(repo)
        shutil.rmtree(cache)
    assert killed >= total // crash.STEP - 3


@pytest.mark.parametrize("model", crash.MODELS)
def test_an_interrupted_init_can_be_repeated(place, model):
    shutil.rmtree(place.repo)
    shutil.rmtree(place.cache, ignore_errors=True)
    top = place.root / "top"
    top.mkdir()
    recording = crash.Recording(
        top, [DRIVE, "init", top / "repo"], place.root / "log",
        env={"PLAKAR_CACHE": str(place.cache)})
    states = list(recording.states(model, SEEDS[:1]))
    # Most of the calls make the 256 folders: not each of them tells more.
    picked = itertools.chain(
        states[:-1:16 * crash.STEP], states[-40::crash.STEP], states[-1:])
    for n, (complete, text, state) in enumerate(picked):
        root = place.root / f"init{n}"
        crash.write_tree(state, root)
        repo = root / "repo"
        where = {"repo": repo, "cache": root / "cache"}
        made = (repo / "config").exists()
        assert made or not complete, text
        if not made:
            place.do("init", **where)
        ident = place.push(**where)
        place.assert_whole([ident], **where)
        shutil.rmtree(root)
