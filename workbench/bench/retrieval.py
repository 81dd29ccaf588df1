"""Measures retrieval on a repository's own history: would the index have found what a commit changed?

The rules, the same for every history:

1. The newest `commits` commits with one parent that modify one to five source files that are no tests, touch
   at most 15 files, and whose message says something (not `bump`, `release`, `merge`, `typo` …).
2. The request is the message, without trailers, addresses and issue numbers.
3. The index stands at the commit's parent, and is brought along blob by blob, as in use.
4. `hit@1`: the first file found is one that was changed. `recall@10`: the share of changed files among the
   first ten. `function recall`: the share of changed definitions whose piece fits into the budget, packed
   in the order of their rank.

What it does not measure: messages are written after the change, and name things more often than a person
who asks; files that a commit adds are left out.
"""

from __future__ import annotations

import re
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from workbench.context import language_of, symbols
from workbench.context.index import rank, store
from workbench.context.index.prepare import prepare
from workbench.core.errors import UsageError
from workbench.core.records import Effect
from workbench.policy import Policy
from workbench.repo import Git
from workbench.repo.git_history import Commit, Touched

BUDGET_TOKENS: Final = 4096
MAX_SOURCES: Final = 5
MAX_TOUCHED: Final = 15
SCANNED_FACTOR: Final = 12
"""Commits looked at for each one that is wanted."""

