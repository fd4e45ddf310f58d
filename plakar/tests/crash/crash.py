# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What a disk may hold after a crash.

A Recording is what shim.c saw a program do below one directory.  A Disk plays
such a recording up to any record, and then tells the states in which the
machine could come up again if the power failed just there:

- "written":     everything written so far is there (the program was killed);
- "synced":      only what was synced: a file's bytes by fsync of the file, the
                 names in a directory by fsync of the directory;
- "names first": every name is there, but of the bytes only those synced;
- "random":      of what was not synced, a random part, in a random order.

The rule is what POSIX promises, not what some file system does beyond it.
"""

import hashlib
import os
import pathlib
import random
import subprocess

BUILD = pathlib.Path(os.environ.get(
    "MAISON_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
SHIM = BUILD / "plakar/tests/crash/libplakar_shim.so"
TOY = BUILD / "plakar/tests/crash/plakar_toy"

SANITIZED = TOY.exists() and b"__asan_init" in TOY.read_bytes()

# Every call is tried; but where each step takes ten times as long, some.
STEP = 7 if SANITIZED else 1

DIRECTORY = None  # the content of a directory, in a state

MODELS = ("written", "synced", "names first", "random")


def shim_env(root, **settings):
    """The environment that runs a program under the shim.

    settings: log, fail, kill, count, as shim.c has them in upper case.
    """
    preload = [str(SHIM)]
    if SANITIZED:  # its library, if it has one, must come before the shim
        asan = subprocess.run(["ldd", TOY], capture_output=True, text=True,
                              check=True).stdout
        preload[:0] = [line.split()[2] for line in asan.splitlines()
                       if "libasan" in line]
    env = {"LD_PRELOAD": ":".join(preload),
           "SHIM_DIR": os.path.realpath(root)}
    for name, value in settings.items():
        env["SHIM_" + name.upper()] = str(value)
    return env


def read_tree(root):
    """A directory as a state: {path: bytes, or DIRECTORY}; of a symbolic
    link, what it says."""
    state = {}
    for where, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(where, name)
            key = os.path.relpath(path, root)
            if os.path.islink(path):
                state[key] = b"link to " + os.fsencode(os.readlink(path))
            elif name in dirs:
                state[key] = DIRECTORY
            else:
                state[key] = pathlib.Path(path).read_bytes()
    return state


def write_tree(state, root):
    """A state as a directory, new or empty."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    for path in sorted(state):
        where = os.path.join(root, path)
        if state[path] is DIRECTORY:
            os.mkdir(where, 0o700)
        else:
            fd = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(fd, "wb") as f:
                f.write(state[path])


def digest(state):
    """Equal for equal states."""
    h = hashlib.sha256()
    for path in sorted(state):
        content = state[path]
        h.update(f"{path}\0{-1 if content is DIRECTORY else len(content)}\0"
                 .encode())
        if content is not DIRECTORY:
            h.update(content)
    return h.digest()


def read_log(path):
    """The records of a log: lists of words; of W, the last is the bytes."""
    records = []
    with open(path, "rb") as f:
        while line := f.readline():
            words = line.decode().split()
            if words[0] == "W":
                words.append(f.read(int(words[3])))
                assert f.read(1) == b"\n"
            records.append(words)
    return records


class File:
    def __init__(self, data=b""):
        self.now = bytearray(data)
        self.safe = bytes(data)
        self.unsynced = []  # (offset, bytes), or (length, None) for a cut

    def change(self, offset, data):
        self.unsynced.append((offset, data))
        apply_change(self.now, offset, data)

    def sync(self):
        self.safe = bytes(self.now)
        self.unsynced = []


def apply_change(content, offset, data):
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    else:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset:offset + len(data)] = data


class Directory:
    def __init__(self):
        self.now = {}   # name -> File or Directory
        self.safe = {}
        self.pending = []  # (name, node or None), since the last sync

    def set(self, name, node):
        self.pending.append((name, node))
        if node is None:
            del self.now[name]
        else:
            self.now[name] = node

    def sync(self):
        self.safe = dict(self.now)
        self.pending = []


