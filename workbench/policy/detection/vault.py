"""Replaces protected values by placeholders that a model can carry, and puts the values back afterwards.

The rules, in order:

1. A placeholder is the kind of the value and a digest under the session's key, so equal values have equal
   placeholders and nobody outside the session can compute one. In code it is an identifier,
   `__WB_SSN_<digest>__`, so that the code still parses; elsewhere it is `⟦SSN:<digest>⟧`.
2. Text that already holds the syntax is not redacted: nobody else may place placeholders.
3. A value that was replaced once is replaced wherever else it stands, also where no rule finds it, in this
   and in every later text: a password is as secret where it is used as where it is set.
4. Values are put back only into the file they came from, and only if the answer holds exactly the
   placeholders that were shown, each as often. Anything else is refused, and nothing is put back.
   A file that was not redacted goes the same way: it may not receive what was shown of another.
5. Text that is never written back (a prompt, what a command printed) is covered: its values are replaced
   for good, since its placeholders belong to no file.
6. Values and the key stay in this object: not shown by `repr`, not pickled, overwritten on `close`.

    vault = Vault()
    redacted = vault.redact("src/app.py", data, scan(data, Material.CODE))
    restored = vault.restore("src/app.py", shown=redacted.data, answer=model_output)
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeAlias

from workbench.core.errors import Refused, WorkbenchError
from workbench.core.records import Replacement
from workbench.policy.detection.digests import SessionKey
from workbench.policy.detection.finding import Finding, Scan
from workbench.policy.detection.material import Material
from workbench.policy.detection.rules import BY_ID

Token: TypeAlias = tuple[str, str]
"""Kind and digest: what a placeholder says, in either form."""

_Range: TypeAlias = tuple[int, int, str, int]
"""First byte, the byte after the last, kind, and how sure the finding was."""

_KIND = "[A-Z][A-Z0-9]{1,15}"
_DIGEST = "[0-9a-f]{8}(?:[0-9a-f]{8}){0,3}"
_PLACEHOLDER = re.compile(
    f"__WB_(?P<kind>{_KIND})_(?P<digest>{_DIGEST})__|⟦(?P<kind2>{_KIND}):(?P<digest2>{_DIGEST})⟧"
)
# What is meant as a placeholder, by whoever wrote it: also cut, bent and invented ones.
_LIKE_ONE = re.compile(r"__WB_[A-Za-z]|⟦[ \t]{0,4}[A-Za-z][A-Za-z0-9_-]{0,30}[ \t]{0,4}:", re.IGNORECASE)
_DIGEST_SIZES = (8, 16, 24, 32)
_MIN_ECHO = 6
"""Bytes: a shorter value is replaced only where a rule finds it, since it may stand anywhere by chance."""
_ONE_BYTE_ENCODINGS = ("utf-8", "latin-1")
_NO_FILE = ""
"""The place of values that belong to no file, and are therefore never put back."""
_NOTHING_DONE = "Nothing was put back; edit the file yourself, or run the task again."


class VaultError(Refused):
    """Placeholders are not as they must be; nothing was replaced and nothing put back."""


class ForgedPlaceholder(VaultError):
    """A text holds the placeholder syntax before Workbench has put any into it."""


class UnknownPlaceholder(VaultError):
    """An answer holds a placeholder that was never given out, or was changed."""


class ForeignPlaceholder(VaultError):
    """An answer holds a placeholder that stands for a value of another file, or of another part."""


class PlaceholdersNotKept(VaultError):
    """An answer leaves out placeholders it was shown, or repeats them."""


class VaultClosed(WorkbenchError):
    """The session has ended, and the values with it."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text in which protected values are replaced."""

    path: str
    data: bytes = field(repr=False)
    replacements: tuple[Replacement, ...]
    """Every place, in order."""

    @property
    def replaced(self) -> int:
        """How many places were replaced."""
        return len(self.replacements)


@dataclass(frozen=True, slots=True)
class Restored:
    """A text into which protected values were put back."""

    path: str
    data: bytes = field(repr=False)
    restored: int
    """How many places were put back."""


