"""The editor role: rewrites one symbol, looks at what came out, and tries again only differently.

The loop, whose limits are below:

1. The target is found (`targets`), or chosen by the model from a closed list.
2. The model is asked for the whole symbol at temperature 0.
   Where a person gave the task a command that tests it, and it fails on what is there, small edits that the
   model ranks are tried first (`repairing`): small models rank far better than they write.
3. An answer that changes nothing is never asked for again unchanged: the next try samples.
4. An answer that fails a check gets one repair turn with the exact error.
5. The first draft that passes the checks becomes a proposal. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workbench.agent.answers import Unusable, new_symbol, same_code, splice, whole_file
from workbench.agent.drafting import draft_of
from workbench.agent.prompts import choice_messages, edit_messages, named, repair_messages
from workbench.agent.repairing import Failing, Repairing, can_mend, failing
from workbench.agent.targets import Find, Somewhere, Target, find_target, target_at
from workbench.agent.testing import Tester
from workbench.broker import Broker
from workbench.checks import Draft, passed, risk_of, run_checks
from workbench.context import Found, Language, Packed, Symbol, language_of, pack_symbol, taint_of
from workbench.core.clock import utc_now
from workbench.core.errors import Cancelled, ModelError, PromptTooLong, Refused
from workbench.core.ids import uuid7
from workbench.core.records import (
    CheckResult,
    CheckVerdict,
    Effect,
    FileChange,
    Inference,
    Principal,
    Proposal,
    Risk,
    Span,
    sha256,
)
from workbench.core.safe_text import one_line
from workbench.model import Generation, GenerationRequest, Message, PromptProgress, TextPiece, one_of

MAX_ATTEMPTS = 4
"""Tries per task; each costs a whole answer, and models that fail four times do not succeed the fifth."""
SAMPLING_MILLI = 700
"""Temperature of the tries after an unchanged answer, in thousandths."""
WHOLE_FILE_LINES = 150
"""A file without definitions is rewritten whole up to this length."""
SURROUNDINGS = 2048
"""Tokens of a file that go with a symbol which needs fewer: a processor reads 40 to 100 a second, and small
models answer worse to long prompts. A larger symbol, or a file without symbols, gets what it needs."""
MAX_NAME_TOKENS = 160
"""Tokens a choice may take: a path and a qualified name."""
MAX_CHOICES = 200
"""Definitions offered to the model to choose from."""


class Observer(Protocol):
    """Hears what the editor does while it does it, on the editor's thread."""

    def note(self, text: str) -> None:
        """Something a person wants to know happened."""

    def answer_began(self) -> None:
        """The model starts to answer; its text comes through `engine`."""

    def engine(self, event: PromptProgress | TextPiece) -> None:
        """The engine reported progress or text."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The editor made a proposal; the bytes are for the queue."""

    proposal: Proposal
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Nothing:
    """The editor has nothing to propose, and says why."""

    reason: str


@dataclass(slots=True)
class _Work:
    """What one task has gathered so far."""

    task: str
    task_id: str
    target: Target
    symbol: Symbol | None
    packed: Packed
    paths: tuple[str, ...]
    inferences: list[Inference] = field(default_factory=list)


_PROTECTED = ("secrets:", "personal data:")
"""How the reasons of the checks for protected values begin."""

Feedback = Callable[[str, str], Sequence[str]]
"""Given a path and a symbol: why a person rejected earlier proposals for it."""


