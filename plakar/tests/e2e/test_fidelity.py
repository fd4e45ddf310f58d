# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What a file system holds survives push and pull: all of it as root, all
that is possible as anybody else; and what can't be saved is told."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

import everything
import fscompare
from maison import clean_env, need, program

NOBODY = 65534
SCRATCH = "/var/tmp"  # /tmp may be a file system that holds less

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Plakar:
    """plakar with a repository of its own; as uid, if that is given."""

    def __init__(self, home, uid=None):
        self.home = pathlib.Path(home)
        self.prefix = [] if uid is None else [
            need("setpriv"), f"--reuid={uid}", f"--regid={uid}",
            "--clear-groups", "--inh-caps=-all"]
        self.env = clean_env(
            home, PLAKAR_REPOSITORY=str(self.home / "repository"))
        self("init", "--no-passphrase")

    def command(self, *args):
        return [*self.prefix, program("plakar/plakar"),
                *(os.fsdecode(a) for a in args)]

    def __call__(self, *args, status=(0,)):
        done = subprocess.run(
            self.command(*args), env=self.env, cwd=self.home, timeout=300,
            capture_output=True, text=True, errors="surrogateescape",
            check=False)
        said = done.stdout + done.stderr
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert done.returncode in status, (done.returncode, said)
        return done

    def push(self, *args, status=(0,)):
        """The id of the snapshot, and what was said."""
        done = self("push", *args, status=status)
        found = re.search(r"snapshot ([0-9a-f]{32})", done.stdout)
        assert found, done.stdout + done.stderr
        return found[1], done

    def pull(self, what, to, *args, status=(0,)):
        return self("pull", what, "--to", to, *args, status=status)


