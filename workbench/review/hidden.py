"""Counts what a person cannot see in an item, and holds approval until they have said that they know.

Counted are the characters that had to be made visible, and the identifiers that imitate others, in what a
change adds and in the name of its file. A person acknowledges them by their number, which is bound to what
was shown like the rest of a decision; the ledger keeps the number and the names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from workbench.core.errors import Refused
from workbench.core.records import Json
from workbench.core.safe_text import imitated, look_alikes, one_line, safe_text

NAMED = 20
"""Kinds that a ledger row names; the rest is counted. A body holds at most 64 KiB."""
MAX_NAME_CHARS = 80


def hidden_in(names: Iterable[str], added: Iterable[str]) -> dict[str, int]:
    """Return how often each hidden character, or imitating identifier, occurs in the change of one file.

    Args:
        names: What the file is called, and was.
        added: The lines the change adds, without their ends.
    """
    counts: Counter[str] = Counter()
    for line in added:
        counts.update(safe_text(line).findings)
        counts.update(map(_imitation, look_alikes(line)))
    for name in names:
        found = [*safe_text(name, one_line=True).findings.items()]
        found += [(_imitation(word), 1) for word in look_alikes(name)]
        counts.update({f"{what} in the file's name": count for what, count in found})
    return dict(counts)


def require_acknowledged(hidden: int, acknowledged: int) -> None:
    """Check that a person who approves has acknowledged exactly what is hidden.

    Raises:
        Refused: They have not, or they acknowledged another number.
    """
    if hidden != acknowledged:
        raise Refused(
            f"{hidden} hidden or look-alike characters are in this item, {acknowledged or 'none'} of them "
            "acknowledged.",
            "Look at the marks in it, then acknowledge them: its own key, `/acknowledge ID`, or "
            "`queue approve ID --acknowledge-hidden`.",
        )


def acknowledgement(findings: Mapping[str, int]) -> dict[str, Json]:
    """Return what a decision's row says of the hidden characters that were acknowledged."""
    named: dict[str, Json] = {one_line(name): count for name, count in list(findings.items())[:NAMED]}
    return {"count": sum(findings.values()), "kinds": len(findings), "named": named}


def _imitation(word: str) -> str:
    shown = one_line(word)[:MAX_NAME_CHARS]
    return f"{shown} looks like {one_line(imitated(word))[:MAX_NAME_CHARS]}"
