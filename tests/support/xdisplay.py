# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A private X display: a server, keys pressed on it, a picture of it.

    with XDisplay("1280x800") as x:
        program = subprocess.Popen([...], env=x.env)
        x.press("Win+Return")
        x.type("ls\n")
        x.picture("shot.png")
"""

import os
import pathlib
import shutil
import struct
import subprocess
import zlib

from Xlib import X, XK, display, error
from Xlib.ext import xtest

MODIFIERS = {"Win": "Super_L", "Ctrl": "Control_L", "Alt": "Alt_L",
             "Shift": "Shift_L"}
NAMES = {"\n": "Return", " ": "space", "-": "minus", "/": "slash",
         ".": "period", "=": "equal", ";": "semicolon", ":": "colon"}


class XDisplay:
    """An Xvfb of this size, on a display number of its own choice."""

    def __init__(self, size="1280x800", options=()):
        if shutil.which("Xvfb") is None:
            raise FileNotFoundError("Xvfb is not installed")
        told, tell = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(tell), "-screen", "0", size + "x24",
             "-nolisten", "tcp", "-r", *options],  # no key repeats itself
            pass_fds=[tell], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(tell)
        with os.fdopen(told) as f:
            number = f.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        self.name = ":" + number
        self.env = dict(os.environ, DISPLAY=self.name)
        # For a build with sanitizers: fontconfig loses a little at the end.
        self.env.setdefault(
            "LSAN_OPTIONS", "print_suppressions=0:suppressions="
            + str(pathlib.Path(__file__).with_name("lsan.txt")))
        # libxkbcommon copies names that no NUL ends, by their length; a crash
        # is to be a signal, for who watches over the program; and who is
        # confined can start no symbolizer.
        self.env["ASAN_OPTIONS"] = ":".join(filter(None, (
            self.env.get("ASAN_OPTIONS"), "strict_string_checks=0",
            "handle_segv=0", "external_symbolizer_path=")))
        self.x = display.Display(self.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.server is None:
            return
        try:
            self.x.close()
        except (OSError, error.ConnectionClosedError):
            pass  # the server went first
        self.server.terminate()
        self.server.wait(60)
        self.server = None

    def code(self, name):
        """The key that types this symbol, and whether with Shift."""
        sym = XK.string_to_keysym(NAMES.get(name, name))
        found = [(index, code) for code, index
                 in self.x.keysym_to_keycodes(sym) if index in (0, 1)]
        if not found:
            raise ValueError(f"no key types {name!r}")
        index, code = min(found)
        return code, index == 1

    def press(self, chord):
        """Press and release, as "Win+Shift+t"."""
        *held, name = chord.split("+") if len(chord) > 1 else [chord]
        code, shifted = self.code(name)
        mods = [self.code(MODIFIERS[mod])[0] for mod in held]
        if shifted and "Shift" not in held:
            mods.append(self.code("Shift_L")[0])
        for mod in mods:
            xtest.fake_input(self.x, X.KeyPress, mod)
        xtest.fake_input(self.x, X.KeyPress, code)
        xtest.fake_input(self.x, X.KeyRelease, code)
        for mod in reversed(mods):
            xtest.fake_input(self.x, X.KeyRelease, mod)
        self.x.sync()

    def type(self, text):
        for letter in text:
            self.press(letter)

    def picture(self, path):
        """What the screen shows, as a PNG file."""
        root = self.x.screen().root
        size = root.get_geometry()
        w, h = size.width, size.height
        data = root.get_image(0, 0, w, h, X.ZPixmap, 0xffffffff).data
        rows = bytearray(h * (1 + 3 * w))
        for colour in range(3):
            plane = data[2 - colour::4]
            for y in range(h):
                at = y * (1 + 3 * w) + 1
                rows[at + colour:at + 3 * w:3] = plane[y * w:(y + 1) * w]

        def chunk(kind, body):
            return (struct.pack(">I", len(body)) + kind + body
                    + struct.pack(">I", zlib.crc32(kind + body)))
        with open(path, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" + chunk(
                b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(bytes(rows), 6))
                + chunk(b"IEND", b""))
