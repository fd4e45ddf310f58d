# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A real name server with a zone of ours, on a port of loopback."""

import socket
import subprocess
import time

from ports import free_port


def answers(port):
    """Whether a name server is there: any answer to a query."""
    query = b"\0\1\0\0\0\1\0\0\0\0\0\0\7example\3org\0\0\6\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        s.connect(("127.0.0.1", port))
        try:
            s.send(query)
            # Not what we said: our own port may be that very one.
            return s.recv(512)[2] & 0x80 != 0
        except OSError:
            return False


def run(tmp_path, zone):
    """nsd and its port, when it answers or has ended."""
    port = free_port()
    conf = tmp_path / "nsd.conf"
    conf.write_text(f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{tmp_path}"
  database: ""
  pidfile: "{tmp_path}/pid"
  xfrdfile: "{tmp_path}/xfrd"
  xfrdir: "{tmp_path}"
  zonelistfile: "{tmp_path}/zones"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: zone
""")
    with open(tmp_path / "log", "wb") as log:
        nsd = subprocess.Popen(["nsd", "-d", "-c", conf], stderr=log)
    end = time.monotonic() + 60
    while nsd.poll() is None and not answers(port):
        assert time.monotonic() < end
        time.sleep(0.02)
    return nsd, port


def start(tmp_path, zone, text):
    """The running nsd, and where it is asked."""
    (tmp_path / "zone").write_text(text)
    nsd, port = run(tmp_path, zone)
    while nsd.poll() is not None:
        # Its port is kept for TCP, but not for UDP as well.
        log = (tmp_path / "log").read_text()
        assert "Address already in use" in log, log
        nsd, port = run(tmp_path, zone)
    return nsd, f"127.0.0.1@{port}"
