"""Runs commands in a copy of the worktree, every step on record before it happens.

The rules, in order:

1. Policy is asked about exactly these words. What it denies does not run, whoever approved it; what it grants
   runs; for the rest a person must have decided: on this very command, or on giving it to this very task.
2. Commands run at the measured boundary levels 3 and 4 only.
3. The copy is made, and what it holds is on record (`shadow.synced`), before a command sees a byte of it.
   Files that policy denies, or asks about and nobody released, are not in it, nor is the history.
4. The intent is durable; then the words are handed to the command runner, which confines them.
5. Every kind of refused attempt to open a socket has a row, and so has the end, whatever it was.
6. Nothing of the worktree is written here. What the command changed is returned.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.boundary import CommandLimits, CommandResult, Runner
from workbench.broker import command_rows
from workbench.broker.command_rows import Draft
from workbench.broker.verdicts import judgement
from workbench.core.errors import Cancelled, Refused, UsageError, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Command, Effect, Event, Json, Principal, Verdict
from workbench.core.safe_text import one_line
from workbench.repo import Changes, ReadGate, Shadow, Synced

if TYPE_CHECKING:
    from workbench.broker.broker import Broker

LOWEST_LEVEL = 3
# limits: what is proposed is read by a person, word by word, and stands in a row of the ledger.
MAX_WORDS = 500
MAX_ARGV_BYTES = 16 << 10
MAX_SECONDS = 3600
KEPT_OUTPUT_BYTES = 1 << 20
"""Output that is kept, sealed in the ledger; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person decided that lets a command run."""

    kind: str
    """`decision` (on this proposal) or `task` (given to one task)."""
    id: str
    """Of the decision, or of the task."""
    by: Principal
    command_sha256: str
    """The digest of the words it is for; it lets no others run."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command that was run."""

    command: Command
    operation: str
    """Shared by its rows in the ledger."""
    result: CommandResult
    changes: Changes
    synced: Synced
    seen: bytes
    """Its output as an agent may see it: with placeholders, or the one line that says why it is withheld."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.result.code == 0 and not self.result.stopped

    @property
    def ending(self) -> str:
        """How it ended, in a few words that are safe to show."""
        result = self.result
        if result.reason:
            return f"not started: {one_line(result.reason)}"
        after = f"after {result.seconds:.1f} s"
        if result.stopped:
            return f"{'stopped' if result.stopped == 'cancelled' else 'timed out'} {after}"
        return f"signal {-result.code} {after}" if result.code < 0 else f"exit {result.code} {after}"


class Commands:
    """The commands of one session; one runs at a time."""

    def __init__(self, broker: Broker, *, root: Path, gate: ReadGate, runner: Runner | None) -> None:
        """Join them.

        Args:
            broker: Whose policy, releases and record hold.
            root: The worktree.
            gate: Its read gate, to know denied files by inode.
            runner: What starts commands, or None where they cannot be confined.
        """
        self._broker = broker
        self._root = root
        self._gate = gate
        self._runner = runner
        self._shadow: Shadow | None = None
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self.level = 0
        """The boundary level as last measured."""

    @property
    def off(self) -> str:
        """Why no command can run; empty when one can."""
        if self._runner is None or self.level < LOWEST_LEVEL:
            return f"Commands run at boundary level {LOWEST_LEVEL} or 4; here {self.level} is measured."
        return ""

    def close(self) -> None:
        """Stop what runs, and let go of the copy."""
        self.cancel()
        with self._lock:
            if self._shadow is not None:
                self._shadow.close()
                self._shadow = None

    def cancel(self) -> bool:
        """Stop the command that runs; return whether there was one."""
        self._cancelled.set()
        if not self._lock.locked():
            return False
        if self._runner is not None:
            self._runner.cancel()
        return True

    def judge(self, command: Command, grant: Grant | None = None) -> Verdict:
        """Return what policy says of a command, after checking that it could run at all.

        Raises:
            UsageError: It is empty, or too long to be read and recorded.
            Refused: Policy denies it; or asks, and the grant is for other words; or the level is too low.
        """
        check_size(command)
        verdict = self._broker.policy.run(command.argv)
        rule = f"{verdict.rule.name} ({verdict.rule.tier}, {verdict.rule.source})"
        shown = one_line(command.text)
        if verdict.effect is Effect.DENY:
            raise Refused(f"Policy does not let {shown} run: {rule}.", f"`workbench policy explain {shown}`.")
        granted = grant is not None and grant.command_sha256 == command.sha256
        if verdict.effect is not Effect.ALLOW and grant is not None and not granted:
            raise Refused(f"{shown} is not the command that was approved.", "Nothing was run.")
        if self.off:
            raise Refused(self.off, "`workbench doctor` shows what does not hold on this machine.")
        return verdict

    def propose(self, command: Command, *, actor: Principal, proposal_id: str = "") -> Verdict:
        """Put on record that a command was proposed, and return what policy says of it.

        Raises:
            UsageError: As for `judge`.
            Refused: As for `judge`; the refusal is on record.
        """
        check_size(command)
        verdict = self._broker.policy.run(command.argv)
        fields = self._fields(command, verdict, proposal_id)
        self._broker.record(Event("command.proposed", actor, fields=fields))
        try:
            return self.judge(command)
        except Refused as error:
            self._deny(command, actor, verdict, proposal_id, error)
            raise

    def run(
        self,
        command: Command,
        *,
        actor: Principal,
        grant: Grant | None = None,
        proposal_id: str = "",
        draft: Draft | None = None,
        on_output: Callable[[bytes], None] | None = None,
        cpu_seconds: int | None = None,
    ) -> Ran:
        """Run a command that was proposed to its end, and return what came of it.

        Args:
            command: The words.
            actor: Who has it run.
            grant: The person's decision; None where policy alone grants it.
            proposal_id: The proposal it is of, or empty.
            draft: Files to put over the copy first.
            on_output: Told each piece of output as it comes, on this thread.
            cpu_seconds: Processor time that each of its processes may take; None for no limit but the wall's.

        Raises:
            Refused: Policy, the level or a missing decision does not let it run; that is on record.
            Cancelled: It was stopped before it started.
            BoundaryError: It could not be confined, so it was not started; that is on record.
            LedgerUnavailable: A row could not be written, and what it announces did not happen.
        """
        if not self._lock.acquire(blocking=False):
            raise UsageError("A command runs already.", "Wait for it, or stop it with ctrl+c.")
        try:
            self._cancelled.clear()
            verdict = self._admit(command, actor, grant, proposal_id)
            return self._run(command, actor, verdict, proposal_id, draft or {}, on_output, cpu_seconds)
        finally:
            self._lock.release()

    def _admit(self, command: Command, actor: Principal, grant: Grant | None, proposal_id: str) -> Verdict:
        """Return the verdict under which the command runs, with the decision on record."""
        verdict = self._broker.policy.run(command.argv)
        try:
            verdict = self.judge(command, grant)
            if verdict.effect is not Effect.ALLOW and grant is None:
                raise Refused(
                    f"{one_line(command.text)} waits for a person's decision ({verdict.rule.name}).",
                    "`workbench queue list` shows it.",
                )
        except Refused as error:
            self._deny(command, actor, verdict, proposal_id, error)
            raise
        fields = self._fields(command, verdict, proposal_id)
        decided: dict[str, Json] = {"value": "approve", "by": "policy", "scope": verdict.rule.name}
        if grant is not None:
            decided |= {"by": grant.kind, "id": grant.id, "scope": f"this {grant.kind}"}
        by = actor if grant is None else grant.by
        self._broker.record(Event("command.decided", by, fields={**fields, "decision": decided}))
        return verdict

    def _run(
        self,
        command: Command,
        actor: Principal,
        verdict: Verdict,
        proposal_id: str,
        draft: Draft,
        on_output: Callable[[bytes], None] | None,
        cpu_seconds: int | None,
    ) -> Ran:
        runner = self._runner
        assert runner is not None  # noqa: S101  # `judge` has refused
        shadow, synced = self._sync(runner, actor, draft)
        limits = CommandLimits(
            seconds=min(command.seconds, MAX_SECONDS),
            output_bytes=KEPT_OUTPUT_BYTES,
            cpu_seconds=cpu_seconds,
        )
        environment = _environment(shadow.path)
        operation, fields = uuid7(), self._fields(command, verdict, proposal_id)
        fields |= {"shadow": {"listing_sha256": synced.listing_sha256, "draft": command_rows.drafted(draft)}}
        self._broker.record(
            Event(
                "command.intent",
                actor,
                "intent",
                operation,
                {**fields, "run": command_rows.limits(limits, environment)},
            )
        )
        try:
            if self._cancelled.is_set():
                raise Cancelled("Stopped before the command was started.")
            result = runner.run(command.argv, shadow.path, limits, on_output, environment=environment)
            changes = shadow.changes()
        except WorkbenchError as error:
            ended: dict[str, Json] = {
                "status": "failure",
                "code": type(error).__name__,
                "detail": error.cause,
            }
            self._broker.record(
                Event("command.outcome", actor, "outcome", operation, {**fields, "outcome": ended})
            )
            raise
        ran = Ran(command, operation, result, changes, synced, self._screened(command, result, actor))
        self._broker.record(
            *(command_rows.egress(attempt, actor, operation, command) for attempt in result.sockets),
            Event(
                "command.outcome",
                actor,
                "outcome",
                operation,
                {**fields, **command_rows.ended(ran)},
                {"output": ran.seen} if ran.seen else {},
            ),
        )
        return ran

    def _screened(self, command: Command, result: CommandResult, actor: Principal) -> bytes:
        """Return what a command printed as an agent may see it; what is found in it is on record."""
        try:
            return self._broker.view(f"The output of {one_line(command.text)}", result.output, actor=actor)
        except Refused as error:
            return error.cause.encode()

    def _sync(self, runner: Runner, actor: Principal, draft: Draft) -> tuple[Shadow, Synced]:
        """Bring the copy to the worktree's present state, with the draft over it, on record."""
        broker = self._broker
        if self._shadow is None:
            self._shadow = Shadow(self._root, runner.place)
        paths = broker.list(actor=actor)
        denied = [path for path in paths if broker.policy.read(path).effect is Effect.DENY]
        allowed = [path for path in paths if broker.may_read(path)]
        synced = self._shadow.sync(allowed, deny_inodes=self._gate.inodes(denied))
        self._shadow.overlay({path: after for path, after in draft.items() if broker.may_read(path)})
        left_out: dict[str, Json] = {"denied": len(denied), "asked": len(paths) - len(denied) - len(allowed)}
        told: dict[str, Json] = {
            "files": synced.files,
            "bytes": synced.bytes,
            "copied": synced.copied,
            "removed": synced.removed,
            "left_out": left_out | dict(synced.left_out),
            "listing_sha256": synced.listing_sha256,
            "dur_ms": synced.milliseconds,
        }
        obj: dict[str, Json] = {"kind": "tree", "path": ".", "lines": synced.files}
        policy: dict[str, Json] = {"sha256": broker.policy.sha256}
        broker.record(Event("shadow.synced", actor, fields={"obj": obj, "shadow": told, "policy": policy}))
        return self._shadow, synced

    def _fields(self, command: Command, verdict: Verdict, proposal_id: str) -> dict[str, Json]:
        fields: dict[str, Json] = {
            "obj": {"kind": "command", "path": one_line(command.text)[:1000]},
            "cmd": {"argv": [*command.argv], "sha256": command.sha256, "seconds": command.seconds},
            "policy": judgement(self._broker.policy, verdict),
        }
        if proposal_id:
            fields["proposal"] = {"id": proposal_id}
        return fields

    def _deny(
        self, command: Command, actor: Principal, verdict: Verdict, proposal_id: str, error: Refused
    ) -> None:
        outcome: dict[str, Json] = {"status": "denied", "code": "", "detail": error.cause}
        fields = {**self._fields(command, verdict, proposal_id), "outcome": outcome}
        self._broker.record(Event("command.denied", actor, fields=fields))


def check_size(command: Command) -> None:
    """Refuse a command that nobody could read, or that is none.

    Raises:
        UsageError: It is empty, or has too many words or bytes.
    """
    size = sum(len(os.fsencode(word)) for word in command.argv)
    if not command.argv or not command.argv[0]:
        raise UsageError("The command is empty.", "Write a program and its words, such as: pytest -q")
    if any("\0" in word for word in command.argv):
        raise UsageError("A word of the command holds a NUL, which no program can be given.", "Remove it.")
    if len(command.argv) > MAX_WORDS or size > MAX_ARGV_BYTES:
        raise UsageError(
            f"The command has {len(command.argv):,} words and {size:,} bytes; "
            f"at most {MAX_WORDS} and {MAX_ARGV_BYTES:,} are proposed.",
            "Put what it needs into a file.",
        )


def _environment(shadow: Path) -> dict[str, str]:
    """Return what is set beside the runner's own variables: where Python finds the project itself.

    A project that is installed in its virtual environment in place would otherwise be looked for in the
    worktree, which no command can read.
    """
    places = [place for place in (shadow / "src", shadow) if place.is_dir()]
    return {"PYTHONPATH": os.pathsep.join(map(str, places))}
