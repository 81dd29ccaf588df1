"""The list of attacks in the documentation is the list of attacks in the program."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.redteam import cases

DOCUMENT = (Path(__file__).parents[2] / "docs" / "redteam.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([a-z]+\.[a-z0-9_.]+)` \| (.*) \| ([^|]*) \|$", DOCUMENT, re.MULTILINE)


def test_every_attack_is_documented_and_nothing_else() -> None:
    assert [row[0] for row in ROWS] == [case.id for case in cases()]


def test_every_source_is_explained() -> None:
    explained = set(re.findall(r"^- \*\*([SA]\d+)\*\* ", DOCUMENT, re.MULTILINE)) | {"floor", "detection"}
    used = {word for case in cases() for word in case.source.split() if not word.startswith("CVE-")}
    assert used <= explained
    assert [row[2] for row in ROWS] == [case.source for case in cases()]
