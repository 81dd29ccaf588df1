"""A task that names no file is about what the index finds, and the model chooses from a closed list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import make_repository
from tests.session.driving import driving
from workbench.agent.editor import SURROUNDINGS
from workbench.context import Found
from workbench.session.indexing import Indexing

FILES = {
    "clinic/dose.py": b"def daily_dose(weight):\n    return weight * 2\n",
    "clinic/billing.py": b"def invoice_total(items):\n    return sum(items)\n",
    "tests/test_dose.py": b"def test_daily():\n    pass\n",
}


def test_a_task_without_a_name_is_found_by_its_words(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "clinic", FILES)
    answer = "```python\ndef daily_dose(weight):\n    return weight * 3\n```"
    engine = ScriptedEngine(["clinic/dose.py: daily_dose", answer])
    with driving(root, engine) as driver:
        assert driver.run("the dose for a day should be three times the weight") == "queued"
        (item,) = driver.session.queue()
        assert item.path == "clinic/dose.py"
        assert "file.read" in driver.types()
    choice = engine.requests[0]
    assert choice.grammar
    assert "clinic/dose.py: daily_dose" in choice.messages[-1].text


def test_a_name_that_is_nowhere_is_said_to_be_nowhere(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "clinic", FILES)
    with driving(root, ScriptedEngine([])) as driver:
        assert driver.run("rename `weekly_dose`") == "refused"
        assert "weekly_dose" in driver.session.status().error


def test_a_small_symbol_of_a_long_file_gets_what_stands_around_it_and_no_more(tmp_path: Path) -> None:
    filler = "".join(
        f"def other_{number}(value):\n    return value + {number}\n\n\n" for number in range(900)
    )
    long = filler + "def wanted(value):\n    return value\n"
    root = make_repository(tmp_path / "long", {"app.py": long.encode()})
    engine = ScriptedEngine(
        ["```python\ndef wanted(value):\n    return value or 0\n```"], context_size=32_768
    )
    with driving(root, engine) as driver:
        assert driver.run("make `wanted` in app.py return 0 for None") == "queued"
    prompt = engine.requests[0].messages[-1].text
    assert "def wanted(value):" in prompt
    assert "lines not shown" in prompt
    assert engine.count(prompt) < SURROUNDINGS + 300


def test_a_defect_ends_the_task_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repository(tmp_path / "clinic", FILES)

    def broken(_self: Indexing, _request: str) -> Found:
        raise ZeroDivisionError("one by nothing")

    monkeypatch.setattr(Indexing, "find", broken)
    with driving(root, ScriptedEngine([])) as driver:
        assert driver.run("make the dose larger") == "failed"
        assert "ZeroDivisionError" in driver.session.status().error
        assert "task.ended" in driver.types()