_BYTES_PER_TOKEN: Final = {"python": 4.5, "java": 4.3, "rust": 4.2, "go": 3.4, "c": 3.3}
"""Of the Qwen2.5-Coder tokenizer, measured; other languages count 4.0."""
_TRAILER = re.compile(r"^[A-Za-z-]+: .*$|https?://\S+|(?:GH-|#)\d+", re.MULTILINE)
_SAYS_NOTHING = re.compile(
    r"^\W*(?:bump|release|version|merge|typo|style|chore|format|reformat|changelog|update changelog)\b"
    r"|^[^\n]*\b(?:mypy|lint\w*|pre-commit|dependenc(?:y|ies)|black|ruff|flake8|isort|pyupgrade)\b",
    re.IGNORECASE,
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one history gave."""

    commits: int
    files: int
    """Files in the index at the newest commit measured."""
    hit_at_1: float
    recall_at_10: float
    function_recall_4k: float
    query_ms_p50: float
    query_ms_p95: float
    index_seconds: float
    """To index the oldest parent from nothing, in one process."""


@dataclass(frozen=True, slots=True)
class _Case:
    commit: Commit
    sources: tuple[Touched, ...]


@dataclass(slots=True)
class _Taken:
    hits: list[float]
    recalls: list[float]
    functions: list[float]
    milliseconds: list[float]


def measure(
    git: Git, policy: Policy, scratch: Path, commits: int, progress: Progress = lambda _done, _all: None
) -> Figures:
    """Return the figures of the repository behind `git`.

    Args:
        git: The repository.
        policy: What it denies is neither indexed nor asked for.
        scratch: A directory for the index.
        commits: How many commits to measure.
        progress: Told how many of how many are done.

    Raises:
        RepositoryError: git failed.
        UsageError: The history holds no commit that can be measured.
    """
    cases = _cases(git, policy, commits)
    path = scratch / store.DATABASE_NAME
    path.unlink(missing_ok=True)
    connection = store.connect(path, write=True)
    taken = _Taken([], [], [], [])
    index_seconds, standing = 0.0, ""
    # From the oldest on, so that the index moves as it does in use.
    for number, case in enumerate(reversed(cases)):
        began = time.perf_counter()
        _move_to(connection, git, policy, standing, case.commit.parent)
        if not standing:
            index_seconds = time.perf_counter() - began
        standing = case.commit.parent
        _judge(connection, git, case, taken)
        progress(number + 1, len(cases))
    files = store.counts(connection).files
    connection.close()
    quantiles = statistics.quantiles([*taken.milliseconds, taken.milliseconds[-1]], n=20)
    return Figures(
        commits=len(cases),
        files=files,
        hit_at_1=statistics.fmean(taken.hits),
        recall_at_10=statistics.fmean(taken.recalls),
        function_recall_4k=statistics.fmean(taken.functions) if taken.functions else 0.0,
        query_ms_p50=statistics.median(taken.milliseconds),
        query_ms_p95=quantiles[-1],
        index_seconds=index_seconds,
    )


def _cases(git: Git, policy: Policy, wanted: int) -> list[_Case]:
    found: list[_Case] = []
    for commit in git.commits(wanted * SCANNED_FACTOR):
        if len(found) == wanted:
            break
        if _SAYS_NOTHING.match(commit.message) or not request_of(commit.message):
            continue
        touched = git.changed(commit.parent, commit.id)
        sources = tuple(each for each in touched if each.status == "M" and _is_source(each.path, policy))
        if len(touched) <= MAX_TOUCHED and 1 <= len(sources) <= MAX_SOURCES:
            found.append(_Case(commit, sources))
    if not found:
        raise UsageError(
            "No commit of this history changes one to five source files that are no tests.",
            "Choose another repository, or more commits.",
        )
    return found


def _is_source(path: str, policy: Policy) -> bool:
    known = language_of(path) is not None and not rank.is_test(path)
    return known and policy.read(path).effect is Effect.ALLOW


def request_of(message: str) -> str:
    """Return a commit's message as a request: without trailers, addresses and issue numbers."""
    return _TRAILER.sub("", message).strip()


def _move_to(connection: sqlite3.Connection, git: Git, policy: Policy, standing: str, commit: str) -> None:
    if standing:
        changed = git.changed(standing, commit)
        gone = [each.path for each in changed if not each.after]
        present = {each.path: each.after for each in changed if each.after}
    else:
        gone, present = [], git.files_of(commit)
    wanted = {
        path: oid
        for path, oid in present.items()
        if language_of(path) is not None and policy.read(path).effect is Effect.ALLOW
    }
    rows: list[tuple[str, str, int, int]] = []
    prepared: list[store.Prepared] = []
    for path, data in zip(wanted, git.contents(list(wanted.values())), strict=True):
        blob = sha256(data).hexdigest()
        if not store.known(connection, [(path, blob)]):
            prepared.append(prepare(path, blob, data))
        rows.append((path, blob, len(data), 0))
    store.add(connection, prepared)
    store.set_live(connection, rows, gone)


def _judge(connection: sqlite3.Connection, git: Git, case: _Case, taken: _Taken) -> None:
    began = time.perf_counter()
    found = rank.search(connection, request_of(case.commit.message), limit_files=20, limit_chunks=120)
    taken.milliseconds.append((time.perf_counter() - began) * 1000)
    wanted = {each.path for each in case.sources}
    ranked = [each.path for each in found.files]
    taken.hits.append(float(ranked[:1] != [] and ranked[0] in wanted))
    taken.recalls.append(len(wanted.intersection(ranked[:10])) / len(wanted))
    functions = _changed_definitions(git, case)
    if functions:
        packed = _packed(found.chunks)
        inside = sum(
            any(path == other and line <= first and last <= end for other, line, end in packed)
            for path, first, last in functions
        )
        taken.functions.append(inside / len(functions))


def _packed(pieces: Sequence[rank.FoundChunk]) -> list[tuple[str, int, int]]:
    """Return the pieces that fit into the budget, greedily in their order."""
    left, packed = float(BUDGET_TOKENS), []
    for piece in pieces:
        language = language_of(piece.path)
        tokens = (piece.end - piece.start) / _BYTES_PER_TOKEN.get(language.name if language else "", 4.0)
        if tokens <= left:
            left -= tokens
            packed.append((piece.path, piece.first_line, piece.last_line))
    return packed


def _changed_definitions(git: Git, case: _Case) -> list[tuple[str, int, int]]:
    """Return path and lines of the innermost definitions that the commit changed, as they stood before."""
    found: dict[tuple[str, int, int], None] = {}
    before = git.contents([each.before for each in case.sources])
    for source, data in zip(case.sources, before, strict=True):
        language = language_of(source.path)
        defined = symbols(data, language) if language else ()
        functions = [each for each in defined if each.kind in ("function", "method")]
        for first, last in git.old_lines(case.commit, source.path):
            for each in functions:
                if each.first_line <= last and first <= each.last_line:
                    found[(source.path, each.first_line, each.last_line)] = None
    return list(found)
