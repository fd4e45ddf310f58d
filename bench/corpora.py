#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Make what the backup programs are measured on.

usage: corpora.py NAME FOLDER [--quick]

  system   real files of this system: 2.3 GB, at most 30,000 entries
  small    200,000 text-like files of 4 KB on average
  million  1,000,000 of them
  image    a sparse disk image of 2.1 GB made of real files; and the same
           after 500 edits of 4 KiB and an insertion of 1 MiB
  random   1 GB that nothing can compress
  source   a source tree of 180 MB; and the same after a week of work

FOLDER/NAME/1 is the corpus, FOLDER/NAME/2 the second version where there is
one.  --quick makes each about a twentieth of that.  The same seed gives the
same corpus, on the same system.
"""

import os
import pathlib
import random
import shutil
import stat
import sys

SEED = 20261121
MB = 1000 * 1000
BLOCK = 4096


def files_of(folders):
    """Directories, files and links below folders, in a fixed order."""
    for folder in folders:
        for root, dirs, names in os.walk(folder):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(root, name)
                try:
                    st = os.lstat(path)
                except OSError:
                    continue
                if stat.S_ISREG(st.st_mode) or stat.S_ISLNK(st.st_mode):
                    if os.access(path, os.R_OK, follow_symlinks=False):
                        yield path, st


def copy_budget(folders, target, budget, entries):
    """Copy from folders to target until bytes or entries are used up."""
    made = set()
    for path, st in files_of(folders):
        size = st.st_size if stat.S_ISREG(st.st_mode) else 0
        if size > budget:
            continue  # a smaller one may still fit
        copy = target / path.lstrip("/")
        parents = [p for p in copy.parents if p not in made]
        if entries < len(parents) + 1:
            break
        copy.parent.mkdir(parents=True, exist_ok=True)
        made.update(parents)
        shutil.copy2(path, copy, follow_symlinks=False)
        entries -= len(parents) + 1
        budget -= size


def make_system(folder, quick):
    scale = 10 if quick else 1
    for source, size, entries in (
            ("/usr/bin", 350, 3000), ("/usr/lib", 1800, 16000),
            ("/usr/share", 550, 11000)):
        copy_budget([source], folder / "1", size * MB // scale,
                    entries // scale)


def make_lines(rng, n):
    """Lines of words as frequent as in a language."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = range(len(letters), 0, -1)
    words = ["".join(rng.choices(letters, weights, k=rng.randint(2, 11)))
             for _ in range(20000)]
    rank = [1 / (i + 10) for i in range(len(words))]
    picks = rng.choices(words, rank, k=n * 14)
    lines, at = [], 0
    for _ in range(n):
        k = rng.randint(2, 14)
        lines.append(" ".join(picks[at:at + k]) + "\n")
        at += k
    return lines


def make_small(folder, files):
    rng = random.Random(SEED)
    lines = make_lines(rng, 400000)
    mean_line = sum(map(len, lines)) / len(lines)
    for i in range(files):
        parent = folder / "1" / f"{i // 10000:03}" / f"{i // 100 % 100:02}"
        if i % 100 == 0:
            parent.mkdir(parents=True)
        # Half of them below 1.6 KB, 4 KB on average, few above 100 KB.
        size = min(rng.lognormvariate(7.38, 1.36), 512000)
        text = "".join(rng.choices(lines, k=1 + int(size / mean_line)))
        (parent / f"{i:07}.txt").write_text(text)


