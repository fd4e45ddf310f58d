# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The committed test vectors are what the second implementation prints."""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def printed(*args):
    script = ROOT / "plakar/tests/make_key_vectors.py"
    done = subprocess.run([sys.executable, script, *args], check=True,
                          capture_output=True)
    return json.loads(done.stdout)


def test_key_vectors_are_those_of_the_second_implementation():
    committed = json.loads(
        (ROOT / "doc/formats/vectors/keys.json").read_text())
    try:
        import argon2  # noqa: F401
    except ImportError:
        # The C test still opens the committed Argon2id slot.
        assert committed["slots"].pop()["kdf"] == 1
        assert printed("--without-argon2") == committed
    else:
        assert printed() == committed