class Vault:
    """The protected values of one session, and the placeholders that stand for them."""

    __slots__ = ("_files", "_key", "_lock", "_values")

    def __init__(self, key: SessionKey | None = None) -> None:
        self._key: SessionKey | None = key or SessionKey()
        self._values: dict[Token, bytearray] = {}
        self._files: dict[str, set[Token]] = {}
        self._lock = threading.Lock()

    def redact(
        self, path: str, data: bytes, scan: Scan, findings: Sequence[Finding] | None = None
    ) -> Redacted:
        """Return `data` with what was found replaced by placeholders.

        Args:
            path: The file the values belong to, and can be put back into.
            scan: The scan of exactly these bytes; its material chooses the form of the placeholders.
            findings: Which findings to replace; all of the scan's where None.

        Raises:
            ForgedPlaceholder: `data` already holds the syntax.
            VaultClosed: The session has ended.
        """
        if holds_placeholder(data, scan.encoding):
            raise ForgedPlaceholder(
                f"{path} already holds text in the form of Workbench's placeholders.",
                "Take that text out of it, or make the change by hand.",
            )
        return self._replace(path, data, scan, scan.findings if findings is None else findings)

    def cover(self, data: bytes, scan: Scan, findings: Sequence[Finding] | None = None) -> bytes:
        """Return `data`, which is never written back, without the values found and those already held.

        What is inside a placeholder of this vault is left as it is.
        """
        chosen = replace(scan, findings=tuple(scan.findings if findings is None else findings))
        return self._replace(_NO_FILE, data, scan, self.outside(data, chosen).findings).data

    def blanked(self, data: bytes, scan: Scan, findings: Sequence[Finding]) -> bytes:
        """Return `data` with what was found, wherever it stands, blanked: as long, in the same lines.

        For what is kept but never shown or written back, such as words for searching; nothing is held.
        """
        ranges = _ranges(findings)
        values = {data[start:end] for start, end, _, _ in ranges}
        ranges += [
            (start, end, "", 0)
            for value in values
            if scan.encoding in _ONE_BYTE_ENCODINGS
            for start, end in _words_of(data, value)
        ]
        with self._lock:
            ranges += self._echoes(data, scan.encoding)
        blank = bytearray(data)
        for start, end, _, _ in ranges:
            blank[start:end] = bytes(byte if byte in b"\r\n" else 0x20 for byte in data[start:end])
        return bytes(blank)

    def outside(self, data: bytes, scan: Scan) -> Scan:
        """Return the scan of `data` without what was found inside placeholders of this vault."""
        placed = self._placed(data, scan.encoding)
        kept = (one for one in scan.findings if not any(a <= one.start and one.end <= b for a, b in placed))
        return replace(scan, findings=tuple(kept))

    def recalls(self, data: bytes, encoding: str = "utf-8") -> bool:
        """Say whether a value that was replaced before stands in `data`."""
        with self._lock:
            return next(self._echoes(data, encoding), None) is not None

    def covered(self, text: str) -> str:
        """Return `text` with every value that is held replaced by its placeholder."""
        data = text.encode("utf-8", "surrogatepass")
        if not self.recalls(data):
            return text
        return self.cover(data, Scan(Material.CODE, len(data), (), ())).decode("utf-8", "surrogatepass")

    def restore(self, path: str, *, shown: bytes, answer: bytes, encoding: str = "utf-8") -> Restored:
        """Return `answer` with the values put back that its placeholders stand for.

        Args:
            path: The file that will be written.
            shown: The redacted text that `answer` replaces: the whole file or a part of it.
            answer: What the model wrote.
            encoding: Of both texts; `Scan.encoding` of the original.

        Raises:
            VaultError: `answer` is not in this encoding.
            UnknownPlaceholder: One was never given out, or was changed.
            ForeignPlaceholder: One belongs to another file or part.
            PlaceholdersNotKept: Not all are there as often as they were shown.
            VaultClosed: The session has ended.
        """
        with self._lock:
            self._open()
            before, text = _text(shown, encoding), _exact(answer, encoding)
            self._judge(path, before, text)
            parts: list[bytes] = []
            done = count = 0
            for match in _PLACEHOLDER.finditer(text):
                value = self._values.get(_token_of(match))
                if value is None:
                    continue
                parts += [_bytes(text[done : match.start()], encoding), bytes(value)]
                done, count = match.end(), count + 1
            return Restored(path, b"".join([*parts, _bytes(text[done:], encoding)]), count)

    def close(self) -> None:
        """Overwrite every value and the key, also one that was given; the vault is of no use afterwards."""
        with self._lock:
            for value in self._values.values():
                value[:] = bytes(len(value))
            self._values.clear()
            self._files.clear()
            if self._key is not None:
                self._key.wipe()
            self._key = None

    @property
    def held(self) -> int:
        """How many different values it holds."""
        return len(self._values)

    def __repr__(self) -> str:
        return f"Vault({len(self._values)} values)" if self._key is not None else "Vault(closed)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Protected values are never written anywhere.")

    def _open(self) -> SessionKey:
        if self._key is None:
            raise VaultClosed("The session that held the protected values has ended.", "Run the task again.")
        return self._key

    def _replace(self, path: str, data: bytes, scan: Scan, findings: Sequence[Finding]) -> Redacted:
        parts: list[bytes] = []
        made: list[Replacement] = []
        done = shown = 0
        with self._lock:
            ranges = _ranges(findings)
            for start, end, kind, _ in ranges:
                self._token(path, kind, data[start:end])
            for start, end, kind, _ in _merged([*ranges, *self._echoes(data, scan.encoding)]):
                written = _written(self._token(path, kind, data[start:end]), scan)
                parts += [data[done:start], written]
                shown += start - done + len(written)
                made.append(Replacement(start, end, shown - len(written), shown))
                done = end
        return Redacted(path, b"".join([*parts, data[done:]]), tuple(made))

    def _echoes(self, data: bytes, encoding: str) -> Iterator[_Range]:
        """Yield where values that are held stand in `data`, as whole words."""
        if encoding not in _ONE_BYTE_ENCODINGS:
            return
        for (kind, _), held in [*self._values.items()]:
            for start, end in _words_of(data, bytes(held)):
                yield start, end, kind, 0

    def _placed(self, data: bytes, encoding: str) -> list[tuple[int, int]]:
        """Return where placeholders of this vault stand in `data`, in bytes."""
        try:
            text = _exact(data, encoding)
        except VaultError:
            return []
        ours = [match.span() for match in _PLACEHOLDER.finditer(text) if _token_of(match) in self._values]
        return [(len(_bytes(text[:a], encoding)), len(_bytes(text[:b], encoding))) for a, b in ours]

    def _token(self, path: str, kind: str, value: bytes) -> Token:
        digest = self._open().digest(f"placeholder {kind}", value)
        # Two values whose digests begin alike: the later one gets a longer placeholder.
        for size in _DIGEST_SIZES:
            token = (kind, digest[:size])
            if self._values.setdefault(token, bytearray(value)) == value:
                break
        self._files.setdefault(path, set()).add(token)
        return token

    def _judge(self, path: str, before: str, after: str) -> None:
        expected, found = Counter(_tokens(before)), Counter(_tokens(after))
        # What was in the file before, and is nobody's placeholder, is text that only looks like one.
        strange = any(token not in self._values and token not in expected for token in found)
        if strange or _bent(after) - _bent(before):
            raise UnknownPlaceholder(
                "The answer holds a placeholder that was changed or never given out.", _NOTHING_DONE
            )
        own = self._files.get(path, set())
        kept = Counter({token: count for token, count in found.items() if token in self._values})
        if any(token not in own or token not in expected for token in kept):
            raise ForeignPlaceholder(
                f"The answer moves a protected value into a part of {path} that it did not come from.",
                _NOTHING_DONE,
            )
        shown = Counter({token: count for token, count in expected.items() if token in own})
        if kept != shown:
            raise PlaceholdersNotKept(
                f"The answer holds {kept.total()} protected values; {shown.total()} were shown.",
                _NOTHING_DONE,
            )


