"""Lists, shows, decides on, edits and rolls back proposals from the command line."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.ids import short
from workbench.core.records import ProposalState
from workbench.evidence.signatures import MAX_SIGNATURE, NAMESPACE
from workbench.plain import diff_lines
from workbench.session import Options, Session
from workbench.session.views import Choice, DecisionResult, SessionEvent, Speaker, UtteranceGrew, Uttered


def run(options: Namespace) -> int:
    """Run one of the verbs of `queue`."""
    return _with_session(options, _VERBS[options.verb])


def run_rollback(options: Namespace) -> int:
    """Propose the change that takes an applied approval back."""
    return _with_session(options, _roll_back)


def _with_session(options: Namespace, verb: Callable[[Session, Namespace], int]) -> int:
    accept = getattr(options, "accept_unenforced", False)
    session = Session.open(Path(options.repo), Options(accept_unenforced=accept))
    try:
        return verb(session, options)
    finally:
        session.close()


def _list(session: Session, options: Namespace) -> int:
    items = session.queue()
    if options.json:
        print(json.dumps([asdict(item) for item in items]))
        return 0
    for item in items:
        size = "" if item.kind == "run" else f"+{item.added} -{item.removed}"
        state = f"{item.state:<9} {item.risk:<9} {item.kind:<5} {size:<10}"
        task = "" if item.kind == "run" else f"  {item.task}"
        print(f"{short(item.id)}  {state} {item.path}{task}")
    if not items:
        print("No proposals. `workbench ask TASK` makes one.")
    return 0


def _show(session: Session, options: Namespace) -> int:
    if options.after is not None:
        # The very bytes, for an editor of one's own; `queue amend` takes them back.
        sys.stdout.buffer.write(session.proposed(options.id, options.after))
        return 0
    shown = session.shown(options.id)
    if options.json:
        print(json.dumps(asdict(shown)))
        return 0
    print("\n".join(diff_lines(shown)))
    return 0


def _approve(session: Session, options: Namespace) -> int:
    shown = session.shown(options.id)
    if shown.can_approve:
        raise WorkbenchError(
            f"It cannot be approved: {shown.can_approve}.", "`workbench queue show` says more."
        )
    if options.signature:
        result = session.take_signature(shown.proposal_id, _signature(options.signature))
        print(json.dumps(asdict(result)) if options.json else result.message)
        return 2 if result.state is ProposalState.STALE else 0
    hunks = _hunks(options.hunks)
    # What is not approved is rejected for the reason given: there is only one on a command line.
    reasons = dict.fromkeys(range(1, shown.hunks + 1), options.reason)
    choice, acknowledged = Choice(hunks, reasons=reasons), shown.hidden if options.acknowledge_hidden else 0
    if options.statement_out:
        statement = session.statement(
            shown.proposal_id,
            shown.shown_sha256,
            choice,
            reason=options.reason,
            acknowledged=acknowledged,
            printed_name=options.name,
        )
        return _offer(shown.proposal_id, statement, options.statement_out, as_json=options.json)
    if not options.json:
        session.listen(_print_said)
    result = session.approve(
        shown.proposal_id, shown.shown_sha256, choice, reason=options.reason, acknowledged=acknowledged
    )
    if result.state is ProposalState.APPROVED:
        return _follow(session, result, as_json=options.json)
    print(json.dumps(asdict(result)) if options.json else result.message)
    return 0 if result.state is ProposalState.APPLIED else 2


def _offer(proposal_id: str, statement: bytes, out: str, *, as_json: bool) -> int:
    """Write a statement where it can be signed, and say how."""
    try:
        Path(out).write_bytes(statement)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.", "Name another file.") from None
    sign = f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY {shlex.quote(out)}"
    take = f"workbench queue approve {short(proposal_id)} --signature {shlex.quote(f'{out}.sig')}"
    if as_json:
        print(json.dumps({"proposal_id": proposal_id, "statement": out, "sign": sign, "take": take}))
        return 0
    print(
        f"{out} holds what is to be signed. Nothing is decided yet. Sign it in a terminal of your own, where"
    )
    print("your agent or security key can be reached (KEY: your key, or its .pub beside an agent):\n")
    print(f"  {sign}\n\nThen:\n\n  {take}")
    return 0


def _signature(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(MAX_SIGNATURE + 1)
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}.", "Name the .sig file that ssh-keygen wrote."
        ) from None


def _follow(session: Session, result: DecisionResult, *, as_json: bool) -> int:
    """Wait for a command that was approved; return 0 if it ended with exit code 0, else 1."""
    while session.commands.running:
        try:
            session.commands.wait()
        except KeyboardInterrupt:
            session.cancel()
    shown = session.shown(result.proposal_id)
    if as_json:
        print(json.dumps({**asdict(result), "state": shown.state, "rows": [row.text for row in shown.rows]}))
    else:
        said = (Speaker.PROGRAM, Speaker.ERROR)
        print("\n".join(each.text for each in session.transcript() if each.speaker in said))
    return 0 if session.commands.ended_well(result.proposal_id) else 1


def _reject(session: Session, options: Namespace) -> int:
    result = session.reject(session.shown(options.id).proposal_id, reason=options.reason)
    print(json.dumps(asdict(result)) if options.json else result.message)
    return 0


def _print_said(event: SessionEvent) -> None:
    """Print what a command prints, as it comes."""
    if isinstance(event, UtteranceGrew):
        print(event.text, end="", flush=True)
    elif isinstance(event, Uttered) and event.utterance.speaker is Speaker.OUTPUT:
        print(event.utterance.text, end="", flush=True)


def _undo(session: Session, options: Namespace) -> int:
    result = session.take_back()
    print(json.dumps(asdict(result)) if options.json else result.message)
    return 0


def _amend(session: Session, options: Namespace) -> int:
    edited: dict[str, bytes] = {}
    for given in options.edited:
        path, equals, file = given.rpartition("=")
        try:
            edited[path if equals else ""] = Path(file).read_bytes()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name the edited file.") from None
    result = session.amend(options.id, edited)
    print(json.dumps(asdict(result)) if options.json else f"{result.message}\n{result.proposal_id}")
    return 0


def _roll_back(session: Session, options: Namespace) -> int:
    result = session.roll_back(options.id, options.reason)
    if options.json:
        print(json.dumps(asdict(result)))
        return 0
    print("\n".join(diff_lines(session.shown(result.proposal_id))))
    print(result.message)
    print(f"`workbench queue approve {short(result.proposal_id)}` writes it.")
    return 0


def _hunks(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} is not a list of hunks.", "Write it as in --hunks 1,3.") from None


_VERBS = {
    "list": _list,
    "show": _show,
    "approve": _approve,
    "reject": _reject,
    "undo": _undo,
    "amend": _amend,
}
