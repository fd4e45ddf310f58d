# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""An HTTP server that answers what a test tells it to, sense or not."""

import email.parser
import json
import socket
import threading

PATIENCE = 60


class Script:
    """Answers each request by answer (JSON), body, or raw bytes."""

    def __init__(self, answer=None, status=200, body=None, raw=None,
                 hold=False, unix=None):
        self.answer, self.status, self.body = answer, status, body
        self.raw = raw
        self.requests = []  # (path, headers, body)
        self.changed = threading.Condition()
        self.held = hold
        if unix is None:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix))
            self.listener.listen()
            self.url = str(unix)
        self.open = {self.listener}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.open.add(peer)
            threading.Thread(
                target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        stream = peer.makefile("rb")
        try:
            while self.serve_one(peer, stream):
                pass
        except OSError:
            pass
        stream.close()
        peer.close()

    def serve_one(self, peer, stream):
        request = stream.readline().split()
        if len(request) != 3:
            return False
        lines = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            lines.append(line)
        headers = email.parser.BytesParser().parsebytes(b"".join(lines))
        body = stream.read(int(headers["Content-Length"]))
        with self.changed:
            self.requests.append((request[1].decode(), headers, body))
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.held, PATIENCE)
        if self.raw is not None:
            peer.sendall(self.raw)
            peer.shutdown(socket.SHUT_RDWR)
            return False
        answer = self.body
        if answer is None:
            answer = json.dumps(self.answer).encode()
        peer.sendall(b"HTTP/1.1 %d x\r\nLocation: /\r\n"
                     b"Content-Length: %d\r\n\r\n"
                     % (self.status, len(answer)) + answer)
        return True

    def wait_for(self, n):
        """Until n requests have come."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: len(self.requests) >= n, PATIENCE)

    def release(self):
        with self.changed:
            self.held = False
            self.changed.notify_all()

    def close(self):
        self.release()
        self.listener.close()
