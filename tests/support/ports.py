# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Ports that nobody else is given, in whatever process tests run."""

import collections
import socket

# Sockets that keep ports for those who are to listen there: bound and not
# listening, so that whoever says SO_REUSEADDR can bind, too, and nobody is
# given the port who asks for any.
KEPT = collections.deque()
KEPT_MAX = 200


def free_port():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    KEPT.append(s)
    if len(KEPT) > KEPT_MAX:
        KEPT.popleft().close()
    return s.getsockname()[1]
