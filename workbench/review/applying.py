"""Has an approval carried out, and settles what a crash left of one: all of its files are old, or all new.

The order is: decided in the queue → decided in the ledger → written → `applied` in the queue → committed.
What an approval writes is stored with it before the ledger hears of it, so that afterwards the bytes on disk
can be told from it: all new means applied; all old means not written, and the item waits again; some of each
means that the program was killed between two files, and then the new ones are put back, on record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.broker import Broker, NewContent, Wanted
from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.ids import short
from workbench.core.records import SYSTEM, FileChange, FileContent, Principal, Proposal, ProposalState
from workbench.core.safe_text import one_line
from workbench.review import rows
from workbench.review.queue import Decided, Queue, Queued

SUBJECT_LENGTH = 72
"""Characters of a commit's first line that every git tool shows."""
APPLIED, APPROVED, STALE, QUEUED, ROLLED_BACK = (
    ProposalState.APPLIED,
    ProposalState.APPROVED,
    ProposalState.STALE,
    ProposalState.QUEUED,
    ProposalState.ROLLED_BACK,
)


@dataclass(frozen=True, slots=True)
class PathState:
    """What one change makes of one path."""

    path: str
    before: str | None
    """Digest of the file that was there; None where there was none."""
    after: str | None
    mode_before: int | None
    """None where the bits do not matter."""
    mode_after: int | None


def path_states(change: FileChange) -> Iterator[PathState]:
    """Yield what a change makes of each path it touches; a change of name touches two."""
    if change.renamed_from:
        yield PathState(change.renamed_from, change.before_sha256, None, change.mode_before, None)
        yield PathState(change.path, None, change.after_sha256, None, change.mode)
    else:
        moded = change.mode if change.mode_before is not None else None
        yield PathState(change.path, change.before_sha256, change.after_sha256, change.mode_before, moded)


