"""One workbench on one repository: the only object the two faces talk to.

A face calls methods and hears events; it never sees a foundation. Tasks and model loading run on daemon
threads of their own; every method may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.agent import Editor, Nothing
from workbench.boundary import measure
from workbench.context import language_of
from workbench.core.errors import Cancelled, ModelError, ReleaseNeeded, UsageError, WorkbenchError
from workbench.core.ids import short, uuid7
from workbench.core.records import SYSTEM, Effect, Event, Json
from workbench.core.safe_text import decode, one_line, safe_text
from workbench.evidence import Keeper, spool_file
from workbench.model import Engine
from workbench.session import loading
from workbench.session.auditing import Auditing
from workbench.session.commands import CommandRuns
from workbench.session.examples import suggest
from workbench.session.following import Following
from workbench.session.history import audit_row
from workbench.session.indexing import Indexing
from workbench.session.opening import Options, Parts, open_parts
from workbench.session.person import editor_for
from workbench.session.policing import Policing
from workbench.session.pulse import Pulse
from workbench.session.releasing import Releasing
from workbench.session.reviewing import Reviewing
from workbench.session.transcript import Transcript
from workbench.session.views import (
    Activity,
    AuditRow,
    FileView,
    LedgerGrew,
    QueueChanged,
    ReleaseWanted,
    SessionEvent,
    Speaker,
    Status,
    StatusChanged,
    TaskEnded,
    TreeEntry,
    Utterance,
)
from workbench.session.watcher import Watcher

CLOSE_SECONDS = 1.5
"""How long closing waits for a task to notice that it was stopped."""


class Session(Reviewing):
    """See the module; made by `open`, ended by `close`."""

    def __init__(self, parts: Parts, options: Options, engine: Engine | None = None) -> None:
        """Wrap opened parts; `engine` is given by tests that script it, else a registered model is loaded."""
        self._listener: Callable[[SessionEvent], None] = lambda _event: None
        self._transcript = Transcript(self._announce)
        super().__init__(parts, self._announce, self._transcript.add)
        self._options = options
        self._given_engine = engine
        self._pulse = Pulse()
        self._releasing = Releasing(parts, self._tell, self._transcript.add)
        self.indexing = Indexing(parts.state, parts.broker, lambda: self._tell(StatusChanged()))
        """The index of the worktree."""
        self.commands = CommandRuns(parts, self._tell, self._transcript, self._pulse, self.busy)
        """Commands that are proposed, and the one that runs."""
        self._lock = threading.Lock()
        self._task: threading.Thread | None = None
        self._stop = threading.Event()
        self._closed = False
        self._model_name = ""
        self._branch = (parts.git.branch() or "") if parts.git else ""
        self._policing = Policing(parts, self._tell, self._transcript.add, self.expire)
        self._following = Following(parts, self._tell, self._transcript.add)
        parts.broker.on_append = lambda size: self._tell(LedgerGrew(size))
        self._keeper = Keeper(
            parts.ledger,
            spool_file(parts.state) if parts.policy.settings.syslog else None,
            self._tell_problem,
        )
        parts.broker.on_recorded = self._keeper.heard
        self._auditing = Auditing(parts)

    @classmethod
    def open(cls, path: Path, options: Options | None = None, *, engine: Engine | None = None) -> Session:
        """Open a workbench on the repository at `path`.

        Raises:
            WorkbenchError: It cannot be opened; says why and what to do.
        """
        options = options or Options()
        return cls(open_parts(path, options), options, engine)

    @property
    def root(self) -> Path:
        """The root of the worktree."""
        return self._parts.worktree.root

    @property
    def releasing(self) -> Releasing:
        """Releases of files that policy asks about."""
        return self._releasing

    @property
    def notices(self) -> tuple[str, ...]:
        """Facts about this start that a person should know."""
        return tuple(self._parts.notices)

    # Life

    def start(self, listener: Callable[[SessionEvent], None]) -> None:
        """Begin the background work; `listener` is called from any thread."""
        self.listen(listener)
        self._following.begin()
        self._pulse.turn(Activity.LOADING)
        threading.Thread(target=self._load, name="workbench-load", daemon=True).start()

    def begin_index(self) -> None:
        """Bring the index in step with the worktree, in the background."""
        self.indexing.begin()

    def listen(self, listener: Callable[[SessionEvent], None]) -> None:
        """Tell `listener` of everything from now on, from any thread; no model is loaded for that."""
        self._listener = listener

    def close(self) -> None:
        """Stop the task, record the end, close everything. Items that wait go on waiting."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._listener = lambda _event: None
        self._following.close()
        self.cancel()
        task = self._task
        if task is not None:
            task.join(CLOSE_SECONDS)
        self.commands.wait(CLOSE_SECONDS)
        self.indexing.close(CLOSE_SECONDS)
        parts = self._parts
        # Where the ledger is already closed to us, the status bar has said so.
        with suppress(WorkbenchError):
            parts.broker.record(Event("session.end", parts.person))
        engine = parts.broker.engine
        if engine is not None:
            engine.close()
        parts.broker.close()
        self._keeper.close()
        parts.ledger.close()
        parts.reader.close()
        parts.queue.close()
        if not self.busy():
            # A thread that still works must not find another directory under a descriptor it holds.
            parts.let_go()

    def _load(self) -> None:
        # The detector's rules load here, so that no task waits for them on the screen's thread.
        _ = self._parts.broker.examiner
        try:
            engine = self._given_engine or loading.load(
                self._options.model, self._parts.broker, self._name_model, self._pulse.progress, self._stop
            )
        except Cancelled:
            return
        except ModelError as error:
            no_model = isinstance(error, loading.NoModel)
            activity = Activity.NO_MODEL if no_model else Activity.ERROR
            self._pulse.turn(activity, error=error.cause, next_step=error.next_step)
            if not no_model:
                self._transcript.add(Speaker.ERROR, error.diagnostics())
        except WorkbenchError as error:
            self._pulse.turn(Activity.ERROR, error=error.cause, next_step=error.next_step)
        else:
            if self._closed:
                engine.close()
                return
            self._name_model(engine.info.name)
            self._parts.broker.engine = engine
            self._pulse.turn(Activity.READY)
        self._tell(StatusChanged())

    def _name_model(self, name: str) -> None:
        self._model_name = name
        self._tell(StatusChanged())

    def _tell_problem(self, problem: str) -> None:
        self._transcript.add(Speaker.PROGRAM, problem)

    def _announce(self, event: SessionEvent) -> None:
        self._listener(event)

    # Looking

    def status(self) -> Status:
        """Return one reading of everything the status bar shows; looks at the policy files now and then."""
        if not self._closed:
            self._policing.look()
        parts, reading, now = self._parts, self._pulse.read(), time.monotonic()
        engine = parts.broker.engine
        waiting, oldest = parts.queue.waiting() if not self._closed else (0, "")
        broken = parts.ledger.failed()
        activity = Activity.LEDGER_BROKEN if broken else reading.activity
        quiet = now - reading.last_token if activity is Activity.GENERATING else 0.0
        return Status(
            activity=activity,
            model=self._model_name,
            progress=reading.progress(now),
            context_used=reading.context_used,
            context_size=engine.info.context_size if engine else 0,
            tokens_per_second=reading.tokens_per_second,
            seconds=now - reading.since,
            quiet_seconds=quiet,
            level=parts.boundary.level,
            level_short=parts.boundary.short,
            level_words=parts.boundary.words,
            waiting=waiting,
            oldest_waiting=oldest,
            ledger_size=parts.ledger.size,
            ledger_ok=broken is None,
            policy=parts.policy.name,
            branch=self._branch,
            read_only=broken.cause if broken else parts.broker.read_only,
            error=broken.cause if broken else reading.error,
            next_step=broken.next_step if broken else reading.next_step,
            index=self.indexing.reading,
        )

    def tree(self) -> tuple[TreeEntry, ...]:
        """Return the worktree's paths, sorted, with what policy and git say of each."""
        parts = self._parts
        paths = parts.broker.list(actor=parts.person)
        states = parts.git.status() if parts.git else {}
        self._following.follow(paths, states)
        verdicts = parts.policy.read_many(paths)
        return tuple(
            TreeEntry(
                path,
                verdict.effect is Effect.DENY,
                states.get(path, ""),
                verdict.effect is Effect.ASK,
                self._releasing.state_of(path, verdict.effect),
            )
            for path, verdict in zip(paths, verdicts, strict=True)
        )

    def file(self, path: str) -> FileView:
        """Return a file for the viewer; the read is recorded.

        Raises:
            WorkbenchError: Policy or the gate refused, or the file is not text.
        """
        content = self._parts.broker.read(path, actor=self._parts.person, purpose="view")
        safe = safe_text(decode(content.data.replace(b"\r\n", b"\n")))
        language = language_of(path)
        return FileView(
            path=one_line(path),
            text=safe.text,
            language=language.name if language else "",
            lines=len(safe.text.splitlines()),
            hidden=safe.hidden,
        )

    def audit_size(self) -> int:
        """Return how many entries the ledger holds."""
        return self._parts.ledger.size

    def audit(self, start: int, stop: int) -> tuple[AuditRow, ...]:
        """Return the entries `[start, stop)` as lines."""
        return tuple(audit_row(entry) for entry in self._parts.reader.entries(start, stop))

    def audit_opened(self) -> None:
        """Put on record that the person looks through the ledger.

        Raises:
            LedgerUnavailable: It could not be recorded.
        """
        self._auditing.opened()

    def audit_entry(self, index: int) -> tuple[str, ...]:
        """Return one entry of the ledger as lines, with the proof of its place; the look is recorded.

        Raises:
            WorkbenchError: There is none, or it cannot be read or the look not be recorded.
        """
        return self._auditing.entry(index)

    def verify(self) -> str:
        """Verify the whole ledger, record the outcome, and return what was found, line by line."""
        return self._auditing.verify()

    def transcript(self) -> tuple[Utterance, ...]:
        """Return what has been said so far."""
        return self._transcript.all()

    def examples(self) -> tuple[str, ...]:
        """Return up to three tasks that make sense in this repository."""
        return suggest(self._parts.broker, self._parts.person)

    def measure(self) -> str:
        """Measure the boundary again, record it, and return what was found, line by line."""
        found = measure()
        self._parts.boundary = found
        self._parts.broker.commands.level = found.level
        held: dict[str, Json] = {check.name: check.held for check in found.checks}
        told: dict[str, Json] = {"level": found.level, "words": found.words, "held": held}
        self._parts.broker.record(Event("boundary.measured", self._parts.person, fields={"boundary": told}))
        self._tell(StatusChanged())
        lines = [
            f"{'held' if check.held else 'NOT HELD'}  {check.name}  {check.detail}" for check in found.checks
        ]
        return "\n".join([f"Level {found.level}: {found.words}", *lines])

    # Doing

    def busy(self) -> bool:
        """Return whether a task runs."""
        return self._task is not None and self._task.is_alive()

    def foresee(self, task: str) -> str:
        """Return what is found in a task and what happens to it when it is sent; empty for nothing.

        Raises:
            Refused: The task holds what policy blocks, or a placeholder; it would not be sent.
        """
        return self._parts.broker.foresee(task)

    def submit(self, task: str, files: tuple[str, ...] = (), test: Sequence[str] = ()) -> str:
        """Give the agent a task, with placeholders for what it may not see, and return the task's id at once.

        Args:
            task: The person's words.
            files: Files it is about.
            test: A command that the person lets run for this task, in the copy, to judge drafts by.

        Raises:
            UsageError: The task is empty, another one runs, or there is no model yet.
            Refused: The task holds what policy blocks, or a placeholder.
            LedgerUnavailable: The task could not be recorded, and was not begun.
        """
        parts = self._parts
        with self._lock:
            if not task.strip():
                raise UsageError("The task is empty.", "Say what to change, and in which file or symbol.")
            if self.busy() or self.commands.running:
                what = "task is running" if self.busy() else "command runs"
                raise UsageError(f"A {what}.", "Wait for it, or stop it with ctrl+c.")
            if parts.broker.engine is None:
                raise UsageError(*self._why_no_engine())
            task = parts.broker.task(task, actor=parts.person)
            task_id = uuid7()
            named: dict[str, Json] = {"id": task_id, "files": list(files)}
            parts.broker.record(
                Event("task.submitted", parts.person, fields={"task": named}, sealed={"task": task.encode()})
            )
            self._stop.clear()
            self._transcript.add(Speaker.PERSON, task)
            self._pulse.turn(Activity.WORKING)
            self._task = threading.Thread(
                target=self._work, args=(task, task_id, files, test), name="workbench-task", daemon=True
            )
            self._task.start()
        return task_id

    def propose_command(self, argv: Sequence[str]) -> str:
        """Propose a command; return the id under which it waits, or nothing where policy grants it.

        Raises:
            UsageError: It is empty, too long, or something else runs.
            Refused: Policy, or the boundary level, does not let it run; that is on record.
        """
        return self.commands.propose(argv)

    def cancel(self) -> bool:
        """Stop the command that runs and what the model is doing; returns whether anything was running."""
        self._stop.set()
        stopped = self.commands.cancel()
        engine = self._parts.broker.engine
        if not self.busy() or engine is None:
            return stopped
        engine.abort()
        return True

    # The task thread

    def _work(self, task: str, task_id: str, files: tuple[str, ...], test: Sequence[str]) -> None:
        try:
            outcome = self._attempt(task, task_id, files, test)
            self._pulse.turn(Activity.READY)
        except Cancelled as error:
            outcome = "cancelled"
            self._pulse.turn(Activity.READY)
            self._transcript.add(Speaker.PROGRAM, error.cause)
        except WorkbenchError as error:
            outcome = "refused" if error.exit_code == 2 else "failed"
            self._pulse.turn(Activity.ERROR, error=error.cause, next_step=error.next_step)
            self._transcript.add(Speaker.ERROR, error.diagnostics())
            if isinstance(error, ReleaseNeeded):
                self._tell(ReleaseWanted(error.path))
        except Exception as error:  # noqa: BLE001 - whoever waits for the end of the task must hear of it
            outcome = "failed"
            cause = one_line(f"The task ended by a defect: {type(error).__name__}: {error}")
            self._pulse.turn(Activity.ERROR, error=cause, next_step="Send it again; nothing was written.")
            self._transcript.add(Speaker.ERROR, cause)
        ended: dict[str, Json] = {"id": task_id, "outcome": outcome}
        try:
            self._parts.broker.record(Event("task.ended", SYSTEM, fields={"task": ended}))
        except WorkbenchError as error:
            self._pulse.turn(Activity.ERROR, error=error.cause, next_step=error.next_step)
        self._tell(StatusChanged())
        self._tell(TaskEnded(task_id, outcome))

    def _attempt(self, task: str, task_id: str, files: tuple[str, ...], test: Sequence[str]) -> str:
        parts = self._parts
        watcher = Watcher(self._transcript, self._pulse)
        actor = editor_for(parts.person)
        editor = Editor(
            parts.broker,
            actor,
            watcher,
            self._stop.is_set,
            parts.desk.feedback,
            self.indexing.find,
            self.commands.tester(test, task_id, actor) if test else None,
        )
        made = editor.work(task, task_id, files)
        if isinstance(made, Nothing):
            self._transcript.add(Speaker.PROGRAM, made.reason)
            return "nothing"
        parts.desk.submit(made.proposal, (made.before, made.after))
        path = one_line(made.proposal.changes[0].path)
        self._transcript.add(
            Speaker.PROGRAM, f"Proposal {short(made.proposal.id)} for {path} waits for your decision."
        )
        self._tell(QueueChanged(made.proposal.id))
        return "queued"

    def _why_no_engine(self) -> tuple[str, str]:
        reading = self._pulse.read()
        if reading.activity is Activity.LOADING:
            return (
                "The model is still loading.",
                "The task stays in the prompt; send it when the bar is gone.",
            )
        return reading.error or "No model is loaded.", reading.next_step or loading.ADD_ONE
