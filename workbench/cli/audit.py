"""Reads, proves and verifies a ledger; needs neither a running session, nor a model, nor a screen.

Whoever looks into the record is on record too: `log`, `show`, `proof` and `export` append a row of their own
first. Where that is not possible (a damaged ledger, one that belongs to somebody else) they say so and go on.
"""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from pathlib import Path

from workbench.cli.audit_place import AuditPlace, deliver, find_place, record_reading, utc_from
from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.records import Json
from workbench.core.safe_text import one_line, safe_text
from workbench.ledger import Entry, LedgerReader, verify
from workbench.ledger.browse import Browser, Damaged, Found, Wanted


def run(options: Namespace) -> int:
    """Run one of the audit commands."""
    return _VERBS[options.verb](options)


# Looking


def _log(options: Namespace) -> int:
    wanted = Wanted(
        options.path,
        options.actor,
        options.type,
        options.label,
        utc_from(options.since, "--since"),
        utc_from(options.until, "--until"),
    )
    place = find_place(options)
    with Browser.open(place.state) as browser:
        asked = {name: getattr(wanted, name) for name in ("path", "actor", "type", "label", "since", "until")}
        query: dict[str, Json] = {name: value for name, value in asked.items() if value is not None}
        record_reading(place, {"what": "log", "limit": options.limit, **query})
        found = browser.newest(wanted, options.limit)
        _warn(browser.damage)
    for each in reversed(found):
        print(json.dumps(_facts(each)) if options.json else _row(each))
    return 0


def _row(found: Found) -> str:
    from workbench.session.history import audit_row

    if isinstance(found, Damaged):
        return f"{found.index:>6}  DAMAGED  {one_line(found.cause)}"
    row = audit_row(found)
    what = f"{row.type:<20} {row.actor:<10} {row.result:<8} {row.subject}"
    return f"{row.index:>6}  {row.time}  {what}".rstrip()


def _facts(found: Found) -> dict[str, object]:
    if isinstance(found, Damaged):
        return {"index": found.index, "damaged": found.cause}
    return {"index": found.index, "leaf": found.leaf.hex(), "body": found.body}


def _show(options: Namespace) -> int:
    place = find_place(options)
    with Browser.open(place.state) as browser:
        found = browser.entry(options.number)
        _warn(browser.damage)
    if found is None:
        raise UsageError(f"There is no entry {options.number}.", "`workbench audit log` lists the newest.")
    record_reading(place, {"what": "show", "index": options.number, "sealed": options.sealed})
    if isinstance(found, Damaged):
        print(json.dumps(_facts(found)) if options.json else f"entry {found.index} is damaged: {found.cause}")
        return 0
    proof, opened = _proved(place, found), _unsealed(place, found) if options.sealed else {}
    signed = _signed(place, found)
    if options.json:
        print(json.dumps({**_facts(found), "proof": proof, "opened": opened, **signed}))
        return 0
    print(f"entry {found.index}\nleaf  {found.leaf.hex()}")
    print(safe_text(json.dumps(found.body, indent=2, ensure_ascii=False)).text)
    for name in _sealed_names(found):
        print(f"sealed {one_line(name)}: {opened.get(name, 'shown with --sealed, which is recorded')}")
    for name, value in {**proof, **signed}.items():
        for line in value if isinstance(value, list) else [value]:
            print(f"{name:<10} {safe_text(str(line), one_line=True).text}")
    return 0


def _proved(place: AuditPlace, entry: Entry) -> dict[str, object]:
    """Return under which signed checkpoint the entry stands, or why that cannot be shown."""
    from workbench.evidence.proofs import show_place

    try:
        with LedgerReader.open(place.state) as reader:
            return show_place(reader, entry, place.kept())
    except WorkbenchError as error:
        return {"no proof": error.cause}


def _signed(place: AuditPlace, entry: Entry) -> dict[str, str]:
    """Return who signed the approval in an entry and whether that holds; empty where none is signed."""
    from workbench.evidence.approvals import approval_in, verified

    approval = approval_in(entry.body)
    if approval is None:
        return {}
    facts = {"signed by": f"{one_line(approval.principal)}, key {one_line(approval.fingerprint)}"}
    try:
        allowed = place.allowed_signers(place.settings().allowed_signers)
        if allowed is None:
            return facts | {"signature": "not checked: policy names no file of allowed signers"}
        verified(entry.body, allowed)
    except WorkbenchError as error:
        return facts | {"signature": f"does not hold: {error.cause}"}
    return facts | {"signature": "good for the allowed signers, at the time of the entry"}


