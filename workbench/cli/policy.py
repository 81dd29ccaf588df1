"""Says what is in force, what policy decides on a path or a command, and what another policy would change."""

from __future__ import annotations

import json
import os
import shutil
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from workbench.core import places
from workbench.core.errors import UsageError
from workbench.core.records import Effect, Json
from workbench.core.safe_text import one_line
from workbench.ledger import Entry, LedgerReader
from workbench.policy import (
    ADMIN_FILE,
    Asked,
    Differs,
    Policy,
    PolicyFileError,
    Replay,
    changed_settings,
    count,
    explain_command,
    explain_model,
    explain_path,
    in_force,
    preset_text,
    read_policy_file,
    replay,
)
from workbench.policy import load as load_policy
from workbench.repo import ReadGate, describe
from workbench.session.opening import repository_policy

NOWHERE = Path(os.devnull, "none")
"""Where no policy file is."""
SHOWN = 20
"""Requests of each kind that `policy test` names."""
TIGHTER, LOOSER = 3, 4
"""What `policy test` returns where verdicts would have been others; `LOOSER` where any is less strict."""

_DIGEST_CHARS = 64


def run(options: Namespace) -> int:
    """Run `policy show`, `explain`, `check` or `test`, or one of the verbs that release files."""
    return _VERBS[options.verb](options)


def _releasing(options: Namespace) -> int:
    from workbench.cli.release import run as run_release  # which opens a session; the others need none

    return run_release(options)


def _show(options: Namespace) -> int:
    if options.preset is not None:
        text = preset_text(options.preset)
        print(json.dumps({"preset": options.preset, "text": text}) if options.json else text.rstrip("\n"))
        return 0
    policy = _present(describe(Path(options.repo)).root)
    found = in_force(policy)
    if options.json:
        lines = [
            {"section": e.section, "rule": e.name, "tier": e.tier, "source": e.source, "note": e.note}
            for e in found
        ]
        facts = {"policy": policy.name, "sha256": policy.sha256, "phase": policy.settings.phase}
        print(json.dumps({**facts, "notes": list(policy.notes), "lines": lines}))
        return 0
    print(f"policy {policy.name}\nsha256 {policy.sha256}")
    print("".join(f"NOTE   {one_line(note)}\n" for note in policy.notes), end="")
    section = ""
    for line in found:
        if line.section != section:
            section = line.section
            print(f"\n{section}")
        why = f"  {line.note}" if line.note and section == "without effect" else ""
        print(f"  {one_line(line.name)}  [{line.tier}, {one_line(line.source)}]{why}")
    return 0


def _explain(options: Namespace) -> int:
    root = describe(Path(options.repo)).root
    policy = _present(root)
    subject = [word for number, word in enumerate(options.subject) if number or word != "--"]
    if not subject:
        raise UsageError("Nothing to explain.", "Name a path or a command: `workbench policy explain .env`.")
    path = _inside(root, subject[0]) if len(subject) == 1 else None
    if len(subject) == 1 and _is_digest(subject[0]) and not (root / subject[0]).exists():
        lines = explain_model(policy, subject[0])
    elif path is None:
        lines = explain_command(policy, subject)
    else:
        lines = explain_path(policy, path)
    print(json.dumps({"policy": policy.name, "lines": lines}) if options.json else "\n".join(lines))
    return 0


def _check(options: Namespace) -> int:
    path = Path(options.file)
    tier = options.tier or _tier_of(path)
    policy = _alone(path, tier)
    unused = [line for line in in_force(policy) if line.section == "without effect"]
    if options.json:
        facts = {"sha256": policy.sha256, "policy": policy.name, "tier": tier, "phase": policy.settings.phase}
        print(json.dumps({**facts, "without_effect": [[e.source, e.name, e.note] for e in unused]}))
        return 0
    print(f"{path}: understood as the {_WHOSE[tier]} policy; policy {policy.name}")
    for line in unused:
        print(f"{one_line(line.source)}: {one_line(line.name)} has no effect by itself. {line.note}")
    return 0


def _test(options: Namespace) -> int:
    root = describe(Path(options.repo)).root
    path = Path(options.file)
    policy = _with(root, path, options.tier or _tier_of(path))
    with LedgerReader.open(places.repository_state(root)) as reader:
        found = replay(policy, _asked(reader.entries()))
    settings = _changes(root, policy)
    if options.json:
        print(json.dumps(_as_json(policy, found, settings)))
    else:
        print("\n".join(_as_text(policy, found, settings)))
    return LOOSER if found.loosens else TIGHTER if found.tightens else 0


def _present(root: Path) -> Policy:
    return load_policy(repository_policy(ReadGate(root)))


def _alone(path: Path, tier: str) -> Policy:
    """Return the policy that the file at `path` makes by itself."""
    data = _bytes(path)
    admin_file, user_file = (path if tier == name else NOWHERE for name in ("admin", "user"))
    repository = data if tier == "repository" else None
    return load_policy(repository, admin_file=admin_file, user_file=user_file, repository_file=str(path))


