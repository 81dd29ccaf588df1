"""Releases files that policy asks about until a time, lists what is released, and revokes it."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from workbench.core.errors import UsageError
from workbench.core.ids import short
from workbench.session import Options, Session


def run(options: Namespace) -> int:
    """Run `policy release`, `releases` or `revoke`."""
    session = Session.open(Path(options.repo), Options())
    try:
        return _VERBS[options.verb](session, options)
    finally:
        session.close()


def _release(session: Session, options: Namespace) -> int:
    if (options.path is None) == (options.glob is None):
        raise UsageError("Name one file, or a glob.", "`policy release PATH`, or `policy release --glob G`.")
    view = session.releasing.give(
        options.path if options.glob is None else options.glob,
        scope="until",
        exact=options.glob is None,
        until=options.until,
        reason=options.reason,
    )
    told = f"{short(view.id)}  released {view.pattern} for the agent, {view.holds}"
    print(json.dumps(asdict(view)) if options.json else told)
    return 0


def _releases(session: Session, options: Namespace) -> int:
    held = session.releasing.all()
    if options.json:
        print(json.dumps([asdict(view) for view in held]))
        return 0
    for view in held:
        kind = "file" if view.exact else "glob"
        print(f"{short(view.id)}  {kind}  {view.holds}  {view.pattern}  by {view.by}")
    if not held:
        print(
            "Nothing is released. `workbench policy release PATH --until 8h` releases a file for the agent."
        )
    return 0


def _revoke(session: Session, options: Namespace) -> int:
    view = session.releasing.revoke(options.id)
    print(json.dumps(asdict(view)) if options.json else f"Revoked the release of {view.pattern}.")
    return 0


_VERBS = {"release": _release, "releases": _releases, "revoke": _revoke}
