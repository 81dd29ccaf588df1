"""Matches one path against all globs of a policy at once, and answers with a bit for each that matches.

The dialect is gitignore's, less what would be a trap in a security rule:

- A pattern without an inner slash (`*.pem`, `secrets/`) matches a name at any depth.
- A pattern with one (`docs/*.md`, `/top`) starts at the root; `**/` stands for any number of directories,
  a trailing `/**` for everything inside.
- What matches a directory matches everything in it. Negation (`!`), comments (`#`) and POSIX classes are
  refused, and a trailing slash changes nothing: a name is judged without looking at the disk.

Patterns and paths are compared by the folded key (`workbench.policy.keys`). The work per path is one
dictionary look-up for its directory and one for its name; both are computed once and kept.

Source: gitignore(5), "Pattern format".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.policy import keys

# limit: bounds the memory a hostile repository policy, or a hostile tree, can make the matcher keep.
MAX_PATTERN_CHARS = 1024
MAX_CACHED = 50_000
MAX_CACHED_CHARS = 512
MAX_KEPT_PATTERNS = 4096

_WILD = re.compile(r"[*?\[\\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = "*?[]\\/!"


class GlobError(ValueError):
    """A pattern that cannot be a rule; the text says why. Callers turn it into a `PolicyError`."""


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern of a policy."""

    text: str
    """The pattern as its author wrote it."""
    leaf: bool = False
    """Judge only the last name of a path, not the directories above it."""
    lifts: int = 0
    """Bits this pattern takes back from the same name: for built-in exceptions only."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern taken apart."""

    components: tuple[str, ...]
    """Folded; `**` stands for any number of directories."""
    anywhere: bool
    """It is one component, and any name at any depth is judged by it."""


_Step = Callable[[str], object]
_State = tuple[int, int]
"""A path pattern's number, and how many of its components the path has satisfied."""


@dataclass(frozen=True, slots=True)
class _Directory:
    """What is known about everything directly inside one directory."""

    inherited: int
    """Bits of the patterns that match this directory, or one above it."""
    waiting: frozenset[_State]
    """Path patterns that the directory's path satisfies so far."""
    last: tuple[tuple[_Step | None, int], ...]
    """Those of which only the last component is missing: its test (None: any name) and its bit."""


@dataclass(frozen=True, slots=True)
class _Test:
    """One component pattern that holds a wildcard."""

    text: str
    """The literal end, or start, that every matching name has."""
    step: _Step | None
    """The whole pattern; None where `text` says it all."""
    bit: int


class _Names:
    """The patterns that look at one name only, sorted so that most names are settled by three look-ups."""

    def __init__(self) -> None:
        self._literal: dict[str, int] = {}
        self._ends: list[_Test] = []
        self._starts: list[_Test] = []
        self._others: list[_Test] = []
        self._all_ends: tuple[str, ...] = ()
        self._all_starts: tuple[str, ...] = ()

    def add(self, component: str, bit: int) -> None:
        """Take one component pattern."""
        start, *rest = _WILD.split(component)
        end = rest[-1] if rest and "[" not in component and "\\" not in component else ""
        if not rest:
            self._literal[component] = self._literal.get(component, 0) | bit
        elif end:
            self._ends.append(_Test(end, None if component == f"*{end}" else _step(component), bit))
            self._all_ends = (*self._all_ends, end)
        elif start:
            self._starts.append(_Test(start, None if component == f"{start}*" else _step(component), bit))
            self._all_starts = (*self._all_starts, start)
        else:
            self._others.append(_Test("", _step(component), bit))

    def match(self, name: str) -> int:
        """Return the bits of the patterns that match `name`."""
        bits = self._literal.get(name, 0)
        if name.endswith(self._all_ends):
            for test in self._ends:
                if name.endswith(test.text) and (test.step is None or test.step(name)):
                    bits |= test.bit
        if name.startswith(self._all_starts):
            for test in self._starts:
                if name.startswith(test.text) and (test.step is None or test.step(name)):
                    bits |= test.bit
        for test in self._others:
            if test.step is None or test.step(name):
                bits |= test.bit
        return bits


