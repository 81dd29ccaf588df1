"""What other programs run or install is told, with the dependencies that come, go or change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.broker import Broker
from workbench.checks import Draft
from workbench.checks.sensitive import sensitive
from workbench.session.opening import Options, open_parts


@pytest.fixture
def broker(repository: Path) -> Iterator[Broker]:
    parts = open_parts(repository, Options(accept_unenforced=True))
    yield parts.broker
    parts.ledger.close()
    parts.queue.close()


@pytest.mark.parametrize(
    ("path", "before", "after", "what"),
    [
        ("requirements.txt", "flask==2.0\n", "flask==2.0\nrequests>=2\n", "adds requests"),
        ("requirements-dev.txt", "flask==2.0\n", "flask==3.0\n", "changes flask"),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['flask']\n",
            "[project]\ndependencies = ['flask', 'evil[x]>1']\n",
            "adds evil",
        ),
        (
            "pyproject.toml",
            "[dependency-groups]\ndev = ['ruff']\n",
            "[dependency-groups]\ndev = []\n",
            "removes ruff",
        ),
        ("package.json", '{"dependencies": {"a": "1"}}', '{"dependencies": {"a": "2"}}', "changes a"),
        ("package.json", "{}", '{"scripts": {"postinstall": "x"}}', "runs when packages are installed"),
        ("go.mod", "module a\n", "module a\n\nrequire example.org/x/y v1.2.3\n", "adds example.org/x/y"),
        ("Cargo.toml", "[dependencies]\na = '1'\n", "[dependencies]\na = '1'\nb = '2'\n", "adds b"),
        ("uv.lock", "a", "b", "names what is installed"),
        (".github/workflows/ci.yml", "a: 1\n", "a: 2\n", "runs in continuous integration"),
        ("CODEOWNERS", "* @a\n", "* @b\n", "says who decides"),
        ("deploy/run.sh", "ls\n", "rm x\n", "a shell runs"),
    ],
)
def test_a_file_that_others_use_is_told(
    broker: Broker, path: str, before: str, after: str, what: str
) -> None:
    verdict, evidence = sensitive(Draft(path, before.encode(), after.encode(), None, "x"), broker)
    assert verdict == "warn"
    assert what in evidence


@pytest.mark.parametrize("path", ["vitals/summary.py", "docs/index.md", "tests/test_a.py", "src/package.py"])
def test_an_ordinary_file_is_not(broker: Broker, path: str) -> None:
    assert sensitive(Draft(path, b"a = 1\n", b"a = 2\n", None, "x"), broker)[0] == "pass"


def test_a_manifest_that_does_not_parse_is_still_told(broker: Broker) -> None:
    assert sensitive(Draft("pyproject.toml", b"[", b"[[", None, "x"), broker)[0] == "warn"
