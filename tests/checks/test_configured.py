"""What a repository configures is found by reading; what a command is for, by its words."""

from __future__ import annotations

import pytest

from workbench.checks.configured import Purpose, configured, purpose_of


def _names(files: dict[str, str]) -> set[tuple[str, str, str]]:
    tools = configured(files, lambda path: files[path].encode())
    return {(tool.purpose.name, tool.name, tool.source) for tool in tools}


def test_python_tools_are_found_in_every_place_that_configures_them() -> None:
    files = {
        "pyproject.toml": "[tool.ruff]\nline-length = 99\n[tool.mypy]\n[tool.pytest.ini_options]\n"
        "[tool.hatch]\n",
        "setup.cfg": "[metadata]\nname = x\n[flake8]\n[tool:pytest]\n",
        "tox.ini": "[testenv]\n",
        ".pre-commit-config.yaml": "repos: []\n",
    }
    assert _names(files) == {
        ("LINTER", "ruff", "pyproject.toml"),
        ("TYPES", "mypy", "pyproject.toml"),
        ("TESTS", "pytest", "pyproject.toml"),
        ("LINTER", "flake8", "setup.cfg"),
        ("TESTS", "pytest", "setup.cfg"),
        ("TESTS", "tox", "tox.ini"),
        ("LINTER", "pre-commit", ".pre-commit-config.yaml"),
    }


def test_javascript_go_rust_and_java_are_known() -> None:
    files = {
        "package.json": '{"scripts": {"lint": "eslint .", "test": "jest", "build": "x", "typecheck": "tsc"}}',
        "tsconfig.json": "{}",
        "eslint.config.mjs": "",
        "go.mod": "module x",
        "Cargo.toml": "[package]",
        "pom.xml": "<project/>",
    }
    found = {(purpose, name) for purpose, name, _ in _names(files)}
    assert found == {
        ("LINTER", "npm lint"),
        ("TESTS", "npm test"),
        ("TYPES", "npm typecheck"),
        ("TYPES", "tsc"),
        ("LINTER", "eslint"),
        ("LINTER", "gofmt"),
        ("TYPES", "go vet"),
        ("TESTS", "go test"),
        ("LINTER", "cargo fmt"),
        ("TYPES", "cargo check"),
        ("TESTS", "cargo test"),
        ("TESTS", "mvn test"),
    }


def test_tests_without_a_configuration_are_found_by_their_files() -> None:
    assert _names({"a.py": "", "tests/test_a.py": ""}) == {("TESTS", "pytest", "tests/test_a.py")}


@pytest.mark.parametrize("text", ["[", "", "tool = 3", "\x00"])
@pytest.mark.parametrize("path", ["pyproject.toml", "package.json", "setup.cfg"])
def test_a_file_that_does_not_parse_configures_nothing(path: str, text: str) -> None:
    assert _names({path: text}) == set()


def test_a_file_below_the_root_configures_nothing() -> None:
    assert _names({"vendor/pyproject.toml": "[tool.ruff]\n"}) == set()


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        ("pytest -q", Purpose.TESTS),
        ("python -m pytest", Purpose.TESTS),
        ("ruff check", Purpose.LINTER),
        ("/usr/bin/mypy", Purpose.TYPES),
        ("cargo check", Purpose.TYPES),
        ("cargo fmt --check", Purpose.LINTER),
        ("go vet ./...", Purpose.TYPES),
        ("npm run lint", Purpose.LINTER),
        ("npm run test:unit", None),
        ("make build", None),
        ("ls", None),
    ],
)
def test_a_command_is_for_what_its_first_telling_word_says(words: str, purpose: Purpose | None) -> None:
    assert purpose_of(words.split()) is purpose