class Matcher:
    """Answers, for a path, which of its globs match: bit `i` stands for `globs[i]`.

    Safe to use from several threads: the caches only ever gain entries that any thread would compute
    alike.

    Raises:
        GlobError: One of the patterns is malformed.
    """

    def __init__(self, globs: Sequence[Glob]) -> None:
        self._names = _Names()
        self._paths: dict[int, tuple[_Step | None, ...]] = {}
        self._leaf = 0
        self._lifts: list[tuple[int, int]] = []
        for number, glob in enumerate(globs):
            self._add(number, glob)
        start = frozenset(state for number in self._paths for state in self._reach(number, 0))
        self._top = _Directory(0, start, self._last(start))
        self._directories: dict[str, _Directory] = {"": self._top}
        self._known_names: dict[str, int] = {}

    def match(self, path: str) -> int:
        """Return the bits of all globs that match `path`, its name or any directory above it.

        A path that ends in a slash is a directory: leaf patterns and exceptions, which are for files, do
        not apply to its name.
        """
        key = keys.fold(path)
        if path.endswith("/"):
            return self._directories.get(key, self._top if not key else self._directory(key)).inherited
        directory, _, name = key.rpartition("/")
        above = self._directories.get(directory)
        if above is None:
            above = self._directory(directory)
        return above.inherited | self._own(above, name)

    def _add(self, number: int, glob: Glob) -> None:
        bit = 1 << number
        pattern = parse(glob.text)
        if glob.leaf:
            self._leaf |= bit
        if glob.lifts:
            self._lifts.append((bit, glob.lifts))
        if pattern.anywhere:
            self._names.add(pattern.components[0], bit)
        else:
            self._paths[number] = tuple(None if part == "**" else _step(part) for part in pattern.components)

    def _own(self, above: _Directory, name: str) -> int:
        bits = self._known_names.get(name)
        if bits is None:
            if len(self._known_names) >= MAX_CACHED:
                self._known_names.clear()
            bits = self._known_names[name] = self._names.match(name)
        for step, bit in above.last:
            if step is None or step(name):
                bits |= bit
        for lifting, lifted in self._lifts:
            if bits & lifting:
                bits &= ~lifted
        return bits

    def _directory(self, path: str) -> _Directory:
        """Compute, keep and return what is known about the directory `path` and those above it."""
        if len(self._directories) >= MAX_CACHED:
            self._directories = {"": self._top}
        here, done = self._top, ""
        for name in path.split("/"):
            done = f"{done}/{name}" if done else name
            known = self._directories.get(done)
            here = known if known is not None else self._enter(here, name)
            if len(done) <= MAX_CACHED_CHARS:
                self._directories[done] = here
        return here

    def _enter(self, above: _Directory, name: str) -> _Directory:
        # An exception is for a file of exactly that name; a directory so named gets no exception.
        bits = self._names.match(name)
        for step, bit in above.last:
            if step is None or step(name):
                bits |= bit
        waiting: set[_State] = set()
        for number, position in above.waiting:
            steps = self._paths[number]
            step = steps[position]
            if step is None:
                waiting.update(self._reach(number, position))
            elif position < len(steps) - 1 and step(name):
                waiting.update(self._reach(number, position + 1))
        return _Directory((above.inherited | bits) & ~self._leaf, frozenset(waiting), self._last(waiting))

    def _last(self, states: Iterable[_State]) -> tuple[tuple[_Step | None, int], ...]:
        return tuple(
            (self._paths[number][position], 1 << number)
            for number, position in states
            if position == len(self._paths[number]) - 1
        )

    def _reach(self, number: int, position: int) -> Iterable[_State]:
        """Yield `position`, and those behind it that `**` reaches without consuming a name."""
        steps = self._paths[number]
        yield number, position
        while steps[position] is None and position < len(steps) - 1:
            position += 1
            yield number, position


@lru_cache(maxsize=MAX_KEPT_PATTERNS)
def parse(pattern: str) -> Pattern:
    """Return the folded components of `pattern`.

    Raises:
        GlobError: The pattern is malformed, or means something a reader would not expect.
    """
    _refuse(pattern)
    folded = pattern.lower() if pattern.isascii() else keys.fold_text(pattern)
    if any(folded.count(char) != pattern.count(char) for char in _SPECIAL):
        raise GlobError("it holds a character that Unicode folds into * ? [ ] / or a backslash")
    parts = [part for part in folded.split("/") if part not in ("", ".")]
    if not parts:
        raise GlobError("it names nothing")
    for part in parts:
        if part.endswith((".", " ")):
            raise GlobError("a component ends with a dot or a space, which matching ignores; leave it out")
        _step(part)
    # `a/**/**/b` says the same as `a/**/b`.
    parts = [part for i, part in enumerate(parts) if part != "**" or parts[i - 1 : i] != ["**"]]
    if parts == ["**"]:
        return Pattern(("*",), anywhere=True)
    if len(parts) == 2 and parts[0] == "**":
        return Pattern((parts[1],), anywhere=True)
    return Pattern(tuple(parts), anywhere=len(parts) == 1 and not folded.startswith(("/", "./")))


def escape(path: str) -> str:
    """Return a pattern that matches exactly the path `path` beneath the root, and what is in it."""
    return "/" + re.sub(r"([*?\[\]\\!#])", r"\\\1", path.strip("/"))


def _refuse(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise GlobError(f"it is longer than {MAX_PATTERN_CHARS} characters")
    if pattern.startswith("!"):
        raise GlobError("negation (!) is not allowed: deny always wins, so write what is denied")
    if pattern.startswith("#"):
        raise GlobError(r"it reads as a comment; write \# for a name that starts with #")
    if not pattern or pattern.strip() != pattern:
        raise GlobError("it is empty, or starts or ends with a space")
    found = keys.fault(_ESCAPE.sub("x", pattern).lstrip("/") or "x")
    if found is not None:
        raise GlobError(found.value.replace("path", "pattern"))


@lru_cache(maxsize=MAX_KEPT_PATTERNS)
def _step(component: str) -> _Step:
    """Return a function that says whether a name matches one component pattern."""
    # fnmatch translates stars into atomic groups, so a hostile pattern cannot make matching exponential.
    expression = fnmatch.translate("".join(_tokens(component)))
    if "(?!)" in expression:
        raise GlobError("a character range in it is empty")
    return re.compile(expression).match


def _tokens(component: str) -> Iterator[str]:
    """Yield the component's parts as fnmatch writes them."""
    position = 0
    while position < len(component):
        char = component[position]
        end = position + 1
        if char == "\\":
            literal = component[end : end + 1]
            yield f"[{literal}]" if literal in "*?[" else literal
            end += 1
        elif char == "[":
            end = _class_end(component, position)
            yield re.sub(r"^\[\^", "[!", component[position:end])
        else:
            yield char
        position = end


def _class_end(component: str, start: int) -> int:
    first = start + 2 if component[start + 1 : start + 2] in ("!", "^") else start + 1
    # A bracket that stands first in the class is a member of it.
    end = component.find("]", first + 1) + 1
    if not end:
        raise GlobError("a [ is not closed")
    if "\\" in component[start:end] or "[:" in component[start:end]:
        raise GlobError("inside [ ], write single characters and ranges only")
    return end