class Applier:
    """Carries out approvals for one person."""

    def __init__(self, broker: Broker, queue: Queue, person: Principal) -> None:
        self._broker = broker
        self._queue = queue
        self._person = person

    def finish(self, proposal: Proposal, decided: Decided) -> str:
        """Note that an approval is on disk, commit it, and return the line for the person."""
        if proposal.rolls_back:
            self._note_rolled_back(proposal.rolls_back, decided.decision.id)
        written = _written(decided.written)
        try:
            made = self._broker.commit(self._wanted(proposal, decided))
        except WorkbenchError as error:
            self._queue.committed(decided.decision.id, "")
            return f"{written} Not committed: {error.cause}"
        self._queue.committed(decided.decision.id, made.id)
        return f"{written} {made.words} · proposal {short(proposal.id)}." if made.id else written

    def present(self, path: str) -> tuple[str, int] | None:
        """Return digest and permission bits of a file as it is now, or None where there is none."""
        content = self.content(path)
        return None if content is None else (content.sha256, content.mode & 0o777)

    def content(self, path: str) -> FileContent | None:
        """Return a file as it is now, or None where there is none."""
        return self._broker.present(path, actor=self._person)

    def recover(self) -> list[str]:
        """Settle what a crash left between decision and outcome; return a line for the person on each."""
        said = [self._settle(item) for item in self._queue.in_state(APPROVED) if item.proposal.changes]
        for decided in self._queue.without_commit():
            item = self._queue.get(decided.decision.proposal_id)
            said.append(self.finish(item.proposal, decided))
        return said

    def _settle(self, item: Queued) -> str:
        try:
            decided = self._queue.decided(item.note)
        except UsageError:
            said = "approved, but what was approved is not known any more"
            self._queue.move(item.proposal.id, APPROVED, STALE, said)
            return f"{_named([change.path for change in item.proposal.changes])}: {said}."
        states = [state for change in decided.written for state in path_states(change)]
        found = [self._standing(state) for state in states]
        paths = [state.path for state in states]
        if all(standing == "new" for standing in found):
            self._close(item, decided, APPLIED, paths, "success", "written before the crash")
            return f"{_named(paths)}: written before the crash."
        if "new" in found:
            return self._put_back(item, decided, found, paths)
        if "other" in found:
            said = "something else is on disk: look before deciding again"
            self._close(item, decided, STALE, paths, "unknown", said)
        else:
            said = "approved, but not written: it waits for you again"
            self._close(item, decided, QUEUED, paths, "success", said)
        return f"{_named(paths)}: {said}."

    def _put_back(self, item: Queued, decided: Decided, found: Sequence[str], paths: list[str]) -> str:
        """Take back the files that had been written when the program was killed."""
        states = (state for change in decided.written for state in path_states(change))
        written = [state for state, standing in zip(states, found, strict=True) if standing == "new"]
        try:
            back = [self._inverse(state, decided) for state in written]
            self._broker.write(back, decided.decision, by=SYSTEM)
        except WorkbenchError as error:
            return f"{_named(paths)}: half of it was written before the crash, and stays so: {error.cause}"
        state = STALE if "other" in found else QUEUED
        said = "a crash came between two files: those written were put back, and it waits for you again"
        self._close(item, decided, state, paths, "success", said)
        return f"{_named(paths)}: {said}."

    def _inverse(self, state: PathState, decided: Decided) -> NewContent:
        change = next(
            change for change in decided.written if state.path in (change.path, change.renamed_from)
        )
        mode = state.mode_before if state.mode_before is not None else change.mode
        back = FileChange(state.path, state.after, state.before, mode, mode_before=state.mode_after)
        return NewContent(back, self._queue.content(state.before))

    def _close(
        self, item: Queued, decided: Decided, state: ProposalState, paths: list[str], status: str, said: str
    ) -> None:
        self._broker.record(rows.settled(item.proposal, paths, status, said))
        if state is APPLIED:
            self._queue.move(item.proposal.id, APPROVED, APPLIED, decided.decision.id)
        else:
            note = said if state is STALE else ""
            self._queue.withdraw(decided.decision.id, APPROVED, state, note)

    def _standing(self, state: PathState) -> str:
        """Say whether a path holds what it did before, what was approved, or something else."""
        now = self.present(state.path)
        if _is(now, state.after, state.mode_after):
            return "new"
        return "old" if _is(now, state.before, state.mode_before) else "other"

    def _note_rolled_back(self, approval: str, by: str) -> None:
        original = self._queue.get(self._queue.decided(approval).decision.proposal_id)
        if original.state is APPLIED:
            self._queue.move(original.proposal.id, APPLIED, ROLLED_BACK, by)

    def _wanted(self, proposal: Proposal, decided: Decided) -> Wanted:
        files: dict[str, tuple[bytes, int] | None] = {}
        for change in decided.written:
            if change.renamed_from:
                files[change.renamed_from] = None
            gone = change.after_sha256 is None
            files[change.path] = None if gone else (self._queue.content(change.after_sha256), change.mode)
        message = _message(proposal, decided.written)
        return Wanted(files, message, decided.decision, proposal)


def _is(now: tuple[str, int] | None, digest: str | None, mode: int | None) -> bool:
    if now is None or digest is None:
        return now is None and digest is None
    return now[0] == digest and (mode is None or now[1] == mode & 0o777)


def _named(paths: Sequence[str]) -> str:
    return ", ".join(map(one_line, paths))


def _written(changes: Sequence[FileChange]) -> str:
    done = {"delete": "Deleted", "rename": "Renamed"}
    if len(changes) == 1:
        return f"{done.get(changes[0].kind, 'Wrote')} {one_line(changes[0].path)}."
    return f"Wrote {len(changes)} files: {_named([change.path for change in changes])}."


def _message(proposal: Proposal, changes: Sequence[FileChange]) -> str:
    """Return subject and body of the commit: what was changed, and the person's words."""
    first = changes[0]
    what = one_line(first.symbol or first.path.rpartition("/")[2])
    if len(changes) > 1:
        what = f"{what} and {len(changes) - 1} more"
    task = one_line(" ".join(proposal.task.split()))
    subject = task if what in task else f"{what}: {task}"
    if len(subject) <= SUBJECT_LENGTH:
        return subject
    return f"{subject[: SUBJECT_LENGTH - 1].rstrip()}…\n\nTask: {task}"
