# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Damage to any byte of any object is found, and never comes back as content
of a file."""

import shutil
import subprocess

import pytest

import crash
from drive import make_place  # noqa: F401 (a fixture)

BITROT = crash.BUILD / "plakar/tests/crash/plakar_bitrot"
PARTS = 4


@pytest.fixture(name="two")
def make_two(place):
    """A repository of two snapshots, and what each must give."""
    place.write_source(2)
    place.push()
    for ident in place.versions:
        right = place.root / "right" / ident
        right.mkdir(parents=True)
        place.do("pull", ident, right)
    return place


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", ["flip", "cut"])
def test_every_byte_matters(two, how, part):
    work = two.root / "work"
    work.mkdir()
    done = subprocess.run(
        [BITROT, how, two.repo, two.root / "right", work, str(part),
         str(PARTS * crash.STEP)],
        text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    objects, tried, whole, refused = map(int, done.stdout.split())
    assert objects == 10
    assert tried * PARTS * crash.STEP > 8000
    # Damage to one snapshot leaves the other whole.
    assert whole > tried / 10 and refused > tried / 10


def objects_of(repo):
    return sorted(path for path in repo.rglob("*") if path.is_file())


def replace(path, content):
    path.chmod(0o600)
    path.write_bytes(content)


def assert_told(place, what):
    """The check says that something is wrong; pulls give nothing wrong."""
    where = {"cache": place.root / "fresh"}
    done = place.run("check", **where)
    assert done.returncode != 0, what
    assert done.stderr.strip(), what
    for ident, right in place.versions.items():
        to = place.root / "to"
        to.mkdir()
        done = place.run("pull", ident, to, **where)
        below = to / str(place.source)[1:]
        found = crash.read_tree(below) if below.exists() else {}
        assert found.items() <= right.items(), what
        assert done.returncode != 0 or found == right, what
        shutil.rmtree(to)
    shutil.rmtree(where["cache"], ignore_errors=True)


def test_an_object_in_another_s_place_is_told(two):
    objects = objects_of(two.repo)
    for kind in ("data", "index", "keys", "snapshots"):
        some = [path for path in objects
                if path.relative_to(two.repo).parts[0] == kind]
        assert some
        for one in some:
            right = one.read_bytes()
            for other in objects:
                if other != one:
                    replace(one, other.read_bytes())
                    assert_told(two, f"{other} in the place of {one}")
            replace(one, right)
    two.assert_whole(two.versions)


def test_two_objects_swapped_are_told(two):
    objects = objects_of(two.repo)
    for n, one in enumerate(objects):
        for other in objects[n + 1:]:
            a, b = one.read_bytes(), other.read_bytes()
            replace(one, b)
            replace(other, a)
            assert_told(two, f"{one} and {other} swapped")
            replace(one, a)
            replace(other, b)
    two.assert_whole(two.versions)


def test_a_missing_object_is_told(two):
    for path in objects_of(two.repo):
        content = path.read_bytes()
        path.unlink()
        if path.parent.name == "snapshots":
            # It looks as if it had never been; the other is whole.
            left = [ident for ident in two.versions
                    if not path.name.startswith(ident)]
            assert len(left) == 1
            where = {"cache": two.root / "fresh"}
            assert two.do("list", **where) == left
            assert two.pulled(left[0], **where) == two.versions[left[0]]
        else:
            assert_told(two, f"{path} removed")
        path.write_bytes(content)
    two.assert_whole(two.versions)


def test_bytes_added_to_an_object_are_told(two):
    for path in objects_of(two.repo):
        content = path.read_bytes()
        for more in (b"\0", content):
            replace(path, content + more)
            assert_told(two, f"{path} with {len(more)} bytes more")
        replace(path, content)
    two.assert_whole(two.versions)
