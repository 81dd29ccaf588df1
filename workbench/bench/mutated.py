"""Chooses mutants that the tests of a package notice, as tasks of an edit bench."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from workbench.bench.edit_tasks import EditTask, Files, lay_out, project_files
from workbench.bench.judging import FAILED, Judge
from workbench.bench.mutants import Mutant, mutants
from workbench.core.errors import UsageError
from workbench.core.safe_text import one_line

RUN_SECONDS = 120.0
"""What a whole run of a package's tests may take: each mutant needs one."""
LEAST_SECONDS = 10.0
SLOWER = 5
"""A mutant whose tests run this many times as long is passed over: it loops."""
TRIES = 12
"""Mutants tried for each that is wanted."""
MAX_TEST_FILES = 3
"""Failing test files that a task is given."""


def tasks_of(
    directory: Path,
    package: str,
    tests: str,
    judge: Judge,
    *,
    count: int,
    seed: int,
    tell: Callable[[str], None],
) -> list[EditTask]:
    """Return tasks to mend mutants of a package, each seen to make its tests fail.

    Args:
        directory: The project; nothing in it is changed.
        package: A file or folder of Python in it.
        tests: A file or folder of tests in it.
        judge: Runs them.
        count: How many tasks; fewer where the tests do not notice enough.
        seed: The same seed gives the same tasks.
        tell: Told what is going on.

    Raises:
        UsageError: There is no such package, its tests do not pass as it is, or notice no mutant.
    """
    package, tests = _inside(directory, package, "--mutants"), _inside(directory, tests, "--tests")
    files = project_files(directory)
    sources = _sources(files, package, tests)
    if not sources:
        raise UsageError(
            f"--mutants {one_line(package)} holds no Python file.", "Name a package or a module."
        )
    tell(f"Running the tests of {one_line(package)} as it is …")
    before = judge.run(partial(lay_out, files=files, changed={}), [tests], seconds=RUN_SECONDS)
    if not before.passed:
        raise UsageError(
            f"The tests do not pass on {one_line(package)} as it is: {before.last}",
            "A mutant can only be judged by tests that pass without it.",
        )
    found: list[EditTask] = []
    tried = 0
    for mutant in mutants(sources, seed):
        if len(found) == count or tried == count * TRIES:
            break
        tried += 1
        changed = {mutant.path: mutant.after}
        verdict = judge.run(
            partial(lay_out, files=files, changed=changed),
            [tests],
            seconds=max(LEAST_SECONDS, before.seconds * SLOWER),
        )
        if verdict.code == FAILED:
            found.append(_task(mutant, len(found) + 1, files, tests, verdict.failing))
            tell(f"{len(found)} of {count}: {found[-1].name}: {mutant.what}")
    if not found:
        raise UsageError(
            f"The tests notice none of {tried} mutants of {one_line(package)}.", "Choose another package."
        )
    return found


def _inside(directory: Path, name: str, option: str) -> str:
    """Return the normal form of a path that must lie in `directory`.

    Raises:
        UsageError: It does not, or is not there.
    """
    inner = os.path.relpath(os.path.join(os.path.realpath(directory), name), os.path.realpath(directory))
    if inner.startswith("..") or not (directory / inner).exists():
        raise UsageError(
            f"{option} {one_line(name)}: there is no such file or folder in {one_line(str(directory))}.",
            "Name it as it stands there, such as src/app.",
        )
    return inner


def _sources(files: Files, package: str, tests: str) -> dict[str, bytes]:
    return {
        name: path.read_bytes()
        for name, path in files
        if name.endswith(".py") and _beneath(name, package) and not _is_test(name, tests)
    }


def _is_test(name: str, tests: str) -> bool:
    path = PurePosixPath(name)
    return (
        path.name == "conftest.py"
        or path.name.startswith("test_")
        or (tests != "." and _beneath(name, tests))
    )


def _beneath(name: str, folder: str) -> bool:
    return folder == "." or PurePosixPath(name).is_relative_to(folder)


def _task(mutant: Mutant, number: int, files: Files, tests: str, failing: tuple[str, ...]) -> EditTask:
    known = {name for name, _ in files}
    given = tuple(name for name in failing if name in known)[:MAX_TEST_FILES]
    return EditTask(
        name=f"{number}-{mutant.kind}-{mutant.symbol}",
        symbol=mutant.symbol,
        path=mutant.path,
        tests=given or (tests,),
        judge=(tests,),
        files=files,
        faulty=mutant.after,
        kind=mutant.kind,
        what=mutant.what,
    )
