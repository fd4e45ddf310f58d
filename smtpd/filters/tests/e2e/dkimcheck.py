# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Whether a message in a Maildir is signed by a key, as another program's
DKIM sees it."""

import base64
import subprocess

import dkim


def verified(mail, key, name):
    """name is where the public key would be in DNS."""
    public = subprocess.run(
        ["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"],
        check=True, capture_output=True).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    asked = []

    def find(where, timeout=5):
        asked.append(where.decode())
        return record

    good = dkim.verify(mail.encode().replace(b"\n", b"\r\n"), dnsfunc=find)
    assert asked == [name]
    return good
