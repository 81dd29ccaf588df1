"""Attacks by what a repository brings: settings that would loosen policy, run something, or change the tool.

And attacks on the table of commands: words that look like an allowed command and are another.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from workbench.core import places
from workbench.core.errors import WorkbenchError
from workbench.core.records import Effect, Verdict
from workbench.core.safe_text import one_line
from workbench.policy import Policy, load
from workbench.policy.policy import build
from workbench.policy.reader import parse_tier
from workbench.policy.settings import strictness
from workbench.redteam.case import Attack, Breach, Case, Guard
from workbench.redteam.lab import Lab
from workbench.repo import ReadGate
from workbench.session.opening import repository_policy

LOOSENED = "no verdict becomes less strict by what the repository says"
TABLE = '[run]\nallow = [["pytest", "-q"], {argv = ["ruff", "check"], more = "paths"}]\n'
"""The table that the attacks on commands are judged under."""

_SEVERITY = (Effect.ALLOW, Effect.REDACT, Effect.ASK, Effect.DENY)


def combined(repository: bytes | None, above: str) -> Policy:
    """Return what a repository's policy makes of the policy above it.

    Args:
        repository: The repository's file, or None where it has none.
        above: The text of a user's policy; empty for the policy in force on this machine.
    """
    if not above:
        return load(repository)
    tiers = [parse_tier(above.encode(), tier="user", file="policy.toml")]
    if repository is not None:
        tiers.append(parse_tier(repository, tier="repository", file=".workbench/policy.toml"))
    return build(tiers)


def _loosens(
    text: str, *, above: str = "", path: str = ".env", argv: Sequence[str] = ("sh", "-c", "id")
) -> Attack:
    def attack(lab: Lab) -> str:
        root = lab.repository({".workbench/policy.toml": text})
        before = combined(None, above)
        try:
            with ReadGate(root) as gate:
                after = combined(repository_policy(gate), above)
        except WorkbenchError as error:
            return one_line(error.cause)
        _compare(before.read(path), after.read(path))
        _compare(before.edit(path), after.edit(path))
        _compare(before.run(list(argv)), after.run(list(argv)))
        for key, value in before.settings.values.items():
            if strictness(key, after.settings.values[key]) < strictness(key, value):
                raise Breach(f"{key} fell from {value} to {after.settings.values[key]}")
        verdict = after.read(path)
        return f"{path}: {verdict.effect} by {verdict.rule.name}"

    return attack


def _compare(old: Verdict, new: Verdict) -> None:
    if _SEVERITY.index(new.effect) < _SEVERITY.index(old.effect):
        raise Breach(f"{old.effect} became {new.effect} by {new.rule.name}")


def _refused_argv(argv: Sequence[str]) -> Attack:
    def attack(_lab: Lab) -> str:
        verdict = build([parse_tier(TABLE.encode(), tier="user", file="policy.toml")]).run(list(argv))
        if verdict.effect is not Effect.DENY:
            raise Breach(f"{verdict.effect} by {verdict.rule.name}")
        return verdict.rule.name

    return attack


def _dotenv_settings(lab: Lab) -> str:
    """A `.env` in the repository that sets where this program keeps its state and settings."""
    chosen = lab.outside / "taken-over"
    lines = "".join(f"{name}={chosen}\n" for name in ("WORKBENCH_STATE", "XDG_CONFIG_HOME", "HOME"))
    root = lab.repository({".env": lines, ".envrc": lines})
    os.chdir(root)
    try:
        with lab.opened(root):
            found = {str(places.state_root()), str(places.config_root())}
    finally:
        os.chdir(lab.place)
    if any(str(chosen) in place for place in found) or chosen.exists():
        raise Breach("the repository's .env moved this program's places")
    return "no place of this program was moved"


def _settings_in_the_repository(lab: Lab) -> str:
    """A keymap, themes and settings of this program inside the repository, which are nobody's business."""
    from workbench.tui.keymap import read_keymap
    from workbench.tui.themes import load_all, shipped_folder

    root = lab.repository(
        {
            "keymap.toml": '"review.approve" = ["space"]\n',
            ".config/workbench/keymap.toml": '"review.approve" = ["space"]\n',
            ".workbench/keymap.toml": '"review.approve" = ["space"]\n',
            "themes/evil.toml": 'name = "evil"\n',
        }
    )
    os.chdir(root)
    try:
        keymap = read_keymap(places.config_root() / "keymap.toml")
        shelf = load_all([shipped_folder(), places.config_root() / "themes"])
    finally:
        os.chdir(lab.place)
    if "space" in repr(keymap) or "evil" in repr(shelf):
        raise Breach("the repository's own settings are in force")
    return "settings are read from the person's own places only"


