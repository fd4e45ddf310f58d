# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A name server with zones of ours: the real nsd, and one that is silent."""

import shutil
import socket
import subprocess
import time

import pytest
from conftest import PATIENCE


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Silent:
    """A port that takes questions and answers none of them."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1@{self.socket.getsockname()[1]}"

    def stop(self):
        self.socket.close()


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
        port = self.port or free_udp_port()
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

    @staticmethod
    def answers(port, query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", port))
            try:
                s.send(query)
                return len(s.recv(512)) > 12
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
