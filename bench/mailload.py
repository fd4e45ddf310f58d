# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What is asked of each mail server: so many sessions, so many messages."""

import concurrent.futures
import os
import shutil
import signal
import socket
import time

HEAD = b"Subject: x\r\nFrom: <a@example.com>\r\n\r\n"
LINE = b"x" * 70 + b"\r\n"
PATIENCE = 60  # seconds, for one reply and for the last message


def message(size):
    return HEAD + LINE * (size // len(LINE)) + b".\r\n"


def reply(f):
    while True:
        line = f.readline()
        if not line:
            raise RuntimeError("the server closed")
        if line[3:4] != b"-":
            if line[:1] not in b"23":
                raise RuntimeError(line.decode())
            return


def greeted(port):
    s = socket.create_connection(("127.0.0.1", port), PATIENCE)
    f = s.makefile("rb")
    reply(f)
    return s, f


def session(s, f, messages, to, body):
    with s, f:
        for line in [b"EHLO x\r\n"] + messages * [
                b"MAIL FROM:<a@example.com>\r\n",
                b"RCPT TO:<%s>\r\n" % to, b"DATA\r\n", body]:
            s.sendall(line)
            reply(f)
        s.sendall(b"QUIT\r\n")


def rate(port, to, sessions, messages, arrived, size=4096):
    """Messages a second, from the first connection to the last arrival, or
    to the end of patience.

    One connects after the other: OpenSMTPD lets five wait, and those beyond
    may wait for ever.
    """
    body = message(size)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
        for done in [pool.submit(session, *greeted(port), messages, to, body)
                     for _ in range(sessions)]:
            done.result()
    want = sessions * messages
    end = time.monotonic() + PATIENCE
    while (got := arrived()) < want and time.monotonic() < end:
        time.sleep(0.005)
    if got == 0:
        raise RuntimeError("no message arrived")
    return got / (time.monotonic() - start)


def deliver_rate(server, sessions, messages, size=4096):
    new = server.box / "new"
    shutil.rmtree(server.box, ignore_errors=True)
    return rate(server.port, b"alice@example.org", sessions, messages,
                lambda: len(os.listdir(new)) if new.is_dir() else 0, size)


def relay_rate(server, sink, sessions, messages):
    before = sink.count()
    return rate(server.port, b"x@elsewhere.net", sessions, messages,
                lambda: sink.count() - before)


def hold_idle(port, n):
    """A process that holds n greeted sessions; its id."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        held = []
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", port))
            s.recv(200)
            s.sendall(b"EHLO x\r\n")
            if s.recv(500)[:3] != b"250":
                os._exit(1)
            held.append(s)
        os.write(told, b"y")
        signal.pause()
    os.close(told)
    if os.read(ready, 1) != b"y":
        raise RuntimeError("the sessions did not come up")
    os.close(ready)
    return pid


def let_go(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