def holds_placeholder(data: bytes, encoding: str = "utf-8") -> bool:
    """Say whether `data` holds anything in the form of a placeholder, whole or bent."""
    return _LIKE_ONE.search(_text(data, encoding)) is not None


def escaped(text: str) -> str:
    """Return `text` with whatever has the form of a placeholder broken, so that it is taken for none."""
    return _LIKE_ONE.sub(lambda match: match.group().replace("_", "-").replace("⟦", "["), text)


def _ranges(findings: Iterable[Finding]) -> list[_Range]:
    """Return what to replace for `findings`, in order and without overlaps."""
    return _merged((one.start, one.end, BY_ID[one.rule_id].kind, one.confidence.rank) for one in findings)


def _merged(ranges: Iterable[_Range]) -> list[_Range]:
    """Return `ranges` in order; overlapping ones become one, named as the surest of them."""
    merged: list[_Range] = []
    for start, end, kind, rank in sorted(ranges, key=lambda one: (one[0], -one[1])):
        if merged and start < merged[-1][1]:
            first, last, held, best = merged[-1]
            merged[-1] = (first, max(last, end), kind if rank > best else held, max(rank, best))
        else:
            merged.append((start, end, kind, rank))
    return merged


def _words_of(data: bytes, value: bytes) -> Iterator[tuple[int, int]]:
    """Yield where `value`, if it is long enough, stands in `data` as whole words."""
    at = data.find(value) if len(value) >= _MIN_ECHO else -1
    while at >= 0:
        end = at + len(value)
        if not (_joins(data[at - 1 : at], value[:1]) or _joins(value[-1:], data[end : end + 1])):
            yield at, end
        at = data.find(value, at + 1)


def _joins(left: bytes, right: bytes) -> bool:
    """Say whether the bytes on both sides of a place are of one word."""
    return all(side.isalnum() or side == b"_" for side in (left, right))


def _written(token: Token, scan: Scan) -> bytes:
    kind, digest = token
    ascii_only = scan.material is Material.CODE or scan.encoding == "latin-1"
    return (f"__WB_{kind}_{digest}__" if ascii_only else f"⟦{kind}:{digest}⟧").encode(scan.encoding)


def _token_of(match: re.Match[str]) -> Token:
    return match["kind"] or match["kind2"], match["digest"] or match["digest2"]


def _tokens(text: str) -> list[Token]:
    return [_token_of(match) for match in _PLACEHOLDER.finditer(text)]


def _bent(text: str) -> Counter[str]:
    return Counter(_LIKE_ONE.findall(_PLACEHOLDER.sub("", text)))


def _text(data: bytes, encoding: str) -> str:
    """Return `data` as text to look for placeholders in."""
    return data.decode(encoding, "replace")


def _exact(data: bytes, encoding: str) -> str:
    """Return `data` as text that `_bytes` turns back into the same bytes."""
    try:
        return data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "surrogatepass")
    except UnicodeDecodeError as error:
        raise VaultError(f"The answer is not valid {encoding}.", _NOTHING_DONE) from error


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "surrogatepass")
