# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A tree of everything that a file can be, and what of it comes back.

Each attribute that differs after push and pull is one fault.  What this
machine can't make (no privilege, another file system) is left out for all.
"""

import collections
import fcntl
import os
import socket
import stat
import struct
import subprocess

import measure

NS = 10 ** 9
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FLAGS = {"immutable": 0x10, "append": 0x20, "nodump": 0x40, "noatime": 0x80,
         "sync": 0x08}


def possible(function, *arguments, **more):
    """Do it if the system lets us."""
    try:
        return function(*arguments, **more)
    except OSError:
        return None


def write(path, data=b"x", mode=0o644):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def set_flag(path, flag):
    fd = os.open(path, os.O_RDONLY)
    try:
        old = struct.unpack("l", fcntl.ioctl(
            fd, FS_IOC_GETFLAGS, struct.pack("l", 0)))[0]
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("l", old | flag))
    finally:
        os.close(fd)


def get_flags(path):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        flags = struct.unpack("l", fcntl.ioctl(
            fd, FS_IOC_GETFLAGS, struct.pack("l", 0)))[0]
        return flags & sum(FLAGS.values())
    except OSError:
        return None
    finally:
        os.close(fd)


def make_names(root):
    for name in (b"-dash", b"two words", b" blanks ", b"new\nline", b"tab\t",
                 b"back\\slash", b"quote'\"", b"*?[", b"~", b"#x#", b"%41",
                 b"\x01\x7f", b"latin-\xe9", b"\xff\xfe", b"cafe\xcc\x81",
                 "caf\u00e9".encode(), "\u202egnp".encode(), b"n" * 255,
                 b"...", b".hidden", b"CON", b"a:b", b"{}", b"$HOME"):
        write(os.path.join(root, name), name)
        os.mkdir(os.path.join(root, b"d" + name[:254]))
    os.mkdir(os.path.join(root, b"empty"))


def make_modes(root):
    for mode in list(range(0, 0o1000, 0o13)) + [
            0o4755, 0o2755, 0o1755, 0o6711, 0o7777, 0o4000]:
        write(os.path.join(root, b"m%04o" % mode), b"m", mode)
    for mode in (0o700, 0o1777, 0o2775, 0o500, 0o555, 0o111, 0o000):
        path = os.path.join(root, b"d%04o" % mode)
        os.mkdir(path)
        write(os.path.join(path, b"inside"))
        os.chmod(path, mode)
    for uid, gid in ((1, 2), (1000, 1000), (65534, 65534),
                     (2 ** 31 + 5, 7), (2 ** 32 - 2, 2 ** 32 - 2)):
        path = write(os.path.join(root, b"o%d" % uid))
        possible(os.chown, path, uid, gid)


def make_links(root):
    join = os.path.join
    for i, target in enumerate((
            b"plain", b"/absolute", b"../up/and/../down", b"missing",
            b"\xff\xfe", b"x" * 4095, b".", b"new\nline", b"a//b/")):
        possible(os.symlink, target, join(root, b"s%d" % i))
    one = write(join(root, b"plain"), b"linked")
    for i in range(3):
        os.link(one, join(root, b"hard%d" % i))
    os.mkfifo(join(root, b"fifo"))
    os.link(join(root, b"fifo"), join(root, b"hard-fifo"))
    os.link(join(root, b"s0"), join(root, b"hard-symlink"),
            follow_symlinks=False)
    for name, kind, device in (
            (b"char", stat.S_IFCHR, os.makedev(1, 3)),
            (b"block", stat.S_IFBLK, os.makedev(7, 200)),
            (b"large", stat.S_IFCHR, os.makedev(4095, 1048575))):
        if possible(os.mknod, join(root, name), kind | 0o600,
                    device) is None and os.path.lexists(join(root, name)):
            os.link(join(root, name), join(root, b"hard-" + name))
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(root)  # the address must be short
        possible(s.bind, b"socket")
        os.chdir(here)


def make_holes(root):
    mib = 1 << 20
    for name, size, pieces in (
            (b"all", 8 * mib, []), (b"head", 8 * mib, [7 * mib]),
            (b"tail", 8 * mib, [0]), (b"middle", 8 * mib, [0, 7 * mib]),
            (b"many", 16 * mib, list(range(0, 16 * mib, 2 * mib))),
            (b"huge", 1 << 31, [3 << 29]), (b"odd", 5 * mib + 1, [mib])):
        with open(os.path.join(root, name), "wb") as f:
            for at in pieces:
                f.seek(at)
                f.write(os.urandom(4096))
            f.truncate(size)


def make_xattrs(root):
    join = os.path.join
    values = {b"user.plain": b"v", b"user.empty": b"", b"user.nul": b"a\0b",
              b"user.long": b"x" * 2000, b"user.\xff\xfe": b"v",
              b"user.with space": b"v", b"trusted.x": b"v"}
    for name in (b"file", b"directory"):
        path = join(root, name)
        if name == b"file":
            write(path)
        else:
            os.mkdir(path)
        for key, value in values.items():
            possible(os.setxattr, path, key, value)
    os.symlink(b"file", join(root, b"link"))
    possible(os.setxattr, join(root, b"link"), b"trusted.link", b"v",
             follow_symlinks=False)
    os.mkfifo(join(root, b"fifo"))
    possible(os.setxattr, join(root, b"fifo"), b"trusted.fifo", b"v")
    possible(os.setxattr, write(join(root, b"caps"), b"", 0o755),
             b"security.capability",
             struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))

    def acl(*entries):  # version 2, then tag, permission, id
        return struct.pack("<I", 2) + b"".join(
            struct.pack("<HHI", *entry) for entry in entries)
    everybody = 2 ** 32 - 1
    access = acl((1, 6, everybody), (2, 7, 1000), (4, 4, everybody),
                 (8, 5, 1000), (16, 7, everybody), (32, 0, everybody))
    possible(os.setxattr, write(join(root, b"acl")),
             b"system.posix_acl_access", access)
    os.mkdir(join(root, b"acl-default"))
    possible(os.setxattr, join(root, b"acl-default"),
             b"system.posix_acl_default", access)


def make_times(root):
    for seconds in (0, 1, -1, -86400 * 365 * 30, 2 ** 31 - 1, 2 ** 31,
                    2 ** 32 + 5, 2 ** 33, 9300000000, 15032385535):
        for ns in (0, 1, 999999999, 123456789):
            path = write(os.path.join(root, b"t%d.%d" % (seconds, ns)))
            at = seconds * NS + ns
            possible(os.utime, path, ns=(at, at))
    path = os.path.join(root, b"link")
    os.symlink(b"nowhere", path)
    os.utime(path, ns=(NS + 7, NS + 7), follow_symlinks=False)
    os.mkfifo(os.path.join(root, b"fifo"))
    os.utime(os.path.join(root, b"fifo"), ns=(5 * NS + 5, 5 * NS + 5))
    for i in range(5):
        folder = os.path.join(root, b"folder%d" % i)
        os.mkdir(folder)
        write(os.path.join(folder, b"x"))
        os.utime(folder, ns=(i * 100 * NS + 3, i * 100 * NS + 3))


def make_flags(root):
    for name, flag in FLAGS.items():
        possible(set_flag, write(os.path.join(root, name.encode())), flag)
    folder = os.path.join(root, b"folder")
    os.mkdir(folder)
    possible(set_flag, folder, FLAGS["nodump"])


def make_sizes(root):
    for size in (0, 1, 4095, 4096, 4097, 65535, 65536, 262143, 262144,
                 262145, 1 << 20, (1 << 20) + 1, 5000001):
        write(os.path.join(root, b"z%d" % size), os.urandom(size))


def make(root):
    os.mkdir(root)
    for maker in (make_names, make_modes, make_links, make_holes,
                  make_xattrs, make_times, make_flags, make_sizes):
        folder = os.path.join(root, maker.__name__[5:].encode())
        os.mkdir(folder)
        maker(folder)
        os.utime(folder, ns=(10 ** 18 + 7, 10 ** 18 + 7))


def holes(path, size):
    """The extents that hold data; None where there is no telling."""
    fd = os.open(path, os.O_RDONLY)
    try:
        found, at = [], 0
        while at < size:
            try:
                start = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(fd, start, os.SEEK_HOLE)
            found.append((start, at))
        return tuple(found)
    finally:
        os.close(fd)


def digest(path, st):
    """The content, of the extents that hold data and are not zero."""
    total = []
    with open(path, "rb") as f:
        for start, end in holes(path, st.st_size):
            f.seek(start)
            while start < end:
                data = f.read(min(1 << 20, end - start))
                if data.strip(b"\0"):
                    for i in range(0, len(data), 4096):
                        block = data[i:i + 4096]
                        if block.strip(b"\0"):
                            total.append((start + i, hash(block)))
                start += len(data)
    return tuple(total)


def describe(path):
    """Every attribute of path that a backup should bring back."""
    st = os.lstat(path)
    facts = {
        "type": stat.S_IFMT(st.st_mode), "mode": stat.S_IMODE(st.st_mode),
        "owner": (st.st_uid, st.st_gid), "mtime": st.st_mtime_ns}
    if stat.S_ISLNK(st.st_mode):
        facts["target"] = os.readlink(path)
        del facts["mode"]
    if stat.S_ISREG(st.st_mode):
        facts["size"] = st.st_size
        facts["content"] = digest(path, st)
        # File systems may make a small hole's blocks: only the large count.
        facts["holes"] = (st.st_size - st.st_blocks * 512) >> 20
    if stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
        facts["flags"] = get_flags(path)
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        facts["device"] = st.st_rdev
    for name in possible(os.listxattr, path, follow_symlinks=False) or []:
        facts["xattr " + repr(name)] = os.getxattr(
            path, name, follow_symlinks=False)
    return facts, (st.st_dev, st.st_ino), st.st_nlink


def survey(root):
    """Everything below root: path -> facts, with the links between them."""
    found, groups = {}, {}
    pending = [b""]
    while pending:
        here = pending.pop()
        full = os.path.join(root, here) if here else root
        facts, inode, links = describe(full)
        found[here] = facts
        if facts["type"] == stat.S_IFDIR:
            pending += [os.path.join(here, name)
                        for name in os.listdir(full)]
        elif links > 1:
            groups.setdefault(inode, []).append(here)
    for group in groups.values():
        for path in group:
            found[path]["linked"] = tuple(sorted(group))
    return found


def differences(before, after):
    """Counts of what is wrong, by kind of attribute."""
    wrong = collections.Counter()
    for path, facts in before.items():
        if path == b"":
            continue
        if path not in after:
            wrong["lost " + kind_of(facts)] += 1
            continue
        for key in facts.keys() | after[path].keys():
            if facts.get(key) != after[path].get(key):
                wrong[key.split(" ")[0]] += 1
    wrong["added"] += len(after.keys() - before.keys())
    return +wrong


def kind_of(facts):
    return {stat.S_IFREG: "files", stat.S_IFDIR: "directories",
            stat.S_IFLNK: "symlinks", stat.S_IFSOCK: "sockets",
            stat.S_IFIFO: "fifos"}.get(facts["type"], "devices")


def show(name, before, root):
    if not os.path.isdir(root):
        print(f"  {name:<8}    nothing came back")
        return
    wrong = differences(before, survey(os.fsencode(root)))
    details = ", ".join(f"{n} {what}" for what, n in wrong.most_common())
    print(f"  {name:<8}{sum(wrong.values()):>5}    {details}")


def unprotect(root):
    """So that rm can remove it: no file may stay immutable."""
    subprocess.run(["chattr", "-R", "-f", "-ia", str(root)], check=False,
                   stderr=subprocess.DEVNULL)


def report(programs, scratch):
    source, copy = scratch / "torture", scratch / "torture-copy"
    make(os.fsencode(source))
    before = survey(os.fsencode(source))
    count = sum(len(facts) for facts in before.values())
    print(f"\ntorture: {len(before)} entries, {count} attributes; "
          "how many come back wrong:")
    subprocess.run(["cp", "-a", str(source), str(copy)], check=False,
                   stderr=subprocess.DEVNULL)
    show("cp -a", before, copy)
    unprotect(copy)
    for peer in programs:
        target = peer.home / "pulled"
        target.mkdir(parents=True)
        env = peer.env()
        measure.run(peer.init(), peer.home, env)
        # Each may say that it could not keep or set something: we count.
        anything = range(256)
        measure.run(peer.push(source), peer.home, env, anything)
        measure.run(peer.pull(target), peer.home, env, anything)
        show(peer.name, before, peer.pulled(target, source))
        unprotect(target)
        subprocess.run(["rm", "-rf", str(peer.home)], check=False)
    unprotect(source)
