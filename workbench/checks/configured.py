"""Finds which formatter, linter, type checker and tests a repository configures, by reading and nothing else.

A configuration file is data here: nothing it names is started, imported or expanded.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.context import is_test


class Purpose(StrEnum):
    """What a tool is for."""

    LINTER = "formatter or linter"
    TYPES = "type checker"
    TESTS = "test runner"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool that a repository configures."""

    purpose: Purpose
    name: str
    source: str
    """The file that says so."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PURPOSES: Mapping[Purpose, frozenset[str]] = {
    Purpose.LINTER: _words("""
        ruff black isort flake8 pylint autopep8 yapf eslint prettier biome stylelint standard gofmt
        goimports golangci-lint staticcheck rustfmt clippy fmt lint format checkstyle spotless ktlint
        pre-commit clang-format clang-tidy
    """),
    Purpose.TYPES: _words("mypy pyright basedpyright pytype ty tsc typecheck type-check types vet check"),
    Purpose.TESTS: _words("pytest unittest nose2 tox nox jest vitest mocha ava test tests nextest ctest"),
}
_IN_PYPROJECT = (
    "ruff",
    "black",
    "isort",
    "flake8",
    "pylint",
    "yapf",
    "mypy",
    "pyright",
    "basedpyright",
    "ty",
    "pytest",
    "tox",
)
_IN_INI = {
    "flake8": "flake8",
    "mypy": "mypy",
    "isort": "isort",
    "pytest": "pytest",
    "tool:pytest": "pytest",
    "testenv": "tox",
    "pylint": "pylint",
    "pycodestyle": "flake8",
}
_BY_NAME = {
    "ruff.toml": "ruff", ".ruff.toml": "ruff", ".flake8": "flake8", ".pylintrc": "pylint",
    "mypy.ini": "mypy", ".mypy.ini": "mypy", "pyrightconfig.json": "pyright", "pytest.ini": "pytest",
    "noxfile.py": "nox", "tsconfig.json": "tsc", "biome.json": "biome", "biome.jsonc": "biome",
    ".golangci.yml": "golangci-lint", ".golangci.yaml": "golangci-lint", "rustfmt.toml": "rustfmt",
    ".rustfmt.toml": "rustfmt", "clippy.toml": "clippy", ".clang-format": "clang-format",
    ".clang-tidy": "clang-tidy", "checkstyle.xml": "checkstyle", ".pre-commit-config.yaml": "pre-commit",
}  # fmt: skip
_BY_STEM = {
    ".eslintrc": "eslint",
    "eslint.config": "eslint",
    ".prettierrc": "prettier",
    "prettier.config": "prettier",
    "jest.config": "jest",
    "vitest.config": "vitest",
    ".mocharc": "mocha",
    ".stylelintrc": "stylelint",
}
_OF_A_LANGUAGE = {
    "go.mod": ("gofmt", "go vet", "go test"),
    "Cargo.toml": ("cargo fmt", "cargo check", "cargo test"),
}
_JAVA_BUILDS = {"pom.xml": "mvn test", "build.gradle": "gradle test", "build.gradle.kts": "gradle test"}
_SECTION = re.compile(r"^\[([\w:.-]+)\]", re.MULTILINE)


def is_configuration(path: str) -> bool:
    """Say whether the file at `path`, at the root, is one of those that `configured` reads."""
    return path in ("pyproject.toml", "setup.cfg", "tox.ini", "package.json")


def configured(paths: Iterable[str], read: Callable[[str], bytes]) -> tuple[Tool, ...]:
    """Return the tools that a repository configures, in no order that means anything.

    Args:
        paths: Every path of the worktree.
        read: Returns the bytes of a file that `is_configuration` names; empty if it may not be read.
    """
    known = list(paths)
    names: list[tuple[str, str]] = []
    for path in known:
        if "/" in path:
            continue
        if path in _BY_NAME:
            names.append((_BY_NAME[path], path))
        names += [(name, path) for stem, name in _BY_STEM.items() if path.startswith(stem)]
        names += [(name, path) for name in _OF_A_LANGUAGE.get(path, ())]
        if path in _JAVA_BUILDS:
            names.append((_JAVA_BUILDS[path], path))
        if is_configuration(path):
            names += [(name, path) for name in _named_in(path, read(path))]
    tools = [Tool(purpose, name, path) for name, path in names if (purpose := purpose_of(name.split()))]
    if not any(tool.purpose is Purpose.TESTS for tool in tools):
        example = next((path for path in known if path.endswith(".py") and is_test(path)), "")
        tools += [Tool(Purpose.TESTS, "pytest", example)] if example else []
    return tuple(dict.fromkeys(tools))


def purpose_of(argv: Sequence[str]) -> Purpose | None:
    """Return what a command is for, by the first of its words that says so; None where none does."""
    for word in argv:
        bare = re.split(r"[:/\\]", word.removesuffix(".exe"))[-1].casefold()
        for purpose, words in _PURPOSES.items():
            if bare in words:
                return purpose
    return None


def _named_in(path: str, data: bytes) -> Iterator[str]:
    try:
        if path == "pyproject.toml":
            tools = tomllib.loads(data.decode("utf-8")).get("tool", {})
            yield from (name for name in _IN_PYPROJECT if name in tools)
        elif path == "package.json":
            document = json.loads(data or b"{}")
            yield from (f"npm {name}" for name in document.get("scripts", {}) if purpose_of([name]))
        else:
            sections = _SECTION.findall(data.decode("utf-8", "replace"))
            yield from (_IN_INI[section] for section in sections if section in _IN_INI)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return
