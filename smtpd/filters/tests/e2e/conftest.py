# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filters that end with the test that started them."""

import shutil
import sys

import pytest

from filterserver import ROOT, Filter

sys.path.append(str(ROOT / "tests" / "support"))
import nameserver  # noqa: E402


@pytest.fixture
def start():
    filters = []

    def go(name, *args):
        filters.append(Filter(name, *args))
        return filters[-1]

    yield go
    for f in filters:
        if f.proc.poll() is None:
            f.proc.kill()
            f.proc.communicate()


@pytest.fixture
def name_server(tmp_path):
    if shutil.which("nsd") is None:
        pytest.skip("nsd is not installed")
    running = []

    def go(zone, text):
        nsd, where = nameserver.start(tmp_path, zone, text)
        running.append(nsd)
        return where

    yield go
    for nsd in running:
        nsd.terminate()
        nsd.wait(60)
