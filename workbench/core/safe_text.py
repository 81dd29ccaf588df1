"""Makes untrusted text inert and honest: what could act or hide becomes a visible mark.

File names, file contents, diffs, model output, command output and ledger rows all pass here before
they reach a screen. The rules:

1. C0 and C1 controls, ESC and DEL are shown as their Unicode control picture (`␛`) or `<U+009B>`.
2. Characters that reorder, join or hide text (bidi, zero width, tags, variation selectors, fillers)
   and private-use characters and lone surrogates are shown as `<U+202E>`.
3. Newline and tab stay where the caller lays out lines; elsewhere they are shown too.
4. Every replacement is counted by name, so that the person is told, and can be asked to acknowledge it.

Sources: Unicode 15.1, Trojan Source (CVE-2021-42574).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_HIDDEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PRIVATE = "\ud800-\udfff\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"

_UNSAFE = re.compile(f"[{_CONTROLS}{_BIDI}{_HIDDEN}{_PRIVATE}]")
_UNSAFE_ON_ONE_LINE = re.compile(f"[\t\n{_CONTROLS}{_BIDI}{_HIDDEN}{_PRIVATE}]")
TERMINAL_CONTROLS = re.compile(f"[{_CONTROLS}\t\n{_BIDI}\ud800-\udfff\U000e0000-\U000e0fff]")
"""What may never be written inside one terminal cell run, whatever produced it: the second wall."""

_WORD = re.compile(r"[^\W\d_]\w*")
_LOOK_ALIKE_SCRIPTS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
_IMITATED = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0475\u04cf\u04af"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u04ae\u050c\u051a\u051c"
    "\u03b1\u03b3\u03b9\u03bd\u03bf\u03c1\u03c5\u03f2\u03f3"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0585\u057d\u0570\u0578\u0581\u0566\u0555\u054d"
    "\u13a0\u13a1\u13a2\u13aa\u13ab\u13b3\u13b7\u13bb\u13c0\u13c3\u13d2\u13d4\u13d9\u13da\u13de\u13df\u13e2\u13e6",
    "aeopcyxijshdqwvlyABEKMHOPCTYXIJSYGQWayivopucjABEZHIKMNOPTYXouhngqOUDRTAJWMHGZRWVSLCPK",
)
"""Letters of other scripts that look like Latin ones, and which: those of common type faces only."""
_GREEK_SYMBOLS = frozenset("\u03b1\u03b3\u03b9\u03bd\u03c1\u03c5")
"""Greek letters that mathematics writes alone."""
_ORDINALS = frozenset("\u00aa\u00ba")


@dataclass(frozen=True, slots=True)
class SafeText:
    """Text that can be put on a screen, and what had to be made visible in it."""

    text: str
    findings: dict[str, int] = field(default_factory=dict)
    """How often each dangerous character occurred, by its Unicode name."""

    @property
    def hidden(self) -> int:
        """How many characters were made visible."""
        return sum(self.findings.values())


def safe_text(text: str, *, one_line: bool = False) -> SafeText:
    """Return `text` with every control, bidi, hidden and private character made visible.

    Args:
        text: Untrusted text; lone surrogates (from undecodable bytes) are allowed.
        one_line: Also show newlines and tabs, for names and labels.
    """
    pattern = _UNSAFE_ON_ONE_LINE if one_line else _UNSAFE
    if not pattern.search(text):
        return SafeText(text)
    counts = Counter(_name(match.group()) for match in pattern.finditer(text))
    return SafeText(pattern.sub(lambda match: _mark(match.group()), text), dict(counts))


def one_line(text: str) -> str:
    """Return `text` as one safe line, without the count of what was found."""
    return safe_text(text, one_line=True).text


def decode(data: bytes) -> str:
    """Return UTF-8 bytes as text, undecodable bytes as lone surrogates that `safe_text` shows."""
    return data.decode("utf-8", "surrogateescape")


def look_alikes(text: str) -> list[str]:
    """Return the words that can be read as another identifier than they are, in their order.

    A word imitates when it mixes Latin with letters of another script that look like it (a Cyrillic `a`),
    when each of its letters, all of another script, looks like a Latin one, or when it holds a letter that
    compilers read as a plain one (NFKC: full-width, mathematical, ligatures). Prose is left alone: words of
    one script that stand side by side imitate nothing unless each of them could.
    """
    if text.isascii():
        return []
    found: dict[str, None] = {}
    for line in text.split("\n"):
        if not line.isascii():
            found.update(dict.fromkeys(_imitations(line)))
    return list(found)


def imitated(word: str) -> str:
    """Return what a word that `look_alikes` found looks like."""
    return unicodedata.normalize("NFKC", word).translate(_IMITATED)


def _imitations(line: str) -> Iterator[str]:
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(line):
        word = match.group()
        if _mixes_scripts(word) or _is_folded(word):
            yield word
        foreign = _is_foreign(word)
        if not foreign or line[end : match.start()].strip(" \t"):
            yield from _imitating(run)
            run = []
        run += [word] if foreign else []
        end = match.end()
    yield from _imitating(run)


def _imitating(run: list[str]) -> list[str]:
    """Return the words of a run of neighbours, all of another script, if every one of them looks Latin."""
    if not all(word.translate(_IMITATED).isascii() for word in run):
        return []
    return [word for word in run if not (len(word) == 1 and word in _GREEK_SYMBOLS)]


def _is_foreign(word: str) -> bool:
    scripts = _scripts(word)
    return bool(scripts) and scripts <= _LOOK_ALIKE_SCRIPTS


def _is_folded(word: str) -> bool:
    return any(
        char.isalpha() and char not in _ORDINALS and unicodedata.normalize("NFKC", char).isascii()
        for char in word
        if not char.isascii()
    )


def _mixes_scripts(word: str) -> bool:
    scripts = _scripts(word)
    return "LATIN" in scripts and bool(scripts & _LOOK_ALIKE_SCRIPTS)


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(char, "?").split()[0] for char in word if char.isalpha()}


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'CONTROL')}"


def _mark(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"<U+{code:04X}>"
