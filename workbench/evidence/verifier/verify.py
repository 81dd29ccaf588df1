#!/usr/bin/env python3
"""Checks a Workbench ledger without Workbench: one file, the standard library, nothing to install.

    verify.py check PLACE [--anchor WHAT]... [--key VKEY] [--witness VKEY]...
    verify.py witness new|trust|sign ...
    verify.py selftest

PLACE is a directory with a `ledger.db`, that file itself, a tlog-tiles directory, or a `.tlog-proof` file.

Written from the specifications, and not from the program that writes ledgers: docs/ledger-format.md;
RFC 6962 (trees), RFC 8785 (canonical JSON), RFC 8032 (Ed25519); c2sp.org/signed-note, tlog-checkpoint,
tlog-cosignature, tlog-proof, tlog-tiles and tlog-witness. It imports nothing of Workbench. Where the package
`cryptography` is installed it is used for speed, and to open sealed values; `--pure` does without.

Exit codes: 0 consistent, 1 could not run, 2 tampered, 3 rolled back or anchor mismatch, 4 consistent but
evidence incomplete. Needs Python 3.9 or later. Longer than a file should be, on purpose: an auditor reads
one file and carries one file.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sqlite3
import struct
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Iterable, Iterator, Optional, Sequence, Tuple

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    FAST = True
except ImportError:
    FAST = False

CONSISTENT, NOT_RUN, TAMPERED, ROLLED_BACK, INCOMPLETE = 0, 1, 2, 3, 4
SEVERITY = (NOT_RUN, TAMPERED, ROLLED_BACK, INCOMPLETE, CONSISTENT)

MAX_FILE = 1 << 20
"""Bytes read of a note, a proof or a request: far more than an honest one has."""
MAX_LOG = 256 << 20
"""Bytes read of a log that is searched for checkpoints."""
MAX_BODY = 65_535
MAX_INTEGER = 2**53 - 1


class Malformed(Exception):
    """Something is not what its specification says; the text is one clause that can follow a name."""


# Ed25519 (RFC 8032, section 5.1), in extended homogeneous coordinates


P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)
Point = Tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    left, right, up, down = f - e, h - g, h + g, f + e
    return left * right % P, up * down % P, right * up % P, left * down % P


def _decode_point(data: bytes) -> Point | None:
    """Return the point, or None where these 32 bytes are not one (5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _encode_point(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _sum_of_two(a: int, point_a: Point, b: int, point_b: Point) -> Point:
    """Return a * point_a + b * point_b."""
    table = (NEUTRAL, point_a, point_b, _add(point_a, point_b))
    result = NEUTRAL
    for bit in reversed(range(max(a.bit_length(), b.bit_length()))):
        result = _add(result, result)
        chosen = (a >> bit & 1) | (b >> bit & 1) << 1
        if chosen:
            result = _add(result, table[chosen])
    return result


BASE = _decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or NEUTRAL


def _hash_to_scalar(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER


def ed25519_verify_pure(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is one over `message` by the key with these 32 bytes (5.1.7)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key = _decode_point(public)
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or scalar >= ORDER:
        return False
    x, y, z, t = key
    minus_key = (P - x, y, z, P - t)
    challenge = _hash_to_scalar(signature[:32], public, message)
    return _encode_point(_sum_of_two(scalar, BASE, challenge, minus_key)) == signature[:32]


def ed25519_public(seed: bytes) -> bytes:
    """Return the public key of a 32-byte private key (5.1.5)."""
    return _encode_point(_sum_of_two(_expand(seed)[0], BASE, 0, NEUTRAL))


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    """Return the signature over `message` (5.1.6)."""
    scalar, prefix = _expand(seed)
    public = ed25519_public(seed)
    secret = _hash_to_scalar(prefix, message)
    point = _encode_point(_sum_of_two(secret, BASE, 0, NEUTRAL))
    answer = (secret + _hash_to_scalar(point, public, message) * scalar) % ORDER
    return point + answer.to_bytes(32, "little")


def _expand(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    return scalar, digest[32:]


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """As `ed25519_verify_pure`; by the package `cryptography` where it is installed."""
    if not FAST:
        return ed25519_verify_pure(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# SSH signatures (PROTOCOL.sshsig of OpenSSH): Ed25519 keys, also on security keys. For others: ssh-keygen.


def sshsig_verify(armored: str, message: bytes, namespace: str) -> bytes:
    """Return the public key blob that signed `message`, or raise `Malformed`."""
    lines = armored.strip().splitlines()
    if lines[:1] != ["-----BEGIN SSH SIGNATURE-----"] or lines[-1:] != ["-----END SSH SIGNATURE-----"]:
        raise Malformed("it is not an SSH signature")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise Malformed("it is not base64") from error
    if blob[:10] != b"SSHSIG" + struct.pack(">I", 1):
        raise Malformed("it is not an SSH signature of version 1")
    key, found, reserved, algorithm, signature = _ssh_strings(blob[10:], 5)
    if found != namespace.encode():
        raise Malformed(f"it is made for the namespace {found!r}")
    if algorithm not in (b"sha256", b"sha512"):
        raise Malformed(f"its hash {algorithm!r} is not allowed")
    digest = hashlib.new(algorithm.decode(), message).digest()
    signed = b"SSHSIG" + b"".join(map(_ssh_string, (found, reserved, algorithm, digest)))
    kind, rest = _ssh_strings(signature, 1, rest=True)
    if kind == b"ssh-ed25519":
        public = _ssh_strings(key, 2)[1]
        raw = _ssh_strings(rest, 1)[0]
    elif kind == b"sk-ssh-ed25519@openssh.com":
        _, public, application = _ssh_strings(key, 3)
        raw, flags_and_counter = _ssh_strings(rest, 1, rest=True)
        digests = hashlib.sha256(application).digest(), hashlib.sha256(signed).digest()
        signed = digests[0] + flags_and_counter + digests[1]
    else:
        raise Malformed(f"keys of the kind {kind.decode('ascii', 'replace')} need ssh-keygen")
    if _ssh_strings(key, 1, rest=True)[0] != kind or not ed25519_verify(public, signed, raw):
        raise Malformed("it does not belong to this text")
    return key


def _ssh_string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _ssh_strings(data: bytes, count: int, rest: bool = False) -> list[bytes]:
    found = []
    for _ in range(count):
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 or length > len(data) - 4:
            raise Malformed("it is cut off")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    if rest:
        return [*found, data]
    if data:
        raise Malformed("it has bytes too many")
    return found


# Canonical JSON (RFC 8785)


ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
NEEDS_ESCAPE = re.compile(r'[\x00-\x1f"\\]')


def jcs(value: Any) -> bytes:
    """Return the canonical form of a JSON value, or raise `Malformed` where it has none."""
    try:
        return _jcs(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("it holds half of a surrogate pair") from error


def _jcs(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + NEEDS_ESCAPE.sub(_escape, value) + '"'
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Malformed("it holds an integer that JSON cannot hold exactly")
        return str(value)
    if isinstance(value, float):
        return _jcs_number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_jcs, value)) + "]"
    # Member names are ordered by their UTF-16 code units (3.2.3).
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{_jcs(name)}:{_jcs(value[name])}" for name in names) + "}"


def _escape(found: re.Match[str]) -> str:
    char = found.group()
    return ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _jcs_number(value: float) -> str:
    """Write a double as ECMAScript does (3.2.2.3); its shortest digits are those of Python's `repr`."""
    if value != value or value in (float("inf"), float("-inf")):
        raise Malformed("it holds a number that JSON does not have")
    if value == 0:
        return "0"
    found = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, found.digits)).lstrip("0")
    point = len(digits) + int(found.exponent)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        rest = "." + digits[1:] if digits[1:] else ""
        text = f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return "-" * found.sign + text


# Merkle trees (RFC 6962, section 2.1), by the recursion that the RFC gives


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


def _largest_power_below(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root that the audit path leads to (2.1.1), or raise `Malformed`."""
    if not 0 <= index < size:
        raise Malformed(f"there is no entry {index} in a tree of {size}")
    if size == 1:
        if proof:
            raise Malformed("its proof is too long")
        return leaf
    if not proof:
        raise Malformed("its proof is too short")
    left, sibling, below = _largest_power_below(size), proof[-1], proof[:-1]
    if index < left:
        return node_hash(root_by_inclusion(index, left, leaf, below), sibling)
    return node_hash(sibling, root_by_inclusion(index - left, size - left, leaf, below))


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `Malformed` unless `leaf` stands at `index` under `root`."""
    _all_hashes(leaf, root, *proof)
    if root_by_inclusion(index, size, leaf, proof) != root:
        raise Malformed("its proof does not lead to the root")


def roots_by_consistency(
    old: int, new: int, old_root: bytes, proof: Sequence[bytes], whole: bool = True
) -> tuple[bytes, bytes]:
    """Return both roots that the proof leads to (2.1.2, SUBPROOF read backwards), or raise `Malformed`."""
    if old == new:
        if len(proof) != (0 if whole else 1):
            raise Malformed("the consistency proof has another length")
        found = old_root if whole else proof[0]
        return found, found
    if not proof:
        raise Malformed("the consistency proof is too short")
    left, sibling, below = _largest_power_below(new), proof[-1], proof[:-1]
    if old <= left:
        older, newer = roots_by_consistency(old, left, old_root, below, whole)
        return older, node_hash(newer, sibling)
    older, newer = roots_by_consistency(old - left, new - left, old_root, below, False)
    return node_hash(sibling, older), node_hash(sibling, newer)


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `Malformed` unless the tree of size `new` extends the tree of size `old`."""
    _all_hashes(*proof)
    if not 0 < old <= new:
        raise Malformed(f"a tree of {new} cannot be shown to extend one of {old}")
    if roots_by_consistency(old, new, old_root, proof) != (old_root, new_root):
        raise Malformed(f"the tree of {new} does not extend the tree of {old}")


def _all_hashes(*hashes: bytes) -> None:
    if any(len(item) != 32 for item in hashes):
        raise Malformed("a hash is not 32 bytes long")


class Tree:
    """A growing tree, as the roots of its perfect subtrees: `peaks[h]` covers 2**h leaves, or is None."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes | None] = []

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; returns `(height, index, hash)` of each perfect subtree that is now complete."""
        done, height, digest = [(0, self.size, leaf)], 0, leaf
        while height < len(self.peaks) and (peak := self.peaks[height]) is not None:
            digest, self.peaks[height] = node_hash(peak, digest), None
            height += 1
            done.append((height, self.size >> height, digest))
        if height == len(self.peaks):
            self.peaks.append(None)
        self.peaks[height] = digest
        self.size += 1
        return done

    def root(self) -> bytes:
        """Return the Merkle tree hash."""
        digest: bytes | None = None
        for peak in self.peaks:
            if peak is not None:
                digest = peak if digest is None else node_hash(peak, digest)
        return hashlib.sha256(b"").digest() if digest is None else digest


# Signed notes, checkpoints and cosignatures (C2SP)


ED25519, COSIGNATURE = 1, 4
NAME = re.compile(r"[^\s+]+")
SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def unbase64(text: str) -> bytes:
    """Return the bytes behind base64 that is written in the only way there is."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Malformed("it is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise Malformed("its base64 has stray bits")
    return data


def enbase64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


@dataclass(frozen=True)
class Key:
    """A key that notes are checked with."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read a C2SP verifier key, or raise `Malformed`."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not NAME.fullmatch(parts[0]):
            raise Malformed("it is not a verifier key")
        data = unbase64(parts[2])
        if data[:1] not in (b"\1", b"\4") or len(data) != 33:
            raise Malformed("it is not an Ed25519 key")
        key = cls(parts[0], data[0], data[1:])
        if key.id.hex() != parts[1]:
            raise Malformed("its key id is not its own")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes before each of its signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{enbase64(bytes([self.kind]) + self.public)}"

    def signed(self, text: str, signature: bytes) -> bool:
        """Say whether this key made this signature, or cosignature, on a note's text."""
        if self.kind == ED25519:
            return ed25519_verify(self.public, text.encode(), signature)
        if len(signature) != 72:
            return False
        when = int.from_bytes(signature[:8], "big")
        return 0 < when < 2**63 and ed25519_verify(self.public, cosigned_text(text, when), signature[8:])


def cosigned_text(text: str, when: int) -> bytes:
    """Return the bytes that a witness signs (tlog-cosignature)."""
    return f"cosignature/v1\ntime {when}\n{text}".encode()


@dataclass(frozen=True)
class Note:
    """A signed note, taken apart."""

    text: str
    lines: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Take a note apart, or raise `Malformed`."""
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("it is not UTF-8") from error
        if len(data) > 65_536 or any(ord(char) < 32 and char != "\n" for char in whole):
            raise Malformed("it is too long for a note, or holds control characters")
        text, gap, tail = whole.rpartition("\n\n")
        rows = tail[:-1].split("\n")
        if not gap or not tail.endswith("\n") or len(rows) > 64:
            raise Malformed("it has no signature lines")
        return cls(text + "\n", tuple(_signature_line(row) for row in rows))

    def keys_that_signed(self, keys: Iterable[Key]) -> list[Key]:
        """Return those of `keys` that signed; raise `Malformed` where a line of one of them is false."""
        found = []
        for name, key_id, signature in self.lines:
            for key in keys:
                if (key.name, key.id) == (name, key_id):
                    if not key.signed(self.text, signature):
                        raise Malformed(f"the signature of {name} is false")
                    found.append(key)
        return found


def _signature_line(row: str) -> tuple[str, bytes, bytes]:
    parts = row.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not NAME.fullmatch(parts[1]):
        raise Malformed("a signature line is malformed")
    data = unbase64(parts[2])
    if len(data) < 5:
        raise Malformed("a signature line holds no signature")
    return parts[1], data[:4], data[4:]


@dataclass(frozen=True)
class Head:
    """What a checkpoint says: so many entries, under this root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, origin: str, size: str, root: str) -> Head:
        """Read the three parts of a checkpoint, or raise `Malformed`."""
        if not origin or not SIZE.fullmatch(size):
            raise Malformed("it has no origin, or no size")
        digest = unbase64(root)
        if len(digest) != 32:
            raise Malformed("its root is not 32 bytes long")
        return cls(origin, int(size), digest)

    @classmethod
    def in_note(cls, note: Note) -> Head:
        """Read the head in a note's text, or raise `Malformed`."""
        lines = note.text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            raise Malformed("it is no checkpoint")
        return cls.of(*lines[:3])


NO_HEAD = Head("", 0, b"")


# What is kept outside a ledger


@dataclass(frozen=True)
class Anchor:
    """What something outside the ledger says about it."""

    by: str
    head: Head
    note: Optional[Note] = None
    shared: bool = False
    """Whether heads of other ledgers are to be expected in the same place."""
    damage: str = ""


THIS = "the ledger that is checked"
"""The origin of a head that was typed without one."""
IN_A_LINE = re.compile(r"(\S+) (0|[1-9][0-9]{0,17}) ([A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])", re.ASCII)
TYPED = re.compile(r"\s*(?:(\S+)\s+)?(0|[1-9][0-9]{0,17})\s+([A-Za-z0-9+/]{43}=)\s*", re.ASCII)


def read_anchor(given: str) -> list[Anchor]:
    """Return the anchors that an argument names: a note, a log with checkpoints in it, or a typed head."""
    typed = TYPED.fullmatch(given)
    if typed and not os.path.exists(given):
        return [Anchor("typed anchor", Head.of(typed[1] or THIS, typed[2], typed[3]))]
    with open(given, "rb") as file:
        data = file.read(MAX_LOG)
    name = os.path.basename(given)
    try:
        note = Note.parse(data[:MAX_FILE])
        return [Anchor(f"anchor file {name}", Head.in_note(note), note)]
    except Malformed as error:
        found = []
        for line in data.decode("utf-8", "replace").splitlines():
            for match in IN_A_LINE.finditer(line):
                try:
                    found.append(Anchor(f"line of {name}", Head.of(*match.groups()), shared=True))
                except Malformed:
                    continue
        if not found:
            raise Malformed(f"the anchor file {name} holds no checkpoint: {error}") from error
        return found


def read_chain(path: str) -> list[str]:
    """Return the proofs of a ledger's rotations, as `workbench audit keys` writes them."""
    with open(path, encoding="utf-8") as file:
        try:
            found = json.loads(file.read(MAX_LOG))["rotations"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Malformed(f"{path} holds no chain of keys") from error
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise Malformed(f"{path} holds no chain of keys")
    return found


def head_file(directory: str) -> str:
    """Return where the newest checkpoint of the ledger in `directory` is kept, beside it."""
    directory = os.path.realpath(directory)
    return os.path.join(os.path.dirname(directory), "heads", os.path.basename(directory) + ".head")


# The ledger (docs/ledger-format.md)


APPLICATION_ID = 0x57424C47
SCHEMAS = {1: "beef7fb951ac755c251895bee1d6d38f367c2f068c8e36aab08519c5362a5397"}
"""By version: SHA-256 over the canonical JSON of the sorted `[type, name, sql]` rows of the schema."""
BODY_VERSION = 1
ZEROS = bytes(32)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
PHASES = ("intent", "outcome", "event")
TYPES = frozenset(
    """
    recovery.orphan redaction.applied session.start session.end auth.ok auth.fail boundary.measured
    boundary.acknowledged task.submitted task.ended file.read file.read_denied file.listed search.run
    index.built model.verified model.loaded inference.intent inference.outcome proposal.created
    proposal.superseded scan.completed decision.recorded edit.intent edit.outcome edit.denied
    commit.intent commit.outcome rollback.intent rollback.outcome command.proposed command.decided
    command.intent command.outcome command.denied shadow.synced egress.denied policy.loaded policy.changed
    redteam.completed release.given release.revoked release.ended ledger.opened ledger.closed ledger.read
    ledger.verified ledger.verify_failed ledger.exported ledger.archived ledger.restored ledger.purged
    ledger.paused hold.placed hold.released key.created key.rotated key.revoked anchor.created
    anchor.checked clock.anomaly gap.detected
    """.split()
)
"""The closed set; an entry of another type makes the evidence incomplete."""
LISTED = 20
"""Findings printed of each kind."""


@dataclass
class Report:
    """What was found; the code is that of the worst finding."""

    lines: list[str] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, code: int, line: str) -> None:
        """Note a finding."""
        count = self.counts[code] = self.counts.get(code, 0) + 1
        if count <= LISTED:
            self.lines.append(line)
        elif count == LISTED + 1:
            self.lines.append("More findings of this kind are not listed.")

    @property
    def code(self) -> int:
        """The exit code."""
        return next((code for code in SEVERITY if code in self.counts), CONSISTENT)


class Epochs:
    """Which key vouches for which entries (section 7)."""

    def __init__(self, genesis: Key) -> None:
        self.firsts = [0]
        self.keys = [genesis]

    def rotate(self, index: int, named: Any) -> None:
        """Take the rotation at `index`, or raise `Malformed`."""
        if not isinstance(named, dict) or named.get("old_vkey") != str(self.keys[-1]):
            raise Malformed("it does not replace the signing key in force")
        try:
            key = Key.parse(str(named.get("new_vkey")))
        except Malformed as error:
            raise Malformed("it names a signing key that is none") from error
        if key.name != self.keys[0].name or key.kind != ED25519:
            raise Malformed("it names the signing key of something else")
        if any(key.id == known.id for known in self.keys):
            raise Malformed("it names a signing key that was in force before")
        self.firsts.append(index + 1)
        self.keys.append(key)

    def signers(self, size: int) -> list[Key]:
        """Return the keys that must have signed a checkpoint over `size` entries."""
        epoch = sum(first < max(size, 1) for first in self.firsts) - 1
        both = size > 0 and size in self.firsts
        return self.keys[epoch : epoch + 2] if both else [self.keys[epoch]]

    def check_signed(self, note: Note, size: int) -> None:
        """Raise `Malformed` unless the keys of that size signed this note."""
        needed = self.signers(size)
        if any(key not in note.keys_that_signed(needed) for key in needed):
            raise Malformed("the ledger's key of that time did not sign it")

    @classmethod
    def from_chain(cls, genesis: Key, texts: Sequence[str]) -> Epochs:
        """Follow the proofs of a ledger's rotations, from the key that is trusted, or raise `Malformed`."""
        epochs = cls(genesis)
        for text in texts:
            proof = Proof.parse(text)
            if proof.raw is None or proof.index != proof.head.size - 1:
                raise Malformed("a rotation is not the last entry under its checkpoint")
            epochs.rotate(proof.index, proof.check().get("key"))
            epochs.check_signed(proof.note, proof.head.size)
        return epochs


class Walk:
    """Takes entries in order, and holds each against all that speaks of it."""

    def __init__(
        self,
        origin: str,
        key: Key,
        notes: Iterable[tuple[int, str]],
        anchors: Sequence[Anchor],
        report: Report,
    ) -> None:
        self.origin = origin
        self.epochs = Epochs(key)
        self.report = report
        self.tree = Tree()
        self.first_bad: int | None = None
        self.fitting: list[Anchor] = []
        self.covered: dict[int, str] = {}
        self.uncovered: dict[int, str] = {}
        self.intents: dict[str, int] = {}
        self.signed = -1
        self._prev = ZEROS
        self._notes = iter(notes)
        self._note = next(self._notes, None)
        if self._note is None:
            report.add(TAMPERED, "There is no signed checkpoint, although every ledger begins with one.")
        elif self._note[0] != 0:
            report.add(TAMPERED, "The checkpoint of size 0, with which every ledger begins, is gone.")
        self._anchors: dict[int, list[Anchor]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.head.size, []).append(anchor)
        self._last_time, self._unknown = "", 0
        self._clock_back: list[int] = []
        self._compare()

    @property
    def size(self) -> int:
        """Entries that hold."""
        return self.tree.size if self.first_bad is None else self.first_bad

    def bad(self, index: int, problem: object) -> None:
        """Stop at an entry that does not hold."""
        self.first_bad = index
        self.report.add(TAMPERED, f"Entry {index}: {problem}.")

    def take(self, raw: Any) -> tuple[dict[str, Any], list[tuple[int, int, bytes]]]:
        """Take the next entry; returns its body and the subtrees it completed, or raises `Malformed`."""
        body = parse_body(raw)
        self._check(body)
        if body["type"] == "key.rotated":
            self.epochs.rotate(self.tree.size, body.get("key"))
        self._prev = leaf_hash(raw)
        done = self.tree.add(self._prev)
        self._remember(body, self.tree.size - 1)
        self._compare()
        return body, done

    def _check(self, body: dict[str, Any]) -> None:
        index = self.tree.size
        if type(body.get("v")) is not int or body["v"] != BODY_VERSION:
            raise Malformed("it is of an unknown version")
        if type(body.get("seq")) is not int or body["seq"] != index:
            raise Malformed("it was written for another index")
        if body.get("prev") != self._prev.hex():
            raise Malformed("it does not name the leaf before it")
        if body.get("ledger") != self.origin:
            raise Malformed("it was written for another ledger")
        if index == 0 and body.get("vkey") != str(self.epochs.keys[0]):
            raise Malformed("it names another signing key")
        texts = [body.get(name) for name in ("id", "t", "type", "phase", "op_id", "session")]
        objects = [body.get(name) for name in ("actor", "sealed")]
        if not all(isinstance(each, str) for each in texts) or body["phase"] not in PHASES:
            raise Malformed("its envelope is not complete")
        if not all(isinstance(each, dict) for each in objects) or not TIME.fullmatch(body["t"]):
            raise Malformed("its envelope is not complete")

    def _remember(self, body: dict[str, Any], index: int) -> None:
        when, kind, operation = body["t"], body["type"], body["op_id"]
        if index in self._anchors:
            self.uncovered[index] = when
        if index + 1 in self._anchors:
            self.covered[index + 1] = when
        if when < self._last_time:
            self._clock_back.append(index)
        self._last_time = when
        self._unknown += kind not in TYPES
        if body["phase"] == "intent":
            self.intents[operation] = index
        elif body["phase"] == "outcome" or kind == "recovery.orphan":
            self.intents.pop(operation, None)

    def _compare(self) -> None:
        """Compare what was signed, and what is anchored, at the present size."""
        size = self.tree.size
        while self._note is not None and self.first_bad is None and self._note[0] <= size:
            self._check_note(*self._note)
            self._note = next(self._notes, None)
        if size and size == self.epochs.firsts[-1] and self.signed != size and self.first_bad is None:
            self.report.add(TAMPERED, f"The change of keys at entry {size - 1} has no checkpoint that holds.")
        if size in self._anchors:
            root = self.tree.root()
            for anchor in self._anchors[size]:
                if anchor.head.root == root:
                    self.fitting.append(anchor)
                else:
                    self.report.add(ROLLED_BACK, f"The {anchor.by} saw another root at size {size}.")

    def _check_note(self, size: int, text: str) -> None:
        head = self._head(size, text)
        if head is None:
            return
        if head.root == self.tree.root():
            self.signed = self.tree.size
        else:
            self.first_bad = max(self.signed, 0)
            self.report.add(
                TAMPERED, f"Entries {self.first_bad} to {head.size - 1} are not those that were signed."
            )

    def _head(self, size: int, text: str) -> Head | None:
        try:
            note = Note.parse(str(text).encode("utf-8", "replace"))
            head = Head.in_note(note)
            self.epochs.check_signed(note, head.size)
            if (head.origin, head.size) != (self.origin, size):
                raise Malformed("it speaks of something else")
        except Malformed as error:
            self.report.add(TAMPERED, f"The checkpoint of size {size} does not hold: {error}.")
            return None
        return head

    def finish(self) -> None:
        """Report on what only the end can tell."""
        report, size = self.report, self.tree.size
        while self._note is not None:
            if self._head(*self._note) is not None:
                report.add(
                    ROLLED_BACK, f"A checkpoint was signed over {self._note[0]} entries, here are {size}."
                )
            self._note = next(self._notes, None)
        if self.signed < size:
            report.add(INCOMPLETE, f"The last {size - self.signed} entries are not signed.")
        if self.intents:
            shown = ", ".join(map(str, sorted(self.intents.values())[:10]))
            report.add(INCOMPLETE, f"{len(self.intents)} intents have no outcome: entries {shown}.")
        if self._unknown:
            report.add(
                INCOMPLETE, f"{self._unknown} entries are of a type that the specification does not list."
            )
        if self._clock_back:
            report.lines.append(
                f"The clock went back {len(self._clock_back)} times, first at entry {self._clock_back[0]}."
            )

    def check_anchors(self, anchors: Iterable[Anchor], max_age: float, now: datetime) -> None:
        """Report on the anchors, and on how long entries have been without one."""
        for anchor in anchors:
            try:
                if anchor.note is not None:
                    self.epochs.check_signed(anchor.note, anchor.head.size)
            except Malformed as error:
                self.report.add(ROLLED_BACK, f"The {anchor.by} does not hold: {error}.")
                if anchor in self.fitting:
                    self.fitting.remove(anchor)
            if anchor.head.size > self.tree.size:
                self.report.add(
                    ROLLED_BACK, f"The {anchor.by} saw {anchor.head.size} entries, here are {self.tree.size}."
                )
        useful = [anchor.head.size for anchor in self.fitting if anchor.head.size or not self.tree.size]
        if not useful:
            self.report.add(
                INCOMPLETE, "No external anchor vouches for these entries: a cut end would not show."
            )
            return
        waiting = _age(self.uncovered.get(max(useful), ""), now)
        if waiting is not None and waiting > max_age:
            self.report.add(
                INCOMPLETE, f"Entries have been without an external anchor for {_words(waiting)}."
            )


def parse_body(raw: Any) -> dict[str, Any]:
    """Return the object that an entry's bytes are the canonical form of, or raise `Malformed`."""
    if not isinstance(raw, bytes) or len(raw) > MAX_BODY:
        raise Malformed("it is not a body that the ledger writes")
    try:
        text = raw.decode("utf-8")
        body = json.loads(text, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
        if not isinstance(body, dict):
            raise Malformed("it is not an object")
        if text.isascii():
            # Where all is ASCII the standard library writes the same form, and faster.
            same = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True) == text
        else:
            same = jcs(body) == raw
    except (ValueError, RecursionError) as error:
        raise Malformed("it is not JSON of the kind the ledger writes") from error
    if not same:
        raise Malformed("it is not in canonical form")
    return body


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError(text)
    return value


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _age(text: str, now: datetime) -> float | None:
    try:
        then = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return (now - then).total_seconds()


def _words(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < 0:
        return "in the future"
    for unit, width in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // width)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


# The ledger's database


FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError)
NO_SHARED_MEMORY = ("unable to open", "readonly", "read-only", "disk i/o")


def is_damage(error: Exception) -> bool:
    """Say whether an error of SQLite means that the file is damaged, and not merely out of reach."""
    if isinstance(error, (UnicodeDecodeError, sqlite3.DataError)):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (11, 26, 18)  # SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_TOOBIG
    said = str(error).lower()
    return isinstance(error, sqlite3.DatabaseError) and ("malformed" in said or "not a database" in said)


def connect(path: str) -> sqlite3.Connection:
    """Open a database for reading, also from a read-only medium."""
    connection = _connect(path, "mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path + "-wal"
        pending = os.path.exists(log) and os.path.getsize(log)
        if pending or not any(word in str(error).lower() for word in NO_SHARED_MEMORY):
            raise
        return _connect(path, "immutable=1")
    except FAULTS:
        connection.close()
        raise
    return connection


def _connect(path: str, query: str) -> sqlite3.Connection:
    from pathlib import Path  # only for its quoting

    connection = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?{query}", uri=True, isolation_level=None, timeout=5.0
    )
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    if hasattr(connection, "setlimit"):
        connection.setlimit(0, 16 << 20)  # SQLITE_LIMIT_LENGTH
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def schema_digest(connection: sqlite3.Connection) -> str:
    """Return the digest of a database's schema, as in `SCHEMAS`."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return hashlib.sha256(jcs(sorted(([*row] for row in rows), key=lambda row: row[:2]))).hexdigest()


class LedgerFile:
    """Checks one `ledger.db`, over one snapshot."""

    def __init__(self, directory: str, options: argparse.Namespace, report: Report) -> None:
        self._directory = directory
        self._path = os.path.join(directory, "ledger.db")
        self._options = options
        self._report = report

    def check(self) -> None:
        """Check everything."""
        report = self._report
        # Read before the snapshot is taken: while others append, a later head could be newer than it.
        self._heads = kept_head(self._directory)
        if not os.path.exists(self._path):
            self._gone()
            return
        try:
            connection = connect(self._path)
            try:
                self._check(connection)
            finally:
                connection.close()
        except FAULTS as error:
            if is_damage(error):
                report.add(TAMPERED, f"The database is damaged: {error}.")
            else:
                report.add(NOT_RUN, f"The database cannot be read: {error}.")
        except Malformed as error:
            report.add(TAMPERED, f"The database is not a ledger as it was laid out: {error}.")

    def _gone(self) -> None:
        """Report that there is no ledger: deleted, where something outside saw one."""
        report = self._report
        anchors = [*self._options.anchors, *self._heads]
        seen = [anchor for anchor in anchors if not anchor.shared and (anchor.head.size or anchor.damage)]
        if not seen:
            report.add(NOT_RUN, f"There is no ledger in {self._directory}.")
            return
        newest = max(seen, key=lambda anchor: anchor.head.size)
        report.facts = {"size": 0, "root": None, "origin": "", "vkey": "", "anchor_size": newest.head.size}
        report.add(
            ROLLED_BACK,
            f"There is no ledger in {self._directory}; the {newest.by} saw {newest.head.size} entries.",
        )

    def _check(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        origin, key = self._head_of(connection)
        report, options = self._report, self._options
        check_pinned(key, options, report)
        anchors = comparable([*options.anchors, *self._heads], origin, options, report)
        notes = connection.execute("SELECT size, note FROM checkpoint ORDER BY size")
        walk = Walk(origin, key, notes, anchors, report)
        seals = Seals(connection, self._directory, origin, report)
        try:
            if walk.first_bad is None:
                self._walk(connection, walk, seals)
            if walk.first_bad is None:
                walk.finish()
                self._check_beyond(connection, walk.tree.size)
                seals.finish()
                walk.check_anchors(anchors, options.max_age, options.now)
                for (problem,) in connection.execute("PRAGMA integrity_check(5)"):
                    if problem != "ok":
                        report.add(TAMPERED, f"SQLite finds the file damaged: {problem}")
        finally:
            seals.close()
        conclude(walk, key, options, report)

    def _head_of(self, connection: sqlite3.Connection) -> tuple[str, Key]:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise Malformed("it is the database of another program")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if schema_digest(connection) != SCHEMAS.get(version):
            raise Malformed(f"its tables, indexes or triggers are not those of version {version}")
        about = dict(connection.execute("SELECT name, value FROM about").fetchall())
        if sorted(about) != ["origin", "vkey"]:
            raise Malformed("it does not say which ledger it is")
        key = Key.parse(about["vkey"])
        if key.name != about["origin"] or key.kind != ED25519:
            raise Malformed("its key has another name than the ledger")
        return about["origin"], key

    def _walk(self, connection: sqlite3.Connection, walk: Walk, seals: Seals) -> None:
        for row in self._rows(connection, walk):
            index, leaf, prev, raw, *searched = row
            position, before = walk.tree.size, walk._prev
            try:
                if index != position:
                    raise Malformed(f"it is missing, the next one found is {index}")
                if prev != before:
                    raise Malformed("it does not hang on to the entry before it")
                if not isinstance(raw, bytes) or leaf != leaf_hash(raw):
                    raise Malformed("its bytes do not have the hash they were filed under")
                body, done = walk.take(raw)
                if searched != searched_columns(body):
                    raise Malformed("the columns it is searched by say something else")
            except Malformed as error:
                walk.bad(position, error)
                return
            for height, place, digest in done:
                if height and height % 8 == 0:
                    self._check_subroot(connection, height // 8, place, digest)
            seals.look_at(position, body)
            if walk.first_bad is not None:
                return

    def _rows(self, connection: sqlite3.Connection, walk: Walk) -> Iterator[Any]:
        columns = "idx, leaf, prev, body, type, phase, op_id, t, actor, path"
        rows = connection.execute(f"SELECT {columns} FROM entry ORDER BY idx")  # noqa: S608
        while True:
            try:
                row = rows.fetchone()
            except FAULTS as error:
                if not is_damage(error):
                    raise
                walk.bad(walk.tree.size, f"it, or the next one, cannot be read: {error}")
                return
            if row is None:
                return
            yield row

    def _check_subroot(self, connection: sqlite3.Connection, level: int, index: int, digest: bytes) -> None:
        row = connection.execute(
            "SELECT hash FROM subroot WHERE level = ? AND idx = ?", (level, index)
        ).fetchone()
        if row is None or row[0] != digest:
            self._report.add(
                TAMPERED, f"The subroot {index} of level {level} is missing, or not that of its entries."
            )

    def _check_beyond(self, connection: sqlite3.Connection, size: int) -> None:
        for level, index in connection.execute("SELECT level, idx FROM subroot"):
            if not 1 <= level <= 7 or index < 0:
                self._report.add(TAMPERED, f"There is a subroot {index} of level {level}, which cannot be.")
            elif (index + 1) << (8 * level) > size:
                self._report.add(
                    ROLLED_BACK, f"The subroot {index} of level {level} covers entries that are gone."
                )


def searched_columns(body: dict[str, Any]) -> list[Any]:
    """Return what the columns beside a body must say."""
    obj = body.get("obj")
    path = obj.get("path") if isinstance(obj, dict) else None
    actor = body["actor"].get("id", "")
    return [
        *(body[name] for name in ("type", "phase", "op_id", "t")),
        str(actor),
        path if isinstance(path, str) else None,
    ]


class Seals:
    """Checks sealed values: each one opens to what its entry committed to, or was erased on record."""

    def __init__(self, connection: sqlite3.Connection, directory: str, origin: str, report: Report) -> None:
        self._connection = connection
        self._origin = origin
        self._report = report
        self._keys: sqlite3.Connection | None = None
        path = os.path.join(directory, "keys.db")
        try:
            if os.path.exists(path):
                self._keys = connect(path)
        except FAULTS as error:
            report.add(INCOMPLETE, f"The keys of the sealed values cannot be read: {error}.")
        self._keyless: dict[str, int] = {}
        self._erased = self._rows = 0

    def look_at(self, index: int, body: dict[str, Any]) -> None:
        """Check the sealed values of one entry."""
        for name, seal in body["sealed"].items():
            if not isinstance(seal, dict) or not isinstance(seal.get("ref"), str):
                self._report.add(TAMPERED, f"Entry {index}: the sealed value {name!r} has no reference.")
                continue
            row = self._connection.execute(
                "SELECT nonce, ct FROM sealed WHERE ref = ?", (seal["ref"],)
            ).fetchone()
            self._rows += row is not None
            self._open(index, name, seal, row)
        redaction = body.get("redaction") if body["type"] == "redaction.applied" else None
        if isinstance(redaction, dict) and isinstance(redaction.get("ref"), str):
            self._erased += self._keyless.pop(redaction["ref"], None) is not None

    def _open(self, index: int, name: str, seal: dict[str, Any], row: Any) -> None:
        key = self._key(seal["ref"])
        if key is None or not FAST:
            self._keyless[seal["ref"]] = index
            return
        problem = "its ciphertext is gone"
        if row is not None:
            problem = "its ciphertext was changed"
            bound = f"{self._origin}\n{seal['ref']}\n{name}".encode()
            try:
                plain = AESGCM(key).decrypt(row[0], row[1], bound)
            except (InvalidTag, ValueError, TypeError, OverflowError):
                plain = None
            if plain is not None:
                problem = "it is not what its entry committed to"
                if len(plain) >= 16 and enbase64(hashlib.sha256(plain).digest()) == seal.get("c"):
                    return
        self._report.add(TAMPERED, f"Entry {index}: sealed value {name!r}: {problem}.")

    def _key(self, reference: str) -> Any:
        if self._keys is None:
            return None
        try:
            row = self._keys.execute("SELECT key FROM data_key WHERE ref = ?", (reference,)).fetchone()
        except FAULTS:
            return None
        return row[0] if row else None

    def finish(self) -> None:
        """Report on all of them."""
        if self._erased:
            self._report.lines.append(f"{self._erased} sealed values were erased, each on record.")
        if self._keyless:
            why = "" if FAST else " (opening them needs the package cryptography)"
            self._report.add(
                INCOMPLETE,
                f"{len(self._keyless)} sealed values cannot be opened here{why}, and no entry records their"
                f" erasure; first in entry {min(self._keyless.values())}.",
            )
        if self._connection.execute("SELECT count(*) FROM sealed").fetchone()[0] > self._rows:
            self._report.add(ROLLED_BACK, "There are sealed values that no entry names: the end was cut off.")

    def close(self) -> None:
        """Let go of the keys."""
        if self._keys is not None:
            self._keys.close()


# What all kinds of evidence share


def kept_head(directory: str) -> list[Anchor]:
    """Return the head file that belongs to a ledger's directory, where there is one."""
    path = head_file(directory)
    try:
        with open(path, "rb") as file:
            note = Note.parse(file.read(MAX_FILE))
        return [Anchor("head file", Head.in_note(note), note)]
    except FileNotFoundError:
        return []
    except (Malformed, OSError) as error:
        return [Anchor("head file", NO_HEAD, damage=f"{path}: {error}")]


def comparable(
    anchors: Iterable[Anchor], origin: str, options: argparse.Namespace, report: Report
) -> list[Anchor]:
    """Return the anchors that speak of this ledger; report the others."""
    found, foreign = [], 0
    for anchor in anchors:
        if anchor.damage:
            report.add(ROLLED_BACK, f"The {anchor.by} cannot be read: {anchor.damage}.")
        elif anchor.head.origin == THIS:
            found.append(anchor)
        elif anchor.shared and anchor.head.origin != origin:
            foreign += 1
        elif anchor.head.origin != origin:
            report.add(ROLLED_BACK, f"The {anchor.by} speaks of another ledger, {anchor.head.origin}.")
        else:
            try:
                named = _witnesses(anchor, options)
            except Malformed as error:
                report.add(ROLLED_BACK, f"The {anchor.by} does not hold: {error}.")
                continue
            found.append(Anchor(anchor.by + named, anchor.head, anchor.note))
    if foreign:
        report.lines.append(f"{foreign} anchors belong to other ledgers, and were not compared.")
    return found


def _witnesses(anchor: Anchor, options: argparse.Namespace) -> str:
    witnesses = anchor.note.keys_that_signed(options.witness) if anchor.note is not None else []
    return "".join(f", cosigned by {key.name}" for key in witnesses)


def check_pinned(key: Key, options: argparse.Namespace, report: Report) -> None:
    """Compare the key that a ledger names with the one that the auditor brought."""
    if options.key is not None and str(options.key) != str(key):
        report.add(ROLLED_BACK, f"This is not the ledger of the key that was given: its key is {key}.")
    if options.key is None:
        report.lines.append("No --key was given: that this ledger is the right one rests on its anchors.")


def conclude(walk: Walk, key: Key, options: argparse.Namespace, report: Report) -> None:
    """Add the head and the verdict."""
    newest = max(walk.fitting, key=lambda anchor: anchor.head.size, default=None)
    anchored = "none"
    if newest is not None:
        age = _words(_age(walk.covered.get(newest.head.size, ""), options.now))
        anchored = f"size {newest.head.size}, age {age}, by {newest.by}"
    words = {
        CONSISTENT: "consistent to size {}",
        TAMPERED: "tampered; consistent only to size {}",
        ROLLED_BACK: "rolled back, or not what an anchor saw; consistent in itself to size {}",
        INCOMPLETE: "the evidence is incomplete; consistent to size {}",
    }
    verdict = words[report.code].format(walk.size) + f"; newest external anchor {anchored}"
    report.lines[:0] = [f"ledger {walk.origin}", f"key {key}"]
    report.lines.append(verdict)
    whole = walk.first_bad is None
    report.facts = {
        "size": walk.size,
        "root": walk.tree.root().hex() if whole else None,
        "origin": walk.origin,
        "vkey": str(key),
        "first_bad": walk.first_bad,
        "anchor_size": None if newest is None else newest.head.size,
    }


# Tiles (c2sp.org/tlog-tiles), as `workbench audit export --format tiles` writes them


def tile_path(index: int) -> str:
    """Return the path of a tile's index, in groups of three digits."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


class Tiles:
    """Checks a directory of tiles, entry bundles and a checkpoint."""

    def __init__(self, directory: str, options: argparse.Namespace, report: Report) -> None:
        self._directory = directory
        self._options = options
        self._report = report

    def check(self) -> None:
        """Check everything."""
        try:
            self._check()
        except Malformed as error:
            self._report.add(TAMPERED, f"The tiles do not hold: {error}.")
        except OSError as error:
            self._report.add(TAMPERED, f"A file of the tiles cannot be read: {error}.")

    def _check(self) -> None:
        report, options = self._report, self._options
        with open(os.path.join(self._directory, "checkpoint"), "rb") as file:
            text = file.read(MAX_FILE)
        head = Head.in_note(Note.parse(text))
        key = options.key or self._own_key(head)
        anchors = comparable(options.anchors, head.origin, options, report)
        walk = Walk(head.origin, key, self._notes(), anchors, report)
        tiles: dict[int, bytearray] = {}
        for index in range((head.size + 255) // 256):
            width = min(256, head.size - 256 * index)
            for raw in self._bundle(index, width):
                position = walk.tree.size
                try:
                    _, done = walk.take(raw)
                except Malformed as error:
                    walk.bad(position, error)
                if walk.first_bad is not None:
                    conclude(walk, key, options, report)
                    return
                for height, _, digest in done:
                    if height % 8 == 0:
                        tiles.setdefault(height // 8, bytearray()).extend(digest)
        self._check_tiles(tiles)
        walk.finish()
        walk.check_anchors(anchors, options.max_age, options.now)
        conclude(walk, key, options, report)

    def _own_key(self, head: Head) -> Key:
        if not head.size:
            raise Malformed("an empty ledger names no key: give --key")
        first = parse_body(self._bundle(0, min(256, head.size))[0])
        self._report.lines.append(
            "No --key was given: that this ledger is the right one rests on its anchors."
        )
        return Key.parse(str(first.get("vkey")))

    def _notes(self) -> list[tuple[int, str]]:
        """Return the checkpoints that were exported: the newest, and those of the key's rotations."""
        found = {}
        for name in os.listdir(self._directory):
            if re.fullmatch(r"checkpoint(\.[0-9]{1,18})?", name):
                with open(os.path.join(self._directory, name), encoding="utf-8", newline="") as file:
                    text = file.read(MAX_FILE)
                found[Head.in_note(Note.parse(text.encode())).size] = text
        return sorted(found.items())

    def _bundle(self, index: int, width: int) -> list[bytes]:
        data, found = self._read("entries", index, width), []
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            if len(data) < 2 + length:
                raise Malformed(f"the entry bundle {index} is cut off")
            data = data[2 + length :]
        if len(found) != width:
            raise Malformed(f"the entry bundle {index} has {len(found)} entries instead of {width}")
        return found

    def _check_tiles(self, tiles: dict[int, bytearray]) -> None:
        for level, hashes in tiles.items():
            for index in range((len(hashes) + 8191) // 8192):
                tile = bytes(hashes[8192 * index : 8192 * (index + 1)])
                if self._read(str(level), index, len(tile) // 32) != tile:
                    raise Malformed(f"the tile {index} of level {level} is not that of its entries")

    def _read(self, level: str, index: int, width: int) -> bytes:
        path = os.path.join(self._directory, "tile", level, *tile_path(index).split("/"))
        if width < 256:
            path = os.path.join(path + ".p", str(width))
        with open(path, "rb") as file:
            return file.read(256 * (MAX_BODY + 2) + 1)


# Proofs of single entries (c2sp.org/tlog-proof)


@dataclass(frozen=True)
class Proof:
    """A proof that was taken apart and not yet checked."""

    raw: Optional[bytes]
    """The entry's bytes, where the proof carries them as extra data."""
    index: int
    path: tuple[bytes, ...]
    note: Note
    head: Head

    @classmethod
    def parse(cls, text: str, raw: bytes | None = None) -> Proof:
        """Take a proof apart, or raise `Malformed`."""
        top, gap, rest = text.partition("\n\n")
        lines = top.split("\n")
        if lines.pop(0) != "c2sp.org/tlog-proof@v1" or not gap:
            raise Malformed("it is not a proof of version 1")
        if lines and lines[0].startswith("extra "):
            extra = unbase64(lines.pop(0)[6:])
            raw = extra if raw is None else raw
        if not lines or not re.fullmatch(r"index (0|[1-9][0-9]{0,17})", lines[0]):
            raise Malformed("it names no index")
        note = Note.parse(rest.encode("utf-8"))
        return cls(raw, int(lines[0][6:]), tuple(map(unbase64, lines[1:])), note, Head.in_note(note))

    def check(self) -> dict[str, Any]:
        """Return the entry, after its place under the checkpoint was proved; signatures are the caller's."""
        if self.raw is None:
            raise Malformed("it does not hold the entry: give --entry FILE")
        check_inclusion(self.index, self.head.size, leaf_hash(self.raw), self.path, self.head.root)
        body = parse_body(self.raw)
        if (body.get("seq"), body.get("ledger")) != (self.index, self.head.origin):
            raise Malformed("the entry was written for another place")
        return body


def check_proof(path: str, options: argparse.Namespace, report: Report) -> None:
    """Check that an entry stands in the ledger whose checkpoint is in the proof."""
    raw = None
    if options.entry:
        with open(options.entry, "rb") as file:
            raw = file.read(MAX_BODY + 1)
    with open(path, "rb") as file:
        proof = Proof.parse(file.read(MAX_FILE).decode("utf-8", "replace"), raw)
    body, head = proof.check(), proof.head
    report.lines.append(f"entry {proof.index} of {head.origin}: {body.get('t')} {body.get('type')}")
    if options.key is None:
        report.add(INCOMPLETE, "The entry is under this checkpoint; without --key nobody says whose that is.")
    else:
        Epochs.from_chain(options.key, options.chain).check_signed(proof.note, head.size)
    report.lines += [f"cosigned by {key.name}" for key in proof.note.keys_that_signed(options.witness)]
    report.lines.append(f"proved under size {head.size}, root {enbase64(head.root)}")
    report.facts = {"index": proof.index, "size": head.size, "origin": head.origin, "body": body}


# A witness (c2sp.org/tlog-witness), with files instead of HTTP


class Refused(Exception):
    """A request that the witness does not cosign: the status of the protocol, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status} {STATUS[status]}: {why}")
        self.status = status


STATUS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
}


def parse_request(data: bytes) -> tuple[int, list[bytes], Note, Head]:
    """Return the old size, the proof and the checkpoint of an add-checkpoint request."""
    try:
        top, gap, rest = data.decode("utf-8").partition("\n\n")
        lines = top.split("\n")
        if not gap or not re.fullmatch(r"old (0|[1-9][0-9]{0,17})", lines[0]) or len(lines) > 64:
            raise Malformed("it does not begin with an old size and a proof")
        proof = [unbase64(line) for line in lines[1:]]
        note = Note.parse(rest.encode("utf-8"))
        return int(lines[0][4:]), proof, note, Head.in_note(note)
    except (Malformed, UnicodeDecodeError) as error:
        raise Refused(400, f"this is not a request: {error}.") from error


def judge_request(data: bytes, logs: dict[str, Any], chain: Sequence[str] = ()) -> tuple[Note, Head]:
    """Return the note and the head to cosign, or raise `Refused`; `logs` is what the witness remembers."""
    old, proof, note, head = parse_request(data)
    known = logs.get(head.origin)
    if known is None:
        raise Refused(404, f"the ledger {head.origin} is not one this witness was told to trust.")
    try:
        # All of it again each time, from the key that a person said to trust.
        Epochs.from_chain(Key.parse(known["vkey"]), chain).check_signed(note, head.size)
    except Malformed as error:
        raise Refused(403, f"{error}.") from error
    if old > head.size:
        raise Refused(400, "the old size is larger than the checkpoint's.")
    if old != known["size"]:
        raise Refused(409, f"this witness last saw size {known['size']}, the request begins at {old}.")
    if head.size == 0 and head.root != hashlib.sha256(b"").digest():
        raise Refused(422, "an empty tree has another root.")
    try:
        if old == 0 and proof:
            raise Malformed("from size zero there is nothing to prove")
        if old:
            check_consistency(old, head.size, unbase64(known["root"]), head.root, proof)
    except Malformed as error:
        raise Refused(422, f"{error}.") from error
    return note, head


class Witness:
    """Remembers, for each ledger it was told to trust, the last head it cosigned."""

    def __init__(self, path: str) -> None:
        self._path = path

    def trust(self, key: Key) -> None:
        """Take a ledger's verifier key as one to be trusted."""
        with self._locked() as logs:
            known = logs.setdefault(key.name, {"vkey": str(key), "size": 0, "root": ""})
            if known["vkey"] != str(key):
                raise Malformed("another first key of this ledger is trusted already")

    def sign(self, data: bytes, chain: Sequence[str], name: str, seed: bytes) -> str:
        """Judge a request; returns the answer's line, after the new head is durable."""
        with self._locked() as logs:
            note, head = judge_request(data, logs, chain)
            logs[head.origin].update(size=head.size, root=enbase64(head.root))
        key, when = Key(name, COSIGNATURE, ed25519_public(seed)), int(time.time())
        signature = struct.pack(">Q", when) + ed25519_sign(seed, cosigned_text(note.text, when))
        return f"\u2014 {name} {enbase64(key.id + signature)}\n"

    def size_of(self, data: bytes) -> int:
        """Return the size last cosigned for the ledger that a request is about."""
        with self._locked() as logs:
            return int(logs[parse_request(data)[3].origin]["size"])

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        import fcntl

        with open(self._path + ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            logs = {}
            if os.path.exists(self._path):
                with open(self._path, encoding="utf-8") as file:
                    logs = json.load(file)
            before = json.dumps(logs)
            yield logs
            if json.dumps(logs) != before:
                write_whole(self._path, json.dumps(logs, indent=1).encode())


def write_whole(path: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file so that a crash leaves the old one or the new one."""
    temporary = f"{path}.new"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def new_witness_key(name: str) -> tuple[str, Key]:
    """Return a private key, as text, and the verifier key that belongs to it."""
    if not NAME.fullmatch(name):
        raise Malformed("a witness's name has no spaces and no plus signs")
    seed = os.urandom(32)
    key = Key(name, COSIGNATURE, ed25519_public(seed))
    return f"PRIVATE+KEY+{name}+{key.id.hex()}+{enbase64(bytes([COSIGNATURE]) + seed)}\n", key


def read_witness_key(path: str) -> tuple[str, bytes]:
    """Return the name and the 32 bytes of a witness's private key."""
    with open(path, encoding="utf-8") as file:
        parts = file.read(MAX_FILE).strip().split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
        raise Malformed("the file does not hold a witness's key")
    data = unbase64(parts[4])
    if data[:1] != bytes([COSIGNATURE]) or len(data) != 33:
        raise Malformed("the file does not hold a witness's key")
    return parts[2], data[1:]


# The command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit code."""
    options = _parser().parse_args(arguments)
    return int(options.run(options))


def _check_command(options: argparse.Namespace) -> int:
    report = Report()
    code = check_with(options, report)
    if options.json:
        print(json.dumps({"exit_code": code, **report.facts, "lines": report.lines}))
    else:
        print("\n".join(_printable(line) for line in report.lines))
    return code


def check_with(options: argparse.Namespace, report: Report) -> int:
    """Check what the options name, and return the exit code."""
    global FAST
    FAST = FAST and not options.pure
    options.now = datetime.now(timezone.utc)
    options.max_age = options.max_anchor_age * 3600
    try:
        options.key = Key.parse(options.key) if options.key else None
        options.witness = [Key.parse(text) for text in options.witness]
        options.chain = read_chain(options.keys) if options.keys else []
        options.anchors = [anchor for given in options.anchor for anchor in read_anchor(given)]
        check_place(options.place, options, report)
    except (Malformed, OSError) as error:
        report.add(NOT_RUN, f"Could not run: {error}.")
    return report.code


def check_place(place: str, options: argparse.Namespace, report: Report) -> None:
    """Find out what PLACE is, and check it."""
    if os.path.isfile(place) and os.path.basename(place) != "ledger.db":
        try:
            check_proof(place, options, report)
        except Malformed as error:
            report.add(TAMPERED, f"The proof does not hold: {error}.")
        return
    directory = os.path.dirname(os.path.abspath(place)) if os.path.isfile(place) else place
    if os.path.exists(os.path.join(directory, "checkpoint")):
        Tiles(directory, options, report).check()
    else:
        LedgerFile(directory, options, report).check()


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in line)


def _witness_command(options: argparse.Namespace) -> int:
    try:
        return _witness(options)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except (Malformed, OSError, ValueError, KeyError) as error:
        print(f"Could not run: {error}.", file=sys.stderr)
        return 1


def _witness(options: argparse.Namespace) -> int:
    if options.verb == "new":
        private, key = new_witness_key(options.name)
        with os.fdopen(os.open(options.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(private)
        print(key)
        return 0
    witness = Witness(options.state)
    if options.verb == "trust":
        witness.trust(Key.parse(options.vkey))
        return 0
    with open(options.request, "rb") as file:
        data = file.read(MAX_FILE)
    name, seed = read_witness_key(options.key)
    keys = options.keys or f"{options.request}.keys"
    try:
        answer = witness.sign(data, read_chain(keys) if os.path.exists(keys) else [], name, seed)
    except Refused as refusal:
        if refusal.status == 409 and options.out:
            # As over HTTP: the size last cosigned, so that the ledger can ask again from there.
            write_whole(options.out, f"{witness.size_of(data)}\n".encode(), 0o644)
        raise
    if options.out:
        write_whole(options.out, answer.encode(), 0o644)
    else:
        print(answer, end="")
    return 0


def _selftest(_options: argparse.Namespace) -> int:
    """Check this program against values that the specifications publish."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = ed25519_sign(seed, b"")
    note = Note.parse(
        b"This is an example message.\n\n"
        b"\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3m"
        b"FXmRKuwHjG1Yu72IneyaQM=\n"
    )
    key = Key.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    held = {
        "RFC 8032, 7.1, test 1": ed25519_public(seed) == public
        and signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
        and ed25519_verify_pure(public, b"", signature)
        and not ed25519_verify_pure(public, b"x", signature),
        "RFC 8785, 3.2.3": jcs({"\u20ac": 1, "\r": 2, "1": [1e30, 4.5, 2e-3, 1e-27], "\U0001f600": "\x0f\n"})
        == b'{"\\r":2,"1":[1e+30,4.5,0.002,1e-27],"\xe2\x82\xac":1,"\xf0\x9f\x98\x80":"\\u000f\\n"}',
        "RFC 6962, 2.1": leaf_hash(b"").hex()
        == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "c2sp.org/signed-note": note.keys_that_signed([key]) == [key],
    }
    for name, good in held.items():
        print(f"{'held' if good else 'NOT HELD'}  {name}")
    return 0 if all(held.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="a ledger, an export in tiles, or the proof of one entry")
    check.set_defaults(run=_check_command)
    check.add_argument("place", metavar="PLACE")
    check.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="WHAT",
        help='a kept checkpoint, a log with checkpoints in it, or "SIZE ROOT" as it was typed',
    )
    check.add_argument(
        "--key", metavar="VKEY", help="the ledger's verifier key, as you wrote it down earlier"
    )
    check.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="a witness's verifier key"
    )
    check.add_argument("--max-anchor-age", type=float, default=24.0, metavar="HOURS")
    check.add_argument("--keys", metavar="FILE", help="how its keys followed each other, for a proof")
    check.add_argument("--entry", metavar="FILE", help="the bytes of the entry, for a proof without them")
    check.add_argument("--pure", action="store_true", help="do without the package cryptography")
    check.add_argument("--json", action="store_true")
    witness = commands.add_parser("witness", help="cosign checkpoints that come as files")
    witness.set_defaults(run=_witness_command)
    verbs = witness.add_subparsers(dest="verb", required=True, metavar="VERB")
    new = verbs.add_parser("new", help="make a key, and print the verifier key for the ledger's policy")
    new.add_argument("--name", required=True, help="such as witness.example/w1")
    new.add_argument("--key", required=True, metavar="FILE")
    trust = verbs.add_parser("trust", help="cosign for the ledger with this verifier key from now on")
    trust.add_argument("vkey", metavar="VKEY")
    sign = verbs.add_parser("sign", help="check a request against what was cosigned before, and cosign it")
    sign.add_argument("request", metavar="REQUEST")
    sign.add_argument("--key", required=True, metavar="FILE")
    sign.add_argument("--keys", metavar="FILE", help="how the ledger's keys followed (default: REQUEST.keys)")
    sign.add_argument("--out", metavar="FILE", help="where the answer goes (default: standard output)")
    for verb in (trust, sign):
        verb.add_argument("--state", required=True, metavar="FILE", help="what this witness remembers")
    commands.add_parser("selftest", help="check this program first").set_defaults(run=_selftest)
    return parser


if __name__ == "__main__":
    sys.exit(main())
