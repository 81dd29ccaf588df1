"""Starts the interpreter again so that neither the environment nor the current directory can bring code in.

The current directory is the repository under review, hence hostile: a `workbench/`, a `sqlite3.py` or a
`sitecustomize.py` in it must never be imported. The rules:

1. `-I` (isolated): no PYTHON* variable is read, the current directory is not searched, the user's own
   site directory is not searched. Where the first stage did search that last one, `-E -P` keeps it, because
   Workbench may have been installed there.
2. The second stage loads the very package that sealed the process, by its place on disk (see
   `second_stage`).
3. Variables that inject code into us or into what we load, that press keys, that name proxies or that
   turn telemetry on are removed; empty and relative entries of PATH, which mean the current directory,
   are dropped.
"""

from __future__ import annotations

import os
import sys

from workbench.core.errors import BoundaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

INJECTING = ("PYTHON", "LD_", "DYLD_", "TEXTUAL", "OTEL_", "SENTRY_")
"""How names begin that steer the interpreter, the dynamic linker, Textual (TEXTUAL_PRESS!) or telemetry."""
INJECTING_EXACTLY = frozenset(
    {"GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "GGML_BACKEND_PATH", "LLAMA_CPP_LIB_PATH"}
)
HARMLESS = frozenset({"TEXTUAL_ANIMATIONS", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_FPS"})
"""A person's own wishes about the screen, which nothing but the screen obeys."""
PROXY_ENDING = "_proxy"

SET = {
    # An idle OpenMP thread that spins slows a busy machine's inference 3.5 to 8 times.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Otherwise ggml starts a debugger on itself when it aborts.
    "GGML_NO_BACKTRACE": "1",
    "DO_NOT_TRACK": "1",
}

_SECOND_STAGE = "second_stage.py"
_MARK = "workbench"
"""Our own `-X` option. Other programs, and children of ours, do not inherit it as they would a variable."""
NO_RUNNER = -1


def scrub(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environment` may pass into the seal, and what native code reads when it loads."""
    kept = {name: value for name, value in environment.items() if not _injects(name)}
    places = [place for place in kept.pop("PATH", "").split(os.pathsep) if place.startswith("/")]
    # An empty PATH would mean the current directory; without one, the system's own default holds.
    return {**kept, **({"PATH": os.pathsep.join(places)} if places else {}), **SET}


def interpreter() -> list[str]:
    """Return this interpreter and the options of rule 1.

    Raises:
        BoundaryError: Python does not know where its own executable is.
    """
    if not sys.executable:
        raise BoundaryError(
            "Python cannot name its own executable, so the sealed stage cannot be started.",
            "Start Workbench by its full path.",
        )
    isolation = ["-E", "-P"] if _searches_own_site() else ["-I"]
    bytecode = ["-B"] if sys.dont_write_bytecode else []
    utf8 = ["-X", "utf8"] if sys.flags.utf8_mode else []
    return [sys.executable, *isolation, *bytecode, *utf8]


def command(argv: Sequence[str], *, module: str = "workbench") -> list[str]:
    """Return the argv that runs our `module` with the arguments `argv` under these rules.

    Also the way to start a child of our own (a worker, a trial load): `python -m` would not find an
    uninstalled checkout once PYTHONPATH is gone.
    """
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), _SECOND_STAGE)
    return [*interpreter(), script, module, *argv]


def is_clean() -> bool:
    """Return whether this interpreter was started under rule 1."""
    return bool(sys.flags.safe_path and sys.flags.ignore_environment)


def replace_process(argv: Sequence[str], *, runner: int = NO_RUNNER) -> NoReturn:
    """Become the second stage, with the arguments `argv`.

    Args:
        argv: Without the program's name.
        runner: The descriptor of the command runner, which stays open.

    Raises:
        BoundaryError: The interpreter cannot be started again.
    """
    line = command(argv)
    line[1:1] = ["-X", f"{_MARK}={runner}"]
    if runner != NO_RUNNER:
        os.set_inheritable(runner, True)
    try:
        os.execve(line[0], line, scrub(os.environ))  # noqa: S606  # replacing this process is the purpose
    except OSError as error:
        raise BoundaryError(f"The sealed stage cannot be started: {line[0]}: {error.strerror}.") from error


def inherited_runner() -> int | None:
    """Return the descriptor of the command runner, or `NO_RUNNER`; None if this is not the second stage.

    Whoever passes the option to an interpreter of their own deceives only themselves: that this process is
    sealed is asked of the kernel.
    """
    mark = sys._xoptions.get(_MARK)  # noqa: SLF001  # documented; the name has no other
    try:
        return None if mark is None else int(mark)
    except ValueError:
        return None


def _injects(name: str) -> bool:
    if name in HARMLESS:
        return False
    return name.startswith(INJECTING) or name in INJECTING_EXACTLY or name.casefold().endswith(PROXY_ENDING)


def _searches_own_site() -> bool:
    site = sys.modules.get("site")
    return bool(getattr(site, "ENABLE_USER_SITE", False))
