"""Lets a person decide on commands: shows every word, binds the decision to exactly these, has them run.

Approving goes in this order, and stops at the first step that does not hold:

1. What would be shown now has the digest that was shown; policy is the one it was shown under.
2. The item moves from `queued` to `approved`, so that no one else decides it.
3. The decision is durable in the ledger.
4. The command runs (`Broker.commands` asks policy once more, and records every step); then it moves to `ran`.

Where a crash comes between 2 and 4 the item waits again: whatever the command did, it did to a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from workbench.broker import Broker, Grant, Ran
from workbench.core.clock import utc_now
from workbench.core.errors import Refused, UsageError, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import (
    SYSTEM,
    Command,
    Decision,
    Event,
    Json,
    Principal,
    Proposal,
    ProposalState,
)
from workbench.core.safe_text import one_line
from workbench.review import rows
from workbench.review.hidden import hidden_in, require_acknowledged
from workbench.review.queue import Queue, Queued
from workbench.review.rendering import Rendering, Row, RowKind

_HOLDS = (
    "Each row is one word, handed to the program as it is.",
    "It runs in a copy of the files that may be read, without the history; nothing of the worktree changes.",
    "What it changes there comes back as proposals. No network, no terminal, no variables of yours.",
)


_SHELLS = frozenset({"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"})


def render_command(proposal: Proposal, command: Command) -> Rendering:
    """Return a command as rows, one word a row, with the digest that a decision is bound to."""
    shell = os.path.basename(command.argv[0]) in _SHELLS
    told = ["The program is a shell: it carries out what its words say."] if shell else []
    told += [*_HOLDS, f"It is killed after {command.seconds} s, with everything it started."]
    rows = [Row(RowKind.NOTE, None, None, fact, 0) for fact in told]
    for number, word in enumerate(command.argv, 1):
        if not word:
            rows.append(Row(RowKind.NOTE, None, None, f"word {number} is empty", 0))
        rows.append(Row(RowKind.WORD, None, number, one_line(word), 0))
    shown = {
        "proposal": proposal.id,
        "command": command.sha256,
        "policy": proposal.policy_sha256,
        "rows": [[row.kind, row.new, row.text] for row in rows],
    }
    digest = hashlib.sha256(json.dumps(shown, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
    return Rendering((), tuple(rows), hidden_in((), command.argv), (), (), digest)


class CommandDesk:
    """Decides on the commands of one queue, for one person."""

    def __init__(self, broker: Broker, queue: Queue, person: Principal) -> None:
        """Seat `person` at `queue`."""
        self._broker = broker
        self._queue = queue
        self._person = person

    def submit(self, proposal: Proposal) -> None:
        """Put a command that was proposed (`Broker.commands.propose`) into the queue; durable on return."""
        self._broker.record(rows.created(proposal))
        self._queue.add(proposal, {})

    def approve(
        self, item: Queued, shown: Rendering, shown_sha256: str, *, reason: str = "", acknowledged: int = 0
    ) -> Grant:
        """Record the approval of a command exactly as shown, and return what lets it run.

        Raises:
            Refused: The session, policy or the boundary level forbids it, policy demands a reason, or
                something hidden in it was not acknowledged.
            UsageError: It is decided already, or not what was shown.
            WorkbenchError: The decision could not be recorded; the item waits as before.
        """
        command, settings = command_of(item.proposal), self._broker.policy.settings
        if self._broker.read_only:
            raise Refused(self._broker.read_only, "The item waits.")
        if settings.reason_required and not reason.strip():
            raise Refused("Policy demands a reason for every approval.", "Give one with the decision.")
        if item.state is not ProposalState.QUEUED:
            raise UsageError(f"The item is {item.state}.", "Choose one that waits.")
        if shown.shown_sha256 != shown_sha256:
            raise UsageError("The item is not what was shown.", "Look at it again.")
        require_acknowledged(shown.hidden_count, acknowledged)
        self._broker.commands.judge(command)
        decision = Decision(
            id=uuid7(),
            proposal_id=item.proposal.id,
            value="approve",
            by=self._person,
            time=utc_now(),
            reason=reason,
            hunks=(),
            shown_sha256=shown_sha256,
            policy_sha256=self._broker.policy.sha256,
        )
        self._queue.decide(decision, ProposalState.QUEUED, ProposalState.APPROVED, str(os.getpid()))
        try:
            self._broker.record(_decided(decision, command, shown.hidden))
        except WorkbenchError:
            self._queue.withdraw(decision.id, ProposalState.APPROVED, ProposalState.QUEUED)
            raise
        return Grant("decision", decision.id, self._person, command.sha256)

    def run(self, item: Queued, grant: Grant, on_output: Callable[[bytes], None]) -> Ran:
        """Run an approved command to its end.

        Raises:
            WorkbenchError: It did not run; the item waits again.
        """
        proposal = item.proposal
        try:
            ran = self._broker.commands.run(
                command_of(proposal),
                actor=proposal.author,
                grant=grant,
                proposal_id=proposal.id,
                on_output=on_output,
            )
        except BaseException:
            self._queue.move(proposal.id, ProposalState.APPROVED, ProposalState.QUEUED)
            raise
        self._queue.move(proposal.id, ProposalState.APPROVED, ProposalState.RAN, ran.ending)
        return ran

    def recover(self) -> list[str]:
        """Put back into the queue the commands that a crash left approved; return a line on each."""
        found = [self._settle(item) for item in self._queue.in_state(ProposalState.APPROVED)]
        return [said for said in found if said]

    def _settle(self, item: Queued) -> str:
        """Return what is to be said of an approved item: nothing of a command that still runs."""
        if item.proposal.command is None or (item.note.isdigit() and Path(f"/proc/{item.note}").exists()):
            return ""
        said = "approved, and not run to its end before a crash: it waits for you again"
        self._queue.move(item.proposal.id, ProposalState.APPROVED, ProposalState.QUEUED)
        shown = one_line(command_of(item.proposal).text)
        fields: dict[str, Json] = {
            "obj": {"kind": "command", "path": shown[:1000]},
            "proposal": {"id": item.proposal.id},
            "outcome": {"status": "unknown", "code": "crash", "detail": said},
        }
        self._broker.record(Event("recovery.orphan", SYSTEM, fields=fields))
        return f"{shown}: {said}."


def _decided(decision: Decision, command: Command, hidden: Mapping[str, int]) -> Event:
    """Return the row of an approval, which names the words that were approved."""
    event = rows.decided(decision, (), hidden=hidden)
    obj: dict[str, Json] = {"kind": "command", "path": one_line(command.text)[:1000]}
    words: dict[str, Json] = {"argv": [*command.argv], "sha256": command.sha256}
    return replace(event, fields={**event.fields, "obj": obj, "cmd": words})


def command_of(proposal: Proposal) -> Command:
    """Return the command of a proposal.

    Raises:
        UsageError: It is a change of files.
    """
    if proposal.command is None:
        raise UsageError("The item is no command.", "Choose one that is.")
    return proposal.command
