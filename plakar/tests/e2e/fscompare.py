# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Two directories compared in everything that a Linux file system holds.

Written without a look at how plakar does it, and against the system calls
only: so that the two can't be wrong in the same way.
"""

import fcntl
import hashlib
import os
import resource
import stat
import struct

GETFLAGS = 0x80086601  # FS_IOC_GETFLAGS
# Secure deletion, undelete, compress, sync, immutable, append, nodump,
# noatime, don't compress, journal data, no tail, dirsync, top of hierarchy,
# no copy on write, DAX, fold case: what chattr(1) sets.
FLAGS = 0x4283C4FF
PIECE = 1 << 20


def flags_of(fd):
    try:
        raw = fcntl.ioctl(fd, GETFLAGS, bytes(8))
    except OSError:
        return None
    return struct.unpack_from("=I", raw)[0] & FLAGS


def holes_of(fd, size):
    """The ranges of data, as the file system tells them."""
    ranges, at = [], 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break  # no data from here on
        at = os.lseek(fd, start, os.SEEK_HOLE)
        ranges.append((start, at))
    return ranges


def digest_of(fd):
    digest = hashlib.sha256()
    os.lseek(fd, 0, os.SEEK_SET)
    while piece := os.read(fd, PIECE):
        digest.update(piece)
    return digest.hexdigest()


def xattrs_of(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as e:
        return repr(e)
    return {n: os.getxattr(path, n, follow_symlinks=False) for n in names}


def describe(dirfd, name):
    """All about one name in a directory, as a dictionary to compare."""
    st = os.stat(name, dir_fd=dirfd, follow_symlinks=False)
    kind = stat.S_IFMT(st.st_mode)
    about = {
        "mode": oct(st.st_mode), "uid": st.st_uid, "gid": st.st_gid,
        "mtime": st.st_mtime_ns,
        "xattrs": xattrs_of(os.fsencode(f"/proc/self/fd/{dirfd}/{name}")),
    }
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        about["rdev"] = (os.major(st.st_rdev), os.minor(st.st_rdev))
    if kind == stat.S_IFLNK:
        about["target"] = os.readlink(os.fsencode(name), dir_fd=dirfd)
    if kind != stat.S_IFDIR:
        about["nlink"] = st.st_nlink
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=dirfd)
        try:
            about["flags"] = flags_of(fd)
            if kind == stat.S_IFREG:
                about["size"] = st.st_size
                about["data"] = holes_of(fd, st.st_size)
                about["digest"] = digest_of(fd)
        finally:
            os.close(fd)
    return about, st


class Comparison:
    """Differences between two trees, a line each in .differences."""

    def __init__(self, ignore):
        self.ignore = ignore
        self.differences = []
        self.entries = 0
        self.names = []  # of the directories down to the present one
        self.links = ({}, {})  # (device, inode): number of its group

    def differ(self, name, what):
        path = "/".join([*self.names, name])
        if len(path) > 200:
            path = "..." + path[-200:]
        self.differences.append(f"{path!r}: {what}")

    def group(self, side, st):
        """The same number on both sides for the same group of links."""
        groups = self.links[side]
        return groups.setdefault((st.st_dev, st.st_ino), len(groups))

    def compare_one(self, dirs, name):
        """True for a directory on both sides."""
        self.entries += 1
        (a, st_a), (b, st_b) = describe(dirs[0], name), describe(dirs[1], name)
        if not stat.S_ISDIR(st_a.st_mode) and st_a.st_nlink > 1:
            a["group"] = self.group(0, st_a)
            b["group"] = self.group(1, st_b)
        for key in sorted(a.keys() | b.keys()):
            if key not in self.ignore and a.get(key) != b.get(key):
                self.differ(name, f"{key} {a.get(key)!r} != {b.get(key)!r}")
        return stat.S_ISDIR(st_a.st_mode) and stat.S_ISDIR(st_b.st_mode)

    def compare_names(self, dirs):
        """The names on both sides; complains of the others."""
        a, b = set(os.listdir(dirs[0])), set(os.listdir(dirs[1]))
        for name in sorted(a - b):
            self.differ(name, "missing")
        for name in sorted(b - a):
            self.differ(name, "too many")
        return sorted(a & b)

    def run(self, a, b):
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        dirs = (os.open(a, flags), os.open(b, flags))
        self.compare_one(dirs, ".")
        stack = [(dirs, iter(self.compare_names(dirs)))]
        while stack:
            dirs, names = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
                self.names[len(stack) - 1:] = []
                for fd in dirs:
                    os.close(fd)
            elif self.compare_one(dirs, name):
                below = tuple(os.open(name, flags, dir_fd=d) for d in dirs)
                self.names.append(name)
                stack.append((below, iter(self.compare_names(below))))


def compare(a, b, ignore=()):
    """(entries compared, list of differences) of the directories a and b."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    comparison = Comparison(frozenset(ignore))
    comparison.run(a, b)
    return comparison.entries, comparison.differences