@pytest.fixture
def scratch():
    """A private directory, removed whatever is locked in it."""
    folder = subprocess.run(
        ["mktemp", "-d", f"{SCRATCH}/plakar-fidelity-XXXXXX"], check=True,
        capture_output=True, text=True).stdout.strip()
    yield pathlib.Path(folder)
    subprocess.run(["chattr", "-R", "-f", "-i", "-a", folder], check=False,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def plakar(scratch):
    home = scratch / "home"
    home.mkdir()
    return Plakar(home)


def below(target, source):
    """Where pull puts what was pushed from source."""
    return os.path.join(os.fsencode(target), os.fsencode(source).lstrip(b"/"))


def assert_same(a, b, ignore=()):
    entries, differences = fscompare.compare(a, b, ignore)
    assert not differences, "\n".join(differences[:40])
    return entries


@contextlib.contextmanager
def mounted(scratch, kind):
    """A new file system of that kind in a file; or skip."""
    make = need(f"mkfs.{kind}")
    image, mount = scratch / "image", scratch / "mount"
    with open(image, "wb") as f:
        f.truncate(512 << 20)
    mount.mkdir()
    subprocess.run([make, "-q", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, mount],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount {kind}: {done.stderr.strip()}")
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


@root_only
@pytest.mark.parametrize("kind,latest", [
    ("ext4", 15_032_385_535),  # its last second, in 2446
    ("xfs", 16_299_260_424),   # in 2486
    ("btrfs", 2**40),          # far beyond 2262
])
def test_everything_comes_back(plakar, scratch, kind, latest):
    with mounted(scratch, kind) as mount:
        source, target = mount / "source", mount / "target"
        tree = os.fsencode(source)
        everything.plain(tree)
        everything.privileged(tree)
        assert everything.locks(tree), "no inode flags"
        if kind == "btrfs":
            everything.btrfs_flags(tree)
        everything.times(tree, latest)

        snapshot, done = plakar.push(source)
        assert "errors=0" in done.stdout
        done = plakar.pull(snapshot, target)
        assert "not restored" not in done.stdout + done.stderr
        assert assert_same(source, below(target, source)) >= 79

        # A second push finds nothing new; a second pull nothing to do.
        plakar.push(source)
        plakar.pull("latest", target, "--overwrite=changed")
        assert_same(source, below(target, source))
        plakar.pull("latest", target, "--overwrite=always")
        assert_same(source, below(target, source))
        plakar("check", "--data")


@root_only
def test_a_damaged_restore_is_put_right(plakar, scratch):
    source, target = scratch / "source", scratch / "target"
    everything.plain(os.fsencode(source))
    everything.privileged(os.fsencode(source))
    snapshot, _ = plakar.push(source)
    plakar.pull(snapshot, target)
    back = pathlib.Path(os.fsdecode(below(target, source)))

    size = (back / "dir/large").stat().st_size
    with open(back / "dir/large", "r+b") as f:
        f.seek(size // 2)
        f.write(b"damage")
    (back / "holes").unlink()
    (back / "text").chmod(0)
    shutil.rmtree(back / "locked")
    (back / "extra").mkdir()
    (back / "extra" / "file").write_text("extra")
    os.symlink("/etc", back / "extra" / "link")
    (back / "program").unlink()
    (back / "program").symlink_to("/bin/sh")
    os.chown(back / "capable", 1, 1)
    os.setxattr(back / "empty", "user.stray", b"stray")

    plakar.pull(snapshot, target, "--overwrite=changed")
    assert (back / "extra" / "file").exists()
    plakar.pull(snapshot, target, "--overwrite=changed", "--delete")
    assert_same(source, back)
    assert pathlib.Path("/etc/passwd").exists()


def test_paths_longer_than_the_system_takes(plakar, scratch):
    """3,000 levels, 36 kB of path."""
    source, target = scratch / "source", scratch / "target"
    source.mkdir()
    fd = os.open(source, os.O_RDONLY)
    for i in range(3000):
        name = f"level {i:05}"
        os.mkdir(name, dir_fd=fd)
        if i % 100 == 0:
            file = os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
            os.write(file, name.encode())
            os.close(file)
        below_fd = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below_fd
    os.close(fd)
    snapshot, done = plakar.push(source)
    assert "files=30" in done.stdout
    plakar.pull(snapshot, target)
    assert assert_same(source, below(target, source)) == 3031


@root_only
def test_another_user_saves_and_restores_what_he_can(scratch):
    scratch.chmod(0o755)
    home = scratch / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    source = scratch / "source"
    tree = os.fsencode(source)
    everything.plain(tree)
    for folder, names, files in os.walk(tree):
        for name in [*names, *files]:
            os.chown(os.path.join(folder, name), NOBODY, NOBODY,
                     follow_symlinks=False)
    os.chown(tree, NOBODY, NOBODY)

    plakar = Plakar(home, NOBODY)
    snapshot, done = plakar.push(source)
    assert "errors=0" in done.stdout
    done = plakar.pull(snapshot, home / "target")
    back = below(home / "target", source)
    assert_same(source, back)


@root_only
def test_what_another_user_cannot_restore_is_one_line(plakar, scratch):
    scratch.chmod(0o755)
    source = scratch / "source"
    tree = os.fsencode(source)
    everything.plain(tree)
    everything.privileged(tree)
    plakar.push(source)
    repository = plakar.home / "repository"
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", plakar.home],
                   check=True)
    assert repository.exists()
    plakar.prefix = [need("setpriv"), f"--reuid={NOBODY}",
                     f"--regid={NOBODY}", "--clear-groups",
                     "--inh-caps=-all"]
    target = plakar.home / "target"
    done = plakar.pull("latest", target, status=(3,))
    said = [line for line in done.stderr.splitlines()
            if "not restored" in line]
    assert len(said) == 1, done.stderr
    for what in ("owner", "extended attribute", "device"):
        assert what in said[0]
    back = pathlib.Path(os.fsdecode(below(target, source)))
    assert (back / "setuid").stat().st_mode & 0o7777 == 0o755
    assert (back / "text").read_bytes() == (source / "text").read_bytes()
    assert not (back / "null").exists()


@root_only
def test_what_cannot_be_read_is_told_and_the_rest_saved(scratch):
    scratch.chmod(0o755)
    home, source = scratch / "home", scratch / "source"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    source.mkdir()
    (source / "open").write_text("open")
    (source / "secret").write_text("secret")
    (source / "secret").chmod(0o600)
    (source / "closed").mkdir(0o700)
    (source / "closed" / "in").write_text("in")
    plakar = Plakar(home, NOBODY)
    snapshot, done = plakar.push(source, status=(3,))
    for path in (source / "secret", source / "closed"):
        lines = [line for line in done.stderr.splitlines()
                 if str(path) in line]
        assert len(lines) == 1, done.stderr
        assert "Permission denied" in lines[0]
    assert "errors=2" in done.stdout
    target = home / "target"
    plakar.pull(snapshot, target, status=(3,))
    back = pathlib.Path(os.fsdecode(below(target, source)))
    assert (back / "open").read_text() == "open"
    assert not (back / "closed" / "in").exists()

    # Once it can be read, it is: an entry with an error isn't carried over.
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", source],
                   check=True)
    snapshot, done = plakar.push(source)
    assert "errors=0" in done.stdout
    plakar.pull(snapshot, home / "target2")
    back = pathlib.Path(os.fsdecode(below(home / "target2", source)))
    assert (back / "secret").read_text() == "secret"
    assert (back / "closed" / "in").read_text() == "in"


class Meddler(threading.Thread):
    """Does something again and again, until the block ends."""

    def __init__(self, action):
        super().__init__()
        self.action = action
        self.over = threading.Event()
        self.times = 0

    def run(self):
        while not self.over.is_set():
            self.action(self.times)
            self.times += 1

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.over.set()
        self.join()


def test_files_that_change_while_they_are_read(plakar, scratch):
    source = scratch / "source"
    source.mkdir()
    (source / "still").write_bytes(os.urandom(100_000))
    (source / "moving").write_bytes(bytes(4 << 20))

    def meddle(i):
        with open(source / "moving", "r+b") as f:
            f.seek(i * 4096 % (4 << 20))
            f.write(os.urandom(100))
            f.truncate((1 + i % 8) << 19)

    for i in range(3):
        with Meddler(meddle):
            snapshot, _ = plakar.push(source)
        target = scratch / f"target{i}"
        plakar.pull(snapshot, target)
        back = pathlib.Path(os.fsdecode(below(target, source)))
        assert ((back / "still").read_bytes()
                == (source / "still").read_bytes())
        assert (back / "moving").exists()
    # At rest, the next push has it right, whatever the last one saw.
    snapshot, _ = plakar.push(source)
    plakar.pull(snapshot, scratch / "rest")
    assert_same(source, below(scratch / "rest", source))
    plakar("check", "--data")


def test_files_that_vanish_or_turn_into_links(plakar, scratch):
    """Nothing outside is ever read through a link that a file became."""
    source, outside = scratch / "source", scratch / "outside"
    source.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("nobody pushed this")
    for i in range(300):
        (source / f"file{i}").write_text("harmless")
        (source / f"dir{i}").mkdir()
        (source / f"dir{i}" / "secret").write_text("harmless")

    def meddle(i):
        name = source / f"file{i % 300}"
        folder = source / f"dir{i % 300}"
        name.unlink(missing_ok=True)
        folder.rename(scratch / "aside")
        if i % 2 == 0:
            name.symlink_to(outside / "secret")
            folder.symlink_to(outside)
            list(os.scandir(source))  # leave it there for a moment
            folder.unlink()
        (scratch / "aside").rename(folder)

    for i in range(5):
        with Meddler(meddle):
            plakar.push(source, status=(0, 3))
        plakar.pull("latest", scratch / f"target{i}", status=(0, 3))
    found = subprocess.run(
        ["grep", "-rl", "nobody pushed this",
         *(scratch / f"target{i}" for i in range(5))],
        capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout


def names_in(folder):
    """All paths below a directory, relative to it."""
    return {os.path.relpath(os.path.join(d, n), folder)
            for d, dirs, files in os.walk(folder) for n in [*dirs, *files]}


def test_excludes_of_each_kind(plakar, scratch):
    source = scratch / "source"
    for folder in ("keep", "cache", "build", "build/sub", "a/b", "deep/build",
                   "tagged"):
        (source / folder).mkdir(parents=True, exist_ok=True)
    for name in ("keep/1.c", "keep/1.o", "keep/important.o", "cache/x",
                 "build/x", "build/sub/y", "a/b/only here", "deep/build/z",
                 "tagged/x", "listed", "ignored.tmp", "large"):
        (source / name).write_text("text")
    (source / "tagged" / "CACHEDIR.TAG").write_text(
        "Signature: 8a477f597d28d172789f06886806bc55\n")
    (source / "large").write_bytes(bytes(100_001))
    (source / ".plakarignore").write_text("# temporary\n*.tmp\n")
    patterns = scratch / "patterns"
    patterns.write_text("listed\n")

    snapshot, _ = plakar.push(
        source, "--exclude", "*.o", "--exclude", "!important.o",
        "--exclude", f"{source}/cache", "--exclude", "a/b",
        "--exclude", "/build", "--exclude", "deep/**/z",
        "--exclude-from", patterns, "--exclude-caches",
        "--exclude-larger-than", "100000", "--ignore-files")
    plakar.pull(snapshot, scratch / "target")
    back = below(scratch / "target", source)
    assert names_in(os.fsdecode(back)) == {
        ".plakarignore", "keep", "keep/1.c", "keep/important.o", "build",
        "build/x", "build/sub", "build/sub/y", "a", "deep", "deep/build",
        "tagged", "tagged/CACHEDIR.TAG"}


def test_several_roots_in_one_snapshot(plakar, scratch):
    for name in ("one/a", "one/b/c", "two", "not this", "three"):
        (scratch / "roots" / name).mkdir(parents=True)
    for name in ("one/a/1", "one/b/c/2", "two/3", "not this/4", "three/5",
                 "one/6"):
        (scratch / "roots" / name).write_text(name)
    roots = scratch / "roots"
    snapshot, _ = plakar.push(
        roots / "two", roots / "one" / "b", roots / "three" / "5",
        roots / "one" / "b" / "c", roots / "two")
    plakar.pull(snapshot, scratch / "target")
    back = pathlib.Path(os.fsdecode(below(scratch / "target", roots)))
    assert names_in(back) == {"one", "one/b", "one/b/c", "one/b/c/2", "two",
                              "two/3", "three", "three/5"}
    assert_same(roots / "one" / "b", back / "one" / "b")
    assert_same(roots / "two", back / "two")


@root_only
def test_one_file_system(plakar, scratch):
    source = scratch / "source"
    (source / "mount").mkdir(parents=True)
    (source / "file").write_text("file")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "mode=0751", "none", source / "mount"],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        (source / "mount" / "in").write_text("in")
        one, _ = plakar.push(source, "--one-file-system")
        all_, _ = plakar.push(source)
    finally:
        subprocess.run(["umount", source / "mount"], check=True)
    plakar.pull(one, scratch / "one")
    plakar.pull(all_, scratch / "all")
    back = os.fsdecode(below(scratch / "one", source))
    assert names_in(back) == {"mount", "file"}
    assert os.stat(os.path.join(back, "mount")).st_mode & 0o777 == 0o751
    assert names_in(os.fsdecode(below(scratch / "all", source))) == {
        "mount", "mount/in", "file"}


@root_only
def test_a_real_system_comes_back(plakar, scratch):
    """Some of /usr, as it is on this machine; all of it takes minutes."""
    roots = [path for path in ("/usr/sbin", "/usr/lib/python3",
                               "/usr/share/doc") if os.path.isdir(path)]
    snapshot, done = plakar.push(*roots)
    assert "errors=0" in done.stdout
    plakar.pull(snapshot, scratch / "target")
    for path in roots:
        # Names outside of these roots are no part of the snapshot.
        assert_same(path, below(scratch / "target", path), ["nlink"])
