"""Checks a signature that a person made with their SSH key, and says whose it is.

The rules, in order:

1. The signature is an SSHSIG (OpenSSH, PROTOCOL.sshsig) of at most `MAX_SIGNATURE` bytes.
2. Its key stands in the file of allowed signers, under exactly one name. A key with two names could count as
   two people; a name with a wildcard is nobody's; an authority vouches for keys that nobody has listed. Of
   such lines none is believed.
3. `ssh-keygen -Y verify` says that it is good for these bytes, this name and this namespace, at this time: it
   knows every kind of key, and what `namespaces`, `valid-after` and `valid-before` say in the file.

Sources: ssh-keygen(1), ALLOWED SIGNERS; PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.boundary import programs
from workbench.core.errors import Refused, UsageError
from workbench.core.safe_text import one_line
from workbench.repo import process

PROGRAM = "ssh-keygen"
NAMESPACE = "approval@workbench"
"""What the signature is for: one made for git, or for a file, is not an approval."""
# limits: bound memory on hostile input; a signature by RSA 16384 has about 6 KiB.
MAX_SIGNATURE = 32 << 10
MAX_SIGNERS = 1 << 20
_SECONDS = 20.0
_MAX_SAID = 64 << 10

_ARMOUR = re.compile(
    rb"\s*-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)-----END SSH SIGNATURE-----\s*", re.ASCII
)
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')
_KEY_TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key made a signature."""

    principal: str
    """The name under which the key stands in the file of allowed signers."""
    fingerprint: str
    """`SHA256:…` of the key, as `ssh-keygen -l` prints it."""


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """A file of allowed signers, as it was when it was read."""

    text: str = field(repr=False)
    sha256: str
    names: Mapping[str, frozenset[str]]
    """By fingerprint: every name its key stands under."""
    not_beneath: str = ""
    """The worktree: an ssh-keygen in it would say whatever the repository wants."""

    @classmethod
    def read(cls, path: str, *, not_beneath: Path | None = None) -> AllowedSigners:
        """Read the file at `path`.

        Args:
            path: As policy names it; absolute.
            not_beneath: The worktree: what can be proposed to change does not say who may approve.

        Raises:
            UsageError: It cannot be read, or others can write it.
        """
        real = Path(os.path.realpath(path))
        if not_beneath is not None and not_beneath in real.parents:
            raise UsageError(
                f"The file of allowed signers {one_line(path)} lies inside the repository.",
                "Keep it where no proposal can change it, and name that in approvals.allowed_signers.",
            )
        try:
            with real.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(MAX_SIGNERS + 1)
        except OSError as error:
            raise UsageError(
                f"The file of allowed signers {one_line(path)} cannot be read: {error.strerror}.",
                "Policy names it in approvals.allowed_signers; write one line `NAME KEY` for each person.",
            ) from error
        if mode & stat.S_IWOTH or not stat.S_ISREG(mode) or len(data) > MAX_SIGNERS:
            raise UsageError(
                f"The file of allowed signers {one_line(path)} is no plain file, too large, or everybody may "
                "write it.",
                f"chmod go-w {one_line(path)}",
            )
        text = data.decode("utf-8", "replace")
        beneath = str(not_beneath) if not_beneath is not None else ""
        return cls(text, hashlib.sha256(data).hexdigest(), _names(text), beneath)

    def name_of(self, fingerprint: str) -> str:
        """Return the one name of a key.

        Raises:
            Refused: It has none, or several.
        """
        found = self.names.get(fingerprint, frozenset())
        if not found:
            raise Refused(
                f"The key {fingerprint} is not in the file of allowed signers.",
                "Sign with a key that is, or have it entered by whoever keeps the file.",
            )
        if len(found) > 1:
            shown = ", ".join(sorted(map(one_line, found)))
            raise Refused(
                f"The key {fingerprint} stands under several names: {shown}.",
                "One key is one person: have all but one of its lines removed.",
            )
        (name,) = found
        if any(sign in name for sign in "*?!"):
            raise Refused(
                f"The key {fingerprint} stands under the pattern {one_line(name)}, which is nobody's name.",
                "Have the person named in the file of allowed signers.",
            )
        return name


