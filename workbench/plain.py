"""The session as plain lines: for screen readers, pipes and scripts. No colour, no boxes, no cursor movement.

A line is a task, or a command that begins with a slash. Decisions take the item's id, so a stray line
cannot decide anything; the end of input decides nothing either.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from typing import TextIO

from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.ids import short
from workbench.core.safe_text import one_line, safe_text
from workbench.session import Session
from workbench.session.views import (
    Activity,
    Choice,
    DecisionResult,
    ReleaseWanted,
    RowKind,
    SessionEvent,
    Shown,
    Speaker,
    StatusChanged,
    TaskEnded,
    UtteranceGrew,
    Uttered,
)

HELP = """A line is a task for the agent; name a file or a symbol in it. Commands:
/queue              proposals, what waits first
/show ID            one proposal as a diff, with its checks
/acknowledge ID     say that you have seen what is hidden in a proposal; approving it needs that first
/approve ID [WHY]   approve exactly what /show shows
/hunks ID 1,3 [WHY] approve only these hunks, and say why not the others
/reject ID WHY      reject, with the reason
/undo               take back your last decision, if it was a rejection
/rollback ID WHY    propose to take an applied approval back
/release SCOPE PATH [-- WHY]   let the agent read a file that policy asks about; SCOPE is once, session, or a
                    time such as 8h or 3d; for a glob, /release SCOPE --glob GLOB
