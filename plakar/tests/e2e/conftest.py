# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Make the support of all tests, and of plakar's, known to these."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
for folder in ("tests/support", "plakar/tests/support", "plakar/tests"):
    sys.path.insert(0, str(ROOT / folder))
