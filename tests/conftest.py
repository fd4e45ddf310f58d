# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Make tests/support known to the tests of the house."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
