"""Says what the main area shows when there is nothing else to show: empty, no model, loading, error."""

from __future__ import annotations

from workbench.session.views import Activity, Status
from workbench.tui.flow_view import Block
from workbench.tui.wording import clock, gigabytes


def banner(status: Status, examples: tuple[str, ...], *, silent: bool) -> list[Block]:
    """Return the blocks that stand below the transcript.

    Args:
        status: The present status.
        examples: Tasks that make sense in this repository.
        silent: Nothing has been said yet.
    """
    blocks: list[Block] = []
    if status.activity is Activity.LEDGER_BROKEN or not status.ledger_ok:
        blocks.append(_ledger_broken(status))
    if status.read_only:
        blocks.append(Block("read-only", "Read-only: ", f"{status.read_only}", "text", "bad"))
    match status.activity:
        case Activity.NO_MODEL:
            blocks.append(_no_model())
        case Activity.LOADING:
            blocks.append(_loading(status))
        case Activity.ERROR:
            text = status.error + (f"\n{status.next_step}" if status.next_step else "")
            blocks.append(Block("error", "Error: ", text, "text", "bad"))
        case Activity.READY if silent:
            blocks.append(_empty(examples))
        case _:
            pass
    return blocks


def _ledger_broken(status: Status) -> Block:
    text = f"at #{status.ledger_size}. Deciding is disabled. {status.error} {status.next_step}".rstrip()
    return Block("ledger", "LEDGER BROKEN ", text, "text", "bad")


def _no_model() -> Block:
    text = (
        "No model is installed, so no task can run. Browsing, reviewing and the audit work.\n"
        "Add one:  workbench model add FILE    (in a checkout: make model)"
    )
    return Block("no-model", "NO MODEL. ", text, "text", "note")


def _loading(status: Status) -> Block:
    progress = status.progress
    text = f"{status.model}, {clock(status.seconds)}"
    if progress is not None and progress.total > 0:
        size = gigabytes(progress.done, progress.total)
        text = f"{status.model}: {size}, {progress.done * 100 // progress.total}%, {clock(progress.seconds)}"
    return Block("loading", "Loading ", f"{text}\nThe prompt can be written already.", "text", "strong")


def _empty(examples: tuple[str, ...]) -> Block:
    lines = ["Write a task below and press enter. What it proposes waits in 3 Review for your decision."]
    if examples:
        lines.append("For example, in this repository:")
        lines += [f"  {number}. {example}" for number, example in enumerate(examples, 1)]
    return Block("empty", "", "\n".join(lines), "text")
