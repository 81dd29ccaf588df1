"""A test that goes, is skipped or asks for less is told; a test that is added, renamed or moved is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from workbench.broker import Broker
from workbench.checks import Draft
from workbench.checks.found import Found, Work
from workbench.checks.weakened import weakened
from workbench.core.records import SYSTEM

PYTHON = """import pytest


def test_mean():
    assert mean([1, 3]) == 2
    assert mean([2]) == 2


def test_median():
    assert median([1, 2, 9]) == 2
"""
NO_BROKER = cast("Broker", SimpleNamespace())


def _told(*drafts: Draft) -> Found:
    return weakened(Work(drafts, NO_BROKER, SYSTEM))


def _draft(
    before: str | None, after: str, path: str = "tests/test_a.py", task: str = "fix the mean"
) -> Draft:
    return Draft(path, None if before is None else before.encode(), after.encode(), None, task)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("def test_median():\n    assert median([1, 2, 9]) == 2\n", "", "removed: test_median"),
        ("def test_median", "def _test_median", "removed: test_median"),
        ("def test_mean", "@pytest.mark.skip\ndef test_mean", "1 more skipped"),
        ("def test_mean", "@pytest.mark.xfail(strict=False)\ndef test_mean", "1 more skipped"),
        (
            "    assert mean([1, 3]) == 2\n",
            "    pytest.skip('later')\n    assert mean([1, 3]) == 2\n",
            "skipped",
        ),
        ("    assert mean([2]) == 2\n", "", "asserts less: test_mean"),
        ("    assert mean([2]) == 2\n", "    # assert mean([2]) == 2\n", "asserts less: test_mean"),
        ("assert mean([2]) == 2", "assert True", "assert nothing"),
        ("== 2\n    assert", "== 3\n    assert", "asserts something else: test_mean"),
        (
            "    assert mean([2]) == 2\n",
            "    try:\n        assert mean([2]) == 2\n    except Exception:\n        pass\n",
            "assert nothing",
        ),
    ],
)
def test_a_weaker_test_is_told(old: str, new: str, what: str) -> None:
    assert old in PYTHON
    verdict, evidence = _told(_draft(PYTHON, PYTHON.replace(old, new, 1)))
    assert verdict == "warn"
    assert what in evidence


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import pytest\n", "import pytest\n\n\ndef test_more():\n    assert True is True\n"),
        ("def test_median", "def test_the_median_of_three"),
        ("    assert mean([2]) == 2\n", "    assert mean([2]) == 2\n    assert mean([4]) == 4\n"),
        ("def test_mean():\n", 'def test_mean():\n    """Say what."""\n'),
        ("import pytest", "import os\n\nimport pytest"),
    ],
)
def test_what_does_not_weaken_is_not_told(old: str, new: str) -> None:
    assert _told(_draft(PYTHON, PYTHON.replace(old, new, 1)))[0] == "pass"


def test_a_changed_assertion_is_what_a_task_about_tests_asks_for() -> None:
    changed = PYTHON.replace("[2]) == 2", "[2]) == 2.0")
    assert _told(_draft(PYTHON, changed, task="make the tests exact"))[0] == "pass"


def test_a_test_that_moves_to_another_file_of_the_change_is_not_removed() -> None:
    cut = PYTHON.index("def test_median")
    moved = _draft(None, PYTHON[cut:], "tests/test_b.py")
    assert _told(_draft(PYTHON, PYTHON[:cut]), moved)[0] == "pass"
    assert _told(_draft(PYTHON, PYTHON[:cut]))[0] == "warn"


def test_a_deleted_test_file_is_told() -> None:
    gone = Draft("tests/test_a.py", PYTHON.encode(), b"", None, "tidy", deleted=True)
    assert "removed: test_mean, test_median" in _told(gone)[1]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("pyproject.toml", "addopts = '-q'\n", "addopts = '-q --ignore=tests/slow'\n"),
        ("pyproject.toml", "fail_under = 90\n", "fail_under = 50\n"),
        ("package.json", '{"scripts": {"test": "jest"}}', '{"scripts": {"test": "jest || true"}}'),
        ("tests/conftest.py", "import os\n", "import os\ncollect_ignore = ['test_a.py']\n"),
    ],
)
def test_a_setting_that_leaves_tests_out_is_told(path: str, before: str, after: str) -> None:
    assert _told(_draft(before, after, path))[0] == "warn"


OTHERS = {
    "a.test.ts": (
        "it('adds', () => {\n  expect(add(1)).toBe(2);\n});\n",
        [
            ("it('adds'", "it.skip('adds'"),
            ("it('adds'", "it.only('adds'"),
            ("expect(add(1)).toBe(2)", "add(1)"),
        ],
    ),
    "a_test.go": (
        'func TestAdd(t *testing.T) {\n\tif add(1) != 2 {\n\t\tt.Fatal("no")\n\t}\n}\n',
        [("TestAdd", "testAdd"), ("\tif", "\tt.Skip()\n\tif"), ('\t\tt.Fatal("no")\n', "\t\treturn\n")],
    ),
    "src/test/ATest.java": (
        "class ATest {\n  @Test\n  void adds() {\n    assertEquals(2, add(1));\n  }\n}\n",
        [("  @Test\n", ""), ("  @Test", "  @Disabled @Test"), ("    assertEquals(2, add(1));\n", "")],
    ),
    "tests/a.rs": (
        "#[test]\nfn adds() {\n    assert_eq!(add(1), 2);\n}\n",
        [("#[test]\n", ""), ("fn adds", "#[ignore]\nfn adds"), ("    assert_eq!(add(1), 2);\n", "")],
    ),
}


@pytest.mark.parametrize(
    ("path", "before", "old", "new"),
    [(path, before, *change) for path, (before, changes) in OTHERS.items() for change in changes],
)
def test_other_languages_are_read_as_well(path: str, before: str, old: str, new: str) -> None:
    assert old in before
    assert _told(_draft(before, before, path))[0] == "pass"
    assert _told(_draft(before, before.replace(old, new, 1), path))[0] == "warn"


def test_a_change_without_tests_is_skipped() -> None:
    assert _told(_draft("x = 1\n", "x = 2\n", "src/a.py"))[0] == "skipped"
