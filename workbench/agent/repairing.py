"""Mends a definition whose tests fail: tries small edits in the model's order, and lets the tests judge.

1. The tests run once on what is there. What passes has nothing to mend; what cannot run judges nothing.
2. The model scores the definition in one pass, under the prompt that asks for the corrected one.
3. The best candidates run against the tests, in the copy, each with its row, until one passes or the budget
   is spent.
4. The one that passes goes through every check like any other draft.

Only Python so far: the edits are of its syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.agent.answers import splice
from workbench.agent.mutations import mutations
from workbench.agent.repair import Candidate, candidates
from workbench.agent.testing import Tester
from workbench.broker import Broker, Ran
from workbench.context import Symbol, symbols
from workbench.context.languages import Language
from workbench.core.errors import Cancelled, WorkbenchError
from workbench.core.records import CheckResult, FileContent, Inference, Principal
from workbench.core.safe_text import decode, one_line

if TYPE_CHECKING:
    from workbench.model import Message

MAX_RUNS = 16
"""Test runs of one search; measured: what is not found by then is hardly found later."""
LINES_ANEW = 16
"""Lines that the model may write anew; each costs about ten tokens."""
MAX_FAILING_LINES = 12
"""Lines of a failing test that stand in the prompt."""
MAX_LINE = 200
CPU_FACTOR = 10
"""A candidate may take this many times the processor time of the first run: a loop without end stops."""
LEAST_CPU_SECONDS = 10

_TELLING = re.compile(r"^(E  |>  |FAILED |ERROR |\S+Error\b|AssertionError|assert )")


@dataclass(frozen=True, slots=True)
class Mended:
    """A version of the file that passes the tests."""

    after: bytes
    kind: str
    line: int
    """Line of the file that changed, counted from 1."""
    runs: int
    tested: CheckResult
    """How the tests judge it."""


@dataclass(frozen=True, slots=True)
class Failing:
    """How the tests fail on what is there."""

    lines: tuple[str, ...]
    cpu_seconds: int
    """Processor time that one run of a candidate may take."""


def failing(tester: Tester) -> Failing | None:
    """Run the tests on what is there; return None where they pass or cannot judge."""
    try:
        ran = tester.run({})
    except WorkbenchError:
        return None
    if ran.ok or ran.result.reason or ran.result.stopped:
        return None
    allowed = max(LEAST_CPU_SECONDS, round(ran.result.seconds * CPU_FACTOR))
    return Failing(telling_lines(ran), allowed)


def telling_lines(ran: Ran) -> tuple[str, ...]:
    """Return the lines of a run's output that say what failed, as the agent may see them."""
    found = [one_line(line)[:MAX_LINE] for line in decode(ran.seen).split("\n") if _TELLING.match(line)]
    return tuple(dict.fromkeys(found))[:MAX_FAILING_LINES]


def can_mend(content: FileContent, symbol: Symbol | None, language: Language | None) -> bool:
    """Tell whether a search knows edits for this definition; protected values stay out of it."""
    return (
        symbol is not None
        and language is not None
        and language.name == "python"
        and (not content.replacements)
    )


class Repairing:
    """One search, for one definition."""

    def __init__(
        self,
        broker: Broker,
        actor: Principal,
        tester: Tester,
        note: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> None:
        """Join what asks the model, what runs the tests, and whom to tell."""
        self._broker = broker
        self._actor = actor
        self._tester = tester
        self._note = note
        self._cancelled = cancelled

    def search(
        self, content: FileContent, symbol: Symbol, fails: Failing, messages: tuple[Message, ...]
    ) -> tuple[Mended | None, Inference]:
        """Return what passes the tests, or None within the budget; and the scoring pass.

        Args:
            content: The file.
            symbol: The definition in it.
            fails: How the tests fail now.
            messages: The prompt that asks for the corrected definition.

        Raises:
            Cancelled: The person stopped it.
            ModelError: The model failed.
        """
        source = _outdented(content.data, symbol)
        tries, inference = self._rank(content, source, messages)
        self._note(f"{len(tries)} small edits ranked; running the tests on at most {MAX_RUNS} of them.")
        for runs, candidate in enumerate(tries[:MAX_RUNS], start=1):
            after = splice(content.data, symbol, candidate.text)
            line = symbol.first_line + candidate.line
            ran = self._tester.run_quietly({content.path: (after, content.mode)}, fails.cpu_seconds)
            self._stop_if_cancelled()
            outcome = "passes" if ran.ok else "fails"
            self._note(f"Run {runs}: line {line}, {candidate.kind}: {outcome} ({ran.ending}).")
            if ran.ok:
                return Mended(after, candidate.kind, line, runs, self._tester.judged(ran)), inference
        return None, inference

    def _rank(
        self, content: FileContent, source: bytes, messages: tuple[Message, ...]
    ) -> tuple[list[Candidate], Inference]:
        from workbench.model import ScoringRequest

        edits = mutations(source, names=tuple(_functions(content)))
        text = source.decode("utf-8", "surrogateescape")
        request = ScoringRequest(
            messages=messages,
            text=text,
            answer_prefix="```python\n",
            variants=tuple(edit.apply(source).decode("utf-8", "surrogateescape") for edit in edits),
            branches=LINES_ANEW,
        )
        scoring, inference = self._broker.score(request, actor=self._actor)
        if scoring.stop == "cancelled":
            raise Cancelled("Stopped. Nothing was proposed.")
        self._stop_if_cancelled()
        return candidates(source, edits, scoring), inference

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled("Stopped. Nothing was proposed.")


def _functions(content: FileContent) -> Iterator[str]:
    from workbench.context import language_of

    language = language_of(content.path)
    for each in symbols(content.data, language) if language else ():
        yield each.name


def _outdented(data: bytes, symbol: Symbol) -> bytes:
    """Return a definition as it stands, its lines moved left by its own column."""
    head, *rest = data[symbol.start : symbol.end].split(b"\n")
    column = symbol.column
    return b"\n".join([head, *(line[column:] if not line[:column].strip() else line for line in rest)])
