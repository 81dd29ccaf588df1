"""Finds everything outside a ledger that vouches for it.

Looked at, in this order: the head file; checkpoints that witnesses cosigned; trailers and notes of the
repository's commits; what the system log collected; and whatever else was named. All of it is read before the
ledger is (see `workbench.ledger.verify`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.safe_text import one_line
from workbench.evidence import spool
from workbench.evidence.cosignature import WitnessKey
from workbench.evidence.kept import kept_anchors, kept_directory, read_checkpoint
from workbench.ledger import Anchor, NoteError, file_anchor, head_anchors, trailer_anchors
from workbench.repo import Git

TRAILER = "Ledger-Checkpoint"
NOTES_REF = "ledger"
COMMITS_READ = 1_000
"""Commits and notes looked through: the newest anchor is nearly always in the first."""
MAX_LOG = 256 << 20
"""Bytes read from the end of a log."""

_TYPED = re.compile(r"\s*(?:(\S+)\s+)?(0|[1-9][0-9]{0,17})\s+([A-Za-z0-9+/]{43}=)\s*", re.ASCII)
_IN_A_LINE = re.compile(r"\S+ (?:0|[1-9][0-9]{0,17}) [A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])", re.ASCII)


def collect(
    head_file: Path, git: Git | None, witnesses: Sequence[str], collected: Path = spool.COLLECTED
) -> list[Anchor]:
    """Return all anchors that can be found without being told where.

    Args:
        head_file: Where the ledger's newest checkpoint is kept.
        git: The repository, or None where there is none.
        witnesses: Verifier keys of the witnesses that policy names.
        collected: Where the system log puts the lines it took from the spool.

    Raises:
        WorkbenchError: A witness's key in the policy is malformed.
    """
    found = head_anchors(head_file)
    found += kept_anchors(kept_directory(head_file), tuple(map(witness_key, witnesses)))
    if git is not None:
        found += _git_anchors(git)
    if collected.is_file():
        # Where only the administrators may read it, it is theirs to hold against the ledger.
        with suppress(OSError):
            found += _log_anchors(collected, "line of the system log")
    return found


def named(given: str, origin: str) -> list[Anchor]:
    """Return the anchors in what a person named: a signed checkpoint, a log, or a typed size and root.

    Args:
        given: A path, or `SIZE ROOT`, or `ORIGIN SIZE ROOT`.
        origin: The ledger that a size and root without an origin speak of.

    Raises:
        UsageError: There is no checkpoint in it.
    """
    path, typed = Path(given), _TYPED.fullmatch(given)
    if typed and not path.exists():
        text = f"{typed[1] or origin} {typed[2]} {typed[3]}"
        return [_firm(anchor) for anchor in trailer_anchors([("typed anchor", text)])]
    try:
        return [file_anchor(path)]
    except UsageError as error:
        found = [] if not path.is_file() else _log_anchors(path, f"line of {one_line(path.name)}")
        if not found:
            raise error from None
        return found


def witness_key(text: str) -> WitnessKey:
    """Read a witness's key from the policy.

    Raises:
        UsageError: It is malformed.
    """
    try:
        return WitnessKey.parse(text)
    except NoteError as error:
        raise UsageError(
            f"The policy names a witness with a malformed key: {error.cause}",
            "Correct anchors.witnesses; the witness printed its key when it was made.",
        ) from error


def _firm(anchor: Anchor) -> Anchor:
    return Anchor(anchor.by, anchor.origin, anchor.size, anchor.root, damage=anchor.damage)


def _git_anchors(git: Git) -> list[Anchor]:
    try:
        trailers = git.log_trailers(TRAILER, COMMITS_READ)
        notes = git.notes(NOTES_REF, COMMITS_READ)
    except WorkbenchError:
        return []  # A repository that git cannot read anchors nothing; the report says what is missing.
    found = trailer_anchors((f"git commit {one.commit[:10]}", one.value) for one in trailers)
    for note in notes:
        by = f"git note on {note.commit[:10]}"
        try:
            checkpoint = read_checkpoint(note.value.encode("utf-8", "replace"))
        except NoteError as error:
            found.append(Anchor(by, damage=error.cause, shared=True))
        else:
            head = (checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.note)
            found.append(Anchor(by, *head, shared=True))
    return found


def _log_anchors(path: Path, by: str) -> list[Anchor]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_LOG))
        lines = file.read(MAX_LOG).decode("utf-8", "replace").splitlines()
    return trailer_anchors((by, match.group()) for text in lines for match in _IN_A_LINE.finditer(text))


def say_what_was_checked(anchors: Iterable[Anchor]) -> str:
    """Return one line that names the kinds of anchors that were found, with their numbers."""
    counts: dict[str, int] = {}
    for anchor in anchors:
        kind = re.sub(r"( on)? [0-9a-f]{7,10}$| \S+\.note$| \S+ \(.*\)$", "", anchor.by)
        counts[kind] = counts.get(kind, 0) + 1
    if not counts:
        return "Anchors found: none."
    return "Anchors found: " + ", ".join(f"{count} × {kind}" for kind, count in counts.items()) + "."
