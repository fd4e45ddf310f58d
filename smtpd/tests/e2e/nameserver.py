# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A name server with zones of ours: the real nsd, and one that is silent."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time

import pytest
from conftest import PATIENCE, free_port


class Silent:
    """A port that takes questions and answers none of them."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1@{self.socket.getsockname()[1]}"

    def stop(self):
        self.socket.close()


def question(query):
    """The name that is asked for, its type, and where the question ends."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    return ".".join(labels), int.from_bytes(query[at + 1:at + 3], "big"), \
        at + 5


class Liar:
    """What it is asked is answered, over UDP and over TCP, by what
    answer(name, type, question) makes of it: the counts of records, and the
    bytes behind the question; or by silence, for None."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []  # (name, type), in order
        self.tcp = self.udp = None
        while self.tcp is None:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server(("127.0.0.1", port))
            except OSError:
                self.udp.close()
        self.address = f"127.0.0.1@{port}"
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def reply(self, query, flags):
        name, kind, end = question(query)
        self.asked.append((name, kind))
        said = self.answer(name, kind, query[12:end])
        if said is None:
            return None
        rcode, counts, rest = said
        return (query[:2] + (0x8180 | flags | rcode).to_bytes(2, "big")
                + b"\0\1" + b"".join(n.to_bytes(2, "big") for n in counts)
                + query[12:end] + rest)

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
                said = self.reply(query, 0)
                if said is not None and len(said) > 1200:
                    # Too long: to be asked for by TCP.
                    said = self.reply(query, 0x200)[:512]
                if said is not None:
                    self.udp.sendto(said, peer)
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                s, _ = self.tcp.accept()
            except OSError:
                return
            with s, contextlib.suppress(OSError):
                s.settimeout(PATIENCE)
                query = s.recv(4096)
                while len(query) < 2 or len(query) < 2 + int.from_bytes(
                        query[:2], "big"):
                    query += s.recv(4096) or b"\0" * 4096
                said = self.reply(query[2:], 0)
                if said is not None:
                    said = said[:65535]
                    s.sendall(len(said).to_bytes(2, "big") + said)

    def stop(self):
        self.udp.close()
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()


class NameServer:
    """zones: a name for each, and the text after its SOA and NS.  port: one
    that is known to be free, in a network of its own."""

    def __init__(self, where, zones, port=None):
        if shutil.which("nsd") is None:
            pytest.skip("nsd is not installed")
        self.dir = where / "nsd"
        self.dir.mkdir()
        self.zones = zones
        self.port = port
        for name, text in zones.items():
            (self.dir / name).write_text(
                f"$ORIGIN {name}.\n$TTL 60\n"
                "@ SOA ns hostmaster 1 3600 600 86400 0\n"
                f"@ NS ns\nns A 127.0.0.1\n{text}")
        self.run()
        while self.process.poll() is not None:
            log = (self.dir / "log").read_text()
            assert "Address already in use" in log, log
            self.run()

    def run(self):
        port = self.port or free_port()
        self.address = f"127.0.0.1@{port}"
        conf = self.dir / "nsd.conf"
        conf.write_text(
            f'server:\n ip-address: {self.address}\n username: ""\n'
            f' chroot: ""\n zonesdir: "{self.dir}"\n database: ""\n'
            f' pidfile: "{self.dir}/pid"\n xfrdfile: "{self.dir}/xfrd"\n'
            f' xfrdir: "{self.dir}"\n zonelistfile: "{self.dir}/list"\n'
            " server-count: 1\nremote-control:\n control-enable: no\n"
            + "".join(f"zone:\n name: {z}\n zonefile: {z}\n"
                      for z in self.zones))
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(["nsd", "-d", "-c", conf],
                                            stderr=log)
        query = (b"\0\1\0\0\0\1\0\0\0\0\0\0" + b"".join(
            bytes([len(p)]) + p.encode()
            for p in next(iter(self.zones)).split(".")) + b"\0\0\6\0\1")
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and not self.answers(port, query):
            assert time.monotonic() < end
            time.sleep(0.02)

    @staticmethod
    def answers(port, query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", port))
            try:
                s.send(query)
                # Not what we said: our own port may be that very one.
                return s.recv(512)[2] & 0x80 != 0
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