def write_image(path, size, rng):
    """Files at block boundaries, as a file system lays them out."""
    at = 0
    with open(path, "wb") as image:
        for source, st in files_of(["/usr/lib", "/usr/bin", "/usr/share"]):
            if not stat.S_ISREG(st.st_mode) or st.st_size > 64 * MB:
                continue
            if rng.random() < 0.02:  # free space: a quarter of the disk
                at += BLOCK * rng.randint(1, 600)
            if at + st.st_size > size:
                break
            image.seek(at)
            with open(source, "rb") as f:
                shutil.copyfileobj(f, image, 1 << 20)
            at += -(-st.st_size // BLOCK) * BLOCK
        image.truncate(size)


def data_ranges(fd, size):
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def copy_range(old, new, start, end, shift):
    while start < end:
        n = os.copy_file_range(old, new, end - start, start, start + shift)
        if n == 0:
            return
        start += n


def write_edited(old_path, new_path, edits, rng):
    size = os.path.getsize(old_path)
    insert_at = size // 2 // BLOCK * BLOCK
    with open(old_path, "rb") as old_file, open(new_path, "wb+") as new_file:
        old, new = old_file.fileno(), new_file.fileno()
        ranges = list(data_ranges(old, size))
        for start, end in ranges:
            if start < insert_at < end:
                copy_range(old, new, start, insert_at, 0)
                start = insert_at
            shift = (1 << 20) if start >= insert_at else 0
            copy_range(old, new, start, end, shift)
        os.pwrite(new, rng.randbytes(1 << 20), insert_at)
        blocks = [start + BLOCK * i for start, end in ranges
                  for i in range((end - start) // BLOCK)]
        for at in rng.sample(blocks, edits):
            os.pwrite(new, rng.randbytes(BLOCK), at)
        new_file.truncate(size + (1 << 20))


def make_image(folder, quick):
    size, edits = (200 * MB, 50) if quick else (2100 * MB, 500)
    size = size // BLOCK * BLOCK
    rng = random.Random(SEED)
    (folder / "1").mkdir()
    (folder / "2").mkdir()
    write_image(folder / "1" / "disk.img", size, rng)
    write_edited(folder / "1" / "disk.img", folder / "2" / "disk.img", edits,
                 rng)


def make_random(folder, quick):
    rng = random.Random(SEED)
    (folder / "1").mkdir()
    for i in range(4):
        with open(folder / "1" / f"noise{i}", "wb") as f:
            for _ in range(12 if quick else 250):
                f.write(rng.randbytes(MB))


def edit_text(data, rng):
    """A file after somebody worked on it: lines changed, added, gone."""
    lines = data.splitlines(keepends=True)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(lines)) if lines else 0
        new = b"\tstatic int v%d = %d;\n" % (
            rng.randrange(10000), rng.randrange(10000))
        kind = rng.random()
        if kind < 0.4 and lines:
            lines[at] = new
        elif kind < 0.8 or not lines:
            lines.insert(at, new)
        else:
            del lines[at]
    return b"".join(lines)


def make_source(folder, quick):
    rng = random.Random(SEED)
    first, second = folder / "1", folder / "2"
    size = 18 * MB if quick else 180 * MB
    copy_budget(["/usr/include", "/usr/lib/python3", "/usr/share/perl",
                 "/usr/lib/python3.11", "/usr/lib/python3.12",
                 "/usr/share/vim", "/usr/lib/git-core", "/usr/lib/gcc"],
                first, size, 1300 if quick else 14000)
    shutil.copytree(first, second, symlinks=True)
    files = sorted(path for path in second.rglob("*")
                   if path.is_file() and not path.is_symlink())
    chosen = rng.sample(files, len(files) // 25)
    for i, path in enumerate(chosen):
        data = path.read_bytes()
        if i % 12 == 0:
            path.unlink()
        elif i % 12 == 1:
            path.rename(path.with_name(path.name + ".moved"))
        elif b"\0" not in data:
            path.write_bytes(edit_text(data, rng))
            if i % 12 == 2:
                path.with_name("new_" + path.name).write_bytes(
                    edit_text(data, rng))


MAKERS = {
    "system": make_system,
    "small": lambda f, quick: make_small(f, 10000 if quick else 200000),
    "million": lambda f, quick: make_small(f, 50000 if quick else 1000000),
    "image": make_image,
    "random": make_random,
    "source": make_source,
}


def make(name, folder, quick):
    """FOLDER/NAME, made if it isn't there yet; returns it."""
    done = pathlib.Path(folder) / (f"quick-{name}" if quick else name)
    if (done / "1").is_dir():
        return done
    partial = done.with_name(done.name + ".partial")
    for leftover in (partial, done):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    MAKERS[name](partial, quick)
    partial.rename(done)
    return done


def main():
    words = [word for word in sys.argv[1:] if word != "--quick"]
    if len(words) != 2 or words[0] not in MAKERS:
        sys.exit(__doc__)
    print(make(words[0], words[1], "--quick" in sys.argv[1:]))


if __name__ == "__main__":
    main()
