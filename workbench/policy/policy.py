"""Judges paths, commands and models under all tiers, and names the line that decided.

The rules, in order:

1. A path that is not a plain path beneath the worktree is denied (`workbench.policy.keys`).
2. The compiled-in floor denies, whatever any file says.
3. Deny beats ask, ask beats allow, whichever tier said so. Where a tier has an allow list, what it does not
   list is denied.
4. A lower tier can only tighten. Commands are granted by the highest file, if that is an administrator's or
   a user's; any file that lists commands denies the others, and a repository alone grants nothing. What is
   neither granted nor denied waits for a person.
5. What may not be read may not be edited, and an edit is never judged less strictly than a read.

A path is judged by its name alone; that the name reaches the file it seems to is for `workbench.repo`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from workbench.core.clock import utc_now
from workbench.core.records import Effect, Rule, Verdict
from workbench.core.safe_text import safe_text
from workbench.policy import floor, keys, presets, settings
from workbench.policy.compiled import COMPILED_IN, Line, Lines
from workbench.policy.rules import CLASSES, LABEL_KINDS, LABELS, Action, CommandLine, Kind, Tier
from workbench.policy.settings import Demand, Settings

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MALFORMED = {
    fault: Verdict(Effect.DENY, Rule(f"path: {fault.value}", "floor", COMPILED_IN)) for fault in keys.Fault
}
_NO_RULE = {
    what: Verdict(Effect.ALLOW, Rule(f"{what}: allowed by default", "default", COMPILED_IN))
    for what in ("read", "edit", "model")
}
_ASK_A_PERSON = Verdict(
    Effect.ASK, Rule("run: a person decides, since no list grants it", "default", COMPILED_IN)
)


@dataclass(frozen=True, slots=True)
class Handling:
    """What is done with a finding of one class, and the line that says so."""

    action: Action
    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Everything the tiers say, ready to judge; make one with `workbench.policy.load`."""

    tiers: tuple[Tier, ...]
    """The files found, from the highest to the lowest, each with the preset it chose beneath it."""
    settings: Settings
    name: str
    """Such as `strict@a1b2`: the highest file's name, else the phase, else `default`, and the start of the
    digest."""
    sha256: str
    """Digest of the floor and of what every tier says: equal digests judge alike."""
    notes: tuple[str, ...]
    """What a person should know about how the files were found; empty in the ordinary case."""
    _lines: Lines = field(repr=False)
    _reads: dict[tuple[int, bool], Verdict] = field(repr=False, default_factory=dict)
    _edits: dict[tuple[int, bool], Verdict] = field(repr=False, default_factory=dict)

    def read(self, path: str) -> Verdict:
        """Say whether the file at `path` may be read.

        Args:
            path: Relative to the worktree, with `/`. With a trailing slash it is judged as a directory:
                deny and ask rules apply, allow lists, which are about files, do not.
        """
        fault = keys.fault(path)
        if fault is not None:
            return _MALFORMED[fault]
        case = self._lines.match(path), path.endswith("/")
        verdict = self._reads.get(case)
        if verdict is None:
            verdict = self._reads[case] = self._judge_read(*case)
        return verdict

    def read_many(self, paths: Iterable[str]) -> list[Verdict]:
        """Return the verdict of `read` for each of `paths`, in their order."""
        return [self.read(path) for path in paths]

    def edit(self, path: str) -> Verdict:
        """Say whether a change to the file at `path` may be proposed; takes paths as `read` does."""
        fault = keys.fault(path)
        if fault is not None:
            return _MALFORMED[fault]
        case = self._lines.match(path), path.endswith("/")
        verdict = self._edits.get(case)
        if verdict is None:
            verdict = self._edits[case] = self._judge_edit(*case)
        return verdict

    def run(self, argv: Sequence[str], *, now: str = "") -> Verdict:
        """Say whether the command `argv` may run: granted by a list, asked of a person, or denied.

        Args:
            argv: The program and its words.
            now: The time, UTC, as records carry it, by which a grant that ends is judged; empty for now.
        """
        shown = _command_fault(argv)
        if shown:
            return Verdict(Effect.DENY, Rule(f"run: {shown}", "floor", COMPILED_IN))
        granted: Rule | None = None
        for number, tier in enumerate(self.tiers):
            if tier.run is None:
                continue
            line = next((line for line in tier.run if self._covers(line, argv, now or utc_now())), None)
            if line is None:
                rule = Rule("run.allow does not list it", tier.tier, tier.at["run.allow"])
                return Verdict(Effect.DENY, rule)
            if number == 0 and settings.sets_defaults(self.tiers):
                granted = Rule(line.shown, tier.tier, line.source)
        return Verdict(Effect.ALLOW, granted) if granted else _ASK_A_PERSON

    def model(self, sha256: str) -> Verdict:
        """Say whether the registered model file with this digest may be loaded."""
        if not _SHA256.fullmatch(sha256):
            rule = Rule("model: not a SHA-256 digest", "floor", COMPILED_IN)
            return Verdict(Effect.DENY, rule)
        verdict = _NO_RULE["model"]
        for tier in self.tiers:
            if not tier.models:
                continue
            source = tier.at["model.allow"]
            if sha256 not in tier.models:
                return Verdict(Effect.DENY, Rule("model.allow does not list it", tier.tier, source))
            verdict = Verdict(Effect.ALLOW, Rule(f"model.allow {sha256[:12]}", tier.tier, source))
        return verdict

    def labels(self, path: str) -> frozenset[str]:
        """Return which of `phi`, `cde` and `secret` the tiers put on `path`; every tier can add one."""
        if keys.fault(path) is not None:
            return frozenset()
        bits = self._lines.match(path)
        kinds = (kind for kind in LABEL_KINDS if bits & self._lines.kinds[kind])
        return frozenset(kind.value.removeprefix("labels.") for kind in kinds)

    def demand(self, paths: Iterable[str]) -> Demand:
        """Say whose signatures an approval that changes `paths` takes; a malformed path has every label."""
        labels: set[str] = set()
        for path in paths:
            labels |= self.labels(path) if keys.fault(path) is None else set(LABELS)
        return self.settings.demand(labels)

    def handling(self, path: str | None = None) -> dict[str, Handling]:
        """Return what is done with findings of each class: `secrets`, `pan` and `phi`.

        Args:
            path: The file the text is from; its labels can only make an action stricter. None for text
                that is of no file, such as what was pasted or printed by a command. A path that is not a
                plain path beneath the worktree is treated as carrying every label.
        """
        if path is None:
            labels: frozenset[str] = frozenset()
        else:
            labels = self.labels(path) if keys.fault(path) is None else frozenset(LABELS)
        found = {}
        for kind in CLASSES:
            options = [f"detect.{kind}", *(f"detect.labels.{label}.{kind}" for label in sorted(labels))]
            key = max(options, key=lambda key: settings.strictness(key, self.settings.values[key]))
            found[kind] = Handling(Action(str(self.settings.values[key])), self.settings.rules[key])
        return found

    def is_sensitive_to_execute(self, path: str) -> str | None:
        """Return why a change to `path` is a change to what some tool runs, or None where it is not.

        The text completes "this file …", such as "runs when the project is built".
        """
        if keys.fault(path) is not None:
            return None
        bits = self._lines.match(path) & self._lines.kinds[Kind.EXECUTES]
        return self._lines.first(bits).reason if bits else None

    def lines(self) -> Iterator[Line]:
        """Yield every glob in force, in order of precedence."""
        yield from self._lines

    def matching(self, path: str) -> Iterator[Line]:
        """Yield every line that matches `path`, whether or not it decided, in order of precedence."""
        if keys.fault(path) is None:
            yield from self._lines.all(self._lines.match(path))

    def _judge_read(self, bits: int, directory: bool) -> Verdict:
        for kind, effect in ((Kind.READ_DENY, Effect.DENY), (Kind.READ_ASK, Effect.ASK)):
            if effect is Effect.ASK and (missing := self._unlisted(Kind.READ_ALLOW, bits, directory)):
                return missing
            if found := bits & self._lines.kinds[kind]:
                return Verdict(effect, self._lines.first(found).rule)
        return self._allowed("read", bits & self._lines.kinds[Kind.READ_ALLOW])

    def _judge_edit(self, bits: int, directory: bool) -> Verdict:
        read = self._judge_read(bits, directory)
        if read.effect is Effect.DENY:
            return read
        if found := bits & self._lines.kinds[Kind.EDIT_DENY]:
            return Verdict(Effect.DENY, self._lines.first(found).rule)
        if missing := self._unlisted(Kind.EDIT_ALLOW, bits, directory):
            return missing
        if read.effect is not Effect.ALLOW:
            return read
        return self._allowed("edit", bits & self._lines.kinds[Kind.EDIT_ALLOW])

    def _unlisted(self, kind: Kind, bits: int, directory: bool) -> Verdict | None:
        """Return the denial of the first tier whose allow list lacks the path, or None."""
        for tier in self.tiers:
            if not directory and tier.has(kind.value) and not bits & self._lines.of_tier(kind, tier.tier):
                rule = Rule(f"{kind} does not list it", tier.tier, tier.at[kind.value])
                return Verdict(Effect.DENY, rule)
        return None

    def _allowed(self, what: str, bits: int) -> Verdict:
        return Verdict(Effect.ALLOW, self._lines.first(bits).rule) if bits else _NO_RULE[what]

    def _covers(self, line: CommandLine, argv: Sequence[str], now: str) -> bool:
        if line.until and now[: len(line.until)] > line.until:
            return False
        given, rest = tuple(argv[: len(line.argv)]), argv[len(line.argv) :]
        return given == line.argv and (not rest or (line.more == "paths" and all(map(self._is_path, rest))))

    def _is_path(self, word: str) -> bool:
        # A test id names a file before "::"; both readings must be allowed.
        candidates = {word, word.partition("::")[0]}
        return not word.startswith("-") and all(self.read(item).effect is Effect.ALLOW for item in candidates)


def build(tiers: Iterable[Tier], *, own_paths: Iterable[str] = (), notes: Iterable[str] = ()) -> Policy:
    """Return the policy that `tiers` make together.

    Args:
        tiers: Checked files, from the highest tier to the lowest.
        own_paths: Paths beneath the worktree that hold this program's own state; denied by the floor.
        notes: What a person should know about how the files were found.
    """
    tiers, own_paths = tuple(map(presets.under, tiers)), sorted(own_paths)
    said = [[tier.tier, tier.raw] for tier in tiers]
    body = [floor.digest(), dict(settings.DEFAULTS), own_paths, *said]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    values = settings.combine(tiers)
    name = next((tier.name for tier in tiers if tier.name), values.phase or "default")
    lines = Lines(tiers, own_paths)
    return Policy(tiers, values, f"{name}@{digest[:4]}", digest, tuple(notes), lines)


def _command_fault(argv: Sequence[str]) -> str:
    if not argv or not argv[0]:
        return "the command is empty"
    if any(safe_text(word, one_line=True).hidden for word in argv):
        return "the command holds a hidden or control character"
    return ""
