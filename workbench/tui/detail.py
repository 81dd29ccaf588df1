"""Provides the details of the item shown: its whole path, why, by which rule, what was checked and read."""

from __future__ import annotations

from workbench.core.records import CheckVerdict, Risk
from workbench.session.views import Shown
from workbench.tui.flow import cells, clip
from workbench.tui.flow_view import Block, FlowView
from workbench.tui.wording import checks

NAMED = 4
"""Kinds of hidden characters that are named above the rows; the rest is counted."""
MIN_REASON = 24
"""Columns below which a reason says nothing."""

_CHECK_INKS = {
    CheckVerdict.PASS: "good",
    CheckVerdict.WARN: "stale",
    CheckVerdict.FAIL: "bad",
    CheckVerdict.SKIPPED: "dim",
}


_CHECK_ORDER = (CheckVerdict.FAIL, CheckVerdict.WARN, CheckVerdict.PASS, CheckVerdict.SKIPPED)

LABEL = 8
"""Columns of the labels."""


class Notice(FlowView):
    """What must be known before the rows are read; as high as its text."""

    can_focus = False

    def lay_out(self, first: int = 0, *, grown: bool = False) -> None:
        """Wrap, and take the rows that needs."""
        super().lay_out(first, grown=grown)
        self.styles.height = max(1, self.rows)


class Detail(FlowView):
    """What a person needs beside the rows to judge an item."""

    def show(self, item: Shown | None) -> None:
        """Show an item, or nothing."""
        self.set_blocks(_blocks(item) if item is not None else [])
        self.go_top()


def why(item: Shown) -> str:
    """Return the reason given for an item, as one line."""
    return " ".join((item.justification or item.task).split())


def summary(item: Shown, width: int) -> str:
    """Return the line under the diff: why, rule, digest, checks; the reason is what gets shorter."""
    fixed = f"{item.shown_sha256[:6]} · {checks(item.checks)}"
    ruled = f"rule {item.rule} · {fixed}"
    if cells(ruled) > width:
        return fixed
    room = width - cells(ruled) - len('why: "" · ')
    reason = why(item)
    if not reason or room < min(MIN_REASON, cells(reason)):
        return ruled
    return f'why: "{clip(reason, room)}" · {ruled}'


def notice(item: Shown) -> str:
    """Return what must be known before the rows are read; empty when there is nothing."""
    lines = []
    if item.stale:
        lines.append(f"STALE: {item.stale}")
    if item.signatures:
        lines.append(f"SIGNED: {item.signatures}.")
    if item.tainted:
        lines.append(f"TAINTED: what the model read {item.tainted}.")
    if item.hidden:
        many = "" if item.hidden == 1 else "s"
        named = ", ".join(item.hidden_names[:NAMED])
        more = len(item.hidden_names) - NAMED
        lines.append(
            f"{item.hidden} hidden or look-alike character{many} in this item, to be acknowledged before it "
            f"can be approved{': ' if named else ''}{named}{f' and {more} more kinds' if more > 0 else ''}."
        )
    return "\n".join(lines)


def _blocks(item: Shown) -> list[Block]:
    risk = {Risk.LOW: "risk_low", Risk.ELEVATED: "risk_elevated", Risk.HIGH: "risk_high"}[item.risk]
    hunks = f"{item.hunks} hunk{'' if item.hunks == 1 else 's'}"
    size = f"{item.risk}, +{item.added} -{item.removed}, {hunks}" if item.files else str(item.risk)
    first = (
        ("why", why(item), "text"),
        ("risk", size, risk),
        ("checks", checks(item.checks).removeprefix("checks "), "text"),
    )
    then = (
        ("state", str(item.state) + (f": {item.stale}" if item.stale else ""), "text"),
        ("rule", item.rule, "text"),
        ("path", item.path, "text"),
        ("task", " ".join(item.task.split()), "text"),
        ("sha", item.shown_sha256[:16], "text"),
    )
    blocks = [_fact(*fact) for fact in first]
    for line in item.structure:
        kind, colon, names = line.partition(": ")
        blocks.append(
            _fact(kind, names, "text") if len(kind) < LABEL and colon else _fact("what", line, "text")
        )
    if item.can_approve:
        blocks.insert(0, Block("can", "y is off: ", item.can_approve, "text", "bad"))
    # What did not pass comes first; each group keeps the order in which the checks were run.
    for result in sorted(item.checks, key=lambda each: _CHECK_ORDER.index(each.verdict)):
        label, text = f"{result.verdict:<{LABEL}}", f"{result.name}: {result.evidence}"
        blocks.append(Block(result.name, label, text, "text", _CHECK_INKS[result.verdict], hang=LABEL))
    blocks += [_fact(*fact) for fact in then]
    read = [f"{span.path} bytes {span.start}-{span.end}" for span in item.spans]
    return blocks + [Block(line, f"{'read':<{LABEL}}", line, "dim", "dim", hang=LABEL) for line in read]


def _fact(name: str, text: str, ink: str) -> Block:
    return Block(name, f"{name:<{LABEL}}", text, ink, hang=LABEL)
