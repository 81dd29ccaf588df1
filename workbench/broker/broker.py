"""The gate: the only place where an effect happens.

Each of `read`, `list`, `search`, `infer`, `write`, `commit` and `commands.run` goes the same way, in order:

1. Policy is asked. What it denies is recorded and refused with the rule that decided.
2. The row is durable in the ledger before the effect: an `intent` before a write, an inference or a
   commit; for a read, the row of the read before its bytes are handed to anyone.
3. The effect happens, through one of the foundations.
4. The `outcome` is recorded, with the same `op_id`, also when the effect failed.

If the ledger cannot be written, `LedgerUnavailable` is raised and the effect does not happen.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.boundary import programs
from workbench.broker import committing, editing, writing
from workbench.broker.asking import Asking
from workbench.broker.releasing import ReleaseBook
from workbench.broker.running import Commands
from workbench.broker.verdicts import judgement
from workbench.broker.writing import NewContent, digest
from workbench.core.errors import Refused, ReleaseNeeded, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import (
    Decision,
    Effect,
    Event,
    FileContent,
    Json,
    Principal,
    Verdict,
)
from workbench.core.safe_text import one_line
from workbench.ledger import Checkpoint, Ledger, LedgerReader
from workbench.policy import Policy, Release, Scope
from workbench.repo import (
    GateRefused,
    Git,
    Merged,
    PathIndex,
    ReadGate,
    Reason,
    Writer,
    diff_blobs,
    merge_texts,
)

if TYPE_CHECKING:
    from workbench.boundary import Runner

MAX_SEARCHED_FILES = 2_000
"""Bounds what one search reads (and so what it records) until there is an index to ask."""


class Broker(Asking):
    """Performs every effect of one session on one repository."""

    def __init__(
        self,
        *,
        root: Path,
        ledger: Ledger,
        reader: LedgerReader,
        policy: Policy,
        gate: ReadGate,
        writer: Writer,
        git: Git | None,
        scratch: Path,
        runner: Runner | None = None,
    ) -> None:
        """Join the foundations.

        Args:
            reader: Reads the same ledger, for the releases that outlive a session.
            git: None where the folder is not a git repository.
            scratch: A private directory outside the worktree, for the two sides of a comparison.
            runner: What starts commands; None where they cannot be confined.
        """
        super().__init__()
        self._root = root
        self._ledger = ledger
        self.policy = policy
        self._gate = gate
        self._writer = writer
        self._git = git
        self._scratch = scratch
        self.read_only = ""
        """Why nothing may change now; empty when it may. Checked at the last door as well as the first."""
        self.on_append: Callable[[int], None] = lambda _size: None
        """Told the ledger's new size after every append, on the thread that appended."""
        self.on_recorded: Callable[[Sequence[Event]], None] = lambda _events: None
        """Told what was appended, on the same thread; signs and anchors what was settled."""
        self.releases = ReleaseBook(self.record, reader, ledger.session)
        self.commands = Commands(self, root=root, gate=gate, runner=runner)
        """Runs commands; the way to every process but git's."""

    def take_policy(self, policy: Policy) -> int:
        """Put another policy into force, and return how many releases ended with the old one.

        Raises:
            LedgerUnavailable: The ends could not be recorded; policy is in force and they have ended.
        """
        self.policy = policy
        return self.releases.policy_changed(policy)

    def close(self) -> None:
        """Stop the command that runs, and destroy the values that were taken out of texts."""
        self.commands.close()
        super().close()

    def record(self, *events: Event) -> int:
        """Append events to the ledger, durable on return, and return the index of the last.

        Raises:
            LedgerUnavailable: They could not be written, and what they announce must not happen.
        """
        last = self._ledger.append_many(events)[-1].index
        self.on_append(last + 1)
        self.on_recorded(events)
        return last

    # Reading

    def read(self, path: str, *, actor: Principal, purpose: str) -> FileContent:
        """Return a file of the worktree, after its read is on record; to an agent with placeholders.

        Raises:
            Refused: Policy or the gate says no, or it holds what policy blocks; that is on record too.
            LedgerUnavailable: The read could not be recorded, so its bytes are not handed out.
        """
        content, event = self._open(path, actor, purpose)
        self.record(event)
        if isinstance(content, WorkbenchError):
            raise content
        return self._as_seen_by(actor, content)

    def read_many(
        self, paths: Iterable[str], *, actor: Principal, purpose: str, holding: bytes = b""
    ) -> tuple[FileContent, ...]:
        """Return those of `paths` that may be read, after all the reads are on record together.

        Args:
            holding: Only files that hold these bytes are returned.
        """
        opened = [self._open(path, actor, purpose) for path in paths]
        if opened:
            self.record(*(event for _, event in opened))
        found = [file for file, _ in opened if isinstance(file, FileContent) and holding in file.data]
        seen: list[FileContent] = []
        for content in found:
            # What is refused is on record, and is left out like what may not be read.
            with suppress(Refused):
                seen.append(self._as_seen_by(actor, content))
        return tuple(seen)

    def _open(self, path: str, actor: Principal, purpose: str) -> tuple[FileContent | WorkbenchError, Event]:
        verdict, release = self.policy.read(path), None
        # A person who opens a file is the release that `ask` asks for; an agent needs one of a person's.
        opened = verdict.effect is Effect.ASK and actor.kind == "human"
        if actor.kind != "human":
            verdict, release = self.releases.judge(self.policy, path)
        if verdict.effect is not Effect.ALLOW and not opened:
            return self._refusal(path, verdict, "read"), self._read_event(
                path, actor, purpose, verdict, "denied"
            )
        try:
            content = self._gate.read(path)
        except WorkbenchError as error:
            self.releases.give_back(release)
            return error, self._read_event(path, actor, purpose, verdict, "denied", detail=error.cause)
        except OSError as error:
            self.releases.give_back(release)
            reason = error.strerror or type(error).__name__
            failure = WorkbenchError(
                f"{path} cannot be read: {reason}.", "Check that the file is still there."
            )
            return failure, self._read_event(path, actor, purpose, verdict, "failure", detail=reason)
        return content, self._read_event(
            path, actor, purpose, verdict, "success", content=content, release=release
        )

    def may_read(self, path: str) -> bool:
        """Say whether the agent could read `path` now, for choosing files; a read asks again, and records."""
        verdict = self.policy.read(path)
        if verdict.effect is not Effect.ASK:
            return verdict.effect is Effect.ALLOW
        release = self.releases.covering(self.policy, path)
        # What is released for one read is for the file that a task names, not for a search to use up.
        return release is not None and release.scope is not Scope.ONCE

    def _read_event(
        self,
        path: str,
        actor: Principal,
        purpose: str,
        verdict: Verdict,
        status: str,
        *,
        content: FileContent | None = None,
        detail: str = "",
        release: Release | None = None,
    ) -> Event:
        obj: dict[str, Json] = {"kind": "file", "path": path, "labels": [*sorted(self.policy.labels(path))]}
        if content is not None:
            obj |= {"bytes": len(content.data), "before": digest(content.sha256)}
        fields: dict[str, Json] = {
            "obj": obj,
            "purpose": purpose,
            "policy": self._judgement(verdict),
            "outcome": {"status": status, "code": "", "detail": detail},
        }
        if release is not None:
            fields["release"] = {"id": release.id}
        kind = "file.read" if content is not None else "file.read_denied"
        return Event(kind, actor, fields=fields)

    def present(self, path: str, *, actor: Principal) -> FileContent | None:
        """Return a file as it is now, or None where there is none; a read like any other."""
        try:
            return self.read(path, actor=actor, purpose="compare")
        except GateRefused as error:
            if error.reason is Reason.MISSING:
                return None
            raise

    def digest_on_disk(self, path: str, *, actor: Principal) -> str | None:
        """Return the digest of a file as it is now, or None where there is none; hands out no bytes."""
        content, event = self._open(path, actor, "compare")
        self.record(event)
        if isinstance(content, GateRefused) and content.reason is Reason.MISSING:
            return None
        if isinstance(content, WorkbenchError):
            raise content
        return content.sha256

    def list(self, *, actor: Principal) -> tuple[str, ...]:
        """Return the paths of the worktree, sorted; the listing is on record, contents are not read."""
        paths = PathIndex.scan(self._root).paths if self._git is None else tuple(self._git.ls_files())
        fields: dict[str, Json] = {"obj": {"kind": "tree", "path": ".", "lines": len(paths)}}
        self.record(Event("file.listed", actor, fields=fields))
        return paths

    def stamps(self, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return size in bytes and time of change in nanoseconds of those that are there; nothing is read."""
        found = {}
        for path in paths:
            with suppress(OSError):
                status = os.lstat(self._root / path)
                if stat.S_ISREG(status.st_mode):
                    found[path] = (status.st_size, status.st_mtime_ns)
        return found

    def search(self, needle: str, paths: Sequence[str], *, actor: Principal) -> tuple[FileContent, ...]:
        """Return the files among `paths` that contain `needle`; every file looked into is a read on record.

        Raises:
            Refused: There are more files than one search may read.
        """
        if len(paths) > MAX_SEARCHED_FILES:
            raise Refused(
                f"A search may read {MAX_SEARCHED_FILES:,} files; here are {len(paths):,}.",
                "Name the file in the task, as in `@src/app.py`.",
            )
        fields: dict[str, Json] = {"obj": {"kind": "search", "path": ".", "lines": len(paths)}}
        self.record(Event("search.run", actor, fields=fields, sealed={"needle": needle.encode()}))
        wanted = needle.encode("utf-8", "surrogateescape")
        return self.read_many(paths, actor=actor, purpose="search", holding=wanted)

    # Changing

    def write(self, contents: Sequence[NewContent], decision: Decision, *, by: Principal) -> None:
        """Put the bytes a person approved on disk: all files whole, or none.

        Args:
            contents: Each file's change, with its bytes.
            decision: The approval.
            by: Who has it done: the person who decided, or the program that puts a crash right.

        Raises:
            Refused: Policy does not allow editing a path, or nothing may change in this session.
            Stale: A file is not the one the person saw; nothing was written.
            RepositoryError: The disk refused; the old files are whole.
        """
        if decision.value != "approve" or self.read_only:
            raise Refused(self.read_only or "The change was not approved.", "Nothing was written.")
        edits = [edit for content in contents for edit in writing.edits_of(content)]
        demand = self.policy.demand(edit.path for edit in edits)
        if decision.signatures < demand.signatures:
            raise Refused(
                f"Policy demands {demand.signatures} signed approval(s): {demand.rule.name}.",
                "`workbench queue approve ID --statement-out FILE` writes what is to be signed.",
            )
        steps = []
        for edit in edits:
            verdict = self.policy.edit(edit.path)
            if verdict.effect in (Effect.DENY, Effect.REDACT):
                raise self._refusal(edit.path, verdict, "edit")
            labels = tuple(sorted(self.policy.labels(edit.path)))
            steps.append(writing.Step(edit, self._judgement(verdict), labels))
        writing.write(steps, self._writer, self.record, decision, by)

    def commit(self, wanted: committing.Wanted) -> committing.Commit:
        """Commit exactly these files, agent as author and approver as committer.

        Nothing is committed where the folder is not a git repository or policy says so. A checkpoint is
        signed first and named in the trailer, so the commit anchors the ledger.

        Raises:
            RepositoryError: git refused; the files are written and stay written.
        """
        git, mode = self._git, self.policy.settings.commit_mode
        if git is None or mode == "off":
            return committing.Commit("")
        operation, branch = uuid7(), committing.branch_of(wanted.proposal, mode)
        hooks, signs = git.commit_hooks(), git.wants_signatures()
        fields = committing.intent_fields(wanted, branch, hooks, signs=signs)
        by = wanted.decision.by
        self.record(Event("commit.intent", by, "intent", operation, fields))
        try:
            checkpoint = self._ledger.checkpoint()
            made = committing.make(git, wanted, branch, checkpoint.trailer())
        except WorkbenchError as error:
            self._outcome("commit.outcome", by, operation, fields, error)
            raise
        noted = "off"
        if self.policy.settings.git_notes:
            noted = committing.note(git, wanted, made, checkpoint.note)
        self._outcome("commit.outcome", by, operation, {**fields, "commit": made, "git_note": noted}, None)
        return committing.Commit(made, branch, hooks, signs)

    def checkpoint(self) -> Checkpoint:
        """Sign the ledger as it is now, for somebody who is going to vouch for it."""
        return self._ledger.checkpoint()

    @property
    def root(self) -> Path:
        """The root of the worktree."""
        return self._root

    def diff(self, before: bytes, after: bytes) -> bytes:
        """Return git's unified diff of two versions of a file; reads nothing of the worktree."""
        return diff_blobs(before, after, directory=self._scratch)

    def edit(self, texts: Mapping[str, bytes], *, by: Principal) -> dict[str, bytes]:
        """Return what a person made of texts in their own editor; the screen has let go of the terminal.

        Raises:
            UsageError: There is no editor that can run inside the seal.
            Refused: It could not be started, or ended with an error.
        """
        argv = programs.editor(str(self._root))
        return editing.edit(texts, argv, by=by, scratch=self._scratch, record=self.record)

    def merge(self, base: bytes, ours: bytes, theirs: bytes) -> Merged:
        """Return `ours` with the change from `base` to `theirs`; reads nothing of the worktree."""
        return merge_texts(base, ours, theirs, directory=self._scratch)

    # What all of them share

    def _outcome(
        self,
        kind: str,
        actor: Principal,
        operation: str,
        fields: Mapping[str, Json],
        error: WorkbenchError | None,
        sealed: Mapping[str, bytes] | None = None,
    ) -> None:
        status = "success" if error is None else "failure"
        outcome: dict[str, Json] = {
            "status": status,
            "code": "" if error is None else type(error).__name__,
            "detail": "" if error is None else error.cause,
        }
        body: dict[str, Json] = {**fields, "outcome": outcome}
        self.record(Event(kind, actor, "outcome", operation, body, sealed or {}))

    def _judgement(self, verdict: Verdict) -> dict[str, Json]:
        return judgement(self.policy, verdict)

    def _refusal(self, what: str, verdict: Verdict, verb: str) -> Refused:
        rule = f"{verdict.rule.name} ({verdict.rule.tier}, {verdict.rule.source})"
        if verdict.effect is Effect.ASK:
            return ReleaseNeeded(
                what,
                f"Policy asks for a person's release before the agent may {verb} {one_line(what)}: {rule}.",
                "Release the file for the agent, then give the task again.",
            )
        shown = one_line(what)
        return Refused(
            f"Policy does not let you {verb} {shown}: {rule}.", f"`workbench policy explain {shown}`."
        )
