"""The guards behind the screen: each case is run as the program is, and with one guard taken out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.repositories import make_repository
from tests.review.desks import OnDesk, desk_on
from workbench.broker import Broker
from workbench.core.errors import LedgerUnavailable, WorkbenchError
from workbench.core.records import Event, ProposalState, Risk, sha256
from workbench.repo import Edit
from workbench.repo.swap import Swap
from workbench.review import Desk
from workbench.review.rendering import Rendering, render

OLD, NEW, THEIRS = b"old\n", b"new\n", b"theirs\n"
Patch = pytest.MonkeyPatch


def _stale(on: OnDesk, _: Patch) -> None:
    """Somebody saves the file between show and apply."""
    item = on.propose(("a.txt", NEW))
    shown = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    (on.root / "a.txt").write_bytes(THEIRS)
    on.desk.approve(item.id, shown)


def _no_comparison(patch: Patch) -> None:
    patch.setattr(Desk, "_drift", lambda *_: "")
    real = Swap.__init__

    def without_base(swap: Swap, directory: int, name: str, edit: Edit, stack: ExitStack) -> None:
        real(swap, directory, name, replace(edit, base_sha256=sha256(THEIRS)), stack)

    patch.setattr(Swap, "__init__", without_base)


def _other_digest(on: OnDesk, _: Patch) -> None:
    """The decision is bound to something that is not what is shown now."""
    on.desk.approve(on.propose(("a.txt", NEW)).id, "0" * 64)


def _any_digest(patch: Patch) -> None:
    def render_as_wanted(*arguments: object) -> Rendering:
        return replace(render(*arguments), shown_sha256="0" * 64)  # type: ignore[arg-type]

    patch.setattr("workbench.review.desk.render", render_as_wanted)


def _no_ledger(on: OnDesk, patch: Patch) -> None:
    """The ledger cannot be written at the moment of the decision."""
    item = on.propose(("a.txt", NEW))
    shown = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    real = Broker.record

    def record(broker: Broker, *events: Event) -> int:
        if any(event.type in ("decision.recorded", "edit.intent") for event in events):
            raise LedgerUnavailable("The disk is full.")
        return real(broker, *events)

    patch.setattr(Broker, "record", record)
    on.desk.approve(item.id, shown)


def _together_with_high_risk(on: OnDesk, _: Patch) -> None:
    """An item of high risk among those that are approved by their number."""
    item = on.propose(("a.txt", NEW), risk=Risk.HIGH)
    shown = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    on.desk.approve_all({item.id: shown}, 1)


def _risk_is_fine(patch: Patch) -> None:
    patch.setattr("workbench.review.desk.Risk", SimpleNamespace(HIGH="none at all"))


def _hidden(on: OnDesk, _: Patch) -> None:
    """A hidden character nobody acknowledged."""
    on.approve(on.propose(("a.txt", "ne\u200bw\n".encode())))


def _no_acknowledgement(patch: Patch) -> None:
    patch.setattr("workbench.review.desk.require_acknowledged", lambda *_: None)


CASES: dict[str, tuple[Callable[[OnDesk, Patch], None], Callable[[Patch], None]]] = {
    "a file that changed is not written over": (_stale, _no_comparison),
    "what is approved is what was shown": (_other_digest, _any_digest),
    "high risk is never approved together": (_together_with_high_risk, _risk_is_fine),
    "what is hidden was acknowledged": (_hidden, _no_acknowledgement),
}


@pytest.mark.parametrize("removed", [False, True], ids=["guarded", "unguarded"])
@pytest.mark.parametrize("name", CASES)
def test_without_the_guard_it_is_written_and_with_it_not(
    name: str, removed: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    accident, remove = CASES[name]
    with desk_on(make_repository(tmp_path / "repository", {"a.txt": OLD})) as on:
        if removed:
            remove(monkeypatch)
        try:
            accident(on, monkeypatch)
        except WorkbenchError:
            assert not removed
        assert ((on.root / "a.txt").read_bytes() not in (OLD, THEIRS)) is removed


def test_without_a_row_in_the_ledger_nothing_is_written(tmp_path: Path, monkeypatch: Patch) -> None:
    with desk_on(make_repository(tmp_path / "repository", {"a.txt": OLD})) as on:
        with pytest.raises(LedgerUnavailable):
            _no_ledger(on, monkeypatch)
        assert (on.root / "a.txt").read_bytes() == OLD
        monkeypatch.undo()
        (item,) = on.queue.all()
        assert item.state is ProposalState.APPROVED
        assert on.desk.recover()
        assert on.queue.get(item.proposal.id).state is ProposalState.QUEUED
