"""The review as the faces see it: what waits, what is shown of it, and every decision on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from workbench.core.clock import utc_now
from workbench.core.errors import Refused, UsageError, WorkbenchError
from workbench.core.ids import short
from workbench.core.records import Effect, ProposalState
from workbench.core.safe_text import one_line
from workbench.review import Choice, Queued, Result, Signing
from workbench.session.commands import CommandRuns
from workbench.session.opening import Parts
from workbench.session.revising import amendment_of, rollback_of
from workbench.session.snapshots import queue_item, shown, structural, withheld
from workbench.session.views import (
    DecisionResult,
    QueueChanged,
    QueueItem,
    SessionEvent,
    Shown,
    Speaker,
    TreeChanged,
)

WAITING = frozenset({ProposalState.QUEUED, ProposalState.STALE})


class Reviewing:
    """The part of a session that is about proposals and decisions."""

    def __init__(
        self, parts: Parts, tell: Callable[[SessionEvent], None], say: Callable[[Speaker, str], object]
    ) -> None:
        """Work on opened parts; `tell` announces events, `say` adds to the transcript."""
        self.commands: CommandRuns
        self._parts = parts
        self._signing = Signing(parts.desk, parts.broker, parts.queue)
        self._tell = tell
        self._say = say

    # Looking

    def queue(self) -> tuple[QueueItem, ...]:
        """Return the approval queue: what waits first, the oldest task first, each task's items together."""
        desk, found = self._parts.desk, self._parts.queue.all()
        first: dict[tuple[bool, str], int] = {}
        for place, queued in enumerate(found):
            first.setdefault((queued.state in WAITING, queued.proposal.task_id), place)
        found.sort(key=lambda queued: first[queued.state in WAITING, queued.proposal.task_id])
        sizes = desk.sizes(found)
        return tuple(queue_item(queued, sizes[queued.proposal.id]) for queued in found)

    def shown(self, proposal_id: str, split: tuple[int, ...] = ()) -> Shown:
        """Return a proposal as it is shown, after comparing it with the disk and the policy.

        Args:
            proposal_id: Its id, or an ending of it that no other shares.
            split: Hunks to show in pieces, in the numbers they have unsplit.
        """
        parts = self._parts
        item, problem = parts.queue.get(proposal_id), parts.broker.read_only
        try:
            item = parts.desk.look_again(item)
        except WorkbenchError as error:
            problem = error.cause
        return self._seen(item, split, problem, compared=True)

    def glance(self, proposal_id: str) -> Shown:
        """Return a proposal as it is stored; it cannot be approved before `shown` has compared it."""
        item = self._parts.queue.get(proposal_id)
        return self._seen(item, (), "It is being compared with the disk: a moment.")

    def _seen(self, item: Queued, split: tuple[int, ...], problem: str, *, compared: bool = False) -> Shown:
        parts = self._parts
        command = item.proposal.command
        if command is not None:
            rule = parts.policy.run(command.argv).rule.name
            problem = problem or self.commands.problem(command)
            return shown(
                item, parts.desk.rendering(item), rule, problem, self.commands.rows(item.proposal.id)
            )
        rule = parts.policy.edit(item.proposal.changes[0].path).rule.name
        required = parts.policy.settings.reason_required
        rendering = parts.desk.rendering(item, split) if compared else parts.desk.first_page(item)
        seen = shown(item, rendering, rule, problem, reason_required=required)
        # The queue holds contents, and policy may have come to deny a file since they were put there.
        for change in item.proposal.changes:
            verdict = parts.policy.read(change.path)
            if verdict.effect is Effect.DENY:
                return withheld(seen, change.path, verdict)
        if not compared:
            return seen
        return replace(seen, structure=structural(rendering), signatures=self._signing.said(item.proposal.id))

    # Deciding

    def approve(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice | None = None,
        *,
        reason: str = "",
        acknowledged: int = 0,
    ) -> DecisionResult:
        """Approve exactly what was shown, or some of its hunks, and have it written; a command is started.

        Args:
            proposal_id: The item.
            shown_sha256: `Shown.shown_sha256` of what the person saw.
            choice: The hunks to take; all of them without it.
            reason: The person's words.
            acknowledged: The number of hidden characters the person has acknowledged, as `Shown.hidden` says.

        Raises:
            WorkbenchError: It was refused or failed; the item waits as before.
        """
        desk = self._parts.desk
        try:
            item = self._parts.queue.get(proposal_id)
            if item.proposal.command is not None:
                return self.commands.approve(desk.look_again(item), shown_sha256, reason, acknowledged)
            result = desk.approve(proposal_id, shown_sha256, choice, reason=reason, acknowledged=acknowledged)
        finally:
            self._tell(QueueChanged())
        return self._done(proposal_id, result)

    def statement(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice,
        *,
        reason: str = "",
        acknowledged: int = 0,
        printed_name: str = "",
    ) -> bytes:
        """Return the statement by whose signature a person approves exactly what was shown.

        Args:
            proposal_id: The item.
            shown_sha256: `Shown.shown_sha256` of what the person saw.
            choice: The hunks to take.
            reason: The person's words.
            acknowledged: As for `approve`.
            printed_name: Who is going to sign, in words; the person at the keyboard where it is empty.

        Raises:
            WorkbenchError: It could not be approved, signed or not.
        """
        if self._parts.queue.get(proposal_id).proposal.command is not None:
            raise UsageError("The item is a command.", "Commands are approved without a signature.")
        return self._signing.offer(
            proposal_id,
            shown_sha256,
            choice,
            reason=reason,
            acknowledged=acknowledged,
            printed_name=printed_name or self._parts.person.name,
        )

    def take_signature(self, proposal_id: str, signature: bytes) -> DecisionResult:
        """Take the signature on a statement; the last that policy demands has the item written.

        Raises:
            WorkbenchError: It does not count, or recording or writing failed; the item waits as before.
        """
        try:
            result = self._signing.take(proposal_id, signature)
        finally:
            self._tell(QueueChanged())
        return self._done(proposal_id, result)

    def approve_all(self, seen: Mapping[str, str], typed: int, *, reason: str = "") -> DecisionResult:
        """Approve several items exactly as they were shown, after their number was typed.

        Args:
            seen: The id of each item, and `Shown.shown_sha256` of what the person saw of it.
            typed: The number the person typed.
            reason: The person's words, for all of them.

        Raises:
            Refused: The number is another, or an item is of high risk. Nothing was decided.
        """
        try:
            results = self._parts.desk.approve_all(seen, typed, reason=reason)
        finally:
            self._tell(QueueChanged())
        for proposal_id, result in zip(seen, results, strict=True):
            self._done(proposal_id, result)
        applied = sum(result.state is ProposalState.APPLIED for result in results)
        state = ProposalState.APPLIED if applied == len(results) else ProposalState.QUEUED
        rest = f"; {len(results) - applied} were not, and say why in 5 Chat" if applied < len(results) else ""
        return DecisionResult(
            "", state, f"{applied} of {len(results)} items were approved and written{rest}."
        )

    def reject(self, proposal_id: str, *, reason: str = "") -> DecisionResult:
        """Reject a proposal; nothing was written and nothing will be."""
        return self._done(proposal_id, self._parts.desk.reject(proposal_id, reason=reason))

    def take_back(self) -> DecisionResult:
        """Take back the person's last decision, if it was a rejection; the item waits again.

        Raises:
            UsageError: There is none, or it was carried out already.
        """
        result = self._parts.desk.take_back()
        return self._done(result.proposal_id, result)

    def roll_back(self, approval: str, reason: str) -> DecisionResult:
        """Propose the change that takes an applied approval back; it waits for a decision like any other.

        Args:
            approval: Its id, its proposal's, or an ending of one that no other shares.
            reason: The person's words.

        Raises:
            UsageError: It is not on disk, or later edits overlap it. Nothing was changed.
        """
        parts = self._parts
        if not reason.strip():
            raise UsageError("A rollback needs a reason.", "Say why, in a few words.")
        decided, back = parts.desk.to_roll_back(approval)
        made = rollback_of(parts, decided, back, reason)
        befores = [parts.desk.content(change.renamed_from or change.path) for change in made.changes]
        known = [data for data in befores if data is not None]
        parts.desk.submit(made, [*known, *(content.after for content in back)])
        said = f"The rollback of {short(decided.decision.id)} waits for your decision: {short(made.id)}."
        return self._done(made.id, Result(ProposalState.QUEUED, said))

    def proposed(self, proposal_id: str, path: str = "") -> bytes:
        """Return the very bytes a proposal would write to a file, for an editor.

        Args:
            proposal_id: The item.
            path: The file; its first that is not deleted where none is given.

        Raises:
            UsageError: It writes no such file.
            Refused: Policy has come to deny reading it.
        """
        for change in self._parts.queue.get(proposal_id).proposal.changes:
            if change.after_sha256 is not None and path in ("", change.path):
                verdict = self._parts.policy.read(change.path)
                if verdict.effect is Effect.DENY:
                    raise Refused(
                        f"Policy denies reading {one_line(change.path)}: {verdict.rule.name}.", "Reject it."
                    )
                return self._parts.queue.content(change.after_sha256)
        raise UsageError("The proposal writes no such file.", "`workbench queue show ID` names its files.")

    def amend(self, proposal_id: str, edited: Mapping[str, bytes]) -> DecisionResult:
        """Put what a person made of a proposal in its place; it is checked, and waits like any other.

        Args:
            proposal_id: The item.
            edited: What each file is to hold; an empty path means the first that is not deleted.

        Raises:
            UsageError: It does not wait any more, it has no such file, or nothing was changed.
        """
        parts = self._parts
        original = parts.queue.get(proposal_id).proposal
        made, contents = amendment_of(parts, original, edited)
        befores = [parts.queue.content(change.before_sha256) for change in made.changes]
        result = parts.desk.amend(original.id, made, [*befores, *contents])
        return self._done(made.id, result)

    def edit(self, proposal_id: str) -> DecisionResult:
        """Let a person edit a proposal in their own editor, on the terminal, and put that in its place.

        Raises:
            UsageError: There is no editor, or nothing was changed.
            Refused: Policy denies the file, or the editor ended with an error.
        """
        proposal = self._parts.queue.get(proposal_id).proposal
        paths = [change.path for change in proposal.changes if change.after_sha256 is not None]
        texts = {path: self.proposed(proposal_id, path) for path in paths}
        if not texts:
            raise UsageError("The proposal only deletes.", "There is nothing to edit.")
        return self.amend(proposal_id, self._parts.broker.edit(texts, by=self._parts.person))

    def expire(self) -> None:
        """Let the items expire that waited longer than policy lets them."""
        for line in self._parts.desk.expire(utc_now()):
            self._say(Speaker.PROGRAM, line)
            self._tell(QueueChanged())

    def _done(self, proposal_id: str, result: Result) -> DecisionResult:
        self._tell(QueueChanged())
        self._say(Speaker.PROGRAM, result.message)
        if result.state is ProposalState.APPLIED:
            self._tell(TreeChanged())
        return DecisionResult(proposal_id, result.state, result.message)
