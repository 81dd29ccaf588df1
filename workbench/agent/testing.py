"""Tests a draft: runs the command that a person gave to the task in the copy, with the draft over it.

The copy is brought to the worktree's present state first, so that two drafts are judged alike, whatever the
run before left behind. What the command itself changes there is of no interest here.
"""

from __future__ import annotations

from collections.abc import Callable

from workbench.broker import Broker, Draft, Grant, Ran
from workbench.core.errors import WorkbenchError
from workbench.core.records import CheckResult, CheckVerdict, Command, Principal
from workbench.core.safe_text import decode, one_line

NAME = "tests"
"""The check that it answers, one of the sixteen of `workbench.checks`."""
MAX_EVIDENCE_CHARS = 200


class Tester:
    """Judges drafts of one task by one command."""

    def __init__(
        self,
        broker: Broker,
        actor: Principal,
        command: Command,
        grant: Grant,
        on_output: Callable[[bytes], None] | None = None,
    ) -> None:
        """Take the words, and the person's decision that they may run for this task.

        Args:
            broker: Runs the command.
            actor: The role whose drafts are judged.
            command: The words.
            grant: For exactly these words.
            on_output: Told each piece of output as it comes.
        """
        self._broker = broker
        self._actor = actor
        self.command = command
        self._grant = grant
        self._on_output = on_output

    def run(self, draft: Draft) -> Ran:
        """Run the command with `draft` over the copy.

        Raises:
            WorkbenchError: It could not be run; that is on record.
        """
        return self._broker.commands.run(
            self.command,
            actor=self._actor,
            grant=self._grant,
            draft=draft,
            on_output=self._on_output,
        )

    def run_quietly(self, draft: Draft, cpu_seconds: int) -> Ran:
        """Run the command as one of many, each of its processes within `cpu_seconds`; nobody reads along.

        Raises:
            WorkbenchError: It could not be run; that is on record.
        """
        return self._broker.commands.run(
            self.command, actor=self._actor, grant=self._grant, draft=draft, cpu_seconds=cpu_seconds
        )

    def check(self, draft: Draft) -> CheckResult:
        """Return how the command judges `draft`, as a check to stand on its proposal.

        Failing only informs, since the tests may have failed before, unless policy requires them to pass.
        """
        try:
            ran = self.run(draft)
        except WorkbenchError as error:
            return CheckResult(NAME, CheckVerdict.SKIPPED, f"not tested: {error.cause}")
        return self.judged(ran)

    def judged(self, ran: Ran) -> CheckResult:
        """Return the check that says how a run went."""
        shown = one_line(self.command.text)
        milliseconds = round(ran.result.seconds * 1000)
        if ran.result.reason or ran.result.stopped:
            told = f"not tested: {shown}: {ran.ending}"
            return CheckResult(NAME, CheckVerdict.SKIPPED, told, milliseconds)
        told = f"{shown}: {ran.ending}; {_last_line(ran)}".removesuffix("; ")
        if ran.ok:
            return CheckResult(NAME, CheckVerdict.PASS, told, milliseconds)
        required = NAME in self._broker.policy.settings.required_checks
        verdict = CheckVerdict.FAIL if required else CheckVerdict.WARN
        return CheckResult(NAME, verdict, f"failed: {told}", milliseconds)


def _last_line(ran: Ran) -> str:
    lines = decode(ran.seen).split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return one_line(last)[:MAX_EVIDENCE_CHARS]
