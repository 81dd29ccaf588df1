"""Says what the screen needs of a session: a structural type, so that tests can record what a key caused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from workbench.session.views import (
    AuditRow,
    Choice,
    DecisionResult,
    FileView,
    QueueItem,
    ReleaseOffer,
    ReleaseView,
    SessionEvent,
    Shown,
    Status,
    TreeEntry,
    Utterance,
)


class ReleaseFace(Protocol):
    """Releases of files that policy asks about, as the faces see them; every method may block."""

    def offer(self, path: str) -> ReleaseOffer:
        """Return how a file can be released; raises `WorkbenchError` where it cannot."""

    def give(
        self, pattern: str, *, scope: str, exact: bool = True, until: str = "", reason: str = ""
    ) -> ReleaseView:
        """Release a file or a glob for the agent."""

    def revoke(self, release_id: str) -> ReleaseView:
        """End a release."""

    def all(self) -> tuple[ReleaseView, ...]:
        """Return every release in force."""


class SessionFace(Protocol):
    """One workbench on one repository, as the two faces see it.

    Every method except `status`, `foresee`, `submit` and `cancel` may block, and is called off the loop.
    """

    @property
    def root(self) -> Path:
        """The root of the worktree."""

    @property
    def releasing(self) -> ReleaseFace:
        """The releases."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Facts about this start, for the transcript."""

    def start(self, listener: Callable[[SessionEvent], None]) -> None:
        """Begin the background work; `listener` is called from any thread."""

    def close(self) -> None:
        """Stop the task and close the ledger."""

    def status(self) -> Status:
        """Return one reading of the status bar."""

    def tree(self) -> tuple[TreeEntry, ...]:
        """Return the worktree's paths, sorted."""

    def file(self, path: str) -> FileView:
        """Read one file through the gate; raises `WorkbenchError` when policy denies it."""

    def queue(self) -> tuple[QueueItem, ...]:
        """Return the approval queue, undecided items first, oldest first."""

    def glance(self, proposal_id: str) -> Shown:
        """Return a proposal as it is stored, not yet compared with the disk, and so not to be approved."""

    def shown(self, proposal_id: str, split: tuple[int, ...] = ()) -> Shown:
        """Return a proposal as it is to be shown, with some hunks in pieces."""

    def audit_size(self) -> int:
        """Return how many entries the ledger holds."""

    def audit(self, start: int, stop: int) -> tuple[AuditRow, ...]:
        """Return the entries `[start, stop)`."""

    def audit_opened(self) -> None:
        """Put on record that the person looks through the ledger."""

    def audit_entry(self, index: int) -> tuple[str, ...]:
        """Return one entry as lines, with the proof of its place; recorded."""

    def verify(self) -> str:
        """Verify the whole ledger and return what was found, line by line."""

    def transcript(self) -> tuple[Utterance, ...]:
        """Return what has been said so far."""

    def examples(self) -> tuple[str, ...]:
        """Return up to three tasks that make sense in this repository."""

    def begin_index(self) -> None:
        """Bring the index in step with the worktree, in the background."""

    def foresee(self, task: str) -> str:
        """Return what is found in a task and what happens to it when it is sent; empty for nothing."""

    def submit(self, task: str) -> str:
        """Start a task and return its id; raises `UsageError` when none can start."""

    def propose_command(self, argv: Sequence[str]) -> str:
        """Propose a command; return the id under which it waits, or nothing where policy grants it."""

    def cancel(self) -> bool:
        """Stop the generation, or the command that runs; False when nothing runs."""

    def approve(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice | None = None,
        *,
        reason: str = "",
        acknowledged: int = 0,
    ) -> DecisionResult:
        """Approve exactly what was shown, or some of its hunks."""

    def approve_all(self, seen: Mapping[str, str], typed: int, *, reason: str = "") -> DecisionResult:
        """Approve several items exactly as they were shown, after their number was typed."""

    def roll_back(self, approval: str, reason: str) -> DecisionResult:
        """Propose the change that takes an applied approval back; the new item's id is in the result."""

    def edit(self, proposal_id: str) -> DecisionResult:
        """Let the person edit a proposal in their own editor; the screen has let go of the terminal."""

    def take_back(self) -> DecisionResult:
        """Take back the person's last decision, if it was a rejection."""

    def reject(self, proposal_id: str, *, reason: str = "") -> DecisionResult:
        """Reject a proposal."""

    def measure(self) -> str:
        """Measure the boundary again and return what was found, line by line."""

    def busy(self) -> bool:
        """Whether a task runs."""
