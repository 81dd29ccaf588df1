"""Opens a desk on a real repository, with its real ledger, policy, git and disk, and puts proposals on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.review.proposals import proposal
from workbench.core.records import FileChange, Proposal, Risk, sha256
from workbench.review import Choice, Desk, Queue, Result
from workbench.session.opening import Options, Parts, open_parts

Change = tuple[str, bytes | None]
"""A path, and the bytes it is to hold; None deletes it."""


@dataclass(frozen=True, slots=True)
class OnDesk:
    """A desk, and the repository it stands on."""

    root: Path
    parts: Parts

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.parts.desk

    @property
    def queue(self) -> Queue:
        """Its queue."""
        return self.parts.queue

    def propose(
        self,
        *wanted: Change | FileChange,
        contents: Sequence[bytes] = (),
        risk: Risk = Risk.LOW,
        task_id: str = "",
    ) -> Proposal:
        """Put a proposal into the queue that makes of the files on disk what is wanted."""
        changes, known = [], list(contents)
        for each in wanted:
            if isinstance(each, FileChange):
                changes.append(each)
                continue
            path, after = each
            place = self.root / path
            before = place.read_bytes() if place.exists() else None
            mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
            known += [data for data in (before, after) if data is not None]
            changes.append(FileChange(path, digest(before), digest(after), mode))
        base = proposal()
        made = replace(
            base,
            changes=tuple(changes),
            risk=risk,
            task_id=task_id or base.task_id,
            policy_sha256=self.parts.policy.sha256,
        )
        self.desk.submit(made, known)
        return made

    def approve(self, item: Proposal, choice: Choice | None = None, **more: object) -> Result:
        """Approve an item as it is shown now."""
        shown = self.desk.rendering(self.queue.get(item.id), choice.split if choice else ())
        return self.desk.approve(item.id, shown.shown_sha256, choice, **more)  # type: ignore[arg-type]

    def files(self) -> dict[str, bytes]:
        """Return every file of the worktree, outside git's directory."""
        found = {}
        for directory, names, files in os.walk(self.root):
            if ".git" in names:
                names.remove(".git")
            for name in files:
                path = Path(directory, name)
                found[str(path.relative_to(self.root))] = path.read_bytes()
        return found

    def rows(self, kind: str) -> list[dict[str, object]]:
        """Return the bodies of the ledger's entries of one type."""
        return [dict(entry.body) for entry in self.parts.reader.find(type=kind)]


@contextmanager
def desk_on(root: Path) -> Iterator[OnDesk]:
    """Open a desk on the repository at `root`."""
    parts = open_parts(root, Options(accept_unenforced=True))
    try:
        yield OnDesk(root, parts)
    finally:
        parts.broker.close()
        parts.ledger.close()
        parts.reader.close()
        parts.queue.close()


def digest(data: bytes | None) -> str | None:
    """Return the digest of a file; None for one that is not there."""
    return None if data is None else sha256(data)
