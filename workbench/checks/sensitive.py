"""Checks whether a change touches what other programs run or install: dependencies, CI, builds, policy."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.broker import Broker
from workbench.checks.draft import Draft
from workbench.checks.found import PASS, WARN, Found, listed
from workbench.core.safe_text import decode, one_line

_LOCKS = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "poetry.lock"}
    | {"pdm.lock", "uv.lock", "pipfile.lock", "go.sum", "cargo.lock", "gemfile.lock", "composer.lock"}
    | {"gradle.lockfile"}
)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^#;\n]*)", re.MULTILINE)
_GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/[\w./-]+)\s+(v\S+)", re.MULTILINE)
_POLICY = re.compile(r"^(?:\.workbench/|codeowners$|\.github/codeowners$|security\.md$)", re.IGNORECASE)


def sensitive(draft: Draft, broker: Broker) -> Found:
    """Say what the file does beside being read, and which dependencies come, go or change."""
    name = draft.path.rpartition("/")[2].casefold()
    told = []
    if reason := broker.policy.is_sensitive_to_execute(draft.path):
        told.append(f"this file {reason}")
    elif name in _LOCKS:
        told.append("this file names what is installed")
    elif _POLICY.match(draft.path):
        told.append("this file says who decides")
    old, new = (_dependencies(name, data) for data in (draft.before or b"", draft.after))
    for what, names in (
        ("adds", new.keys() - old.keys()),
        ("removes", old.keys() - new.keys()),
        ("changes", {each for each in new.keys() & old.keys() if new[each] != old[each]}),
    ):
        if names:
            told.append(f"{what} {listed([one_line(each) for each in sorted(names)])}")
    return (WARN, "; ".join(told)) if told else (PASS, "none of these")


def _dependencies(name: str, data: bytes) -> dict[str, str]:
    """Return the dependencies that a file of this name declares, each with its version as written."""
    try:
        if name.startswith("requirements") and name.endswith((".txt", ".in")):
            return dict(_requirements(decode(data).split("\n")))
        if name == "go.mod":
            return dict(_GO_REQUIRE.findall(decode(data)))
        if name == "package.json":
            return dict(_tables(json.loads(data or b"{}")))
        if name in ("pyproject.toml", "cargo.toml", "pipfile"):
            return dict(_tables(tomllib.loads(data.decode("utf-8"))))
    except (ValueError, RecursionError):
        return {}
    return {}


def _requirements(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if (match := _REQUIREMENT.match(line)) is not None:
            yield match[1].casefold(), match[2].strip()


def _tables(value: Any, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield what stands in every table or list whose key says that it holds dependencies."""
    if not isinstance(value, Mapping):
        return
    for key, held in value.items():
        here = "dependenc" in str(key).casefold() or str(key) in ("dev-packages", "packages", "requires")
        if (here or "dependenc" in within) and isinstance(held, list):
            yield from _requirements([text for text in held if isinstance(text, str)])
        elif here and isinstance(held, Mapping):
            yield from (
                (str(name), str(version)) for name, version in held.items() if not isinstance(version, list)
            )
            yield from _tables(held, str(key).casefold())
        else:
            yield from _tables(held, within)
