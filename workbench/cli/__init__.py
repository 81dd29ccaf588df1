"""The commands. Parsed, then sealed with only the files they need; each imports only what it needs.

Exit codes: 0 done, 1 could not run, 2 refused by policy or wrong usage; `ask` and `audit verify` state
their own. An error is one line of cause and one line of next step on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from workbench.boundary import enter

_REEXECUTED = frozenset({"ask", "index", "queue", "rollback", "model", "redteam"})
"""Commands that, like the screen, load native libraries and so start as a fresh, sealed process image."""
_SESSION_VERBS = frozenset({"release", "releases", "revoke", "edits"})
"""Verbs of `policy` and `bench` that open a session, and so do the same."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away (`| head`); there is no one to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a person never sees a traceback unasked
        return _failed(error, debug)


def _run(arguments: list[str]) -> int:
    from workbench.cli.arguments import COMMANDS, parse
    from workbench.cli.reach import needed

    options = parse(arguments)
    command = options.command
    native = command is None or command in _REEXECUTED or getattr(options, "verb", "") in _SESSION_VERBS
    enter(arguments, reexec=native, files=needed(options))
    return COMMANDS[command or ""](options)


def _failed(error: Exception, debug: bool) -> int:
    from workbench.core.errors import WorkbenchError
    from workbench.core.safe_text import safe_text

    if debug:
        raise error
    if isinstance(error, WorkbenchError):
        print(safe_text(error.diagnostics()).text, file=sys.stderr)
        return error.exit_code
    cause = f"Unexpected {type(error).__name__}: {error}"
    print(safe_text(cause, one_line=True).text, file=sys.stderr)
    print("This is a defect. `--debug` shows where; nothing was written without its row.", file=sys.stderr)
    return 1
