"""Opens the full screen, or the plain lines, on a repository."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.core.errors import UsageError
from workbench.session import Options, Session


def run(options: Namespace) -> int:
    """Open a session and hand it to a face until the person leaves."""
    session_options = Options(model=options.model, accept_unenforced=options.accept_unenforced)
    if not options.plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The screen needs a terminal, and this is a pipe.",
            "Use --plain, or `workbench ask` for one task.",
        )
    session = Session.open(Path(options.path), session_options)
    try:
        if options.plain:
            from workbench.plain import run as run_plain

            return run_plain(session, sys.stdin, sys.stdout)
        from workbench.tui import run as run_screen

        return run_screen(session)
    finally:
        session.close()
