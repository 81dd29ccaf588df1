"""Several files are changed in one step: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repo.conftest import NEW, OLD, leftovers, unsupported
from workbench.core.errors import RepositoryError, Stale
from workbench.core.records import sha256
from workbench.repo import Edit, HalfWritten, Writer, rename
from workbench.repo.swap import Swap


def _three(root: Path) -> tuple[list[Edit], Callable[[], dict[str, bytes]]]:
    """A replacement, a new file in a new folder, a deletion and a renaming; and what is on disk now."""
    for name in ("gone.py", "from.py"):
        (root / name).write_bytes(OLD)
    edits = [
        Edit("src/a.py", sha256(OLD), NEW),
        Edit("made/new.py", None, NEW, 0o600),
        Edit("gone.py", sha256(OLD), None),
        Edit("made/to.py", None, OLD, 0o755),
        Edit("from.py", sha256(OLD), None),
    ]

    def now() -> dict[str, bytes]:
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    return edits, now


def test_several_files_are_changed_together(writer: Writer, file: Path, root: Path) -> None:
    edits, now = _three(root)
    done = writer.apply(edits)
    assert [each.path for each in done] == [edit.path for edit in edits]
    assert now() == {"src/a.py": NEW, "made/new.py": NEW, "made/to.py": OLD}
    assert (root / "made/to.py").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("failing", range(5))
@pytest.mark.parametrize("exchange", [True, False])
def test_when_one_fails_those_before_it_are_taken_back(
    writer: Writer, file: Path, root: Path, failing: int, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    edits, now = _three(root)
    before = now()
    if not exchange:
        monkeypatch.setattr(rename, "exchange", unsupported)
        monkeypatch.setattr(rename, "without_replacing", unsupported)
    real = Swap.carry_out

    def fail(swap: Swap) -> None:
        if swap.edit is edits[failing]:
            raise OSError(28, "No space left on device")
        real(swap)

    monkeypatch.setattr(Swap, "carry_out", fail)
    with pytest.raises(RepositoryError, match="disk is full"):
        writer.apply(edits)
    assert now() == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert leftovers(root) == []
    assert not (root / "made").exists()


def test_what_somebody_changed_meanwhile_is_left_and_said(
    writer: Writer, file: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits, now = _three(root)
    real = Swap.carry_out

    def fail(swap: Swap) -> None:
        if swap.edit is edits[2]:
            file.write_bytes(b"theirs\n")
            raise OSError(28, "No space left on device")
        real(swap)

    monkeypatch.setattr(Swap, "carry_out", fail)
    with pytest.raises(HalfWritten, match=r"src/a\.py had been written") as caught:
        writer.apply(edits)
    assert caught.value.paths == ("src/a.py",)
    assert now() == {"src/a.py": b"theirs\n", "gone.py": OLD, "from.py": OLD}


def test_a_mode_that_changed_since_the_proposal_is_stale(writer: Writer, file: Path) -> None:
    with pytest.raises(Stale):
        writer.apply([Edit("src/a.py", sha256(OLD), OLD, 0o755, 0o644)])
    writer.apply([Edit("src/a.py", sha256(OLD), OLD, 0o755, 0o640)])
    assert file.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("how", ["rewritten", "replaced"])
def test_a_file_changed_at_the_last_instant_is_not_deleted(
    writer: Writer, file: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    real = rename.plainly

    def late(directory: int, old: str, new: str) -> None:
        if how == "replaced":
            file.unlink()
        file.write_bytes(b"saved just now\n")
        real(directory, old, new)

    monkeypatch.setattr(rename, "plainly", late)
    with pytest.raises(Stale):
        writer.delete("src/a.py", base_sha256=sha256(OLD))
    assert file.read_bytes() == b"saved just now\n"
    assert leftovers(file.parent) == []
