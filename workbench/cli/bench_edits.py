"""Measures how often a model's edit is right: faulty definitions with tests, mended as by `ask`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from workbench.bench.edit_tasks import EditTask, chosen_of, tasks_in
from workbench.bench.edits import Outcome, Summary, measure, summary
from workbench.bench.judging import Judge
from workbench.bench.mutated import tasks_of
from workbench.boundary import command_runner
from workbench.cli import environments
from workbench.core.errors import BoundaryError, Refused, UsageError
from workbench.core.records import Effect
from workbench.core.safe_text import one_line
from workbench.model import Engine, RegisteredModel, Registry, load
from workbench.policy import load as load_policy

FOLDER = "edits"
_COLUMNS = "{:<34} {:<8} {:<7} {:<8} {:>5} {:>7} {:>7} {:>7}"


def run(options: Namespace, base: Path) -> int:
    """Measure, and print a row a task and the summary; `base` is where scratch files may lie."""
    only = [name for name in (options.only or "").split(",") if name]
    if bool(options.mutants) != bool(options.tests):
        raise UsageError("--mutants and --tests go together.", "As in --mutants src/app --tests tests.")
    directory = Path(options.directory)
    if not directory.is_dir():
        raise UsageError(f"{one_line(str(directory))} is no directory.", "Name one that holds tasks.")
    tell = _teller(quiet=options.json)
    _sweep(base)
    # Made before the seal, by `workbench.cli.reach`, with the place where commands run in it.
    scratch = base / f"{FOLDER}-{os.getpid()}"
    try:
        judge = _judge(directory)
        tasks = _tasks(options, directory, only, judge, tell)
        record = Registry().checked(options.model or None)
        engine = _load(record, tell)
        try:
            return _measure(tasks, engine, judge, scratch / "tasks", options, record)
        finally:
            engine.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tasks(
    options: Namespace, directory: Path, only: Sequence[str], judge: Judge, tell: Callable[[str], None]
) -> list[EditTask]:
    if not options.mutants:
        return tasks_in(directory, only)
    made = tasks_of(
        directory, options.mutants, options.tests, judge, count=options.count, seed=options.seed, tell=tell
    )
    chosen = chosen_of([task.name for task in made], only)
    return [task for task in made if task.name in chosen]


def _measure(
    tasks: Sequence[EditTask],
    engine: Engine,
    judge: Judge,
    scratch: Path,
    options: Namespace,
    record: RegisteredModel,
) -> int:
    found: list[Outcome] = []
    if not options.json:
        print(_COLUMNS.format("task", "fault", "passed", "method", "runs", "cpu s", "wall s", "tokens"))
    for outcome in measure(tasks, engine, judge, scratch, options.budget_s):
        found.append(outcome)
        print(json.dumps(asdict(outcome)) if options.json else _row(outcome), flush=True)
    told = summary(found)
    busy = round(os.getloadavg()[0] / (os.cpu_count() or 1), 1)
    if options.json:
        settings = {
            "model": record.name,
            "model_sha256": record.sha256,
            "library": engine.info.library,
            "budget_s": options.budget_s,
            "seed": options.seed if options.mutants else None,
            "load_per_cpu": busy,
        }
        print(json.dumps({"summary": asdict(told) | settings}))
    else:
        print(_words(told, options.budget_s))
        print(f"Model {record.name}, {engine.info.library}; load for each processor {busy}.")
    return 0


def _row(outcome: Outcome) -> str:
    row = _COLUMNS.format(
        one_line(outcome.task)[:34],
        outcome.kind or "-",
        "yes" if outcome.passed else "no",
        outcome.method or "-",
        outcome.runs,
        f"{outcome.cpu_seconds:.1f}",
        f"{outcome.seconds:.1f}",
        outcome.tokens_out,
    )
    return row if outcome.passed else f"{row}  {outcome.outcome}: {outcome.why[:100]}"


def _words(told: Summary, budget: int) -> str:
    kinds = ", ".join(f"{kind} {passed}/{of}" for kind, (passed, of) in told.kinds.items())
    return (
        f"{told.passed} of {told.tasks} passed"
        + (f" ({kinds})" if kinds else "")
        + f": {told.search} by search, {told.rewrite} by rewriting; {told.noop} changed nothing, "
        f"{told.over_budget} over the budget of {budget} processor seconds.\n"
        f"Mean of a task: {told.cpu_seconds_mean} processor seconds, {told.seconds_mean} s, "
        f"{told.runs_mean} test runs, {told.tokens_out_mean} tokens."
    )


def _judge(directory: Path) -> Judge:
    """Return what runs the tests.

    Raises:
        BoundaryError: Commands cannot be confined here, so none is run.
    """
    runner = command_runner()
    if runner is None:
        raise BoundaryError(
            "No command can be confined here, so no test can be run.",
            "`workbench doctor` shows what does not hold.",
        )
    return Judge(runner, _python(directory))


def _python(directory: Path) -> str:
    """Return the interpreter that runs the tests: the directory's own environment, or the program's."""
    root = Path(os.path.realpath(directory))
    for tool in environments.tools(root):
        python = Path(tool, "bin/python")
        if Path(tool).is_relative_to(root) and python.exists():
            return str(python)
    return sys.executable


def _load(record: RegisteredModel, tell: Callable[[str], None]) -> Engine:
    """Load a model once, for every task.

    Raises:
        Refused: Policy does not allow it.
        ModelError: It does not load.
    """
    verdict = load_policy(None).model(record.sha256)
    if verdict.effect is not Effect.ALLOW:
        raise Refused(
            f"Policy does not allow the model {record.name}: {verdict.rule.name} ({verdict.rule.source}).",
            "`workbench model list` shows the models.",
        )
    tell(f"Loading {record.name} …")
    return load(record)


def _teller(*, quiet: bool) -> Callable[[str], None]:
    return lambda line: None if quiet else print(f"… {one_line(line)}", file=sys.stderr)


def _sweep(base: Path) -> None:
    """Remove what killed runs left."""
    with suppress(OSError):
        for left in base.glob(f"{FOLDER}-*"):
            if not Path(f"/proc/{left.name.removeprefix(f'{FOLDER}-')}").exists():
                shutil.rmtree(left, ignore_errors=True)