class Disk:
    def __init__(self, state):
        self.root = Directory()
        self.open = {}
        for path in sorted(state):
            where, name = self.parent(path)
            where.now[name] = (Directory() if state[path] is DIRECTORY
                               else File(state[path]))
        self.settle(self.root)

    def settle(self, directory):
        directory.sync()
        for node in directory.now.values():
            if isinstance(node, Directory):
                self.settle(node)

    def find(self, path):
        node = self.root
        if path != ".":
            for name in path.split("/"):
                node = node.now[name]
        return node

    def parent(self, path):
        where, _, name = path.rpartition("/")
        return self.find(where or "."), name

    def play(self, record):
        kind, first = record[0], record[1]
        if kind == "c":
            self.open[first] = File()
            self.put(record[2], self.open[first])
        elif kind == "O":
            self.open[first] = self.find(record[2])
        elif kind == "W":
            self.open[first].change(int(record[2]), record[4])
        elif kind == "T":
            self.open[first].change(int(record[2]), None)
        elif kind == "F":
            self.open[first].sync()
        elif kind == "D":
            self.find(first).sync()
        elif kind == "R":
            node = self.find(first)
            self.put(first, None)
            self.put(record[2], node)
        elif kind == "L":
            self.put(record[2], self.find(first))
        elif kind == "U":
            self.put(first, None)
        elif kind == "M":
            self.put(first, Directory())
        else:
            raise ValueError(f"unknown record {record[:4]}")

    def put(self, path, node):
        where, name = self.parent(path)
        where.set(name, node)

    def state(self, model, seed=0):
        out = {}
        self.collect(self.root, "", model, random.Random(seed), out)
        return out

    def collect(self, directory, prefix, model, rng, out):
        for name, node in sorted(names(directory, model, rng).items()):
            if isinstance(node, Directory):
                out[prefix + name] = DIRECTORY
                self.collect(node, prefix + name + "/", model, rng, out)
            else:
                out[prefix + name] = content(node, model, rng)


def names(directory, model, rng):
    if model in ("written", "names first"):
        return directory.now
    if model == "synced":
        return directory.safe
    found = dict(directory.safe)
    for name, node in directory.pending:
        if rng.random() < 0.5:
            continue
        if node is None:
            found.pop(name, None)
        else:
            found[name] = node
    return found


def content(file, model, rng):
    if model == "written":
        return bytes(file.now)
    if model in ("synced", "names first") or not file.unsynced:
        return file.safe
    some = bytearray(file.safe)
    for offset, data in file.unsynced:
        if rng.random() < 0.5:
            if data is not None and rng.random() < 0.3:
                data = data[:rng.randrange(len(data) + 1)]
            apply_change(some, offset, data)
    return bytes(some)


class Recording:
    """Run a program that changes root, and remember what it did there."""

    def __init__(self, root, command, log, env=None):
        self.before = read_tree(root)
        run_env = {**os.environ, **(env or {}), **shim_env(root, log=log)}
        self.done = subprocess.run(command, env=run_env, text=True,
                                   stdin=subprocess.DEVNULL,
                                   capture_output=True, check=False)
        assert self.done.returncode == 0, self.done.stderr
        self.records = read_log(log)
        disk = Disk(self.before)
        for record in self.records:
            disk.play(record)
        # If the recording lacked a call, it could prove nothing.
        assert disk.state("written") == read_tree(root)

    def states(self, model, seeds=(0,)):
        """Yield (complete, text, state) for each state that is different.

        complete: the program had ended, so what it had said must hold.
        """
        seen = set()
        for n in range(len(self.records) + 1):
            disk = Disk(self.before)
            for record in self.records[:n]:
                disk.play(record)
            for seed in seeds if model == "random" else (0,):
                state = disk.state(model, hash((n, seed)))
                complete = n == len(self.records)
                key = (complete, digest(state))
                if key in seen:
                    continue
                seen.add(key)
                last = " ".join(map(str, self.records[n - 1][:3])) if n else \
                    "nothing"
                yield complete, f"{model}, {n} calls, after {last}, " \
                    f"seed {seed}", state