def _package_in_the_repository(lab: Lab) -> str:
    """A package called `workbench`, a start-up file and a path file in the directory of the start."""
    import subprocess
    import sys

    mark = lab.outside / "ran"
    run = f"open({str(mark)!r}, 'w')\n"
    names = ("workbench/__init__.py", "sitecustomize.py", "usercustomize.py", "json.py", "evil.pth")
    root = lab.repository(dict.fromkeys(names, run))
    from workbench.boundary import second_stage

    argv = [sys.executable, "-I", second_stage.__file__, "workbench", "--version"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    if mark.exists():
        raise Breach("a file of the repository ran as this program started")
    return f"started as {one_line(done.stdout.strip()) or done.returncode}"


def _policy_link(lab: Lab) -> str:
    """The repository's policy as a link to a looser one."""
    root = lab.repository({"loose.toml": '[read]\nallow = ["*"]\n'})
    (root / ".workbench").mkdir()
    (root / ".workbench" / "policy.toml").symlink_to(root / "loose.toml")
    with ReadGate(root) as gate:
        try:
            repository_policy(gate)
        except WorkbenchError as error:
            return one_line(error.cause)
    raise Breach("the policy was read through a link")


def _broken_policy(lab: Lab) -> str:
    """A policy that cannot be understood must not count as none."""
    root = lab.repository({".workbench/policy.toml": "[read]\ndeny = [\n"})
    try:
        with ReadGate(root) as gate:
            policy = combined(repository_policy(gate), "")
    except WorkbenchError as error:
        return one_line(error.cause)
    raise Breach(f"a broken policy was taken for {policy.name}")


_TIERS: tuple[tuple[str, str, Attack, str], ...] = (
    ("allow_dotenv", "allows `.env`", _loosens('[read]\nallow = [".env", "*"]\n'), "S67 A30"),
    ("negated_deny", "denies with `!`, to take a denial back", _loosens('[read]\ndeny = ["!.env"]\n'), "A11"),
    (
        "allow_edits",
        "allows edits of the policy itself",
        _loosens('[edit]\nallow = ["*", ".workbench/"]\n', path=".workbench/policy.toml"),
        "S67 A11",
    ),
    ("allow_commands", "allows a shell", _loosens('[run]\nallow = [["sh", "-c", "id"]]\n'), "A30 A41"),
    (
        "boundary",
        "demands no boundary",
        _loosens("[boundary]\nminimum = 0\n", above="[boundary]\nminimum = 3\n"),
        "A41",
    ),
    (
        "approvals",
        "lifts the demand for a reason",
        _loosens("[approvals]\nreason_required = false\n", above="[approvals]\nreason_required = true\n"),
        "A41",
    ),
    ("phase", "graduates itself", _loosens('phase = "graduated"\n', above='phase = "regulated"\n'), "A41"),
    (
        "detection",
        "switches the detector off",
        _loosens(
            '[detect]\nsecrets = "off"\npan = "off"\nphi = "off"\n', above='[detect]\nsecrets = "block"\n'
        ),
        "A30",
    ),
    ("policy_link", "is a link", _policy_link, "A12 A1"),
    ("broken", "cannot be understood", _broken_policy, "A24"),
)

_OTHERS: tuple[tuple[str, str, Attack, str], ...] = (
    (
        "dotenv",
        "a `.env` that moves this program's state and settings",
        _dotenv_settings,
        "A29 CVE-2025-61260",
    ),
    (
        "settings",
        "a keymap and themes inside the repository",
        _settings_in_the_repository,
        "A30 CVE-2025-59536",
    ),
    ("package", "a package called `workbench` inside the repository", _package_in_the_repository, "S64 A26"),
)

_COMMANDS: tuple[tuple[str, str, Sequence[str], str], ...] = (
    ("joined", "an allowed command with another behind `;`", ("pytest", "-q; id"), "A18"),
    ("more_words", "an allowed command with one word more", ("pytest", "-q", "--rootdir=/"), "A20"),
    ("shell", "an allowed command inside a shell", ("sh", "-c", "pytest -q"), "A18"),
    ("env", "an allowed command behind `env`", ("env", "pytest", "-q"), "A20"),
    ("sudo", "an allowed command behind `sudo`", ("sudo", "pytest", "-q"), "A20"),
    ("timeout", "an allowed command behind `timeout`", ("timeout", "9", "pytest", "-q"), "A20"),
    ("assignment", "an assignment before an allowed command", ("CI=true", "pytest", "-q"), "A21"),
    ("path", "a program of the worktree by an allowed name", ("./pytest", "-q"), "A26"),
    ("blank", "a blank before the name", (" pytest", "-q"), "A23"),
    ("zero_width", "a zero-width space in the name", ("pytest\u200b", "-q"), "A23 S66"),
    ("return", "a carriage return that hides the tail", ("pytest", "-q\rrm -rf x"), "A23 S66"),
    ("bidi", "a bidi override that turns the words round", ("pytest", "\u202eq-"), "S66"),
    ("option", "an option where paths are allowed", ("ruff", "check", "--config=/tmp/x"), "A25"),
    ("denied_path", "a denied path where paths are allowed", ("ruff", "check", ".env"), "A25"),
    ("outside_path", "a path outside where paths are allowed", ("ruff", "check", "../x"), "A25 A6"),
    ("absolute_path", "an absolute path where paths are allowed", ("ruff", "check", "/etc/passwd"), "A25 A7"),
    ("fifty", "fifty commands in one", tuple(["pytest", "-q", "&&"] * 50), "A22"),
    ("eval", "`eval`", ("eval", "pytest -q"), "A28"),
    ("empty", "no word at all", (), "A24"),
    ("empty_name", "an empty name", ("", "-q"), "A24"),
)

_ARGUED = {
    "package": "the isolated start is Python's own; tests/boundary/test_restart.py starts without it",
    "dotenv": "nothing in this program reads a .env to be switched off: there is no guard, only its absence",
    "settings": "settings have one place; tests/tui/test_keymap.py shows that a file there is taken",
}

CASES = (
    *(
        Case(
            f"config.{name}",
            f"a repository's policy that {title}",
            source,
            LOOSENED,
            Guard.TIERS,
            attack,
            _ARGUED.get(name, ""),
        )
        for name, title, attack, source in _TIERS
    ),
    *(
        Case(
            f"config.{name}",
            title,
            source,
            "nothing the repository brings is a setting of this program",
            Guard.TIERS,
            attack,
            _ARGUED.get(name, ""),
        )
        for name, title, attack, source in _OTHERS
    ),
    *(
        Case(
            f"argv.{name}",
            title,
            source,
            "the table of commands does not list it",
            Guard.TIERS,
            _refused_argv(words),
        )
        for name, title, words, source in _COMMANDS
    ),
)
