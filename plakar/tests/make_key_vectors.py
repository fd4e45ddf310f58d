#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Prints doc/formats/vectors/keys.json.

A second implementation of sections 2 to 4 of
doc/formats/plakar-repository.md, written from that page alone and on nothing
but Python's standard library: HKDF, X25519, XSalsa20-Poly1305 and
ChaCha20-Poly1305 are spelled out below, slowly.  So a vector can't repeat a
mistake of the C code.  (Argon2id alone is taken from a library, and its
vector is left out where none is installed; the committed file has it.)

All numbers in hexadecimal are byte strings.
"""
import hashlib
import hmac
import json
import struct
import sys

M32 = 2**32 - 1
P = 2**255 - 19


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(secret, salt, info, n=32):
    prk, out, block = mac(salt, secret), b"", b""
    while len(out) < n:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:n]


# --- X25519 (RFC 7748) ---

def x25519(k, u=(9).to_bytes(32, "little")):
    k = int.from_bytes(k, "little")
    k = (k & ~7 & (2**255 - 1)) | 2**254
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in range(254, -1, -1):
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb)**2 % P, x1 * (da - cb)**2 % P
        x2, z2 = aa * bb % P, (aa - bb) * (aa + 121665 * (aa - bb)) % P
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


# --- Salsa20, ChaCha20, Poly1305 ---

def rotl(v, s):
    return (v << s | v >> (32 - s)) & M32


def salsa_rounds(x):
    def quarter(a, b, c, d):
        x[b] ^= rotl((x[a] + x[d]) & M32, 7)
        x[c] ^= rotl((x[b] + x[a]) & M32, 9)
        x[d] ^= rotl((x[c] + x[b]) & M32, 13)
        x[a] ^= rotl((x[d] + x[c]) & M32, 18)

    for _ in range(10):
        for q in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6),
                  (15, 3, 7, 11), (0, 1, 2, 3), (5, 6, 7, 4),
                  (10, 11, 8, 9), (15, 12, 13, 14)):
            quarter(*q)


def salsa_state(key, sixteen):
    c, k = struct.unpack("<4I", b"expand 32-byte k"), struct.unpack("<8I", key)
    n = struct.unpack("<4I", sixteen)
    return [c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3]]


def hsalsa20(key, sixteen):
    x = salsa_state(key, sixteen)
    salsa_rounds(x)
    return struct.pack("<8I", x[0], x[5], x[10], x[15], *x[6:10])


def xsalsa20(key, nonce, n):
    key = hsalsa20(key, nonce[:16])
    out = b""
    for i in range((n + 63) // 64):
        start = salsa_state(key, nonce[16:] + struct.pack("<Q", i))
        x = list(start)
        salsa_rounds(x)
        out += struct.pack("<16I", *((a + b) & M32 for a, b in zip(x, start)))
    return out[:n]


def chacha20(key, nonce, counter, n):
    def quarter(a, b, c, d):
        for p, q, r, s in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                           (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & M32
            x[r] = rotl(x[r] ^ x[p], s)

    out = b""
    while len(out) < n:
        start = [*struct.unpack("<4I", b"expand 32-byte k"),
                 *struct.unpack("<8I", key), counter,
                 *struct.unpack("<3I", nonce)]
        x = list(start)
        for _ in range(10):
            for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14),
                      (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
                      (2, 7, 8, 13), (3, 4, 9, 14)):
                quarter(*q)
        out += struct.pack("<16I", *((a + b) & M32 for a, b in zip(x, start)))
        counter += 1
    return out[:n]


def xor(a, b):
    return bytes(p ^ q for p, q in zip(a, b))


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r
        acc %= 2**130 - 5
    acc += int.from_bytes(key[16:], "little")
    return (acc & (2**128 - 1)).to_bytes(16, "little")


def seal_chacha(key, number, ad, text):
    def pad(b):
        return b + bytes(-len(b) % 16)

    nonce = struct.pack("<QI", number, 0)
    sealed = xor(text, chacha20(key, nonce, 1, len(text)))
    tag = poly1305(chacha20(key, nonce, 0, 32), pad(ad) + pad(sealed) +
                   struct.pack("<QQ", len(ad), len(sealed)))
    return sealed + tag


# --- AES-256-GCM (FIPS 197, SP 800-38D) ---

def aes_sbox():
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= (p << 1 ^ (0x11b if p & 0x80 else 0)) & 0x1ff
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        if q & 0x80:
            q ^= 0x09
        rot = [q << s | q >> (8 - s) for s in (1, 2, 3, 4)]
        box[p] = (q ^ rot[0] ^ rot[1] ^ rot[2] ^ rot[3]) & 0xff ^ 0x63
        if p == 1:
            return box


def aes256(key, block, box=aes_sbox()):
    words, rcon = [key[i:i + 4] for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        w = words[-1]
        if i % 8 == 0:
            w = bytes(box[b] for b in w[1:] + w[:1])
            w = bytes([w[0] ^ rcon]) + w[1:]
            rcon <<= 1
        elif i % 8 == 4:
            w = bytes(box[b] for b in w)
        words.append(xor(words[-8], w))

    def twice(b):
        return b << 1 ^ (0x11b if b & 0x80 else 0)

    s = xor(block, b"".join(words[:4]))
    for rnd in range(1, 15):
        s = bytes(box[s[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if rnd < 14:
            mixed = []
            for c in range(0, 16, 4):
                col = s[c:c + 4]
                for i in range(4):
                    a, b = col[i], col[(i + 1) % 4]
                    mixed.append(twice(a) ^ twice(b) ^ b ^ col[(i + 2) % 4] ^
                                 col[(i + 3) % 4])
            s = bytes(mixed)
        s = xor(s, b"".join(words[4 * rnd:4 * rnd + 4]))
    return s


def ghash(h, data):
    h, y = int.from_bytes(h, "big"), 0
    for i in range(0, len(data), 16):
        x, z, v = y ^ int.from_bytes(data[i:i + 16], "big"), 0, h
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                z ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        y = z
    return y.to_bytes(16, "big")


def seal_gcm(key, number, ad, text):
    def pad(b):
        return b + bytes(-len(b) % 16)

    nonce = struct.pack("<QI", number, 0)
    stream = b"".join(aes256(key, nonce + struct.pack(">I", i + 2))
                      for i in range((len(text) + 15) // 16))
    sealed = xor(text, stream)
    lengths = struct.pack(">QQ", 8 * len(ad), 8 * len(sealed))
    tag = ghash(aes256(key, bytes(16)), pad(ad) + pad(sealed) + lengths)
    return sealed + xor(tag, aes256(key, nonce + struct.pack(">I", 1)))


def sealed_box(public, text, ephemeral):
    """libsodium's sealed box, its ephemeral secret key given."""
    mine = x25519(ephemeral)
    nonce = hashlib.blake2b(mine + public, digest_size=24).digest()
    key = hsalsa20(x25519(ephemeral, public), bytes(16))
    stream = xsalsa20(key, nonce, 32 + len(text))
    sealed = xor(text, stream[32:])
    return mine + poly1305(stream[:32], sealed) + sealed


