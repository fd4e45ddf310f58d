# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A second implementation of the reading side of a repository.

Written from doc/formats/plakar-repository.md alone, with nothing in common
with the C code: where the two read something differently, one is wrong or the
page is.  Slow, and strict: whatever the page does not allow is a Bad.
"""

import functools
import hashlib
import hmac
import pathlib
import struct
from dataclasses import dataclass, field

import nacl.bindings as sodium
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import (AESGCM,
                                                         ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIB = 1 << 20
DATA, TREE, CONTENT, XATTR = 1, 2, 3, 4
SECRETS = ["root", "config", "id data", "id tree", "id content", "id xattr",
           "gear", "boundary", "index", "metadata", "data"]
ROLES = {1: range(0, 1), 2: range(1, 11), 3: range(1, 9), 4: range(1, 10)}
FILE, DIRECTORY, LINK, FIFO, SOCKET, CHARACTER, BLOCK = range(1, 8)


class Bad(Exception):
    """Not what the page allows."""


class Unsupported(Exception):
    """Of a version, or with a feature, that this program lacks."""


def demand(condition, *what):
    if not condition:
        raise Bad(*what)


class Bytes:
    """Reads numbers and bytes from the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def __len__(self):
        return len(self.data) - self.at

    def take(self, n):
        demand(n <= len(self), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def varint(self, most=2**64 - 1):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            demand(byte or not shift, "varint longer than it need be")
            shift += 7
            if byte < 128:
                break
            demand(shift < 70, "varint too long")
        demand(value <= most, "number too large", value)
        return value

    def svarint(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def counted(self, least, most):
        n = self.varint(most)
        demand(n >= least, "length too small", n)
        return self.take(n)

    def end(self):
        demand(len(self) == 0, "trailing bytes")


def hkdf(secret, salt, info, length=32):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def derive(root, repository):
    return {name: hkdf(root, repository, b"plakar 1 " + name.encode())
            for name in SECRETS[1:]}


def unseal(aead, key, number, ad, sealed):
    cipher = {1: AESGCM, 2: ChaCha20Poly1305}[aead](key)
    try:
        return cipher.decrypt(struct.pack("<QI", number, 0), sealed, ad)
    except InvalidTag:
        raise Bad("the seal is broken") from None


def unzstd(data, most):
    try:
        plain = zstandard.ZstdDecompressor().decompress(
            data, max_output_size=most)
    except zstandard.ZstdError as e:
        raise Bad(str(e)) from None
    demand(len(plain) <= most, "a frame of too many bytes")
    return plain


def fields(data):
    """(tag, value) of each field, in ascending order of tag."""
    r, last = Bytes(data), 0
    while len(r):
        tag = r.varint()
        demand(tag >= last, "fields out of order")
        last = tag
        yield tag, r.take(r.varint())


def collect(data, once, repeated, required):
    """Fields by tag: a value, or a list of those that may be repeated."""
    found = {tag: [] for tag in repeated}
    for tag, value in fields(data):
        if tag in repeated:
            found[tag].append(value)
        elif tag in once:
            demand(tag not in found, "a field twice", tag)
            found[tag] = value
    for tag in required:
        demand(found.get(tag), "a field is missing", tag)
    return found


def text(value):
    demand(0 not in value, "a zero byte in a text")
    return value


# --- section 3: config ---

@dataclass
class Config:
    repository: bytes
    created: int
    chunker: tuple
    aead: int
    metadata_public: bytes
    data_public: bytes
    mac: bytes
    before_mac: bytes


def read_config(raw):
    r = Bytes(raw)
    demand(len(raw) <= 65536, "config too long")
    demand(r.take(8) == b"PLKRconf", "no config")
    version = r.number(4)
    if version != 1:
        raise Unsupported(f"config of version {version}")
    found = collect(r.take(r.number(4)), range(1, 7), (7, 8), range(1, 7))
    mac = r.take(32)
    r.end()
    if found[7]:
        raise Unsupported(f"feature {found[7][0].decode()}")
    kind, *sizes = struct.unpack("<BIII", found[3])
    demand(kind == 1, "unknown chunker")
    demand(len(found[1]) == 16 and len(found[2]) == 8, "bad length")
    demand(found[4] in (b"\1", b"\2"), "unknown AEAD")
    demand(len(found[5]) == len(found[6]) == 32, "bad public key")
    return Config(found[1], int.from_bytes(found[2], "little"), tuple(sizes),
                  found[4][0], found[5], found[6], mac, raw[:-32])


# --- section 4: key slots ---

@dataclass
class Slot:
    kdf: int
    role: int
    passes: int
    memory: int
    salt: bytes
    created: int
    label: str
    commitment: bytes
    head: bytes
    sealed: bytes

    def open(self, repository, secret):
        """The secrets by name, or None: of another secret."""
        if self.kdf == 1:
            key = sodium.crypto_pwhash_alg(
                64, secret, self.salt, self.passes, self.memory * 1024,
                sodium.crypto_pwhash_ALG_ARGON2ID13)
        else:
            key = hkdf(secret, self.salt, b"plakar 1 slot", 64)
        if not hmac.compare_digest(key[32:], self.commitment):
            return None
        r = Bytes(unseal(2, key[:32], 0, repository + self.head, self.sealed))
        secrets = {}
        for kind in ROLES[self.role]:
            demand(r.number(1) == kind, "secrets are not those of the role")
            secrets[SECRETS[kind]] = r.take(32)
        r.end()
        return secrets


def read_slot(raw):
    r = Bytes(raw)
    demand(len(raw) <= 4096, "slot too long")
    demand(r.take(8) == b"PLKRkeys", "no slot")
    version = r.number(4)
    if version != 1:
        raise Unsupported(f"key slot of version {version}")
    kdf, role = r.number(1), r.number(1)
    demand(kdf <= 2 and 1 <= role <= 4 and r.number(2) == 0, "bad slot")
    passes, memory = r.number(4), r.number(4)
    demand((kdf == 1) == (passes > 0) == (memory > 0), "bad costs")
    demand(passes <= 16 and memory <= 4 << 20, "costs too high")
    salt, created = r.take(16), r.number(8)
    label = r.take(r.number(1)).decode()
    demand(all(c >= " " and c != "\x7f" for c in label), "bad label")
    commitment = r.take(32)
    head = raw[:r.at]
    sealed = r.take(r.number(2))
    r.end()
    return Slot(kdf, role, passes, memory, salt, created, label, commitment,
                head, sealed)


# --- sections 5 and 6: blocks and packs ---

def read_block(plain, kinds):
    """The chunks of a block's plaintext, as (kind, bytes)."""
    r = Bytes(plain)
    count = r.number(4)
    demand(1 <= count <= 8192, "chunks in a block", count)
    words = [r.number(4) for _ in range(count)]
    demand(all(w >> 24 in kinds and w & 0xffffff for w in words), "bad chunk")
    demand(sum(w & 0xffffff for w in words) <= MIB, "block too long")
    chunks = [(w >> 24, r.take(w & 0xffffff)) for w in words]
    r.end()
    return chunks


class Pack:
    """A whole pack, verified as far as that goes without its key."""

    def __init__(self, repository, raw):
        self.repository, self.raw = repository, raw
        r = Bytes(raw)
        demand(len(raw) <= 512 * MIB, "pack too long")
        demand(r.take(8) == b"PLKRpack", "no pack")
        version = r.number(2)
        if version != 1:
            raise Unsupported(f"pack of version {version}")
        self.pack_class = r.number(1)
        demand(self.pack_class in (1, 2) and r.number(1) == 0, "bad class")
        self.kinds = (DATA,) if self.pack_class == 1 else (TREE, CONTENT,
                                                           XATTR)
        rows = r.number(4)
        demand(1 <= rows <= 4096, "rows", rows)
        self.rows = []
        for _ in range(rows):
            epoch = r.number(4)
            if epoch:
                raise Unsupported(f"key epoch {epoch}")
            self.rows.append((r.take(16), r.take(80)))
        self.start = r.at
        self.read_trailer()

    def read_trailer(self):
        r = Bytes(self.raw[-48:])
        self.table, padding = r.number(4), r.number(4)
        demand(r.take(32) == hashlib.sha256(self.raw[:-40]).digest(),
               "the trailer's hash")
        demand(r.take(8) == b"PLKRtail", "no trailer")
        self.end = len(self.raw) - 48 - padding
        demand(not any(self.raw[self.end:-48]), "padding of more than zeros")
        demand(self.start < self.table < self.end, "bad trailer")

    @functools.lru_cache
    def key(self, row):
        demand(row < len(self.rows), "no such key row")
        salt, sealed = self.rows[row]
        session = self.repository.open_sealed_key(self.pack_class, sealed)
        return salt, hkdf(session, salt, b"plakar 1 seal")

    def unseal_block(self, at, marker):
        """(plaintext, length as in the head, where the next begins)."""
        r = Bytes(self.raw[at:self.end])
        demand(r.number(4) == marker, "marker")
        row, codec = r.number(2), r.number(1)
        demand(codec <= 1 and r.number(1) == 0, "bad block head")
        number, length = r.number(4), r.number(4)
        demand(length and r.number(4) == 0, "bad block head")
        if marker == 0x434f5450:
            demand((row, codec, number) == (0, 0, 0xffffffff), "bad table")
        salt, key = self.key(row)
        ad = self.repository.config.repository + struct.pack(
            "<B16sIIB", self.pack_class, salt, number, length, codec)
        plain = unseal(self.repository.config.aead, key, number, ad,
                       r.take(length + 16))
        if codec == 1:
            plain = unzstd(plain, MIB + 4 + 4 * 8192)
        return plain, length, (row, number), at + r.at

    def blocks(self):
        """(offset, length, chunks) of each block, found by scanning."""
        at, used = self.start, set()
        while at < self.table:
            plain, length, nonce, end = self.unseal_block(at, 0x4b4c4250)
            demand(nonce not in used, "a nonce twice")
            used.add(nonce)
            yield at, length, read_block(plain, self.kinds)
            at = end
        demand(at == self.table, "a block runs into the table")

    def chunk(self, offset, slot):
        return read_block(self.unseal_block(offset, 0x4b4c4250)[0],
                          self.kinds)[slot]

    def contents(self):
        """The table of contents: (length, ids) of each block."""
        plain, _, _, end = self.unseal_block(self.table, 0x434f5450)
        demand(end == self.end, "bytes after the table")
        r = Bytes(plain)
        out = []
        blocks = r.number(4)
        demand(1 <= blocks <= 65535, "blocks in a pack", blocks)
        for _ in range(blocks):
            length, count = r.number(4), r.number(2)
            demand(length and 1 <= count <= 8192, "bad table")
            out.append((length, [r.take(16) for _ in range(count)]))
        r.end()
        return out


# --- section 7: index segments ---

def read_segment(plain):
    """Rows: (id, pack, class, offset of the block, slot)."""
    r = Bytes(plain)
    packs, last = [], bytes(16)
    count = r.number(4)
    demand(count <= 65536, "packs in a segment", count)
    for _ in range(count):
        name, pack_class, size = r.take(32), r.number(1), r.number(4)
        blocks = r.number(2)
        offsets = [r.number(4) for _ in range(blocks + 1)]
        demand(pack_class in (1, 2), "class")
        demand(offsets == sorted(set(offsets)) and offsets[0] >= 116 and
               offsets[-1] < size <= 512 * MIB, "offsets")
        packs.append((name, pack_class, offsets))
    count = r.number(4)
    demand(count <= 262144, "rows in a segment", count)
    ids = [r.take(16) for _ in range(count)]
    columns = [[r.number(2) for _ in range(count)] for _ in range(3)]
    r.end()
    for key, pack, block, slot in zip(ids, *columns):
        demand(key >= last, "rows out of order")
        last = key
        demand(pack < len(packs), "no such pack")
        name, pack_class, offsets = packs[pack]
        demand(block < len(offsets) - 1 and slot < 8192, "no such block")
        yield key, name, pack_class, offsets[block], slot


# --- section 8: trees ---

@dataclass
class Entry:
    type: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int  # nanoseconds
    ctime: int
    inode: int
    btime: int = None
    links: tuple = None   # nlink, major, minor
    device: tuple = None  # major, minor
    target: bytes = None
    flags: int = 0
    xattrs: dict = field(default_factory=dict)
    xattrs_id: bytes = None
    inline: bytes = None
    items: list = None
    content_id: bytes = None
    changed: bool = False
    error: bytes = None
    recorded_only: bool = False


def read_time(r):
    return r.svarint() * 10**9 + r.varint(999_999_999)


def read_attributes(data):
    r, found, last = Bytes(data), {}, b""
    while len(r):
        name = r.take(r.varint())
        demand(name > last, "attributes out of order")
        last = name
        found[name] = r.take(r.varint())
    return found


def read_item(r):
    """(length, id, or None for a hole)."""
    value = r.varint()
    length, hole = value >> 1, value & 1
    demand(length and (hole or length <= MIB), "length of an item", length)
    return length, None if hole else r.take(16)


def read_entry(data):
    r, most = Bytes(data), 2**32 - 1
    bits = r.varint(2**13 - 1)
    has = [bits >> i & 1 for i in range(13)]
    kind = r.number(1)
    e = Entry(kind, r.varint(0o7777), r.varint(most), r.varint(most),
              r.varint(2**63 - 1), read_time(r), read_time(r), r.varint())
    if has[0]:
        e.btime = read_time(r)
    if has[1]:
        e.links = (r.varint(most), r.varint(most), r.varint(most))
    if has[2]:
        e.device = (r.varint(most), r.varint(most))
    if has[3]:
        e.target = r.counted(1, 65535)
    if has[4]:
        e.flags = r.varint(most)
    if has[5]:
        e.xattrs = read_attributes(r.counted(1, 512))
    if has[6]:
        e.xattrs_id = r.take(16)
    if has[7]:
        e.inline = r.counted(1, 96)
        demand(len(e.inline) == e.size, "size of content in place")
    if has[8]:
        count = r.varint(32)
        demand(count, "empty list")
        e.items = [read_item(r) for _ in range(count)]
    if has[9]:
        e.content_id = r.take(16)
    e.changed = bool(has[10])
    if has[11]:
        e.error = r.counted(1, 1024)
    e.recorded_only = bool(has[12])
    r.end()
    demand(FILE <= kind <= BLOCK, "unknown type", kind)
    demand(sum(has[7:10]) <= (kind == FILE), "content")
    demand(has[5] + has[6] <= 1 and (e.flags or not has[4]), "attributes")
    demand(not has[1] or (e.links[0] > 1 and kind != DIRECTORY), "links")
    demand(has[2] == (kind in (CHARACTER, BLOCK)), "device")
    demand(has[3] == (kind == LINK) and has[12] <= (kind == DIRECTORY),
           "parts of another type")
    return e


@dataclass
class Node:
    level: int
    items: list  # (key, entry bytes), or (key, child id, sums)
    lengths: list  # bytes of each item


def shared_length(a, b):
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


def read_node(data):
    r = Bytes(data)
    demand(len(data) <= 786432, "node too long")
    level, count = r.number(1), r.varint()
    demand(count >= 1, "empty node")
    node, key = Node(level, [], []), None
    for _ in range(count):
        at = r.at
        shared, rest = r.varint(262144), r.varint(262144)
        demand(shared <= len(key or b""), "shares more than there is")
        new = (key or b"")[:shared] + r.take(rest)
        demand(len(new) <= 262144, "key too long")
        if key is not None:
            demand(new > key, "keys don't ascend")
            demand(shared_length(key, new) == shared, "shares too little")
        key = new
        if level == 0:
            node.items.append((key, r.take(r.varint())))
        else:
            child = r.take(16)
            node.items.append((key, child, [r.varint() for _ in range(4)]))
        node.lengths.append(r.at - at)
    r.end()
    return node


def path_of(key):
    """The path of a key."""
    if not key:
        return b"/"
    *parents, empty, name = key.split(b"\0")
    demand(empty == b"", "bad key")
    parts = [*parents, name]
    demand(all(p not in (b"", b".", b"..") and b"/" not in p for p in parts),
           "bad component")
    return b"/" + b"/".join(parts)


# --- section 9: snapshots ---

@dataclass
class Snapshot:
    name: str  # of its object
    start: int
    end: int
    host: bytes
    user: bytes
    roots: list
    tags: list
    tree: bytes
    sums: tuple
    parent: bytes
    previous: bytes
    partial: bool
    stored: tuple
    users: dict
    groups: dict
    program: bytes


def snapshot_time(value):
    seconds, nanoseconds = struct.unpack("<QI", value)
    demand(nanoseconds < 10**9 and seconds < 2**63, "bad time")
    return seconds * 10**9 + nanoseconds


def owners(values):
    return {int.from_bytes(v[:4], "little"): text(v[4:]) for v in values}


def read_snapshot(name, plain):
    found = collect(plain, range(1, 16), (5, 6, 13, 14), (1, 2, 8, 5))
    demand(3 in found and 4 in found, "no host or user")
    demand(all(root[:1] == b"/" for root in found[5]), "a relative root")
    demand(found.get(11, b"\1") == b"\1", "bad flag")
    return Snapshot(
        name, snapshot_time(found[1]), snapshot_time(found[2]),
        text(found[3]), text(found[4]), [text(v) for v in found[5]],
        [text(v) for v in found[6]], found.get(7),
        struct.unpack("<4Q", found[8]), found.get(9), found.get(10),
        11 in found, struct.unpack("<3Q", found.get(12, bytes(24))),
        owners(found[13]), owners(found[14]), found.get(15))


# --- the repository ---

class Repository:
    """A repository in a directory, open with a secret.

    secret: a passphrase or the bytes of a key file; None where none is
    needed.
    """

    def __init__(self, path, secret=None):
        self.path = pathlib.Path(path)
        self.config = read_config((self.path / "config").read_bytes())
        self.slots = [read_slot(raw) for _, raw in self.objects("keys")]
        self.secrets = self.unlock(secret)
        mac = hmac.digest(self.secrets["config"], self.config.before_mac,
                          "sha256")
        demand(hmac.compare_digest(mac, self.config.mac), "config's MAC")
        self.packs = {}
        self.blocks = {}

    def unlock(self, secret):
        for slot in self.slots:
            if (slot.kdf == 2) != (secret is None):
                continue
            found = slot.open(self.config.repository, secret or b"")
            if found is not None:
                if "root" in found:
                    found |= derive(found["root"], self.config.repository)
                return found
        raise Bad("no slot opens with this secret")

    def objects(self, folder):
        """(name, bytes) of all objects of a kind, held against their name."""
        for path in sorted((self.path / folder).rglob("*")):
            if path.is_file():
                raw = path.read_bytes()
                demand(hashlib.sha256(raw).hexdigest() == path.name,
                       "not what its name says", str(path))
                yield path.name, raw

    def open_sealed_key(self, pack_class, sealed):
        secret = self.secrets["data" if pack_class == 1 else "metadata"]
        public = sodium.crypto_scalarmult_base(secret)
        demand(public == (self.config.data_public if pack_class == 1
                          else self.config.metadata_public), "public key")
        return sodium.crypto_box_seal_open(sealed, public, secret)

    def sealed_objects(self, folder, magic):
        """(name, plaintext) of the snapshots or tombstones."""
        for name, raw in self.objects(folder):
            r = Bytes(raw)
            if r.take(8) != magic:
                continue
            version = r.number(2)
            if version != 1:
                raise Unsupported(f"version {version}")
            demand(r.number(2) == 0, "bad head")
            epoch = r.number(4)
            if epoch:
                raise Unsupported(f"key epoch {epoch}")
            salt, key = r.take(16), self.open_sealed_key(2, r.take(80))
            ad = self.config.repository + raw[:r.at]
            yield name, unseal(self.config.aead,
                               hkdf(key, salt, b"plakar 1 seal"), 0, ad,
                               r.take(len(r)))

    def snapshots(self):
        found = [read_snapshot(name, plain) for name, plain
                 in self.sealed_objects("snapshots", b"PLKRsnap")]
        return sorted(found, key=lambda s: s.start)

    def trashed(self):
        """Names of the snapshots that have a tombstone."""
        out = set()
        for _, plain in self.sealed_objects("locks", b"PLKRtomb"):
            found = collect(plain, (1, 2), (), (1, 2))
            out.add(found[1].hex())
        return out

    # The index, from segments and from packs.

    @functools.cached_property
    def index(self):
        """{id: (pack, class, offset, slot)} of all segments."""
        return {row[0]: row[1:] for _, raw in self.objects("index")
                for row in self.open_segment(raw)}

    def open_segment(self, raw):
        demand(raw[:8] == b"PLKRindx", "no index segment")
        version, zero = struct.unpack_from("<HH", raw, 8)
        if version != 1:
            raise Unsupported(f"index segment of version {version}")
        demand(zero == 0, "bad head")
        key = hkdf(self.secrets["index"], raw[12:28], b"plakar 1 segment")
        plain = unseal(self.config.aead, key, 0,
                       self.config.repository + raw[:28], raw[28:])
        return read_segment(unzstd(plain, 16 * MIB))

    def index_from_packs(self, scan):
        """The same, from tables of contents, or (scan) from the blocks."""
        found = {}
        for name, raw in self.objects("data"):
            pack = Pack(self, raw)
            if scan:
                blocks = [(at, [self.chunk_id(*c) for c in chunks])
                          for at, _, chunks in pack.blocks()]
            else:
                blocks, at = [], pack.start
                for length, ids in pack.contents():
                    blocks.append((at, ids))
                    at += 20 + length + 16
                demand(at == pack.table, "the table's lengths")
            for at, ids in blocks:
                for slot, chunk in enumerate(ids):
                    found[chunk] = (bytes.fromhex(name), pack.pack_class, at,
                                    slot)
        return found

    # Chunks.

    def chunk_id(self, kind, data):
        name = ("id data", "id tree", "id content", "id xattr")[kind - 1]
        return hmac.digest(self.secrets[name], data, "sha256")[:16]

    def pack(self, name):
        if name not in self.packs:
            path = self.path / "data" / name[:2] / name
            self.packs[name] = Pack(self, path.read_bytes())
        return self.packs[name]

    def chunk(self, kind, wanted):
        demand(wanted in self.index, "missing chunk", wanted.hex())
        name, pack_class, offset, slot = self.index[wanted]
        pack = self.pack(name.hex())
        demand(pack.pack_class == pack_class, "class of a pack")
        place = (name, offset)
        if place not in self.blocks:
            self.blocks[place] = read_block(
                pack.unseal_block(offset, 0x4b4c4250)[0], pack.kinds)
        found, data = self.blocks[place][slot]
        demand(found == kind and self.chunk_id(kind, data) == wanted,
               "not the chunk that was wanted", wanted.hex())
        return data

    # Trees.

    def levels(self, root):
        """The nodes of a tree, level by level, the leaves first."""
        top = read_node(self.chunk(TREE, root))
        levels = [[top]]
        while levels[0][0].level > 0:
            below = []
            for node in levels[0]:
                for key, child, sums in node.items:
                    under = read_node(self.chunk(TREE, child))
                    demand(under.level == node.level - 1, "level")
                    demand(under.items[0][0] == key, "first key")
                    demand(self.sums(under) == sums, "sums", key)
                    below.append(under)
            levels.insert(0, below)
        return levels

    def sums(self, node):
        if node.level > 0:
            return [sum(v) for v in zip(*(item[2] for item in node.items))]
        out = [0, 0, 0, 0]
        for _, raw in node.items:
            e = read_entry(raw)
            out[e.type != DIRECTORY] += 1
            out[2] += e.size if e.type == FILE else 0
            out[3] += e.error is not None
        return out

    def entries(self, snapshot):
        """{path: entry}, in the tree's order."""
        if snapshot.tree is None:
            return {}
        levels = self.levels(snapshot.tree)
        demand(self.sums(levels[-1][0]) == list(snapshot.sums),
               "the snapshot's sums")
        found, last = {}, None
        for node in levels[0]:
            for key, raw in node.items:
                demand(last is None or key > last, "keys don't ascend")
                last = key
                e = read_entry(raw)
                if e.xattrs_id:
                    e.xattrs = read_attributes(self.chunk(XATTR, e.xattrs_id))
                found[path_of(key)] = e
        return found

    # Content.

    def content_levels(self, root):
        """The items of each node, level by level, the leaves first."""
        def node(chunk):
            r = Bytes(self.chunk(CONTENT, chunk))
            level, count = r.number(1), r.varint(4096)
            demand(count, "empty node")
            items = []
            for _ in range(count):
                if level:
                    child = r.take(16)
                    items.append((r.varint(), child))
                else:
                    items.append(read_item(r))
            r.end()
            return level, items

        levels = [[node(root)]]
        while levels[0][0][0] > 0:
            below = []
            for level, items in levels[0]:
                for length, child in items:
                    under = node(child)
                    demand(under[0] == level - 1, "level")
                    demand(sum(i[0] for i in under[1]) == length, "lengths")
                    below.append(under)
            levels.insert(0, below)
        return [[items for _, items in nodes] for nodes in levels]

    def items(self, entry):
        if entry.content_id:
            leaves = self.content_levels(entry.content_id)[0]
            return [item for leaf in leaves for item in leaf]
        return entry.items or []

    def content(self, entry):
        """The bytes of a file."""
        if entry.inline is not None:
            return entry.inline
        pieces = []
        for length, chunk in self.items(entry):
            piece = bytes(length) if chunk is None else self.chunk(DATA, chunk)
            demand(len(piece) == length, "length of a chunk")
            pieces.append(piece)
        whole = b"".join(pieces)
        demand(len(whole) == entry.size or entry.error, "length of a file")
        return whole


# --- where nodes end: sections 8.3 and 8.4 ---

def ends_node(boundary, level, key, entry_length):
    weight = (min(64 + len(key), 8192) if level
              else min(24 + entry_length, 16384))
    digest = sodium.crypto_shorthash_siphash24(bytes([level]) + key,
                                               boundary[:16])
    return int.from_bytes(digest, "little") < (2**64 - 1) // 16384 * weight


def split_tree(boundary, level, items, lengths):
    """items, as they would stand in nodes of a level."""
    nodes, node, used, last = [], [], 0, b""
    for item, length in zip(items, lengths):
        key, entry = item[0], item[1] if level == 0 else b""
        need = used + len(key) - shared_length(last, key) + len(entry) + 107
        if node and need > 786432:
            nodes.append(node)
            node, used = [], 0
        node.append(item)
        used, last = used + length, key
        if ends_node(boundary, level, key, len(entry)):
            nodes.append(node)
            node, used, last = [], 0, b""
    return nodes + [node] if node else nodes


def split_content(level, items):
    nodes, node = [], []
    for item in items:
        node.append(item)
        small = item[1] is not None and \
            int.from_bytes(item[1][:8], "little") < 2**64 // 512
        if len(node) == 4096 or small and (level or len(node) > 32):
            nodes.append(node)
            node = []
    return nodes + [node] if node else nodes
