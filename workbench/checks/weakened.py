"""Checks that tests stay what they are: not removed, not skipped, not asked less than before.

What is looked for, in files that hold tests and in the files that configure them:

1. A test whose name is gone from the whole change, and whose body is not under another name.
2. A new mark that skips, or keeps the rest from running (`skip`, `xfail`, `.only`, `@Disabled` …).
3. A test that asserts less often, or whose assertions are others while the task does not speak of tests.
4. An assertion that always holds, or an error that is caught and dropped.
5. A setting that leaves tests out, or asks for less coverage.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from workbench.checks.draft import Draft
from workbench.checks.found import PASS, SKIPPED, WARN, Found, Work, listed
from workbench.context import is_test
from workbench.core.safe_text import decode, one_line


@dataclass(frozen=True, slots=True)
class Habits:
    """How tests are written in one language."""

    test: re.Pattern[str]
    """Its last group that takes part is the test's name."""
    skip: re.Pattern[str]
    check: re.Pattern[str]
    """An assertion: the line it begins."""
    empty: re.Pattern[str]
    """What asserts nothing."""
    comment: str


_PYTHON = Habits(
    re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(test\w*)", re.MULTILINE),
    re.compile(
        r"pytest\.mark\.(?:skip|skipif|xfail)\b|pytest\.(?:skip|xfail)\(|@(?:unittest\.)?(?:skip(?:If|Unless)?|"
        r"expectedFailure)\b|\.skipTest\(|\braise (?:unittest\.)?SkipTest|__test__\s*=\s*False|collect_ignore"
    ),
    re.compile(
        r"^[ \t]*(?:assert\b|self\.(?:assert|fail)\w*\(|with [^\n]*\b(?:raises|warns)\(|"
        r"\w[\w.]*\.assert_\w+\().*",
        re.MULTILINE,
    ),
    re.compile(
        r"\bassert[ \t(]+(?:True|1|not False|not 0)\b\)?[ \t]*(?:$|,)|assertTrue\(True\)|"
        r"^[ \t]*except(?:[ \t(]+(?:Base)?Exception\)?)?[ \t]*:\s*(?:pass|\.\.\.)[ \t]*$",
        re.MULTILINE,
    ),
    "#",
)
_JAVASCRIPT = Habits(
    re.compile(r"""\b(?:it|test)(?:\.\w+)*\(\s*(['"`])(.*?)\1""", re.DOTALL),
    re.compile(
        r"\b(?:it|test|describe|context|suite)\.(?:skip|only|todo|fixme|failing)\b|\b(?:x|f)(?:it|test|describe)\("
    ),
    re.compile(r"^[ \t]*(?:await )?(?:expect|assert)\b.*", re.MULTILINE),
    re.compile(
        r"expect\((true|1|false|0)\)\.(?:toBe|toEqual|toStrictEqual)\(\1\)|expect\(true\)\.toBeTruthy"
    ),
    "//",
)
_GO = Habits(
    re.compile(r"^func (?:\([^)]*\) )?((?:Test|Fuzz|Example)\w*)\(", re.MULTILINE),
    re.compile(r"\b[tbf]\.Skip(?:f|Now)?\(|^//go:build ignore", re.MULTILINE),
    re.compile(r"^[ \t]*(?:[tbf]\.(?:Error|Fatal|Fail)\w*\(|(?:assert|require)\.\w+\().*", re.MULTILINE),
    re.compile(r"(?:assert|require)\.True\(\w+, true\b"),
    "//",
)
_JAVA = Habits(
    re.compile(
        r"@(?:\w+\.)*(?:Parameterized|Repeated)?Test\b[^{;]*?\b(\w+)\s*\(\s*[^)]*\)\s*(?:throws [\w., ]+)?\{",
        re.DOTALL,
    ),
    re.compile(r"@(?:Disabled|Ignore)\b|\bassume(?:True|False|That)\(|enabled\s*=\s*false"),
    re.compile(r"^[ \t]*(?:\w+\.)?(?:assert|verify|fail)\w*\(.*", re.MULTILINE),
    re.compile(r"assertTrue\(true\)|assertFalse\(false\)|catch \((?:Exception|Throwable) \w+\) \{\s*\}"),
    "//",
)
_RUST = Habits(
    re.compile(r"#\[(?:\w+::)*test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?(?:async )?fn (\w+)"),
    re.compile(r"#\[ignore\b"),
    re.compile(r"^[ \t]*(?:debug_)?assert\w*!.*", re.MULTILINE),
    re.compile(r"assert!\(true\)"),
    "//",
)
_HABITS = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "tsx": _JAVASCRIPT,
    "go": _GO,
    "java": _JAVA,
    "rust": _RUST,
}
_SETTINGS = frozenset(
    {"pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "conftest.py", "package.json", ".coveragerc"}
    | {"noxfile.py", "makefile"}
)
_LEAVES_OUT = re.compile(
    r"--ignore\b|--deselect\b|-k[ ='\"]+not\b|--passWithNoTests|testPathIgnorePatterns|collect_ignore|"
    r"norecursedirs|\|\| true\b|--no-cov\b|omit\s*="
)
_COVERAGE = re.compile(
    r"(?:fail_under|cov-fail-under|branches|functions|lines|statements)[\"']?\s*[=:]\s*(\d+)"
)


@dataclass(frozen=True, slots=True)
class _Tests:
    """The tests of one file: each name's assertions, and its text without its name."""

    checks: dict[str, Counter[str]]
    bodies: dict[str, str]
    skips: int
    empty: int


def weakened(work: Work) -> Found:
    """Say whether tests go, are skipped, or are asked less."""
    told: list[str] = []
    looked = 0
    kept = [_tests(draft, draft.after) for draft in work.drafts if _holds_tests(draft)]
    names = {name for tests in kept for name in tests.checks}
    bodies = {body for tests in kept for body in tests.bodies.values()}
    for draft in work.drafts:
        if _holds_tests(draft) and draft.before is not None:
            looked += 1
            told += _compared(draft, names, bodies)
        elif draft.path.rpartition("/")[2].casefold() in _SETTINGS or is_test(draft.path):
            looked += 1
            told += _settings(draft)
    if told:
        return WARN, listed(told, "; ")
    return (PASS, "none removed, skipped or asked less") if looked else (SKIPPED, "no test in the change")


def _holds_tests(draft: Draft) -> bool:
    return is_test(draft.path) and draft.language is not None and draft.language.name in _HABITS


def _compared(draft: Draft, names: set[str], bodies: set[str]) -> list[str]:
    before, after = _tests(draft, draft.before or b""), _tests(draft, draft.after)
    told = []
    gone = [n for n in before.checks if n not in names and before.bodies[n] not in bodies]
    if gone:
        told.append(f"removed: {listed([one_line(name) for name in gone])}")
    if after.skips > before.skips:
        told.append(f"{after.skips - before.skips} more skipped or singled out")
    if after.empty > before.empty:
        told.append(f"{after.empty - before.empty} more that assert nothing")
    both = [name for name in before.checks if name in after.checks]
    fewer = [name for name in both if after.checks[name].total() < before.checks[name].total()]
    if fewer:
        told.append(f"asserts less: {listed([one_line(name) for name in fewer])}")
    changed = [n for n in both if n not in fewer and before.checks[n] - after.checks[n]]
    if changed and "test" not in draft.task.lower() and "assert" not in draft.task.lower():
        told.append(f"asserts something else: {listed([one_line(name) for name in changed])}")
    return told


def _settings(draft: Draft) -> list[str]:
    before, after = decode(draft.before or b""), decode(draft.after)
    told = []
    if len(_LEAVES_OUT.findall(after)) > len(_LEAVES_OUT.findall(before)):
        told.append(f"{one_line(draft.path)} leaves more out")
    asked = [min((int(number) for number in _COVERAGE.findall(text)), default=0) for text in (before, after)]
    if asked[1] < asked[0]:
        told.append(f"{one_line(draft.path)} asks for {asked[1]} % coverage, not {asked[0]} %")
    return told


def _tests(draft: Draft, data: bytes) -> _Tests:
    habits = _HABITS[draft.language.name] if draft.language else _PYTHON
    text = re.sub(rf"(?m)(?<![\w'\"`]){re.escape(habits.comment)}(?!go:build|!).*$", "", decode(data))
    found = [*habits.test.finditer(text)]
    ends = [*(match.start() for match in found), len(text)][1:]
    checks: dict[str, Counter[str]] = {}
    bodies: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        name, body = match[match.lastindex or 0], text[match.end() : end]
        lines = (" ".join(line.split()) for line in habits.check.findall(body))
        checks.setdefault(name, Counter()).update(lines)
        bodies[name] = bodies.get(name, "") + " ".join(body.split())
    return _Tests(checks, bodies, len(habits.skip.findall(text)), len(habits.empty.findall(text)))
