#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Prints doc/formats/vectors/chunker.txt.

A second implementation of doc/formats/plakar-chunker.md, written from that
page alone: slow, with nothing in common with the C code.
"""
import struct

M32, M64 = 2**32 - 1, 2**64 - 1


def chacha20(key, n):
    """The first n bytes of the ChaCha20 stream, nonce 0, counter from 0."""
    def rotl(v, s):
        return (v << s | v >> (32 - s)) & M32

    def quarter(x, a, b, c, d):
        for p, q, r, s in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                           (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & M32
            x[r] = rotl(x[r] ^ x[p], s)

    out = bytearray()
    for counter in range((n + 63) // 64):
        start = [*struct.unpack("<4I", b"expand 32-byte k"),
                 *struct.unpack("<8I", key), counter, 0, 0, 0]
        x = list(start)
        for _ in range(10):
            for col in range(4):
                quarter(x, col, 4 + col, 8 + col, 12 + col)
            for col in range(4):
                quarter(x, col, 4 + (col + 1) % 4, 8 + (col + 2) % 4,
                        12 + (col + 3) % 4)
        out += struct.pack("<16I", *((a + b) & M32 for a, b in zip(x, start)))
    return bytes(out[:n])


def cuts(key, lo, avg, hi, data):
    gear = struct.unpack("<256Q", chacha20(key, 2048))
    hard, easy = 2**64 // (4 * avg), 4 * 2**64 // avg
    turn, lengths, start = avg - lo // 2, [], 0
    while start < len(data):
        left, n = len(data) - start, None
        h = 0
        for i in range(lo - 64, min(left, hi)):
            # h is now H(i), if i is at least lo.
            if i >= lo and h < (hard if i < turn else easy):
                n = i
                break
            h = ((h << 1) + gear[data[start + i]]) & M64
        # Where the data ends there is a cut, whatever the hash.
        n = n or min(left, hi)
        lengths.append(n)
        start += n
    return lengths


def main():
    key = bytes(range(32))
    stream_key = bytes(range(128, 160))
    print("# Test vectors of doc/formats/plakar-chunker.md; made by\n"
          "# plakar/tests/make_chunker_vectors.py.  A line is: key, minimum,"
          "\n# average, maximum, input, its length, then the lengths of the"
          "\n# chunks.  An input is \"zero\" bytes, or a ChaCha20 stream of the"
          "\n# key after the colon.")
    for lo, avg, hi, name, n in (
            (16384, 65536, 262144, "stream", 1 << 20),
            (16384, 65536, 262144, "zero", 600000),
            (65536, 262144, 1048576, "stream", 3 << 20),
            (64, 256, 1024, "stream", 8000),
            (100, 1024, 3000, "stream", 20000),
            (16384, 65536, 262144, "stream", 16384),
            (16384, 65536, 262144, "stream", 1),
            (16384, 65536, 262144, "stream", 0)):
        data = bytes(n) if name == "zero" else chacha20(stream_key, n)
        source = name if name == "zero" else "stream:" + stream_key.hex()
        print(key.hex(), lo, avg, hi, source, n, *cuts(key, lo, avg, hi, data))


if __name__ == "__main__":
    main()
