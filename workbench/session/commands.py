"""Has commands proposed, decided on and run, one at a time, and says what came of each.

A command that policy grants runs at once; any other waits in the queue. While one runs, its output grows in
the transcript; `cancel` stops it. What it changed in its copy comes back as proposals (`outputs`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from workbench.agent import Tester
from workbench.broker import Grant, Ran
from workbench.core.clock import utc_now
from workbench.core.errors import Refused, UsageError, WorkbenchError
from workbench.core.ids import short, uuid7
from workbench.core.records import Command, Effect, Principal, Proposal, ProposalState, Risk
from workbench.core.safe_text import one_line
from workbench.review import Queued, Row
from workbench.session.live import LiveOutput
from workbench.session.opening import Parts
from workbench.session.outputs import result_rows, returned
from workbench.session.pulse import Pulse
from workbench.session.snapshots import paths
from workbench.session.transcript import Transcript
from workbench.session.views import (
    Activity,
    CommandEnded,
    DecisionResult,
    QueueChanged,
    SessionEvent,
    Speaker,
)

KEPT_RESULTS = 16
"""Commands whose output can be looked at again in this session."""

_KEPT_ACTIVITIES = (Activity.NO_MODEL, Activity.ERROR, Activity.LOADING)


class CommandRuns:
    """The commands of one session."""

    def __init__(
        self,
        parts: Parts,
        tell: Callable[[SessionEvent], None],
        transcript: Transcript,
        pulse: Pulse,
        busy: Callable[[], bool],
    ) -> None:
        """Join what they need; `busy` says whether a task runs."""
        self._parts = parts
        self._tell = tell
        self._transcript = transcript
        self._pulse = pulse
        self._busy = busy
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._results: OrderedDict[str, tuple[Ran, tuple[Row, ...]]] = OrderedDict()

    @property
    def running(self) -> bool:
        """Whether a command runs."""
        return self._thread is not None and self._thread.is_alive()

    def propose(self, argv: Sequence[str], *, justification: str = "") -> str:
        """Propose a command; return the id under which it waits, or an empty string where it runs already.

        Raises:
            UsageError: It is empty, too long, or granted while something else runs.
            Refused: Policy, or the boundary level, does not let it run; that is on record.
        """
        parts, command = self._parts, Command(tuple(argv))
        proposal = self._proposal(command, justification)
        verdict = parts.broker.commands.propose(command, actor=parts.person, proposal_id=proposal.id)
        shown = one_line(command.text)
        if verdict.effect is Effect.ALLOW:
            self._free()
            self._transcript.add(
                Speaker.PROGRAM, f"{shown} is granted by {verdict.rule.name} ({verdict.rule.source})."
            )
            self._start(lambda hear: self._granted(command, hear), proposal.id, command)
            return ""
        parts.desk.commands.submit(proposal)
        self._transcript.add(
            Speaker.PROGRAM, f"Command {shown} waits for your decision ({short(proposal.id)})."
        )
        self._tell(QueueChanged(proposal.id))
        return proposal.id

    def approve(self, item: Queued, shown_sha256: str, reason: str, acknowledged: int) -> DecisionResult:
        """Record the approval of a command exactly as shown, and start it.

        Raises:
            WorkbenchError: It was refused or could not be recorded; the item waits as before.
        """
        parts, proposal = self._parts, item.proposal
        command = proposal.command
        assert command is not None  # noqa: S101  # the session sends only commands here
        self._free()
        grant = parts.desk.commands.approve(
            item, parts.desk.rendering(item), shown_sha256, reason=reason, acknowledged=acknowledged
        )
        self._start(lambda hear: self._approved(item, grant, hear), proposal.id, command)
        return DecisionResult(proposal.id, ProposalState.APPROVED, f"Running {one_line(command.text)}.")

    def tester(self, argv: Sequence[str], task_id: str, actor: Principal) -> Tester:
        """Return what judges drafts of one task by a command that the person gave to it; that is on record.

        Raises:
            UsageError: It is empty, or too long.
        """
        commands, command = self._parts.broker.commands, Command(tuple(argv))
        try:
            commands.propose(command, actor=self._parts.person)
        except Refused as error:
            self._transcript.add(Speaker.PROGRAM, f"Drafts will not be tested: {error.diagnostics()}")
        grant = Grant("task", task_id, self._parts.person, command.sha256)
        return Tester(self._parts.broker, actor, command, grant, LiveOutput(self._transcript).hear)

    def problem(self, command: Command) -> str:
        """Return why a command could not run now; empty when it could."""
        try:
            self._parts.broker.commands.judge(command)
        except WorkbenchError as error:
            return error.cause
        return ""

    def rows(self, proposal_id: str) -> tuple[Row, ...]:
        """Return what came of a command that ran in this session, as rows; none of another."""
        found = self._results.get(proposal_id)
        return found[1] if found else ()

    def ended_well(self, proposal_id: str) -> bool:
        """Return whether a command ran in this session and ended with exit code 0."""
        found = self._results.get(proposal_id)
        return found is not None and found[0].ok

    def cancel(self) -> bool:
        """Stop the command that runs; return whether there was one."""
        return self._parts.broker.commands.cancel()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no command runs; return whether that is so."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self.running

    # The command's thread

    def _free(self) -> None:
        if self.running:
            raise UsageError("A command runs already.", "Wait for it, or stop it with ctrl+c.")
        if self._busy():
            raise UsageError("A task is running.", "Wait for it, or stop it with ctrl+c.")

    def _start(
        self, run: Callable[[Callable[[bytes], None]], Ran], proposal_id: str, command: Command
    ) -> None:
        with self._lock:
            self._thread = threading.Thread(
                target=self._work, args=(run, proposal_id, command), name="workbench-command", daemon=True
            )
            self._thread.start()

    def _granted(self, command: Command, hear: Callable[[bytes], None]) -> Ran:
        return self._parts.broker.commands.run(command, actor=self._parts.person, on_output=hear)

    def _approved(self, item: Queued, grant: Grant, hear: Callable[[bytes], None]) -> Ran:
        return self._parts.desk.commands.run(item, grant, hear)

    def _work(
        self, run: Callable[[Callable[[bytes], None]], Ran], proposal_id: str, command: Command
    ) -> None:
        before, shown = self._pulse.read(), one_line(command.text)
        self._pulse.turn(Activity.RUNNING)
        self._transcript.add(Speaker.PROGRAM, f"Running {shown} in the copy.")
        output = LiveOutput(self._transcript)
        code = -1
        try:
            ran = run(output.hear)
            output.end()
            code = ran.result.code if ran.ok or ran.result.code else -1
            self._report(ran, proposal_id)
        except WorkbenchError as error:
            output.end()
            self._transcript.add(Speaker.ERROR, error.diagnostics())
        if before.activity in _KEPT_ACTIVITIES:
            self._pulse.turn(before.activity, error=before.error, next_step=before.next_step)
        else:
            self._pulse.turn(Activity.READY)
        self._tell(QueueChanged())
        self._tell(CommandEnded(proposal_id, code))

    def _report(self, ran: Ran, proposal_id: str) -> None:
        parts = self._parts
        back = returned(ran, parts.broker, parts.person, proposal_id)
        self._results[proposal_id] = (ran, tuple(result_rows(ran, back.left_out)))
        if len(self._results) > KEPT_RESULTS:
            self._results.popitem(last=False)
        said = [f"{one_line(ran.command.text)}: {ran.ending}."]
        refused = sum(attempt.count for attempt in ran.result.sockets)
        if refused:
            said.append(f"{refused} attempt(s) to open a socket were refused and recorded.")
        if not ran.changes.files and not back.left_out:
            said.append("It changed no file.")
        said += [f"Not proposed: {line}." for line in back.left_out[:10]]
        if len(back.left_out) > 10:
            said.append(f"And {len(back.left_out) - 10} more, listed on the item.")
        self._transcript.add(Speaker.PROGRAM, "\n".join(said))
        for proposal, contents in back.proposals:
            parts.desk.submit(proposal, contents)
            self._transcript.add(
                Speaker.PROGRAM,
                f"Proposal {short(proposal.id)} for {paths(proposal)}, changed by the command, waits.",
            )
            self._tell(QueueChanged(proposal.id))

    def _proposal(self, command: Command, justification: str) -> Proposal:
        author: Principal = self._parts.person
        return Proposal(
            id=uuid7(),
            task_id=uuid7(),
            created=utc_now(),
            author=author,
            task=f"Run {one_line(command.text)}",
            justification=justification or f"Asked for by {author.name}.",
            changes=(),
            spans=(),
            inferences=(),
            checks=(),
            # What runs always needs the second key.
            risk=Risk.HIGH,
            policy_sha256=self._parts.broker.policy.sha256,
            command=command,
        )
