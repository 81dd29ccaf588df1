"""A task is about the file and the symbol it names, and about nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repositories import make_repository
from workbench.agent.targets import Find, Somewhere, Target, find_target, mentioned_paths
from workbench.broker import Broker
from workbench.context import Found, Index, is_test
from workbench.core.errors import Refused, UsageError
from workbench.core.records import SYSTEM, Principal
from workbench.session.opening import Options, open_parts
from workbench.session.person import editor_for, person

PATHS = [
    "app/main.py",
    "app/util/text.py",
    "app/text.go",
    "docs/a b.md",
    "tests/test_text.py",
    "text.py.orig",
]
FILES = {
    "app/stats.py": b"def mean(v):\n    return 1\n\n\nclass Box:\n    def mean(self):\n        return 2\n",
    "app/dates.py": b"def parse_date(s):\n    return s\n\n\ndef twice():\n    return 1\n",
    "app/more.py": b"def twice():\n    return 2\n",
    "tests/test_dates.py": b"def parse_date():\n    pass\n",
    "notes.txt": b"parse_date\n",
    "deploy.pem": b"-----BEGIN PRIVATE KEY-----\n",
}
ROLE: Principal = editor_for(person())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    parts = open_parts(make_repository(tmp_path / "app", FILES), Options(accept_unenforced=True))
    yield parts.broker
    parts.ledger.close()
    parts.queue.close()


def _find(task: str, broker: Broker, *files: str) -> Target:
    found = find_target(task, files, broker.list(actor=ROLE), broker, ROLE, _search(broker))
    assert isinstance(found, Target)
    return found


def _search(broker: Broker) -> Find:
    def find(request: str) -> Found:
        with tempfile.TemporaryDirectory() as directory:
            index = Index(Path(directory), broker, SYSTEM)
            index.refresh(broker.list(actor=SYSTEM))
            return index.search(request)

    return find


@pytest.mark.parametrize(
    ("task", "named"),
    [
        ("fix app/main.py please", ["app/main.py"]),
        ("fix @app/main.py.", ["app/main.py"]),
        ("fix `main.py`", ["app/main.py"]),
        ("in ./app/util/text.py, trim", ["app/util/text.py"]),
        ("look at text.go and main.py", ["app/text.go", "app/main.py"]),
        ("version 1.2 of the text", []),
        ("fix everything", []),
    ],
)
def test_paths_are_recognised_in_words(task: str, named: list[str]) -> None:
    assert mentioned_paths(task, PATHS) == named


def test_tests_are_told_from_sources() -> None:
    paths = ("tests/a.py", "test_a.py", "a_test.go", "a.spec.ts", "attest.py", "contest/a.py")
    assert [is_test(path) for path in paths] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_a_qualified_name_beats_a_bare_one(broker: Broker) -> None:
    found = _find("change Box.mean in app/stats.py", broker)
    assert found.symbol is not None
    assert found.symbol.qualified == "Box.mean"


def test_a_name_alone_is_found_where_it_is_defined_and_not_where_it_is_tested(broker: Broker) -> None:
    found = _find("make parse_date strict", broker)
    assert found.content.path == "app/dates.py"
    assert found.symbol is not None
    assert found.symbol.name == "parse_date"


def test_a_name_defined_twice_asks_for_the_file(broker: Broker) -> None:
    with pytest.raises(UsageError, match=r"app/dates.py, app/more.py"):
        _find("speed up `twice`", broker)


def test_an_unknown_name_says_so(broker: Broker) -> None:
    with pytest.raises(UsageError, match="no_such_thing"):
        _find("fix no_such_thing", broker)


def test_a_file_named_apart_from_the_words_comes_first(broker: Broker) -> None:
    assert _find("fix app/stats.py", broker, "app/more.py").content.path == "app/more.py"


def test_a_denied_file_is_refused_whoever_names_it(broker: Broker) -> None:
    for task, files in (("rotate the key in deploy.pem", ()), ("rotate the key", ("deploy.pem",))):
        with pytest.raises(Refused):
            _find(task, broker, *files)


def test_a_task_that_names_nothing_is_about_what_its_words_find(broker: Broker) -> None:
    found = find_target("the box has a wrong mean", (), (), broker, ROLE, _search(broker))
    assert isinstance(found, Somewhere)
    assert found.places[0].qualified == "Box.mean"
    assert not any(place.path == "tests/test_dates.py" for place in found.places[:2])