def _with(root: Path, path: Path, tier: str) -> Policy:
    """Return the policy in force with the file at `path` in place of one tier's file."""
    data = _bytes(path)
    if tier == "repository":
        return load_policy(data, repository_file=str(path))
    repository = repository_policy(ReadGate(root))
    if tier == "admin":
        return load_policy(repository, admin_file=path)
    return load_policy(repository, user_file=path)


def _tier_of(path: Path) -> str:
    """Return whose file `path` is, by its place; a file that lies anywhere else is a repository's."""
    real = os.path.realpath(path)
    if real == os.path.realpath(ADMIN_FILE):
        return "admin"
    return "user" if real == os.path.realpath(places.config_root() / "policy.toml") else "repository"


def _asked(entries: Iterable[Entry]) -> Iterator[Asked]:
    """Yield the requests on record that policy judged, with what it said."""
    for entry in entries:
        what = _JUDGED.get(entry.type)
        policy = _part(entry.body, "policy")
        subject = _subject(entry, what) if what else None
        verdict = policy.get("verdict")
        if what and subject and verdict in _EFFECTS:
            # What a person released, policy had asked about.
            released = policy.get("tier") == "release"
            yield Asked(what, subject, Effect.ASK if released else Effect(str(verdict)))


def _subject(entry: Entry, what: str) -> str | tuple[str, ...] | None:
    if what == "run":
        words = _part(entry.body, "cmd").get("argv")
        return tuple(map(str, words)) if isinstance(words, list) else None
    part, name = ("model", "digest") if what == "model" else ("obj", "path")
    found = _part(entry.body, part).get(name)
    return found if isinstance(found, str) else None


def _changes(root: Path, policy: Policy) -> dict[str, tuple[Json, Json]]:
    try:
        return {**changed_settings(_present(root), policy)}
    except PolicyFileError:
        return {}  # What is in force cannot be understood, which may be why another policy is tested.


def _as_text(policy: Policy, found: Replay, settings: Mapping[str, tuple[Json, Json]]) -> list[str]:
    counts = f"would have denied {count(found.denied):,}, newly allowed {count(found.allowed):,}"
    lines = [
        f"{counts}, asked about {count(found.asked):,}; {found.requests:,} requests on record, "
        f"policy {policy.name}"
    ]
    for title, group in (("denied", found.denied), ("allowed", found.allowed), ("asked", found.asked)):
        lines += [f"  {title:<8} {_one(each)}" for each in group[:SHOWN]]
        if len(group) > SHOWN:
            lines.append(f"  {title:<8} and {len(group) - SHOWN:,} more")
    lines += [
        f"  setting  {key}: {json.dumps(old)} becomes {json.dumps(new)}"
        for key, (old, new) in settings.items()
    ]
    return lines


def _one(each: Differs) -> str:
    rule = each.now.rule
    times = f" ({each.times:,} times)" if each.times > 1 else ""
    return one_line(
        f"{each.asked.what} {each.asked.text}{times}: was {each.asked.effect}, "
        f"{rule.name} [{rule.tier}, {rule.source}]"
    )


def _as_json(policy: Policy, found: Replay, settings: Mapping[str, tuple[Json, Json]]) -> dict[str, object]:
    def group(differs: tuple[Differs, ...]) -> dict[str, object]:
        first = [
            {
                "what": each.asked.what,
                "subject": each.asked.subject,
                "times": each.times,
                "was": each.asked.effect,
                "now": each.now.effect,
                "rule": each.now.rule.name,
                "tier": each.now.rule.tier,
                "source": each.now.rule.source,
            }
            for each in differs[:SHOWN]
        ]
        return {"requests": count(differs), "distinct": len(differs), "first": first}

    facts = {"policy": policy.name, "sha256": policy.sha256, "requests": found.requests}
    groups = {name: group(getattr(found, name)) for name in ("denied", "allowed", "asked")}
    return {**facts, **groups, "settings": settings}


def _part(body: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _is_digest(word: str) -> bool:
    return len(word) == _DIGEST_CHARS and not word.strip("0123456789abcdef")


def _inside(root: Path, subject: str) -> str | None:
    """Return the path relative to the root, or None where one word is a command and no path."""
    here = Path(os.path.normpath(Path.cwd() / subject))
    if root in here.parents:
        return str(here.relative_to(root))
    return None if "/" not in subject and shutil.which(subject) else subject


def _bytes(path: Path) -> bytes:
    found = read_policy_file("repository", path)
    if found is None:
        raise UsageError(f"{path} does not exist.", "Name a policy file.")
    return found[0]


_WHOSE = {"admin": "administrator's", "user": "user's", "repository": "repository's"}
_EFFECTS = frozenset(effect.value for effect in Effect)
_JUDGED = {
    "file.read": "read",
    "file.read_denied": "read",
    "edit.intent": "edit",
    "edit.denied": "edit",
    "command.proposed": "run",
    "inference.intent": "model",
}
"""Which entries are requests that policy judged, and of which kind."""
_VERBS = {
    "show": _show,
    "explain": _explain,
    "check": _check,
    "test": _test,
    "release": _releasing,
    "releases": _releasing,
    "revoke": _releasing,
}
