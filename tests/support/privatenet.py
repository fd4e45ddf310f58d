# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A network of its own for one test: loopback, with any address, any port.

Needs root.  The calling thread moves into it, and what it starts follows.
"""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000


def call(name, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*args) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@contextlib.contextmanager
def private_net(*addresses):
    """addresses are this machine's, beside 127.0.0.0/8 and ::1."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        call("unshare", CLONE_NEWNET)
        try:
            for args in (["link", "set", "lo", "up"],
                         *(["addr", "add", a, "dev", "lo"]
                           for a in addresses)):
                subprocess.run(["ip", *args], check=True)
            yield
        finally:
            call("setns", home, CLONE_NEWNET)
    finally:
        os.close(home)