/releases           what is released
/revoke ID          end a release
/run WORD...        propose a command; it runs in a copy once it is approved
/audit [N]          the newest entries of the ledger
/status             model, boundary, ledger
/send               send the task that was held back because of what was found in it
/stop               stop the model, or the command that runs
/quit               leave; what waits goes on waiting"""

_SIGNS = {
    RowKind.CONTEXT: " ",
    RowKind.DELETE: "-",
    RowKind.INSERT: "+",
    RowKind.NOTE: "\\",
    RowKind.WORD: " ",
    RowKind.OUTPUT: "|",
}


def diff_lines(shown: Shown) -> list[str]:
    """Return a proposal as lines: what it is, its checks, its diff."""
    size = f" +{shown.added} -{shown.removed}" if shown.files else ""
    lines = [
        f"Proposal {short(shown.proposal_id)}: {shown.path}" + size,
        f"State: {shown.state}. Risk: {shown.risk}. Rule: {shown.rule}.",
        f"Task: {shown.task}",
        f"Why: {shown.justification}",
    ]
    lines += [f"What it does: {line}." for line in shown.structure]
    lines += [f"Check {check.name}: {check.verdict}. {check.evidence}" for check in shown.checks]
    if shown.signatures:
        lines.append(f"Signed: {shown.signatures}.")
    if shown.tainted:
        lines.append(f"Warning: tainted. What the model read {shown.tainted}.")
    if shown.hidden:
        lines.append(
            f"Warning: {shown.hidden} hidden or look-alike characters: {', '.join(shown.hidden_names)}."
        )
    if shown.can_approve:
        lines.append(f"Cannot be approved: {shown.can_approve}.")
    for row in shown.rows:
        if row.kind is RowKind.HUNK:
            lines.append(f"Hunk {row.hunk} of {shown.hunks}: {row.text.removeprefix('@@ ')}")
        elif row.kind is RowKind.FILE:
            lines.append(f"File {row.file + 1} of {len(shown.files)}: {row.text}")
        else:
            number = row.new if row.new is not None else row.old
            lines.append(f"{number or '':>5} {_SIGNS[row.kind]} {row.text}")
    return lines


def run(session: Session, source: TextIO, sink: TextIO) -> int:
    """Read lines until the end of input or `/quit`."""
    face = _Plain(session, sink)
    session.start(face.hear)
    face.say(f"Workbench on {session.root}. /help lists the commands.")
    for notice in session.notices:
        face.say(notice)
    face.wait_for_model()
    for line in source:
        if not face.handle(line.strip()):
            break
    return 0


class _Plain:
    def __init__(self, session: Session, sink: TextIO) -> None:
        self._session = session
        self._sink = sink
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._ended = False
        self._held = ""
        self._at_line_start = True
        self._acknowledged: dict[str, int] = {}
        """How many hidden characters were acknowledged, by the digest of what was shown."""
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "help": lambda _words: self.say(HELP),
            "queue": self._queue,
            "show": lambda words: self.say("\n".join(diff_lines(self._session.shown(_first(words))))),
            "acknowledge": self._acknowledge,
            "approve": self._approve,
            "hunks": self._hunks,
            "reject": self._reject,
            "undo": lambda _words: self._discard(self._session.take_back()),
            "rollback": lambda words: self._discard(
                self._session.roll_back(_first(words), " ".join(words[1:]))
            ),
            "release": self._release,
            "releases": self._releases,
            "revoke": self._revoke,
            "run": self._run,
            "audit": self._audit,
            "status": self._status,
            "send": lambda _words: self._send(self._held),
            "stop": lambda _words: self.say("Stopped." if self._session.cancel() else "Nothing is running."),
        }

    def say(self, text: str) -> None:
        self._write(("" if self._at_line_start else "\n") + text + "\n")

    def hear(self, event: SessionEvent) -> None:
        if isinstance(event, Uttered) and event.utterance.speaker is not Speaker.PERSON:
            start = "" if self._at_line_start else "\n"
            self._write(f"{start}{event.utterance.speaker}: {event.utterance.text}")
        elif isinstance(event, UtteranceGrew):
            self._write(event.text)
        elif isinstance(event, ReleaseWanted):
            self.say(f"/release once {one_line(event.path)} lets the agent read it once; /help has more.")
        elif isinstance(event, StatusChanged | TaskEnded):
            with self._changed:
                self._ended = self._ended or isinstance(event, TaskEnded)
                self._changed.notify_all()

    def wait_for_model(self) -> None:
        with self._changed:
            while (status := self._session.status()).activity is Activity.LOADING:
                self._changed.wait(timeout=1.0)
        self.say(f"{status.error} {status.next_step}" if status.error else f"Model: {status.model}.")

    def handle(self, line: str) -> bool:
        """Do what a line asks, and return whether to go on."""
        if not line:
            return True
        if line == "/quit":
            return False
        try:
            name, *words = _words(line)
            if not line.startswith("/"):
                self._task(line)
            elif name in self._commands:
                self._commands[name](words)
            else:
                self.say(f"Unknown command /{name}. /help lists them.")
        except WorkbenchError as error:
            self.say(error.diagnostics())
        return True

    def _task(self, task: str) -> None:
        found = self._session.foresee(task)
        if found:
            self._held = task
            self.say(f"{found} Nothing was sent: /send sends it so.")
        else:
            self._send(task)

    def _send(self, task: str) -> None:
        self._held = ""
        self._ended = False
        self._session.submit(task)
        while not self._ended:
            try:
                with self._changed:
                    self._changed.wait_for(lambda: self._ended)
            except KeyboardInterrupt:
                # The first ctrl+c stops the model; what it said so far stays, nothing is proposed.
                self._session.cancel()
        self.say("")

    def _queue(self, _words: list[str]) -> None:
        items = self._session.queue()
        lines = [
            f"{short(i.id)} {i.state}, risk {i.risk}: {i.kind} {i.path}"
            + ("." if i.kind == "run" else f" +{i.added} -{i.removed}. {i.task}")
            for i in items
        ]
        self.say("\n".join(lines) or "No proposals.")

    def _approve(self, words: list[str], hunks: tuple[int, ...] = ()) -> None:
        shown = self._session.shown(_first(words))
        if shown.can_approve:
            self.say(f"Cannot be approved: {shown.can_approve}.")
            return
        why = " ".join(words[1:])
        self._session.approve(
            shown.proposal_id,
            shown.shown_sha256,
            Choice(hunks, reasons=dict.fromkeys(range(1, shown.hunks + 1), why)),
            reason=why,
            acknowledged=self._acknowledged.get(shown.shown_sha256, 0),
        )
        self._follow()

    def _run(self, words: list[str]) -> None:
        waiting = self._session.commands.propose(words)
        if waiting:
            self.say("\n".join(diff_lines(self._session.shown(waiting))))
        self._follow()

    def _follow(self) -> None:
        """Wait for the command that runs, if one does; its output comes through `hear`."""
        while self._session.commands.running:
            try:
                self._session.commands.wait()
            except KeyboardInterrupt:
                self._session.cancel()

    def _hunks(self, words: list[str]) -> None:
        numbers = words[1].split(",") if len(words) > 1 else []
        if not numbers or not all(number.isdecimal() for number in numbers):
            raise UsageError("Name the hunks to approve.", "As in `/hunks ID 1,3 the second is not needed`.")
        self._approve([words[0], *words[2:]], tuple(map(int, numbers)))

    def _discard(self, _result: DecisionResult) -> None:
        """What became of it is said in the transcript, which is heard."""

    def _acknowledge(self, words: list[str]) -> None:
        shown = self._session.shown(_first(words))
        if not shown.hidden:
            self.say("Nothing is hidden in it.")
            return
        self._acknowledged[shown.shown_sha256] = shown.hidden
        self.say(f"Acknowledged {shown.hidden}: {', '.join(shown.hidden_names)}. /approve approves it.")

    def _reject(self, words: list[str]) -> None:
        shown = self._session.shown(_first(words))
        self._session.reject(shown.proposal_id, reason=" ".join(words[1:]))

    def _release(self, words: list[str]) -> None:
        scope, *rest = words or [""]
        what, _, why = " ".join(rest).partition(" -- ")
        if not what:
            raise UsageError("Name a scope and a file.", "As in `/release once data/orders.csv`.")
        glob = what.startswith("--glob ")
        self._session.releasing.give(
            what.removeprefix("--glob ").strip(),
            scope=scope if scope in ("once", "session") else "until",
            exact=not glob,
            until="" if scope in ("once", "session") else scope,
            reason=why,
        )

    def _releases(self, _words: list[str]) -> None:
        lines = [f"{short(r.id)} {r.pattern}: {r.holds}, by {r.by}" for r in self._session.releasing.all()]
        self.say("\n".join(lines) or "Nothing is released.")

    def _revoke(self, words: list[str]) -> None:
        self._session.releasing.revoke(_first(words))

    def _audit(self, words: list[str]) -> None:
        count = int(words[0]) if words and words[0].isdigit() else 20
        size = self._session.audit_size()
        rows = self._session.audit(max(0, size - count), size)
        self.say(
            "\n".join(f"{r.index} {r.time} {r.type} {r.actor} {r.result} {r.subject}".rstrip() for r in rows)
        )

    def _status(self, _words: list[str]) -> None:
        status = self._session.status()
        self.say(
            f"{status.activity}. Model: {status.model or 'none'}. Waiting: {status.waiting}. "
            f"Boundary level {status.level}: {status.level_words}. Ledger: {status.ledger_size} entries. "
            f"Policy: {status.policy}. {status.error} {status.next_step}".rstrip()
        )

    def _write(self, text: str) -> None:
        # The choke point: what the session hands out is safe already, a line that was typed need not be.
        text = safe_text(text).text
        with self._writing:
            self._sink.write(text)
            self._sink.flush()
            self._at_line_start = text.endswith("\n")


def _words(line: str) -> list[str]:
    """Return the words of a line; those of `/run` as a shell would split them, though none is used.

    Raises:
        UsageError: A quotation is not closed.
    """
    if not line.startswith("/run "):
        return line.removeprefix("/").split()
    try:
        return ["run", *shlex.split(line.removeprefix("/run "))]
    except ValueError as error:
        raise UsageError(f"The command cannot be split into words: {error}.", "Close the quotes.") from error


def _first(words: list[str]) -> str:
    return words[0] if words else ""
