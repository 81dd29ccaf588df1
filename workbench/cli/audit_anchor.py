"""Takes what vouches for a ledger out of the machine, and back in: by note, by QR, by USB stick."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.cli.audit_place import AuditPlace, find_place
from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.records import Event, Json
from workbench.evidence import spool, witness
from workbench.evidence.anchors import NOTES_REF, witness_key
from workbench.evidence.cosignature import WitnessKey
from workbench.evidence.kept import keep, kept_anchors, kept_directory
from workbench.ledger import Checkpoint, LedgerReader


def anchor(options: Namespace) -> int:
    """Sign a checkpoint now and anchor it; with `--witness`, ask one or take its answer."""
    place = find_place(options)
    if options.witness:
        return _with_witness(place, Path(options.witness), options.old)
    with place.open() as ledger:
        checkpoint = ledger.checkpoint()
    written = ["head file", *_elsewhere(place, checkpoint)]
    print(checkpoint.note, end="")
    print(f"\nWritten to: {', '.join(written)}.")
    if options.qr:
        _print_qr(checkpoint)
    return 0


def _elsewhere(place: AuditPlace, checkpoint: Checkpoint) -> list[str]:
    settings = place.settings()
    written = []
    if settings.syslog:
        try:
            spool.put(spool.spool_file(place.state), checkpoint)
            written.append("spool of the system log")
        except OSError as error:
            print(f"The spool of the system log cannot be written: {error.strerror}.", file=sys.stderr)
    git = place.git() if settings.git_notes else None
    head = git.head() if git is not None else None
    if git is not None and head is not None:
        try:
            identity = git.identity()
            by = (identity.name, identity.email) if identity else ("workbench", "workbench@localhost")
            git.add_note(head, checkpoint.note, ref=NOTES_REF, by=by, when=_now())
            written.append(f"git note on {head[:10]}")
        except WorkbenchError as error:
            print(f"No git note was written: {error.cause}", file=sys.stderr)
    return written


def _now() -> str:
    from workbench.core.clock import utc_now

    return utc_now()


def _print_qr(checkpoint: Checkpoint) -> None:
    import segno

    # Size and root, which `audit verify --anchor` takes as typed; the whole note needs a larger symbol.
    text = checkpoint.trailer()
    segno.make(text, error="m", micro=False).terminal(out=sys.stdout, border=2, compact=True)
    print(f'{text}\nCheck later: workbench audit verify --anchor "{text.split(" ", 1)[1]}"')


def _with_witness(place: AuditPlace, path: Path, old: int | None) -> int:
    witnesses = tuple(map(witness_key, place.settings().witnesses))
    data = _read(path)
    with LedgerReader.open(place.state) as reader:
        if data and witness.is_answer(data):
            size = witness.size_in_answer(data)
            if size is None:
                return _take(place, reader, data, witnesses)
            old = size
        elif data and not data.startswith(b"old "):
            raise UsageError(
                f"{path} is neither a request nor a witness's answer.", "Name a new file for a request."
            )
        if old is None:
            kept = kept_anchors(kept_directory(place.head), witnesses)
            old = witness.last_seen(kept, reader.origin, witnesses)
        witness.write_request(reader, path, old)
    print(f"{path} holds a request for a cosignature, from size {old} on; {path.name}.keys goes with it.")
    print(f"There: verify.py witness sign {path.name} --key KEY --state STATE --out ANSWER")
    print("Back here: workbench audit anchor --witness ANSWER")
    return 0


def _take(place: AuditPlace, reader: LedgerReader, data: bytes, witnesses: tuple[WitnessKey, ...]) -> int:
    from workbench.session.person import person

    for answered in witness.take_answer(reader, data, witnesses):
        checkpoint, by = answered.checkpoint, answered.by
        where = keep(kept_directory(place.head), checkpoint, by.key.name)
        said: dict[str, Json] = {"kind": "witness", "by": by.key.name, "time": by.time}
        said |= {"size": checkpoint.size, "note": checkpoint.note}
        with place.open() as ledger:
            ledger.append(Event("anchor.created", person(), fields={"anchor": said}))
        print(f"{by.key.name} cosigned size {checkpoint.size} at {by.time}. Kept in {where}.")
    return 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(witness.MAX_ANSWER)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name another file.") from error
