"""Reads the bytes of one policy file, and refuses what it cannot mean with the line and the allowed values.

What a policy file may say; all of it is optional, and anything else is an error:

    name = "strict"
    phase = "pilot" | "narrow" | "regulated" | "graduated"     # see workbench.policy.presets
    [read]       allow, deny, ask = [glob …]       # with an allow list, nothing outside it is read
    [edit]       allow, deny = [glob …]            # with an allow list, nothing outside it is edited
    [run]        allow = [[word …], { argv = [word …], more = "paths", until = "2026-01-31" } …]
    [model]      allow = [sha256 …]                # empty: any registered model
    [budget]     files_per_proposal, lines_per_proposal, proposals_per_task, tokens_per_task = number
    [approvals]  reason_required = true | false
                 signed = true | false | "labels"  # "labels": what changes a labelled file
                 people = 1 | 2 | 3                # that sign; two and three are different people and keys
                 allowed_signers = "/path"         # ssh-keygen(1), ALLOWED SIGNERS
                 expire_hours = number             # without it, what waits waits for ever
    [approvals.labels.phi]  (or cde, secret)  people, for changes of files with that label
    [checks]     required = [name …]
    [commit]     mode = "current-branch" | "task-branch" | "off"
    [boundary]   minimum = 0 | 2 | 3 | 4
    [labels]     phi, cde, secret = [glob …]
    [detect]     secrets, pan, phi = "off" | "warn" | "redact" | "block"
    [detect.labels.phi]  (or cde, secret)  the same keys, for files with that label
    [retention]  online_days, archive_days = number
    [anchors]    max_age_hours = number; git_notes, syslog = true | false; witnesses = [verifier key …]

Source: TOML 1.0.0 (through `tomllib`); globs as in `workbench.policy.globs`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NoReturn, TypeAlias

from workbench.core.safe_text import one_line
from workbench.policy import globs, lines
from workbench.policy.rules import (
    CHECKS,
    CLASSES,
    LABELS,
    PHASES,
    Action,
    CheckLine,
    CommandLine,
    GlobLine,
    Kind,
    PolicyFileError,
    Tier,
)
from workbench.policy.settings import SIGNED_LABELS

# limits: a policy is written by people; more than this is an attack or an accident.
MAX_FILE_BYTES = 256 * 1024
MAX_ITEMS = 2000
MAX_NUMBER = 1_000_000_000
MAX_DAYS = 36_525
MAX_HOURS = 24 * 366
MAX_SHOWN_CHARS = 60

COMMIT_MODES = ("current-branch", "task-branch", "off")
BOUNDARY_LEVELS = (0, 2, 3, 4)
MORE = ("none", "paths")
PEOPLE = (1, 2, 3)
ACTIONS = tuple(action.value for action in Action)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WITNESS = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")
"""A C2SP verifier key of 33 bytes; whether it is a good one is for `workbench.evidence.cosignature`."""
_PLACE = re.compile(r"\s*\((?:at line (\d+), column \d+|at end of document)\)$")


def parse_tier(data: bytes, *, tier: str, file: str) -> Tier:
    """Return the rules in one policy file.

    Args:
        data: The file's bytes.
        tier: `admin`, `user` or `repository`.
        file: The file's name as shown to a person.

    Raises:
        PolicyFileError: It is not TOML, or says something a policy cannot say.
    """
    return _Reader(tier, one_line(file)).read(data)


class _Reader:
    """Collects the rules of one file; every complaint leaves through `fail`."""

    def __init__(self, tier: str, file: str) -> None:
        self._tier = tier
        self._file = file
        self._lines: dict[lines.Path, int] = {}
        self._globs: list[GlobLine] = []
        self._run: list[CommandLine] | None = None
        self._models: list[str] = []
        self._checks: list[CheckLine] = []
        self._settings: dict[str, int | str | bool] = {}
        self._at: dict[str, str] = {}

    def read(self, data: bytes) -> Tier:
        document = self._document(data)
        for section, value in document.items():
            if section in _ALONE:
                self._at[section] = self._source((section,))
                _ALONE[section](self, (section,), value)
            else:
                self._section(section, value)
        run = None if self._run is None else tuple(self._run)
        lists = (tuple(self._globs), run, tuple(self._models), tuple(self._checks))
        return Tier(self._tier, self._file, document, *lists, self._settings, self._at)

    def _document(self, data: bytes) -> dict[str, Any]:
        if len(data) > MAX_FILE_BYTES:
            self._stop(1, f"the file has {len(data):,} bytes", f"Keep it under {MAX_FILE_BYTES:,} bytes.")
        try:
            text = data.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._stop(line, "a byte on this line is not UTF-8", "Save the file as UTF-8.")
        try:
            document = tomllib.loads(text)
            self._lines = lines.find_lines(text)
        except RecursionError:
            self._stop(1, "values are nested too deeply", "Use plain lists, as the documentation shows.")
        except ValueError as error:
            place = _PLACE.search(str(error))
            at_end = text.rstrip("\n").count("\n") + 1
            line = int(place[1]) if place and place[1] else at_end if place else 1
            problem = one_line(_PLACE.sub("", str(error)))
            self._stop(line, f"not valid TOML: {problem}", "Correct the syntax on that line.")
        return document

    def _section(self, section: str, value: object) -> None:
        if section not in _SCHEMA:
            self._unknown((section,), "section or key", [*_ALONE, *_SCHEMA])
        self._table((section,), value, _SCHEMA[section])

    def _table(self, path: lines.Path, value: object, keys: Mapping[str, _Check]) -> None:
        name = _dotted(path)
        if not isinstance(value, dict):
            self.fail(path, f"{name} is not a section", f"Write [{name}] on a line of its own.")
        for key, item in value.items():
            if key not in keys:
                self._unknown((*path, key), f"key in [{name}]", list(keys))
            self._at[f"{name}.{key}"] = self._source((*path, key))
            keys[key](self, (*path, key), item)

    def fail(self, path: lines.Path, problem: str, next_step: str) -> NoReturn:
        """Stop with a complaint about what stands at `path`."""
        self._stop(self._line(path), problem, next_step)

    def take_name(self, path: lines.Path, value: object) -> None:
        """Take the name the file gives itself."""
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.fail(path, f"name is {_shown(value)}", "Use 1 to 40 letters, digits, dots, dashes or _.")
        self._settings["name"] = value

    def take_globs(self, path: lines.Path, value: object) -> None:
        """Take a list of globs."""
        kind = Kind(f"{path[0]}.{path[1]}")
        for number, pattern in enumerate(self._texts(path, value, "globs")):
            item = (*path, number)
            try:
                globs.parse(pattern)
            except globs.GlobError as error:
                self.fail(
                    item,
                    f"{_shown(pattern)} is not a usable glob: {error}",
                    "Globs are written as in .gitignore, such as *.pem, secrets/ or docs/**/*.md.",
                )
            self._globs.append(GlobLine(kind, pattern, self._source(item)))

    def take_commands(self, path: lines.Path, value: object) -> None:
        """Take a list of commands."""
        self._run = []
        for number, command in enumerate(self._list(path, value, "commands")):
            self._run.append(self._command((*path, number), command))

    def take_models(self, path: lines.Path, value: object) -> None:
        """Take a list of model digests."""
        for number, digest in enumerate(self._texts(path, value, "SHA-256 digests")):
            if not _SHA256.fullmatch(digest):
                next_step = "Write the 64 lower-case hex digits that `workbench model list` shows."
                self.fail((*path, number), f"{_shown(digest)} is not a SHA-256 digest", next_step)
            self._models.append(digest)

    def take_checks(self, path: lines.Path, value: object) -> None:
        """Take a list of names of checks."""
        for number, name in enumerate(self._texts(path, value, "names of checks")):
            if name not in CHECKS:
                self._unknown((*path, number), "check", list(CHECKS), name)
            self._checks.append(CheckLine(name, self._source((*path, number))))

    def take_witnesses(self, path: lines.Path, value: object) -> None:
        """Take a list of witnesses' verifier keys."""
        keys = self._texts(path, value, "verifier keys")
        for number, key in enumerate(keys):
            if not _WITNESS.fullmatch(key):
                next_step = "Write the line that the witness printed when its key was made."
                self.fail((*path, number), f"{_shown(key)} is not a witness's verifier key", next_step)
        self._settings[_dotted(path)] = " ".join(keys)

    def take_number(self, path: lines.Path, value: object, most: int = MAX_NUMBER) -> None:
        """Take a budget, or a number of days."""
        if type(value) is not int or not 1 <= value <= most:
            self._wrong(path, value, f"a whole number from 1 to {most:,}")
        self._settings[_dotted(path)] = value

    def take_switch(self, path: lines.Path, value: object) -> None:
        """Take a yes or no."""
        if not isinstance(value, bool):
            self._wrong(path, value, "true or false")
        self._settings[_dotted(path)] = value

    def take_file(self, path: lines.Path, value: object) -> None:
        """Take the absolute path of a file."""
        if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
            self._wrong(path, value, 'an absolute path in quotes, such as "/etc/workbench/allowed_signers"')
        self._settings[_dotted(path)] = value

    def take_labels(self, path: lines.Path, value: object, keys: Mapping[str, _Check]) -> None:
        """Take the tables of what holds for files with a label."""
        self._table(path, value, dict.fromkeys(LABELS, partial(_Reader._table, keys=keys)))

    def take_choice(self, path: lines.Path, value: object, allowed: Sequence[int | str | bool]) -> None:
        """Take one of a few values."""
        for candidate in allowed:
            if type(value) is type(candidate) and value == candidate:
                self._settings[_dotted(path)] = candidate
                return
        self._wrong(path, value, _one_of(allowed))

    def _command(self, path: lines.Path, command: object) -> CommandLine:
        words, more, until = command, "none", ""
        if isinstance(command, dict):
            for key in command:
                if key not in _COMMAND_KEYS:
                    self._unknown((*path, key), "key in a command", list(_COMMAND_KEYS))
            words, more = command.get("argv", []), command.get("more", "none")
            if more not in MORE:
                self._wrong((*path, "more"), more, _one_of(MORE))
            until = command.get("until", "")
            if "until" in command and not _is_day(until):
                self._wrong((*path, "until"), until, 'a day in quotes, such as "2026-01-31"')
        argv = self._texts(path, words, "words")
        if not argv or not all(argv) or any("\0" in word for word in argv):
            next_step = 'Write the program and its arguments one by one, such as ["pytest", "-q"].'
            self.fail(path, "a command is empty, or has an empty word", next_step)
        return CommandLine(tuple(argv), str(more), self._source(path), str(until))

    def _texts(self, path: lines.Path, value: object, what: str) -> list[str]:
        for number, item in enumerate(self._list(path, value, what)):
            if not isinstance(item, str):
                self.fail((*path, number), f"{_shown(item)} is not a text", "Put it in quotes.")
        return value  # type: ignore[return-value]

    def _list(self, path: lines.Path, value: object, what: str) -> list[object]:
        if not isinstance(value, list):
            self._wrong(path, value, f"a list of {what}, in [ ]")
        if len(value) > MAX_ITEMS:
            self.fail(path, f"the list has {len(value):,} items", f"Keep it to {MAX_ITEMS:,} {what}.")
        return value

    def _wrong(self, path: lines.Path, value: object, allowed: str) -> NoReturn:
        self.fail(path, f"{_dotted(path)} is {_shown(value)}", f"Allowed: {allowed}.")

    def _unknown(self, path: lines.Path, what: str, allowed: list[str], name: str = "") -> NoReturn:
        name = name or str(path[-1])
        close = difflib.get_close_matches(name[:MAX_SHOWN_CHARS], allowed, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        self.fail(path, f"unknown {what}: {_shown(name)}", f"Allowed: {', '.join(allowed)}.{hint}")

    def _source(self, path: lines.Path) -> str:
        return f"{self._file}:{self._line(path)}"

    def _line(self, path: lines.Path) -> int:
        return lines.nearest(self._lines, path)

    def _stop(self, line: int, problem: str, next_step: str) -> NoReturn:
        raise PolicyFileError(self._tier, self._file, line, problem, next_step) from None


_COMMAND_KEYS = ("argv", "more", "until")

_Check: TypeAlias = Callable[[_Reader, lines.Path, object], None]

_ALONE: Mapping[str, _Check] = {
    "name": _Reader.take_name,
    "phase": partial(_Reader.take_choice, allowed=PHASES),
}
"""Keys that stand in no section."""

_ACTIONS: Mapping[str, _Check] = dict.fromkeys(CLASSES, partial(_Reader.take_choice, allowed=ACTIONS))
_PEOPLE: Mapping[str, _Check] = {"people": partial(_Reader.take_choice, allowed=PEOPLE)}

_SCHEMA: Mapping[str, Mapping[str, _Check]] = {
    "read": dict.fromkeys(("allow", "deny", "ask"), _Reader.take_globs),
    "edit": dict.fromkeys(("allow", "deny"), _Reader.take_globs),
    "run": {"allow": _Reader.take_commands},
    "model": {"allow": _Reader.take_models},
    "budget": dict.fromkeys(
        ("files_per_proposal", "lines_per_proposal", "proposals_per_task", "tokens_per_task"),
        _Reader.take_number,
    ),
    "approvals": {
        "reason_required": _Reader.take_switch,
        "expire_hours": _Reader.take_number,
        **_PEOPLE,
        "signed": partial(_Reader.take_choice, allowed=(True, False, SIGNED_LABELS)),
        "allowed_signers": _Reader.take_file,
        "labels": partial(_Reader.take_labels, keys=_PEOPLE),
    },
    "checks": {"required": _Reader.take_checks},
    "commit": {"mode": partial(_Reader.take_choice, allowed=COMMIT_MODES)},
    "boundary": {"minimum": partial(_Reader.take_choice, allowed=BOUNDARY_LEVELS)},
    "labels": dict.fromkeys(LABELS, _Reader.take_globs),
    "detect": {**_ACTIONS, "labels": partial(_Reader.take_labels, keys=_ACTIONS)},
    "retention": dict.fromkeys(("online_days", "archive_days"), partial(_Reader.take_number, most=MAX_DAYS)),
    "anchors": {
        "max_age_hours": partial(_Reader.take_number, most=MAX_HOURS),
        "git_notes": _Reader.take_switch,
        "syslog": _Reader.take_switch,
        "witnesses": _Reader.take_witnesses,
    },
}


def _is_day(value: object) -> bool:
    try:
        # Days are compared as text, so one that is written in any other way must not get in.
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _dotted(path: lines.Path) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def _one_of(allowed: Sequence[int | str | bool]) -> str:
    return " or ".join(f'"{value}"' if isinstance(value, str) else str(value).lower() for value in allowed)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    else:
        text = str(value)
    return one_line(text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…")
