"""Lists everything that is in force, each line with the tier and the file and line that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.core.records import Rule
from workbench.policy.origin import place
from workbench.policy.policy import Policy
from workbench.policy.rules import Kind, Tier
from workbench.policy.settings import named, sets_defaults, strictness

_LISTS = (Kind.READ_ALLOW.value, Kind.EDIT_ALLOW.value, "run.allow")
"""Lists that say something even when they are empty."""


@dataclass(frozen=True, slots=True)
class InForce:
    """One line of a policy."""

    section: str
    """`phase`, `settings`, `checks`, `models`, `commands`, `globs` or `without effect`."""
    name: str
    """The rule as verdicts name it."""
    tier: str
    source: str
    """`file:line`, after `compiled in, ` where it is a line of this program."""
    note: str = ""
    """Why it is so, where the rule itself does not say."""


def in_force(policy: Policy) -> list[InForce]:
    """Return every line of `policy`, the single values first, then the globs in order of precedence."""
    settings = policy.settings
    found = [_line("phase", settings.rules["phase"])] if settings.phase else []
    found += [_line("settings", rule) for key, rule in settings.rules.items() if key != "phase"]
    found += [_line("checks", rule) for rule in settings.required_checks.values()]
    for tier in policy.tiers:
        found += _lists(tier)
    found += [_line("globs", line.rule, line.reason) for line in policy.lines()]
    found += [
        _line("without effect", Rule(name, tier.tier, tier.at[key]), why)
        for number, tier in enumerate(policy.tiers)
        for key, name, why in _without_effect(policy, number, tier)
    ]
    return found


def _line(section: str, rule: Rule, note: str = "") -> InForce:
    return InForce(section, rule.name, rule.tier, place(rule), note)


def _lists(tier: Tier) -> Iterator[InForce]:
    for digest in tier.models:
        yield InForce("models", f"model.allow {digest}", tier.tier, tier.at["model.allow"])
    for line in tier.run or ():
        yield InForce("commands", line.shown, tier.tier, line.source)
    given = {line.kind.value for line in tier.globs} | ({"run.allow"} if tier.run else set())
    for key in _LISTS:
        if tier.has(key) and key not in given:
            section = "commands" if key == "run.allow" else "globs"
            yield InForce(section, f"{key} = []", tier.tier, tier.at[key], "It lists nothing.")


def _without_effect(policy: Policy, number: int, tier: Tier) -> Iterator[tuple[str, str, str]]:
    """Yield key, name and reason of what a lower file says, and what does not count because it is looser."""
    if number == 0 and sets_defaults(policy.tiers):
        return
    settings = policy.settings
    for key, value in settings.values.items():
        given = tier.settings.get(key)
        if (
            given is not None
            and tier.is_own(tier.at[key])
            and strictness(key, given) < strictness(key, value)
        ):
            yield key, named(key, given), f"{settings.rules[key].name} holds; a lower file can only tighten."
    if tier.phase and not _preset_counts(policy, number, tier):
        why = "Nothing in this preset is stricter than what already holds."
        yield "phase", named("phase", tier.phase), why
    grants = sets_defaults(policy.tiers) and policy.tiers[0].run is not None
    if tier.run and tier.is_own(tier.at["run.allow"]) and not grants:
        yield (
            "run.allow",
            "run.allow",
            "It grants nothing: no higher file lists commands. It denies the others.",
        )


def _preset_counts(policy: Policy, number: int, tier: Tier) -> bool:
    """Return whether a line of the preset that `tier` chose makes anything stricter than the files above."""
    settings = policy.settings
    deciding = {(rule.tier, rule.source) for rule in settings.rules.values()}
    deciding |= {(rule.tier, rule.source) for rule in settings.required_checks.values()}
    if any(not tier.is_own(source) for name, source in deciding if name == tier.tier):
        return True
    above = {(line.kind, line.pattern) for higher in policy.tiers[:number] for line in higher.globs}
    return any((line.kind, line.pattern) not in above and not tier.is_own(line.source) for line in tier.globs)