# --- the repository ---

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(tag, value):
    return varint(tag) + varint(len(value)) + value


def argon2id(secret, salt, passes, memory):
    from argon2.low_level import Type, hash_secret_raw
    return hash_secret_raw(secret, salt, passes, memory, 1, 64, Type.ID)


LABELS = ["config", "id data", "id tree", "id content", "id xattr", "gear",
          "boundary", "index", "metadata", "data"]
ROLES = {"full": (1, [0]), "read": (2, range(1, 11)), "push": (3, range(1, 9)),
         "purge": (4, range(1, 10))}


def slot(kdf, role, secret, secrets, repo, label, costs=(0, 0)):
    number, kinds = ROLES[role]
    salt = bytes(range(0x50 + number, 0x60 + number))
    if kdf == 1:
        derived = argon2id(secret, salt, *costs)
    else:
        derived = hkdf(secret, salt, b"plakar 1 slot", 64)
    head = b"PLKRkeys" + struct.pack("<IBBHII", 1, kdf, number, 0, *costs)
    head += salt + struct.pack("<QB", 1790000000, len(label)) + label
    head += derived[32:]
    text = b"".join(bytes([k]) + secrets[k] for k in kinds)
    sealed = seal_chacha(derived[:32], 0, repo + head, text)
    return {
        "kdf": kdf, "role": role, "passes": costs[0], "memory_kib": costs[1],
        "secret": secret.hex(), "label": label.decode(),
        "slot_key": derived[:32].hex(), "plaintext": text.hex(),
        "slot": (head + struct.pack("<H", len(sealed)) + sealed).hex(),
    }