def check(statement: bytes, signature: bytes, allowed: AllowedSigners, *, at: str = "") -> Signer:
    """Return who signed exactly these bytes.

    Args:
        statement: What was signed.
        signature: The armoured SSH signature.
        allowed: Whose key is whose.
        at: The time at which the key must have been good, as the ledger writes it; empty for now.

    Raises:
        Refused: Nobody who counts has; says why.
        UsageError: There is no ssh-keygen.
    """
    fingerprint = fingerprint_of(signature)
    name = allowed.name_of(fingerprint)
    program = programs.find(PROGRAM, not_beneath=allowed.not_beneath)
    if not program:
        raise UsageError("There is no ssh-keygen here to check signatures with.", "Install openssh-client.")
    with tempfile.TemporaryDirectory(prefix="signature-") as place:
        signers, sealed = Path(place, "allowed_signers"), Path(place, "signature")
        # What was parsed is what is believed, whatever becomes of the file meanwhile.
        signers.write_text(allowed.text)
        sealed.write_bytes(signature)
        argv = [program, "-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(sealed)]
        argv += [f"-Overify-time={re.sub('[^0-9]', '', at)[:14]}"] if at else []
        try:
            done = process.run(
                argv,
                directory=Path(place),
                environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                given=statement,
                seconds=_SECONDS,
                max_bytes=_MAX_SAID,
            )
        except (OSError, process.DeadlineMissedError, process.TooMuchOutputError) as error:
            raise UsageError(
                f"ssh-keygen could not check the signature ({one_line(str(error))}).", "Nothing was decided."
            ) from error
    if done.code != 0:
        raise Refused(
            f"The signature by {one_line(name)} does not hold: {_reason(done)}.",
            f"Sign the statement as it was written, in the namespace {NAMESPACE}, with a key valid now.",
        )
    return Signer(name, fingerprint)


def fingerprint_of(signature: bytes) -> str:
    """Return the fingerprint of the key that a signature says it was made with; nothing is checked by that.

    Raises:
        Refused: It is no SSH signature.
    """
    found = _ARMOUR.fullmatch(signature) if len(signature) <= MAX_SIGNATURE else None
    try:
        blob = base64.b64decode(b"".join(found[1].split()), validate=True) if found else b""
        if blob[:10] != b"SSHSIG\0\0\0\1":
            raise ValueError
        (length,) = struct.unpack_from(">I", blob, 10)
        key = blob[14 : 14 + length]
        if not key or len(key) != length:
            raise ValueError
    except (ValueError, struct.error) as error:
        raise Refused(
            "That is not an SSH signature.", "Give the .sig file that `ssh-keygen -Y sign` wrote."
        ) from error
    return _fingerprint(key)


def _names(text: str) -> dict[str, frozenset[str]]:
    """Return the names of every key in the file; lines that are not understood name none."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        words = _WORD.findall(line)
        if len(words) < 3 or words[0].startswith("#"):
            continue
        place = 1 if _KEY_TYPE.fullmatch(words[1]) else 2
        options = words[1].lower() if place == 2 else ""
        if place + 1 >= len(words) or "cert-authority" in options.split(","):
            continue
        try:
            key = base64.b64decode(words[place + 1], validate=True)
        except binascii.Error:
            continue
        found.setdefault(_fingerprint(key), set()).update(words[0].strip('"').split(","))
    return {fingerprint: frozenset(names) for fingerprint, names in found.items()}


def _fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()


def _reason(done: process.Finished) -> str:
    said = (done.errors + b"\n" + done.output).decode("utf-8", "replace").strip().splitlines()
    return one_line(said[0] if said else f"ssh-keygen ended with {done.code}").rstrip(".")