def _statement(options: Namespace) -> int:
    from workbench.evidence.approvals import approval_in
    from workbench.evidence.signatures import NAMESPACE

    place = find_place(options)
    with Browser.open(place.state) as browser:
        found = browser.entry(options.number)
        _warn(browser.damage)
    approval = approval_in(found.body) if isinstance(found, Entry) else None
    if approval is None:
        raise UsageError(
            f"Entry {options.number} holds no signed approval.",
            "`workbench audit log --type decision.recorded` lists the decisions.",
        )
    record_reading(place, {"what": "statement", "index": options.number})
    deliver(approval.statement, options.out)
    if options.out:
        deliver(approval.signature, f"{options.out}.sig")
        out, who = shlex.quote(options.out), shlex.quote(approval.principal)
        print(f"ssh-keygen -Y verify -f ALLOWED_SIGNERS -I {who} -n {NAMESPACE} -s {out}.sig < {out}")
    return 0


def _unsealed(place: AuditPlace, entry: Entry) -> dict[str, str]:
    opened: dict[str, str] = {}
    for name in _sealed_names(entry):
        try:
            with LedgerReader.open(place.state) as reader:
                value = reader.open_sealed(entry, name).decode("utf-8", "surrogateescape")
            opened[name] = safe_text(value).text
        except WorkbenchError as error:
            opened[name] = f"[{error.cause}]"
    return opened


def _sealed_names(entry: Entry) -> list[str]:
    sealed = entry.body.get("sealed")
    return list(sealed) if isinstance(sealed, dict) else []


def _warn(damage: str) -> None:
    if damage:
        print(f"The ledger is damaged: {one_line(damage)} Run: workbench audit verify", file=sys.stderr)


# Verifying


def _verify(options: Namespace) -> int:
    from workbench.evidence.anchors import say_what_was_checked

    try:
        place = find_place(options, needs_ledger=False)
        anchors, oldest = place.anchors(options.anchor), place.settings().max_anchor_age
    except WorkbenchError as error:
        # The exit code 2 means that a ledger was tampered with, so a bad option must not use it.
        print(safe_text(error.diagnostics()).text, file=sys.stderr)
        return 1
    report = verify(place.state, anchors, max_anchor_age=oldest)
    lines = [*report.lines[:-1], say_what_was_checked(anchors), report.lines[-1]]
    if options.json:
        facts: dict[str, object] = {"exit_code": report.exit_code, "size": report.size}
        facts |= {"origin": report.origin, "vkey": report.vkey, "first_bad": report.first_bad}
        facts |= {"anchor_size": report.anchor_size, "anchors_found": len(anchors), "lines": lines}
        print(json.dumps(facts))
    else:
        print("\n".join(safe_text(line).text for line in lines))
    return report.exit_code


# Carrying away


def _proof(options: Namespace) -> int:
    from workbench.evidence.proofs import entry_proof, strongest

    place = find_place(options)
    record_reading(place, {"what": "proof", "index": options.number})
    with LedgerReader.open(place.state) as reader:
        text = entry_proof(reader, options.number, strongest(place.kept(), reader.origin, options.number))
    return deliver(text.encode(), options.out)


def _keys(options: Namespace) -> int:
    from workbench.evidence.proofs import key_chain

    with LedgerReader.open(find_place(options).state) as reader:
        return deliver(key_chain(reader).encode(), options.out)


def _export(options: Namespace) -> int:
    from workbench.evidence import frame, message
    from workbench.evidence.tiles import export_tiles

    place = find_place(options)
    if options.format == "tiles" and not options.directory:
        raise UsageError(
            "Tiles are a directory of files.", "Name one: workbench audit export --format tiles DIR"
        )
    record_reading(place, {"what": options.format, "start": options.start}, type_="ledger.exported")
    with LedgerReader.open(place.state) as reader:
        if options.format == "tiles":
            checkpoint = export_tiles(reader, Path(options.directory))
            print(f"Exported {checkpoint.size} entries as tiles to {options.directory}.")
            return 0
        for entry in reader.entries(options.start):
            sys.stdout.buffer.write(frame(message(entry)))
    return 0


def _verifier(options: Namespace) -> int:
    from workbench.evidence import second_verifier

    return deliver(second_verifier(), options.out)


def _anchor(options: Namespace) -> int:
    from workbench.cli.audit_anchor import anchor

    return anchor(options)


_VERBS = {
    "log": _log,
    "show": _show,
    "verify": _verify,
    "statement": _statement,
    "proof": _proof,
    "keys": _keys,
    "export": _export,
    "verifier": _verifier,
    "anchor": _anchor,
}
