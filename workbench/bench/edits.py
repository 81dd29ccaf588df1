"""Measures edits: gives the product one faulty definition after the other, and lets the tests judge.

The rules, the same for every task:

1. A scratch repository of its own, with one commit and a state directory of its own.
2. The task is what a person gives by `workbench ask "Fix NAME in PATH: its tests fail." --test "…"`, and it
   goes the same way: one session, its checks, its queue. Only the model is kept from task to task.
3. It may take `budget` processor seconds, children included. Past that it is cancelled, and has failed.
4. What is proposed is approved as it is shown, and written.
5. The tests are then run apart from the session, on a fresh copy, all of them. Only that says `passed`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.bench.edit_tasks import EditTask
from workbench.bench.judging import Judge
from workbench.bench.lent import Lent
from workbench.bench.processor import processor_seconds
from workbench.boundary import programs
from workbench.core.errors import WorkbenchError
from workbench.core.records import ProposalState
from workbench.core.safe_text import one_line
from workbench.model import Engine
from workbench.repo import git_environment
from workbench.session import Options, Session
from workbench.session.views import Activity, SessionEvent, Speaker, StatusChanged, TaskEnded

WALL_FACTOR = 20
"""A task that waits instead of working is cancelled after this many times its processor budget."""
LOOK_SECONDS = 0.2
"""Between two looks at the processor time."""
LOAD_SECONDS = 60.0
UNCHANGED = "changes nothing"
"""How the editor says that an answer left the code as it was (`workbench.agent.editor`)."""
REWRITES = "Rewrites "
"""How the justification of a proposal begins that the model wrote (`workbench.agent.editor`)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task."""

    task: str
    kind: str
    passed: bool
    applied: bool
    """A proposal was made, approved and written."""
    noop: bool
    """Nothing was proposed, because the last answer left the code as it was."""
    method: str
    """`search` or `rewrite`; empty where nothing was proposed."""
    runs: int
    """Test runs on drafts."""
    seconds: float
    """From the task to its end, without opening the session and without judging."""
    cpu_seconds: float
    """Processor time in it, of all processes."""
    tokens_out: int
    outcome: str
    """How the task ended: `queued`, `nothing`, `refused`, `failed`, or `budget` where it was cancelled."""
    why: str
    """What was said where nothing passed, in one line; safe to show."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the outcomes of a run come to."""

    tasks: int
    passed: int
    search: int
    """Of those that passed, by `method`."""
    rewrite: int
    noop: int
    over_budget: int
    seconds_mean: float
    cpu_seconds_mean: float
    runs_mean: float
    tokens_out_mean: float
    kinds: dict[str, tuple[int, int]]
    """For each kind of fault: passed, and all."""


def measure(
    tasks: Sequence[EditTask], engine: Engine, judge: Judge, scratch: Path, budget: float
) -> Iterator[Outcome]:
    """Yield the outcome of each task, when it has ended.

    Args:
        tasks: What is to be mended.
        engine: The model; it stays loaded.
        judge: Runs the tests, here and by the same words in the session.
        scratch: A directory outside every repository, for the repositories and their state.
        budget: Processor seconds a task.

    Raises:
        WorkbenchError: A session cannot be opened here at all, or git is missing.
    """
    for number, task in enumerate(tasks, start=1):
        place = scratch / f"{number}"
        try:
            yield _attempt(task, engine, judge, place, budget)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """Return what the outcomes come to."""
    passed = [each for each in outcomes if each.passed]
    kinds = sorted({each.kind for each in outcomes if each.kind})
    return Summary(
        tasks=len(outcomes),
        passed=len(passed),
        search=sum(each.method == "search" for each in passed),
        rewrite=sum(each.method == "rewrite" for each in passed),
        noop=sum(each.noop for each in outcomes),
        over_budget=sum(each.outcome == "budget" for each in outcomes),
        seconds_mean=_mean([each.seconds for each in outcomes]),
        cpu_seconds_mean=_mean([each.cpu_seconds for each in outcomes]),
        runs_mean=_mean([each.runs for each in outcomes]),
        tokens_out_mean=_mean([each.tokens_out for each in outcomes]),
        kinds={
            kind: (sum(each.kind == kind for each in passed), sum(each.kind == kind for each in outcomes))
            for kind in kinds
        },
    )


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 2) if values else 0.0


@dataclass(slots=True)
class _Spent:
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    over: bool = False


