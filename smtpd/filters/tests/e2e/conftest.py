# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Filters that end with the test that started them."""

import pytest

from filterserver import Filter


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
