# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Where the tests find what they share: see wm.py."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
