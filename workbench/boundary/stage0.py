"""Enters the seal: the first thing the program does, before anything third-party is imported.

The steps, in order: no core dumps (they hold source) → descriptors in order → the command runner is forked →
Landlock → root's powers are given up → the filter → the interpreter starts again with a clean environment,
so that nothing loaded before the seal is left in memory. Where the kernel offers less, nothing is raised: the
process goes on with what there is, and what is then *measured* is a lower level.

While this happens the process has one thread, as Landlock below ABI 8 and `fork` ask for.
"""

from __future__ import annotations

import os
import sys

from workbench.boundary import abi, attempts, descriptors, landlock, privileges, profiles, restart, seccomp
from workbench.core.errors import BoundaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.boundary.file_access import FileAccess
    from workbench.boundary.runner import Runner

CORE_LIMIT_BYTES = 1
"""Not 0: Linux hands a dump to a piped collector (apport, say) whatever the limit is, unless it is 1."""

_runner: Runner | None = None
_settled = False


def enter(argv: Sequence[str], *, reexec: bool, files: FileAccess | None = None) -> None:
    """Seal this process, once; a process that is sealed already is left as it is.

    Args:
        argv: The command's arguments, without the program's name.
        reexec: Whether to become the sealed application (`python -I … workbench ARGV`) and not return.
        files: What of the person's files stays within reach. Without it only the network is shut.

    Raises:
        BoundaryError: A socket was inherited, or the interpreter cannot be started again.
    """
    if sys.platform != "linux":
        scrub_own_environment()
        return
    fresh = not attempts.sealed()
    inherited = restart.inherited_runner()
    if not fresh and (_settled or inherited is not None):
        _settle(files, restart.NO_RUNNER if inherited is None else inherited)
        return
    if fresh:
        _put_in_order()
    runner = restart.NO_RUNNER
    refuse_truncate = False
    if files is not None:
        _make_directories(files)
        runner = _start_runner(files)
        refuse_truncate = _confine(files)
    if fresh and not _seal(refuse_truncate=refuse_truncate):
        # Without a filter there is none for commands either.
        runner = _let_go(runner)
    elif reexec and (fresh or not restart.is_clean()):
        restart.replace_process(argv, runner=runner)
    _settle(files, runner)


def command_runner() -> Runner | None:
    """Return what starts approved commands, or None where they cannot be confined, or are not wanted."""
    return _runner


def limit_core_dumps() -> None:
    """Keep a crash from handing this process's memory, source and prompts in it, to a file or collector."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = CORE_LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(CORE_LIMIT_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def scrub_own_environment() -> None:
    """Give this process, where it does not start again, the environment that it would have started with."""
    clean = restart.scrub(os.environ)
    for name in set(os.environ) - set(clean):
        del os.environ[name]
    os.environ.update(clean)


def _put_in_order() -> None:
    limit_core_dumps()
    descriptors.fill_standard_streams()
    descriptors.refuse_sockets()
    descriptors.close_stray()


def _make_directories(files: FileAccess) -> None:
    """Make what Landlock can only grant once it exists; who needs it says so where it is still missing."""
    outside = (files.outside, os.path.join(files.outside, ".git")) if files.outside else ()
    for directory in (*files.make, *outside):
        try:
            os.makedirs(directory, 0o700, exist_ok=True)
        except OSError:
            continue
    if files.temporary and os.access(files.temporary, os.W_OK):
        os.environ["TMPDIR"] = files.temporary


def _start_runner(files: FileAccess) -> int:
    if not files.commands or not landlock.version() or abi.native() is None:
        return restart.NO_RUNNER
    from workbench.boundary.runner_start import Policy, start

    try:
        return start(Policy(files.commands, files.tools))
    except OSError:
        return restart.NO_RUNNER


def _confine(files: FileAccess) -> bool:
    """Confine files and give up root's other powers; return whether `truncate` is left for the filter."""
    privileges.drop(keep=privileges.FOR_FILES)
    try:
        enforced = landlock.confine(profiles.application(files), signals=True)
    except BoundaryError:
        return False
    return enforced is not None and enforced.abi < landlock.TRUNCATE_SINCE


def _seal(*, refuse_truncate: bool) -> bool:
    """Install the filter; return whether the kernel then really refuses."""
    machine = abi.native()
    if machine is None:
        return False
    try:
        seccomp.install(machine, seccomp.build(machine, refuse_truncate=refuse_truncate))
    except BoundaryError:
        return False
    return attempts.sealed()


def _let_go(runner: int) -> int:
    if runner != restart.NO_RUNNER:
        os.close(runner)
    return restart.NO_RUNNER


def _settle(files: FileAccess | None, runner: int) -> None:
    """Finish in the process that stays: its environment, its memory, its way to the runner."""
    global _runner, _settled
    scrub_own_environment()
    if files is None or _settled:
        return
    _settled = True
    privileges.hide_memory()
    if runner != restart.NO_RUNNER:
        from workbench.boundary.runner import Runner

        _runner = Runner(runner, files.commands)
