"""Finds where a task wants a change: the file and the symbol it names.

The program owns *where*: small models localise badly. The rules, in order:

1. A file named by `--file`, `@path`, its path or its unique name is the file.
2. A symbol of that file named in the task is the target.
3. Without a file, a name that looks like code is looked up; the one definition of it is the target.
4. Without a name either, the index is asked what the task is about; the caller lets the model choose from
   what it found.
5. A file with one definition needs no symbol; otherwise the caller lets the model choose from a closed list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.broker import Broker
from workbench.context import GAP, Found, FoundChunk, Symbol, is_test, language_of, symbols
from workbench.core.errors import UsageError
from workbench.core.records import Effect, FileContent, Principal
from workbench.core.safe_text import one_line

MAX_PLACES = 12
"""Definitions a model is asked to choose among where the task names nothing."""

_PATH_LIKE = re.compile(r"@?([\w./\\-]*\.\w+|@[\w./-]+)")
_QUOTED = re.compile(r"`([^`\s]+)`")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_CODE_LIKE = re.compile(r"_|[a-z][A-Z]|\d|\.")
"""What tells an identifier from an English word: `snake_case`, `camelCase`, a digit, a dot."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a change is wanted."""

    content: FileContent
    symbol: Symbol | None
    """None: to be chosen from `candidates`, or the whole file where there are none."""
    candidates: tuple[Symbol, ...]
    """The definitions of the file that policy lets the agent write."""


@dataclass(frozen=True, slots=True)
class Somewhere:
    """What a task that names nothing may be about, best first."""

    places: tuple[FoundChunk, ...]


Find = Callable[[str], Found]
"""Asks the index what a request is about; the index is in step with the worktree when it answers."""


def find_target(
    task: str, files: Sequence[str], paths: Sequence[str], broker: Broker, actor: Principal, find: Find
) -> Target | Somewhere:
    """Return the file and, where the task names one, the symbol to rewrite; or where that may be.

    Args:
        task: The person's words.
        files: Files named apart from the words; they come first.
        paths: Every path of the worktree.
        broker: Reads the files, on record.
        actor: Whose reads they are.
        find: The index.

    Raises:
        UsageError: The task names nothing we can find, or too much.
        Refused: Policy does not let the agent read or edit the file.
    """
    named = list(files) or mentioned_paths(task, paths)
    if len(named) > 1:
        source = [path for path in named if not is_test(path)]
        named = source if len(source) == 1 else named
    if named:
        content = broker.read(named[0], actor=actor, purpose="target")
        found = _symbols(content)
        return Target(content, mentioned_symbol(task, found), found)
    return _search(task, find(task), broker, actor)


def mentioned_paths(task: str, paths: Sequence[str]) -> list[str]:
    """Return the paths that the task names, by full path or by an ending that only one path has."""
    known = set(paths)
    result: dict[str, None] = {}
    for word in [*_QUOTED.findall(task), *_PATH_LIKE.findall(task)]:
        name = word.removeprefix("@").rstrip(".,:;)").replace("\\", "/").removeprefix("./")
        if name in known:
            result[name] = None
            continue
        if "." not in name:
            continue
        ending = [path for path in paths if path.endswith("/" + name)]
        if len(ending) == 1:
            result[ending[0]] = None
    return list(result)


def mentioned_symbol(task: str, found: Iterable[Symbol]) -> Symbol | None:
    """Return the definition whose name stands in the task: the longest qualified name, then the first."""
    words = set(_IDENTIFIER.findall(task)) | {word.removesuffix("()") for word in _QUOTED.findall(task)}
    named = [symbol for symbol in found if symbol.qualified in words or symbol.name in words]
    return max(named, key=lambda symbol: (symbol.qualified in words, len(symbol.qualified)), default=None)


def _symbols(content: FileContent) -> tuple[Symbol, ...]:
    language = language_of(content.path)
    return symbols(content.data, language) if language else ()


def _search(task: str, found: Found, broker: Broker, actor: Principal) -> Target | Somewhere:
    quoted = [word.removesuffix("()") for word in _QUOTED.findall(task)]
    words = dict.fromkeys(quoted + [word for word in _IDENTIFIER.findall(task) if _CODE_LIKE.search(word)])
    defined = [piece for piece in found.chunks if piece.kind != GAP]
    for word in words:
        hits = [piece for piece in defined if word in (piece.qualified, piece.qualified.rpartition(".")[2])]
        source = [piece for piece in hits if not is_test(piece.path)] or hits
        if len(source) == 1:
            return target_at(source[0], broker, actor)
        if source:
            where = ", ".join(one_line(piece.path) for piece in source[:5])
            raise UsageError(f"{word} is defined in {len(source)} places: {where}.", "Name the file too.")
    places = [piece for piece in defined if broker.policy.edit(piece.path).effect is not Effect.DENY]
    known = not words or any(each.exact and not is_test(each.path) for each in found.files)
    if not places or not known:
        what = " or ".join(list(words)[:3]) or "what the task speaks of"
        raise UsageError(
            f"No file and no definition here is called {what}.",
            "Check the spelling, or name the file as in `@src/app.py`.",
        )
    return Somewhere(tuple(places[:MAX_PLACES]))


def target_at(piece: FoundChunk, broker: Broker, actor: Principal) -> Target:
    """Return the definition that the index found, as it stands in the file now.

    Raises:
        Refused: Policy does not let the agent read the file.
        UsageError: It is no longer there.
    """
    content = broker.read(piece.path, actor=actor, purpose="target")
    found = _symbols(content)
    named = [symbol for symbol in found if symbol.qualified == piece.qualified]
    if not named:
        raise UsageError(
            f"{piece.qualified} is no longer in {one_line(piece.path)}.",
            "Send the task again, or name the file.",
        )
    return Target(content, min(named, key=lambda each: abs(each.first_line - piece.first_line)), found)
