"""Where a person decides: binds the decision to what was shown, records it, and has it carried out.

Approving goes in this order, and stops at the first step that does not hold:

1. What would be shown now has the digest that was shown; policy is the one it was shown under.
2. The files on disk are the ones the change starts from.
3. The item moves from `queued` to `approved`, so that no one else decides it; what it writes is stored.
4. The decision is durable in the ledger.
5. The bytes are written (`Broker.write` compares each file once more, through its own descriptor).
6. The item moves to `applied`; then git commits, where policy says so.

What a crash between 3 and 6 leaves is settled by `recover` (see `workbench.review.applying`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from workbench.broker import Broker, NewContent
from workbench.core.clock import utc_now
from workbench.core.errors import LedgerUnavailable, Refused, Stale, UsageError, WorkbenchError
from workbench.core.ids import short, uuid7
from workbench.core.records import (
    SYSTEM,
    Decision,
    LeftOut,
    Principal,
    Proposal,
    ProposalState,
    Risk,
    sha256,
)
from workbench.core.safe_text import one_line
from workbench.review import rows
from workbench.review.applying import Applier, path_states
from workbench.review.choice import chosen
from workbench.review.commands import CommandDesk, render_command
from workbench.review.feedback import reasons_for
from workbench.review.hidden import require_acknowledged
from workbench.review.queue import Decided, Queue, Queued
from workbench.review.rendering import HunkNamer, Rendering, first_page, render
from workbench.review.rollback import inverse

KEPT_RENDERINGS = 256
"""Bounds memory; a queue longer than this is rendered again as it is scrolled."""
SEARCHED_DECISIONS = 500
"""Bounds how far back a person's last decision is looked for."""
APPLIED, APPROVED, EXPIRED, QUEUED, REJECTED, STALE = (
    ProposalState.APPLIED,
    ProposalState.APPROVED,
    ProposalState.EXPIRED,
    ProposalState.QUEUED,
    ProposalState.REJECTED,
    ProposalState.STALE,
)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a decision."""

    state: ProposalState
    message: str
    decision_id: str = ""
    """The id of an approval that is on disk, for taking it back."""
    proposal_id: str = ""
    """The item, where the caller did not name it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of an item a person approves, and why not the rest."""

    hunks: tuple[int, ...] = ()
    """Counted from 1 as shown; empty means all."""
    split: tuple[int, ...] = ()
    """The hunks that were shown in pieces."""
    reasons: Mapping[int, str] | None = None
    """For hunks left out: why, where the person said so."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An approval that nothing stands against but a demand for signatures."""

    item: Queued
    shown: Rendering
    contents: tuple[NewContent, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path it touches."""
        changes = [content.change for content in self.contents]
        return tuple(filter(None, (path for each in changes for path in (each.path, each.renamed_from))))


class Desk:
    """Decides on the proposals of one queue, for one person."""

    def __init__(self, broker: Broker, queue: Queue, person: Principal, name_hunk: HunkNamer) -> None:
        """Seat `person` at `queue`."""
        self._broker = broker
        self._queue = queue
        self._person = person
        self._name_hunk = name_hunk
        self._applier = Applier(broker, queue, person)
        self.commands = CommandDesk(broker, queue, person)
        self._renderings: OrderedDict[tuple[str, tuple[int, ...]], Rendering] = OrderedDict()

    def submit(self, proposal: Proposal, contents: Iterable[bytes]) -> None:
        """Record a proposal and put it into the queue with the bytes it stands for; durable on return."""
        self._broker.record(rows.created(proposal))
        self._queue.add(proposal, {sha256(data): data for data in contents})
        if proposal.changes:
            self._measure(self._queue.get(proposal.id))

    def sizes(self, items: Sequence[Queued]) -> dict[str, tuple[int, int]]:
        """Return how many lines each item adds and removes."""
        known = self._queue.sizes()
        return {item.proposal.id: known.get(item.proposal.id) or self._measure(item) for item in items}

    def _measure(self, item: Queued) -> tuple[int, int]:
        if not item.proposal.changes:
            return 0, 0
        hunks = self.rendering(item).hunks
        size = sum(hunk.added for hunk in hunks), sum(hunk.removed for hunk in hunks)
        self._queue.note_size(item.proposal.id, *size)
        return size

    def rendering(self, item: Queued, split: tuple[int, ...] = ()) -> Rendering:
        """Return the rows and the digest of an item as it is stored, whatever is on disk by now.

        Args:
            item: The item.
            split: Hunks to show in pieces, in the numbers they have unsplit.
        """
        proposal, key = item.proposal, (item.proposal.id, tuple(sorted(set(split))))
        known = self._renderings.get(key)
        if known is None:
            if proposal.command is not None:
                known = render_command(proposal, proposal.command)
            else:
                known = render(proposal, self._queue.content, self._broker.diff, self._name_hunk, split)
            # A proposal never changes, so its rendering does not either.
            self._renderings[key] = known
            if len(self._renderings) > KEPT_RENDERINGS:
                self._renderings.popitem(last=False)
        return known

    def first_page(self, item: Queued) -> Rendering:
        """Return an item's rows, or only the first of them where all would take a while; see `rendering`."""
        proposal = item.proposal
        page = None
        if proposal.command is None and (proposal.id, ()) not in self._renderings:
            page = first_page(proposal, self._queue.content, self._broker.diff)
        return page or self.rendering(item)

    def look_again(self, item: Queued) -> Queued:
        """Compare an undecided item with the disk and the policy, and return it in its present state."""
        if item.state not in (QUEUED, STALE):
            return item
        drift = self._drift(item.proposal)
        state = STALE if drift else QUEUED
        if (state, drift) == (item.state, item.note):
            return item
        self._queue.move(item.proposal.id, item.state, state, drift)
        if drift:
            self._queue.void(item.proposal.id)
            self._broker.record(rows.drifted(item.proposal, drift))
        return replace(item, state=state, note=drift)

    # Deciding

    def approve(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice | None = None,
        *,
        reason: str = "",
        acknowledged: int = 0,
    ) -> Result:
        """Approve an item, or some of its hunks, exactly as shown, and have it written and committed.

        Args:
            proposal_id: The item.
            shown_sha256: The digest of the rendering the person saw.
            choice: The hunks to take; all of them without it.
            reason: The person's words, sealed in the ledger.
            acknowledged: How many hidden or look-alike characters the person has acknowledged in it.

        Raises:
            Refused: Policy forbids it, demands a reason, something hidden in it was not acknowledged, or the
                session may not change anything.
            WorkbenchError: Recording or writing failed; the old files are whole and the item waits again.
        """
        ready = self.ready(proposal_id, shown_sha256, choice, reason=reason, acknowledged=acknowledged)
        return ready if isinstance(ready, Result) else self.settle(ready, choice or Choice(), reason)

    def ready(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice | None = None,
        *,
        reason: str = "",
        acknowledged: int = 0,
    ) -> Ready | Result:
        """Check everything that an approval takes, as `approve` does, and decide nothing.

        Returns:
            What would be written, or what stands against it.
        """
        choice = choice or Choice()
        if self._queue.get(proposal_id).proposal.command is not None:
            raise UsageError("The item is a command.", "It is run, not written.")
        if self._broker.read_only:
            raise Refused(self._broker.read_only, "The item waits.")
        if self._broker.policy.settings.reason_required and not reason.strip():
            raise Refused("Policy demands a reason for every approval.", "Give one with the decision.")
        item = self.look_again(self._queue.get(proposal_id))
        if item.state is STALE:
            return Result(item.state, f"STALE: {item.note}. Nothing was written.")
        if item.state is not QUEUED:
            raise UsageError(f"The item is already {item.state}.", "Choose one that waits.")
        shown = self.rendering(item, choice.split)
        if shown.shown_sha256 != shown_sha256:
            return Result(QUEUED, "The item is not what was shown; look at it again.")
        require_acknowledged(shown.hidden_count, acknowledged)
        contents = chosen(shown, choice.hunks)
        if not contents:
            raise UsageError("The item changes nothing.", "Reject it.")
        return Ready(item, shown, tuple(contents))

    def settle(self, ready: Ready, choice: Choice, reason: str, signed: rows.Signed | None = None) -> Result:
        """Carry out an approval that was checked just now.

        Args:
            ready: What `ready` returned.
            choice: The hunks it was asked about.
            reason: The person's words.
            signed: The last of the signatures that policy demands.

        Raises:
            Refused: Policy demands more signatures than there are.
        """
        demand, have = self._broker.policy.demand(ready.paths), signed.have if signed else 0
        if have < demand.signatures:
            raise Refused(
                f"Policy demands {demand.signatures} signed approval(s): {demand.rule.name}.",
                f"Write what is to be signed: workbench queue approve {short(ready.item.proposal.id)} "
                "--statement-out FILE",
            )
        decision = replace(self.decision(ready, choice, reason), signatures=have)
        return self._carry_out(ready, decision, signed)

    def approve_all(self, shown: Mapping[str, str], typed: int, *, reason: str = "") -> list[Result]:
        """Approve several items exactly as shown, after their number was typed.

        Args:
            shown: The id of each item and the digest of what the person saw of it.
            typed: The number the person typed.
            reason: As for `approve`, for all of them.

        Raises:
            Refused: The number is another, or an item is of high risk: those are decided one by one.
        """
        if typed != len(shown) or not shown:
            raise Refused(
                f"{len(shown)} items would be approved, and {typed} was typed.", "Nothing was decided."
            )
        high = [item for item in map(self._queue.get, shown) if item.proposal.risk is Risk.HIGH]
        if high:
            path = one_line(high[0].proposal.changes[0].path) if high[0].proposal.changes else "a command"
            raise Refused(f"{path} is of high risk.", "Decide on it by itself; nothing was decided.")
        results = []
        for proposal_id, digest in shown.items():
            try:
                results.append(self.approve(proposal_id, digest, reason=reason))
            except WorkbenchError as error:
                results.append(Result(self._queue.get(proposal_id).state, error.cause))
        return results

    def reject(self, proposal_id: str, *, reason: str = "") -> Result:
        """Reject an item; the reason is sealed in the ledger and kept with the item for the model."""
        item = self._queue.get(proposal_id)
        if item.state not in (QUEUED, STALE):
            raise UsageError(f"The item is already {item.state}.", "Choose one that waits.")
        decision = self._decision(item.proposal, "reject", reason)
        self._broker.record(rows.decided(decision, item.proposal.changes))
        self._queue.decide(decision, item.state, REJECTED, reason)
        return Result(REJECTED, f"Rejected {_named(item.proposal)}.")

    def take_back(self) -> Result:
        """Take back the last decision, if it was a rejection: the item waits again.

        Raises:
            UsageError: There is none, or it was carried out already.
        """
        newest = self._queue.newest_decisions(SEARCHED_DECISIONS)
        last = next((each.decision for each in newest if each.decision.by.id == self._person.id), None)
        if last is None:
            raise UsageError("You have decided nothing yet.", "There is nothing to take back.")
        item = self._queue.get(last.proposal_id)
        if last.value != "reject" or item.state is not REJECTED:
            raise UsageError(
                f"The last decision ({last.value} {_named(item.proposal)}) was carried out already.",
                "An approval is taken back by rolling it back.",
            )
        withdrawn = replace(last, id=uuid7(), value="withdraw", by=self._person, time=utc_now(), reason="")
        self._broker.record(rows.decided(withdrawn, item.proposal.changes, withdraws=last.id))
        self._queue.withdraw(last.id, REJECTED, QUEUED)
        state = self.look_again(self._queue.get(item.proposal.id)).state
        said = f"Taken back: {_named(item.proposal)} waits again."
        return Result(state, said, proposal_id=item.proposal.id)

    def expire(self, now: str) -> list[str]:
        """Let the items expire that waited longer than policy lets them; return a line on each.

        Args:
            now: The present time, as the ledger writes it.
        """
        hours = self._broker.policy.settings.expire_hours
        if not hours:
            return []
        moment = datetime.strptime(now, _TIME).replace(tzinfo=UTC)
        limit = (moment - timedelta(hours=hours)).strftime(_TIME)
        said = []
        for item in (*self._queue.in_state(QUEUED), *self._queue.in_state(STALE)):
            if item.proposal.created < limit:
                decision = replace(self._decision(item.proposal, "expire", ""), by=SYSTEM)
                self._broker.record(rows.decided(decision, item.proposal.changes))
                note = f"waited longer than {hours} hours"
                self._queue.decide(decision, item.state, EXPIRED, note)
                said.append(f"{_named(item.proposal)} expired: it {note}.")
        return said

    def amend(self, proposal_id: str, edited: Proposal, contents: Iterable[bytes]) -> Result:
        """Put what a person made of an item into the queue in its place; both are recorded.

        Args:
            proposal_id: The item that was edited.
            edited: The new proposal, which names the old one.
            contents: The bytes it stands for.

        Raises:
            UsageError: The item does not wait any more.
        """
        item = self._queue.get(proposal_id)
        if item.state not in (QUEUED, STALE):
            raise UsageError(f"The item is already {item.state}.", "Choose one that waits.")
        self.submit(edited, contents)
        self._broker.record(rows.amended(item.proposal, edited.id, self._person))
        self._queue.move(item.proposal.id, item.state, ProposalState.AMENDED, edited.id)
        return Result(QUEUED, f"Your version of {_named(edited)} waits for your decision.")

    # Afterwards

    def feedback(self, path: str, symbol: str) -> list[str]:
        """Return why the person rejected proposals, or parts of them, for a symbol; newest last."""
        return reasons_for(self._queue, self.rendering, path, symbol)

    def to_roll_back(self, approval: str) -> tuple[Decided, tuple[NewContent, ...]]:
        """Return an approval that is on disk, and the change that takes it back.

        Args:
            approval: Its id, the id of its proposal, or an ending of one that no other shares.

        Raises:
            UsageError: There is none, it is not on disk, or later edits overlap it.
        """
        decided = self._approval_called(approval)
        item = self._queue.get(decided.decision.proposal_id)
        if item.state is not APPLIED:
            raise _not_applied(item)
        back = inverse(decided.written, self._applier.content, self._queue.content, self._broker.merge)
        return decided, back

    def content(self, path: str) -> bytes | None:
        """Return what a file holds now, or None where there is none."""
        found = self._applier.content(path)
        return None if found is None else found.data

    def _approval_called(self, name: str) -> Decided:
        """Find an approval by its own id, or by its proposal's."""
        try:
            return self._queue.decided(name)
        except UsageError:
            item = self._queue.get(name)
            if item.state is not APPLIED:
                raise _not_applied(item) from None
            return self._queue.decided(item.note)

    def recover(self) -> list[str]:
        """Settle what a crash left between decision and outcome; return a line for the person on each."""
        return [*self._applier.recover(), *self.commands.recover()]

    # What all of them share

    def _carry_out(
        self,
        ready: Ready,
        decision: Decision,
        signed: rows.Signed | None,
    ) -> Result:
        proposal, contents = ready.item.proposal, ready.contents
        changes = tuple(content.change for content in contents)
        afters = {sha256(content.after): content.after for content in contents}
        self._queue.decide(decision, QUEUED, APPROVED, decision.id, changes, afters)
        try:
            self._broker.record(rows.decided(decision, changes, hidden=ready.shown.hidden, signed=signed))
            self._broker.write(contents, decision, by=decision.by)
        except Stale as error:
            self._queue.withdraw(decision.id, APPROVED, STALE, error.cause)
            self._queue.void(proposal.id)
            self._broker.record(rows.drifted(proposal, error.cause))
            return Result(STALE, f"STALE: {error.cause} Nothing was written.")
        except LedgerUnavailable:
            # It may have been written: what is on disk says so at the next start, and `recover` reads it.
            raise
        except WorkbenchError:
            self._queue.withdraw(decision.id, APPROVED, QUEUED)
            raise
        self._queue.move(proposal.id, APPROVED, APPLIED, decision.id)
        said = self._applier.finish(proposal, Decided(decision, changes, None))
        return Result(APPLIED, said, decision.id)

    def _drift(self, proposal: Proposal) -> str:
        """Say what differs from what the proposal was made for; empty where nothing does."""
        if proposal.policy_sha256 != self._broker.policy.sha256:
            return "policy changed since it was proposed"
        for state in (state for change in proposal.changes for state in path_states(change)):
            now = self._applier.present(state.path)
            which = "the file" if len(proposal.changes) == 1 else one_line(state.path)
            if now is None and state.before is not None:
                return f"{which} was deleted since it was proposed"
            if now is not None and state.before is None:
                return f"{which} appeared since it was proposed"
            if now is not None and now[0] != state.before:
                return f"{which} changed on disk since it was proposed"
            if now is not None and state.mode_before not in (None, now[1]):
                return f"the mode of {which} changed since it was proposed"
        return ""

    def decision(self, ready: Ready, choice: Choice, reason: str) -> Decision:
        """Return the decision that approves what was checked."""
        proposal, shown = ready.item.proposal, ready.shown
        count, taken = len(shown.hunks), tuple(sorted(set(choice.hunks)))
        if taken == tuple(range(1, count + 1)):
            taken = ()
        left = [number for number in range(1, count + 1) if taken and number not in taken]
        reasons = choice.reasons or {}
        return replace(
            self._decision(proposal, "approve", reason),
            hunks=taken,
            split=shown.split,
            shown_sha256=shown.shown_sha256,
            left_out=tuple(LeftOut(number, reasons.get(number, "")) for number in left),
        )

    def _decision(self, proposal: Proposal, value: str, reason: str) -> Decision:
        return Decision(
            id=uuid7(),
            proposal_id=proposal.id,
            value=value,
            by=self._person,
            time=utc_now(),
            reason=reason,
            hunks=(),
            shown_sha256="",
            policy_sha256=self._broker.policy.sha256,
        )


def _not_applied(item: Queued) -> UsageError:
    cause = f"{_named(item.proposal)} is {item.state}."
    return UsageError(cause, "Only what was applied is rolled back.")


def _named(proposal: Proposal) -> str:
    """Return the path of a proposal's first file and how many more there are, safe to show."""
    if proposal.command is not None:
        return one_line(proposal.command.text)
    others = len(proposal.changes) - 1
    first = one_line(proposal.changes[0].path)
    return f"{first} and {others} more" if others else first