def main():
    repo, root = bytes(range(16)), bytes(range(0x20, 0x40))
    keys = {n: hkdf(root, repo, b"plakar 1 " + n.encode()) for n in LABELS}
    secrets = [root] + [keys[n] for n in LABELS]
    meta, data = x25519(keys["metadata"]), x25519(keys["data"])
    chunk = bytes(i * i % 251 for i in range(300))
    session, salt = bytes(range(0x60, 0x80)), bytes(range(0x80, 0x90))
    ephemeral = bytes(range(0xa0, 0xc0))
    seal_key = hkdf(session, salt, b"plakar 1 seal")

    body = field(1, repo) + field(2, struct.pack("<Q", 1790000000))
    body += field(3, struct.pack("<BIII", 1, 16384, 65536, 262144))
    body += field(4, b"\1") + field(5, meta) + field(6, data)
    config = b"PLKRconf" + struct.pack("<II", 1, len(body)) + body
    config += mac(keys["config"], config)

    slots = [
        slot(0, "full", bytes(range(64)), secrets, repo, b"key file"),
        slot(2, "push", b"", secrets, repo, b""),
        slot(0, "read", b"k" * 32, secrets, repo, "caf\u00e9".encode()),
        slot(0, "purge", b"p" * 4096, secrets, repo, b"nightly"),
    ]
    if "--without-argon2" not in sys.argv:
        slots.append(slot(1, "full", b"correct horse battery staple", secrets,
                          repo, b"home", (2, 64)))
    out = {
        "about": "see plakar/tests/make_key_vectors.py; hex throughout",
        "repository_id": repo.hex(),
        "root_secret": root.hex(),
        "derived": {"plakar 1 " + n: k.hex() for n, k in keys.items()},
        "public": {"metadata": meta.hex(), "data": data.hex()},
        "chunk_ids": {
            "chunk": chunk.hex(),
            "empty": {n: mac(keys["id " + n], b"")[:16].hex()
                      for n in ("data", "tree", "content", "xattr")},
            "ids": {n: mac(keys["id " + n], chunk)[:16].hex()
                    for n in ("data", "tree", "content", "xattr")},
        },
        "seal": {
            "session_key": session.hex(), "salt": salt.hex(),
            "seal_key": seal_key.hex(), "ephemeral_secret": ephemeral.hex(),
            "sealed_to_metadata": sealed_box(meta, session, ephemeral).hex(),
            "sealed_to_data": sealed_box(data, session, ephemeral).hex(),
        },
        "aead": [
            {"algorithm": alg, "key": seal_key.hex(), "number": number,
             "ad": ad.hex(), "plaintext": text.hex(),
             "sealed": seal(seal_key, number, ad, text).hex()}
            for alg, seal in ((1, seal_gcm), (2, seal_chacha))
            for number, ad, text in ((0, b"", b""), (7, repo, chunk),
                                     (2**32 - 1, chunk, repo[:5]))
        ],
        "config": config.hex(),
        "slots": slots,
    }
    json.dump(out, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
