# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A directory with one of everything that a Linux file system can hold."""

import errno
import fcntl
import os
import socket
import stat
import struct

SETFLAGS = 0x40086602  # FS_IOC_SETFLAGS
GETFLAGS = 0x80086601
IMMUTABLE, APPEND, NODUMP, NOATIME, SYNC = 0x10, 0x20, 0x40, 0x80, 0x08
COMPRESS, NOCOW = 0x04, 0x800000

# Capability set, version 2: cap_net_raw permitted and effective.
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)

NONE = 0xFFFFFFFF


def acl(*entries):
    """An ACL as the system stores it, of (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry) for entry in entries)


ACL = acl((1, 6, NONE), (2, 4, 4711), (4, 4, NONE), (8, 5, 4712),
          (16, 5, NONE), (32, 0, NONE))


def write(path, data=b"some text\n", mode=0o644):
    with open(path, "wb") as f:
        f.write(data)
        os.fchmod(f.fileno(), mode)


def set_time(path, ns):
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


def set_flags(path, flags):
    """Whether this file system has inode flags."""
    fd = os.open(path, os.O_RDONLY)
    try:
        raw = fcntl.ioctl(fd, GETFLAGS, bytes(8))
        old = struct.unpack_from("=I", raw)[0]
        fcntl.ioctl(fd, SETFLAGS, struct.pack("=Q", old | flags))
        return True
    except OSError as e:
        if e.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
            return False
        raise
    finally:
        os.close(fd)


def sparse(path, size, *ranges):
    with open(path, "wb") as f:
        for start, length in ranges:
            f.seek(start)
            f.write(os.urandom(length))
        f.truncate(size)


def plain(root):
    """What needs no privilege."""
    os.makedirs(root + b"/dir/below/deeper")
    os.mkdir(root + b"/empty")
    os.mkdir(root + b"/closed", 0o700)
    write(root + b"/text")
    write(root + b"/empty file", b"")
    write(root + b"/one byte", b"x")
    write(root + b"/inline", b"y" * 96)
    write(root + b"/not inline", b"z" * 97)
    write(root + b"/dir/large", os.urandom(3_000_000))
    write(root + b"/dir/repetitive", b"all the same " * 400_000)
    write(root + b"/read only", mode=0o444)
    write(root + b"/program", b"#!/bin/sh\n", mode=0o755)

    for name in (b"\xff\xfe not UTF-8 \x80", b"new\nline", b"tab\t", b" ",
                 b"-rf", b"*?[", b"\\", b"\x01\x7f", b"'\"`$(", b"n" * 255,
                 "é".encode(), b"e\xcc\x81", b"CASE", b"case", b"..."):
        write(root + b"/" + name)
        os.symlink(name, root + b"/dir/to " + name[:200])
    os.symlink(b"nowhere/" + bytes(range(1, 47)) + bytes(range(48, 256)),
               root + b"/dir/any bytes")
    os.symlink(b"t" * 1000, root + b"/dir/long")
    os.symlink(b"/etc/passwd", root + b"/dir/absolute")
    os.symlink(b"loop", root + b"/dir/loop")

    os.mkfifo(root + b"/fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as s:
        here = os.open(".", os.O_RDONLY)
        os.chdir(root)  # the path of a socket has 108 bytes
        s.bind("socket")
        os.fchdir(here)
        os.close(here)

    for kind in (b"text", b"fifo", b"dir/absolute", b"socket"):
        os.link(root + b"/" + kind,
                root + b"/dir/below/second " + os.path.basename(kind),
                follow_symlinks=False)
    os.link(root + b"/text", root + b"/third")

    sparse(root + b"/all hole", 5 << 20)
    sparse(root + b"/holes", 64 << 20, (0, 4096), (1 << 20, 1),
           (40 << 20, 1 << 20), ((64 << 20) - 4096, 4096))
    sparse(root + b"/hole at the end", 9_999_999, (0, 65536))

    os.setxattr(root + b"/text", b"user.one", b"\0\xff")
    os.setxattr(root + b"/text", b"user.empty", b"")
    os.setxattr(root + b"/dir", b"user.dir", b"d" * 1000)
    os.setxattr(root + b"/read only", b"user.many bytes", b"m" * 2000)


def privileged(root):
    """What only root can make."""
    os.mknod(root + b"/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root + b"/block", stat.S_IFBLK | 0o600, os.makedev(259, 200_000))
    os.link(root + b"/null", root + b"/dir/null")
    for name, mode in ((b"setuid", 0o4755), (b"setgid", 0o2755),
                       (b"both", 0o6711), (b"nothing", 0)):
        write(root + b"/" + name)
        os.chown(root + b"/" + name, 1234, 4321)
        os.chmod(root + b"/" + name, mode)
    os.mkdir(root + b"/sticky")
    os.chmod(root + b"/sticky", 0o3777)
    os.mkdir(root + b"/locked")
    write(root + b"/locked/in")
    os.chmod(root + b"/locked", 0)
    os.chown(root + b"/dir/absolute", 5, 6, follow_symlinks=False)
    os.chown(root + b"/fifo", 4_000_000_000, 4_000_000_001)

    write(root + b"/capable")
    os.chown(root + b"/capable", 77, 77)
    os.setxattr(root + b"/capable", b"security.capability", CAPABILITY)
    os.setxattr(root + b"/text", b"trusted.t", b"trust")
    os.setxattr(root + b"/dir/any bytes", b"trusted.link", b"on a link",
                follow_symlinks=False)
    os.setxattr(root + b"/null", b"trusted.dev", b"on a device")
    os.setxattr(root + b"/text", b"system.posix_acl_access", ACL)
    os.setxattr(root + b"/dir", b"system.posix_acl_access", ACL)
    os.setxattr(root + b"/dir", b"system.posix_acl_default", ACL)


def times(root, latest):
    """Times with all their digits; parents after what is in them."""
    second = 1_000_000_000
    set_time(root + b"/text", 1)
    set_time(root + b"/one byte", -1)
    set_time(root + b"/inline", -2_000_000_000 * second + 123_456_789)
    set_time(root + b"/dir/large", latest * second + 999_999_999)
    set_time(root + b"/dir/absolute", 1_234_567_890 * second + 1)
    set_time(root + b"/fifo", 2**31 * second + 5)
    set_time(root + b"/socket", 2**32 * second + 5)
    set_time(root + b"/empty", -7)
    set_time(root + b"/dir/below", 42 * second + 42)
    set_time(root + b"/dir", 43 * second + 43)


def locks(root):
    """Flags, which forbid what would come after.  What unlocks them."""
    flags = {b"/immutable": IMMUTABLE, b"/append only": APPEND,
             b"/no dump": NODUMP | NOATIME, b"/synchronous": SYNC}
    for name in flags:
        write(root + name)
    os.link(root + b"/immutable", root + b"/dir/immutable too")
    os.mkdir(root + b"/immutable dir")
    write(root + b"/immutable dir/in")
    os.mkdir(root + b"/append dir")
    write(root + b"/append dir/in")
    flags[b"/immutable dir"] = IMMUTABLE
    flags[b"/append dir"] = APPEND | NODUMP
    return all([set_flags(root + name, bits) for name, bits in flags.items()])


def btrfs_flags(root):
    """Flags that only take on something empty."""
    for name, bits in ((b"/no cow", NOCOW), (b"/compressed", COMPRESS)):
        write(root + name, b"")
        set_flags(root + name, bits)
        with open(root + name, "ab") as f:
            f.write(b"after the flag " * 1000)