def _attempt(task: EditTask, engine: Engine, judge: Judge, place: Path, budget: float) -> Outcome:
    root = place / "repository"
    root.mkdir(parents=True, mode=0o700)
    task.lay_out(root)
    _commit(root, place)
    lent = Lent(engine)
    with _state(place / "state"), _opened(root, lent) as driven:
        spent = driven.run(task, judge.argv(task.tests), budget)
        method, applied = driven.approve() if not spent.over else ("", False)
        outcome, runs, why = driven.outcome, driven.runs(), driven.said
    passed = False
    if applied:
        verdict = judge.run(lambda copy: _copy(root, copy), task.judge)
        passed, why = verdict.passed, f"written, and the tests say: {verdict.last}"
    return Outcome(
        task=task.name,
        kind=task.kind,
        passed=passed,
        applied=applied,
        noop=not method and UNCHANGED in why,
        method=method,
        runs=runs,
        seconds=round(spent.seconds, 2),
        cpu_seconds=round(spent.cpu_seconds, 2),
        tokens_out=lent.tokens_out,
        outcome="budget" if spent.over else outcome,
        why="" if passed else why,
    )


class _Driven:
    """One session, from the model's loading to the decision."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._refused = ""
        self._changed = threading.Condition()
        self.outcome = ""
        session.start(self._hear)
        with self._changed:
            self._changed.wait_for(
                lambda: session.status().activity is not Activity.LOADING, timeout=LOAD_SECONDS
            )

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, StatusChanged | TaskEnded):
            with self._changed:
                if isinstance(event, TaskEnded):
                    self.outcome = event.outcome
                self._changed.notify_all()

    def run(self, task: EditTask, test: Sequence[str], budget: float) -> _Spent:
        """Have the task done, within its budget."""
        began, before, spent = time.perf_counter(), processor_seconds(), _Spent()
        try:
            self._session.submit(task.words, (task.path,), test)
        except WorkbenchError as error:
            self.outcome = "refused" if error.exit_code == 2 else "failed"
            self._refused = error.cause
            return spent
        while not self.outcome:
            with self._changed:
                self._changed.wait_for(lambda: bool(self.outcome), timeout=LOOK_SECONDS)
            spent.seconds = time.perf_counter() - began
            spent.cpu_seconds = processor_seconds() - before
            if not spent.over and (spent.cpu_seconds > budget or spent.seconds > budget * WALL_FACTOR):
                spent.over = True
                self._session.cancel()
        return spent

    def approve(self) -> tuple[str, bool]:
        """Approve what was proposed as it is shown; return how it was made, and whether it is written."""
        waiting = self._session.queue()
        if not waiting:
            return "", False
        shown = self._session.shown(waiting[0].id)
        method = "rewrite" if shown.justification.startswith(REWRITES) else "search"
        if shown.can_approve:
            self._refused = shown.can_approve
            return method, False
        try:
            done = self._session.approve(
                shown.proposal_id,
                shown.shown_sha256,
                reason="workbench bench edits",
                acknowledged=shown.hidden,
            )
        except WorkbenchError as error:
            self._refused = error.cause
            return method, False
        return method, done.state is ProposalState.APPLIED

    def runs(self) -> int:
        """Return how many test runs there were, without the first, which is on what is there."""
        rows = self._session.audit(0, self._session.audit_size())
        return max(0, sum(row.type == "command.outcome" for row in rows) - 1)

    @property
    def said(self) -> str:
        """Why nothing was written, or the last that the program said."""
        heard = [
            each.text
            for each in self._session.transcript()
            if each.speaker in (Speaker.PROGRAM, Speaker.ERROR)
        ]
        return one_line(self._refused or (heard[-1] if heard else ""))


@contextmanager
def _opened(root: Path, engine: Engine) -> Iterator[_Driven]:
    session = Session.open(root, Options(), engine=engine)
    try:
        yield _Driven(session)
    finally:
        session.close()


@contextmanager
def _state(directory: Path) -> Iterator[None]:
    """Keep ledgers, queues and heads in `directory` meanwhile."""
    before = os.environ.get("WORKBENCH_STATE")
    os.environ["WORKBENCH_STATE"] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ["WORKBENCH_STATE"]
        else:
            os.environ["WORKBENCH_STATE"] = before


def _copy(root: Path, copy: Path) -> None:
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)


def _commit(root: Path, home: Path) -> None:
    """Make `root` a repository with one commit, by somebody of its own.

    Raises:
        WorkbenchError: git is missing or failed.
    """
    git = programs.find("git")
    if not git:
        raise WorkbenchError("git is not installed, so no scratch repository can be made.", "Install git.")
    environment = git_environment.environment((), path=os.defpath, extra={"HOME": str(home)})
    for words in (
        ("init", "-q", "-b", "main", "--template="),
        ("config", "user.name", "Bench"),
        ("config", "user.email", "bench@workbench.invalid"),
        ("add", "-A", "-f"),
        ("commit", "-qm", "Begin"),
    ):
        done = subprocess.run([git, *words], cwd=root, env=environment, capture_output=True, check=False)
        if done.returncode:
            said = one_line(done.stderr.decode("utf-8", "replace"))
            raise WorkbenchError(f"git {words[0]} failed in a scratch repository: {said}")
