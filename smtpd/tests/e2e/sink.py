# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A scripted mail server: what the other side of a relaying says."""

import socket
import threading
import time

from conftest import free_port


class Sink:
    """Take mail.  script is called with the connection's number and each
    command line; what it returns is sent as it is (bytes), a None stands for
    the usual reply, CLOSE closes the connection, and DRIP is a reply that
    comes byte by byte and never ends."""

    CLOSE = object()
    DRIP = object()

    def __init__(self, script=None, host="127.0.0.1", port=0, features=(),
                 lmtp=False, banner=b"220 sink ESMTP\r\n", tls=None,
                 implicit=False, path=None):
        self.tls = tls       # an ssl.SSLContext for STARTTLS, or implicit
        self.implicit = implicit
        self.secret = []     # for each connection, whether it was in TLS
        self.script = script or (lambda n, line: None)
        self.features = ["sink.test", *features]
        self.lmtp = lmtp
        self.banner = banner
        self.mails = []      # (sender line, [recipient lines], data)
        self.lines = []      # every command line, in order
        self.connections = 0
        if path is not None:  # a socket by its path, for everyone
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(str(path))
            path.chmod(0o666)
            self.port = None
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.socket = socket.socket(family)
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A port that is kept, for one that comes back to it.
            self.socket.bind((host, port or free_port()))
            self.port = self.socket.getsockname()[1]
        self.socket.listen(100)
        self.peers = []
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, peer = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.peers.append(peer[0] if peer else "")
            self.open.append(s)
            threading.Thread(target=self.serve, daemon=True,
                             args=(s, self.connections)).start()

    def serve(self, s, number):
        try:
            if self.implicit:
                s = self.tls.wrap_socket(s, server_side=True)
            with s, s.makefile("rb") as f:
                s.sendall(self.banner)
                self.session(s, f, number)
        except OSError:
            pass

    def start_tls(self, s, number):
        s = self.tls.wrap_socket(s, server_side=True)
        with s, s.makefile("rb") as f:
            self.session(s, f, number)

    def usual(self, line, state):
        verb = line.upper()[:4]
        if verb in (b"EHLO", b"LHLO"):
            last = len(self.features) - 1
            return b"".join(b"250%s%s\r\n" % (b" " if i == last else b"-",
                                              x.encode())
                            for i, x in enumerate(self.features))
        if verb == b"MAIL":
            state["mail"], state["rcpts"] = line, []
        if verb == b"RCPT":
            state["rcpts"].append(line)
        if verb == b"DATA":
            return b"354 go on\r\n"
        if verb == b"STAR" and self.tls is not None:
            return b"220 go on\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        return b"250 2.0.0 ok\r\n"

    def session(self, s, f, number):
        state = {"mail": b"", "rcpts": []}
        while True:
            line = f.readline()
            if not line:
                return
            line = line.rstrip(b"\r\n")
            self.lines.append(line)
            usual = self.usual(line, state)
            said = self.script(number, line)
            if said is Sink.CLOSE:
                return
            said = usual if said is None else said
            if line.upper()[:4] == b"RCPT" and said[:1] != b"2":
                state["rcpts"].pop()
            if said is Sink.DRIP:
                self.drip(s)
                return
            if said:
                s.sendall(said)
            if line.upper() == b"QUIT":
                return
            if line.upper() == b"STARTTLS" and self.tls is not None \
                    and said[:3] == b"220":
                self.start_tls(s, number)
                return
            if line.upper() == b"DATA" and said[:3] == b"354":
                if not self.data(s, f, number, state):
                    return

    @staticmethod
    def drip(s):
        while True:
            s.sendall(b"2")
            time.sleep(0.1)

    def data(self, s, f, number, state):
        data = b""
        while not data.endswith(b"\r\n.\r\n") and data != b".\r\n":
            line = f.readline()
            if not line:
                return False
            data += line
        said = self.script(number, b".")
        if said is Sink.CLOSE:
            return False
        if said is None or said[:1] == b"2":
            self.secret.append(hasattr(s, "cipher"))
            self.mails.append((state["mail"], state["rcpts"], data))
        n = len(state["rcpts"]) if self.lmtp else 1
        s.sendall(said or b"250 2.0.0 taken\r\n" * n)
        return True

    def stop(self):
        if self.socket.fileno() != -1:
            # A close alone would leave accept() waiting.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for s in self.open:
            s.close()