class Editor:
    """Works on one task at a time."""

    def __init__(
        self,
        broker: Broker,
        actor: Principal,
        observer: Observer,
        cancelled: Callable[[], bool],
        feedback: Feedback = lambda _path, _symbol: (),
        find: Find = lambda _request: Found(),
        tester: Tester | None = None,
    ) -> None:
        """Give the role its identity, someone to tell, a way to be stopped, the index, and its tests."""
        self._broker = broker
        self._actor = actor
        self._observer = observer
        self._cancelled = cancelled
        self._feedback = feedback
        self._find = find
        self._tester = tester

    def work(self, task: str, task_id: str, files: Sequence[str] = ()) -> Proposed | Nothing:
        """Return a proposal for `task`, or why there is none.

        Raises:
            UsageError: The task names nothing that can be found.
            Refused: Policy does not let the agent read or change the file.
            ModelError: There is no model, or it failed.
            Cancelled: The person stopped it.
        """
        paths = self._broker.list(actor=self._actor)
        inferences: list[Inference] = []
        found = find_target(task, files, paths, self._broker, self._actor, self._find)
        target = self._settle(task, found, inferences) if isinstance(found, Somewhere) else found
        path = target.content.path
        verdict = self._broker.policy.edit(path)
        if verdict.effect is Effect.DENY:
            raise Refused(
                f"Policy does not let the agent change {path}: {verdict.rule.name} ({verdict.rule.source}).",
                f"`workbench policy explain {path}` shows the rule.",
            )
        symbol = target.symbol or self._choose(task, target, inferences)
        self._refuse_too_long(target, symbol)
        work = _Work(task, task_id, target, symbol, self._pack(target, symbol), paths, inferences)
        self._observer.note(_reading(work))
        return self._attempts(work)

    def _attempts(self, work: _Work) -> Proposed | Nothing:
        content = work.target.content
        language = language_of(content.path)
        feedback = self._feedback(content.path, work.symbol.qualified if work.symbol else "")
        fails = self._failing(work, language)
        first = edit_messages(
            work.task,
            content.path,
            work.packed,
            work.symbol,
            language,
            feedback,
            bool(content.replacements),
            fails.lines if fails else (),
        )
        if fails and (mended := self._mend(work, fails, first)):
            return mended
        messages, temperature, repaired = first, 0, False
        reason = ""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            answer = self._ask(work, messages, temperature, seed=attempt)
            draft = self._draft(work, answer.text)
            if isinstance(draft, Unusable):
                reason = draft.reason
            elif same_code(draft.before or b"", draft.after, language) and "comment" not in work.task.lower():
                reason = "it changes nothing"
                self._observer.note("The answer changes nothing; sampling a different one.")
                messages, temperature = first, SAMPLING_MILLI
                continue
            else:
                results = run_checks(draft, self._broker, actor=self._actor, paths=work.paths)
                results = self._tested(draft, content.mode, results)
                if passed(results, self._broker):
                    return self._propose(work, draft, results, attempt, _justification(work, attempt))
                reason = _first_failure(results)
            # An answer that holds what policy protects is never shown to the model again.
            if repaired or reason.startswith(_PROTECTED):
                self._observer.note(f"Not usable: {reason}. Sampling a different answer.")
                messages, temperature = first, SAMPLING_MILLI
            else:
                self._observer.note(f"Not usable: {reason}. Asking once more with the error.")
                messages, temperature, repaired = (
                    repair_messages(first, answer.text, reason, work.symbol),
                    0,
                    True,
                )
        return Nothing(f"No usable answer in {MAX_ATTEMPTS} tries; the last one: {reason}.")

    def _failing(self, work: _Work, language: Language | None) -> Failing | None:
        """Return how the tests of the task fail now, where a search could mend that."""
        if self._tester is None or not can_mend(work.target.content, work.symbol, language):
            return None
        self._observer.note(f"Running {one_line(self._tester.command.text)} on what is there, in the copy.")
        fails = failing(self._tester)
        if self._cancelled():
            raise Cancelled("Stopped. Nothing was proposed.")
        return fails

    def _mend(self, work: _Work, fails: Failing, messages: tuple[Message, ...]) -> Proposed | None:
        """Search an edit that the tests pass with; None where none is found, and the model has to write."""
        content, symbol, tester = work.target.content, work.symbol, self._tester
        assert symbol is not None and tester is not None  # noqa: S101, PT018  # `_failing` has looked
        self._observer.note("They fail. Searching a repair: the model ranks small edits, the tests judge.")
        self._refuse_overspent(work)
        search = Repairing(self._broker, self._actor, tester, self._observer.note, self._cancelled)
        mended, inference = search.search(content, symbol, fails, messages)
        work.inferences.append(inference)
        if mended is None:
            self._observer.note("No small edit passes; asking for the whole definition.")
            return None
        draft = draft_of(self._broker, content, symbol, mended.after, work.task)
        results = run_checks(draft, self._broker, actor=self._actor, paths=work.paths)
        results = _with(results, mended.tested)
        if not passed(results, self._broker):
            self._observer.note(f"Not usable: {_first_failure(results)}. Asking for the whole definition.")
            return None
        why = f"One edit in line {mended.line} ({mended.kind}); the tests pass, found in run {mended.runs}."
        return self._propose(work, draft, results, mended.runs, why)

    def _ask(self, work: _Work, messages: tuple[Message, ...], temperature: int, seed: int) -> Generation:
        self._refuse_overspent(work)
        request = GenerationRequest(
            messages=messages,
            max_tokens=self._room(work),
            temperature=temperature / 1000,
            seed=seed,
        )
        self._observer.answer_began()
        answer, inference = self._broker.infer(request, actor=self._actor, on_event=self._observer.engine)
        work.inferences.append(inference)
        if answer.stop == "cancelled" or self._cancelled():
            raise Cancelled("Stopped. Nothing was proposed.")
        return answer

    def _refuse_overspent(self, work: _Work) -> None:
        spent = sum(inference.tokens_in + inference.tokens_out for inference in work.inferences)
        limit = self._broker.policy.settings.tokens_per_task
        if spent >= limit:
            raise Refused(
                f"The task has used {spent:,} tokens; policy allows {limit:,}.", "Ask for less at once."
            )

    def _room(self, work: _Work) -> int:
        """Tokens an answer may take: what it replaces, twice, and something to add to."""
        engine = self._engine()
        symbol = work.symbol
        data = work.target.content.data
        old = data if symbol is None else data[symbol.start : symbol.end]
        return min(engine.info.context_size // 2, 2 * engine.count(old.decode("utf-8", "replace")) + 300)

    def _draft(self, work: _Work, answer: str) -> Draft | Unusable:
        content, symbol = work.target.content, work.symbol
        language = language_of(content.path)
        if symbol is None or language is None:
            after = whole_file(answer, content.data)
        else:
            new = new_symbol(answer, symbol, language)
            after = new if isinstance(new, Unusable) else splice(content.data, symbol, new)
        if isinstance(after, Unusable):
            return after
        try:
            return draft_of(self._broker, content, symbol, after, work.task)
        except Refused as error:
            return Unusable(error.cause)

    def _propose(
        self, work: _Work, draft: Draft, results: tuple[CheckResult, ...], attempts: int, why: str
    ) -> Proposed:
        content = work.target.content
        taint = taint_of(work.packed.text)
        change = FileChange(
            path=content.path,
            before_sha256=content.sha256,
            after_sha256=sha256(draft.after),
            mode=content.mode,
            symbol=work.symbol.qualified if work.symbol else "",
        )
        proposal = Proposal(
            id=uuid7(),
            task_id=work.task_id,
            created=utc_now(),
            author=self._actor,
            task=work.task,
            justification=why,
            changes=(change,),
            spans=work.packed.spans,
            inferences=tuple(work.inferences),
            checks=results,
            # What the model was told may not be what the person asked for: that always needs care.
            risk=Risk.HIGH if taint else risk_of(draft, results, self._broker),
            policy_sha256=self._broker.policy.sha256,
            attempts=attempts,
            tainted="; ".join(taint.reasons),
        )
        return Proposed(proposal, draft.before or b"", draft.after)

    def _tested(self, draft: Draft, mode: int, results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
        """Return the results with that of the command which the person gave to the task, if they did."""
        tester = self._tester
        if tester is None or any(result.verdict is CheckVerdict.FAIL for result in results):
            return results
        self._observer.note(f"Running {tester.command.text} on the draft, in the copy.")
        found = tester.check({draft.path: (draft.after, mode)})
        if self._cancelled():
            raise Cancelled("Stopped. Nothing was proposed.")
        self._observer.note(f"Tests: {found.evidence}")
        return _with(results, found)

    def _choose(self, task: str, target: Target, inferences: list[Inference]) -> Symbol | None:
        candidates = target.candidates[:MAX_CHOICES]
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        names = list(dict.fromkeys(symbol.qualified for symbol in candidates))
        path = one_line(target.content.path)
        self._observer.note(f"No symbol named: choosing one of {len(names)} in {path}.")
        chosen = self._one_of(
            choice_messages(task, f"The file {named(path)} defines", names), names, inferences
        )
        return next(symbol for symbol in candidates if symbol.qualified == chosen)

    def _settle(self, task: str, found: Somewhere, inferences: list[Inference]) -> Target:
        """Let the model choose among the definitions that the index found for a task that names nothing."""
        places = {f"{piece.path}: {piece.qualified}": piece for piece in found.places}
        shown = ", ".join(one_line(name) for name in list(places)[:3])
        self._observer.note(f"No file named: found by words {len(places)} definition(s), best first {shown}.")
        names = list(places)
        if len(names) == 1:
            return target_at(places[names[0]], self._broker, self._actor)
        asked = choice_messages(task, "These definitions may be concerned", names)
        return target_at(places[self._one_of(asked, names, inferences)], self._broker, self._actor)

    def _one_of(self, messages: tuple[Message, ...], names: list[str], inferences: list[Inference]) -> str:
        """Have the model choose one of `names`; the grammar allows nothing else."""
        request = GenerationRequest(messages=messages, max_tokens=MAX_NAME_TOKENS, grammar=one_of(names))
        answer, inference = self._broker.infer(request, actor=self._actor)
        inferences.append(inference)
        if answer.stop == "cancelled" or self._cancelled():
            raise Cancelled("Stopped. Nothing was proposed.")
        if (chosen := answer.text.strip()) not in names:
            raise ModelError("The model did not choose a definition.", "Name the symbol in the task.")
        return chosen

    def _pack(self, target: Target, symbol: Symbol | None) -> Packed:
        engine = self._engine()
        # Half the window for the file: the other half is the task, the answer and one repair turn.
        most = engine.info.context_size // 2 - 256
        budgets = (min(SURROUNDINGS, most), most)
        packs = (pack_symbol(target.content, symbol, budget, engine.count) for budget in budgets)
        packed = next(filter(None, packs), None)
        if packed is None:
            raise PromptTooLong(
                f"{symbol.qualified if symbol else target.content.path} does not fit into half of the "
                f"{engine.info.context_size:,}-token window.",
                "Name a smaller symbol, or load the model with a larger context.",
            )
        return packed

    def _engine(self) -> _Measures:
        engine = self._broker.engine
        if engine is None:
            raise ModelError("No model is loaded.", "Add one: `workbench model add FILE`, or `make model`.")
        return engine

    def _refuse_too_long(self, target: Target, symbol: Symbol | None) -> None:
        lines = target.content.data.count(b"\n")
        if symbol is None and lines > WHOLE_FILE_LINES:
            raise Refused(
                f"{target.content.path} has no definitions we can see and {lines} lines; "
                f"whole files are rewritten up to {WHOLE_FILE_LINES}.",
                "Name a symbol in a language with a grammar.",
            )


class _Measures(Protocol):
    """What the editor needs to know of the engine; only the broker may make it generate."""

    @property
    def info(self) -> _Window: ...

    def count(self, text: str) -> int: ...


class _Window(Protocol):
    @property
    def context_size(self) -> int: ...


def _reading(work: _Work) -> str:
    spans: tuple[Span, ...] = work.packed.spans
    where = work.symbol.qualified if work.symbol else "the whole file"
    left_out = f", {work.packed.lines_left_out} lines left out" if work.packed.lines_left_out else ""
    size = sum(span.size for span in spans)
    path = one_line(work.target.content.path)
    return f"Reading {path} for {where}: {work.packed.tokens} tokens, {size} bytes{left_out}."


def _with(results: tuple[CheckResult, ...], found: CheckResult) -> tuple[CheckResult, ...]:
    return tuple(found if result.name == found.name else result for result in results)


def _first_failure(results: tuple[CheckResult, ...]) -> str:
    failed = next((result for result in results if result.verdict is CheckVerdict.FAIL), None)
    if failed is None:
        skipped = ", ".join(result.name for result in results if result.verdict is CheckVerdict.SKIPPED)
        return f"policy requires a check that cannot be run on this file ({skipped})"
    return f"{failed.name}: {failed.evidence}"


def _justification(work: _Work, attempts: int) -> str:
    what = f"Rewrites {work.symbol.kind} {work.symbol.qualified}" if work.symbol else "Rewrites the file"
    return f"{what} as the task asks; attempt {attempts} of {MAX_ATTEMPTS}."
