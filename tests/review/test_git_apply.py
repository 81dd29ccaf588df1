"""Accepting some hunks gives exactly the file that `git apply` of those hunks gives.

`WORKBENCH_CASES=5000 pytest tests/review/test_git_apply.py` runs as many; by default a sample runs.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.review.proposals import contents, proposal
from workbench.core.records import FileChange, sha256
from workbench.repo import diff_blobs
from workbench.review.choice import chosen
from workbench.review.rendering import Rendering, render

CASES = int(os.environ.get("WORKBENCH_CASES", "150"))
pytestmark = [pytest.mark.timeout(0)] if CASES > 150 else []
LARGE_EVERY = 500
"""Of the large files, one in so many cases; a sample has one as well."""
LARGE_BYTES = 10 << 20
SHARDS = 4

_HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$", re.DOTALL)
_WORDS = (
    b"a",
    b"b",
    b"",
    b"}",
    b"    return x",
    b"x\ry",
    b"-c",
    b"+d",
    b"\\ e",
    b"@@ -1 +1 @@",
    b"\xff\xfe",
    b"\t",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A pair of files, and how the one becomes the other."""

    before: bytes | None
    after: bytes | None
    renamed: bool
    mode_changes: bool


def make(seed: int) -> Case:
    """Return a random case; the same for the same seed."""
    rng = random.Random(seed)
    large = seed % LARGE_EVERY == LARGE_EVERY // 2
    end = rng.choice((b"\n", b"\n", b"\r\n"))
    lines = _large(rng, end) if large else _small(rng, end)
    edited = list(lines)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(edited) + 1)
        edited[at : at + rng.randrange(3)] = [
            rng.choice(_WORDS) + rng.choice((end, end, b"\n"))
        ] * rng.randrange(3)
    before, after = (_joined(rng, side) for side in (lines, edited))
    if before == after:
        after += b"more" + end
    kind = "both" if large else rng.choice(("new", "delete", *["both"] * 8))
    if kind != "both":
        return Case(None if kind == "new" else before, None if kind == "delete" else after, False, False)
    return Case(before, after, rng.random() < 0.2, rng.random() < 0.2)


def _small(rng: random.Random, end: bytes) -> list[bytes]:
    if rng.random() < 0.05:
        return []
    unique = rng.random() < 0.5
    count = rng.randrange(80)
    return [(b"line %d" % n if unique else rng.choice(_WORDS)) + end for n in range(count)]


def _large(rng: random.Random, end: bytes) -> list[bytes]:
    filler = b"x" * 60
    return [b"%d %s%s" % (rng.randrange(1000), filler, end) for _ in range(LARGE_BYTES // 65)]


def _joined(rng: random.Random, lines: Sequence[bytes]) -> bytes:
    data = b"".join(lines)
    return data.rstrip(b"\r\n") if rng.random() < 0.2 else data


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_choice_of_hunks_is_what_git_apply_makes_of_them(tmp_path: Path, shard: int) -> None:
    seeds = list(range(shard, CASES, SHARDS))
    if shard == 0 and CASES < LARGE_EVERY:
        seeds.append(LARGE_EVERY // 2)
    different = [seed for seed in seeds if not _agrees(tmp_path, seed)]
    assert different == []


def _agrees(folder: Path, seed: int) -> bool:
    case = make(seed)
    change = _change(case)
    shown = render(
        replace(proposal(), changes=(change,)),
        contents(case.before, case.after),
        lambda before, after: diff_blobs(before, after, directory=folder),
        lambda *_: "",
    )
    rng = random.Random(seed + 1)
    wanted = {number for number in range(1, len(shown.hunks) + 1) if rng.random() < 0.5}
    if not wanted:
        wanted = {rng.randrange(len(shown.hunks)) + 1}
    ours = _ours(case, change, shown, wanted)
    raw = diff_blobs(case.before or b"", case.after or b"", directory=folder)
    return ours == _gits(folder / str(seed), case, change, shown, wanted, raw)


def _change(case: Case) -> FileChange:
    before, after = (None if data is None else sha256(data) for data in (case.before, case.after))
    mode = 0o755 if case.mode_changes else 0o644
    renamed = "old.txt" if case.renamed else ""
    path = "new.txt" if case.renamed else "file.txt"
    return FileChange(path, before, after, mode, "", renamed, 0o644 if case.mode_changes else None)


def _ours(case: Case, change: FileChange, shown: Rendering, wanted: set[int]) -> dict[str, tuple[bytes, int]]:
    """Return the files that there are after the chosen hunks, with their modes."""
    files: dict[str, tuple[bytes, int]] = {}
    if case.before is not None:
        files[change.renamed_from or change.path] = (case.before, 0o644)
    for content in chosen(shown, wanted):
        files.pop(content.change.renamed_from, None)
        files.pop(content.change.path, None)
        if content.change.after_sha256 is not None:
            files[content.change.path] = (content.after, content.change.mode)
    return files


def _gits(
    folder: Path, case: Case, change: FileChange, shown: Rendering, wanted: set[int], raw: bytes
) -> dict[str, tuple[bytes, int]]:
    folder.mkdir()
    old = change.renamed_from or change.path
    if case.before is not None:
        (folder / old).write_bytes(case.before)
        (folder / old).chmod(0o644)
    taken = [hunk.of for number, hunk in enumerate(shown.hunks, 1) if number in wanted and hunk.of]
    places = [number for number, hunk in enumerate(shown.hunks, 1) if hunk.lines]
    lines = {place for place, number in enumerate(places, 1) if number in wanted}
    patch = _patch(case, change, old, taken, _hunks(raw, lines))
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    subprocess.run(
        ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
        input=patch,
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in folder.iterdir()}


def _patch(case: Case, change: FileChange, old: str, taken: list[str], hunks: bytes) -> bytes:
    """Return a patch as git writes it, of the file's own changes taken and of the hunks given."""
    new = change.path if "name" in taken else old
    head = [f"diff --git a/{old} b/{new}"]
    if case.before is None:
        head += ["new file mode 100644"]
    elif case.after is None:
        head += ["deleted file mode 100644"]
    elif "mode" in taken:
        head += ["old mode 100644", "new mode 100755"]
    if "name" in taken:
        head += ["similarity index 50%", f"rename from {old}", f"rename to {new}"]
    if hunks:
        head += ["--- " + ("/dev/null" if case.before is None else f"a/{old}")]
        head += ["+++ " + ("/dev/null" if case.after is None else f"b/{new}")]
    return "\n".join(head).encode() + b"\n" + hunks


def _hunks(raw: bytes, wanted: set[int]) -> bytes:
    """Return the wanted hunks of git's own diff, moved by what the others would have added."""
    result, number, skipped = [], 0, 0
    for line in re.split(rb"(?<=\n)", raw):
        match = _HEADER.match(line)
        if match:
            number += 1
            old, olds, new, news = (int(part) if part else 1 for part in match.groups()[:4])
            if number in wanted:
                line = b"@@ -%d,%d +%d,%d @@%s" % (old, olds, new - skipped, news, match[5])
            else:
                skipped += news - olds
        if number in wanted:
            result.append(line)
    return b"".join(result)
