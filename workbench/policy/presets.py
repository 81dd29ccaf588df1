"""Lays the preset that a policy file chose beneath the file's own words, as that file's defaults.

The presets are policy files like any other, shipped in `presets/`. `phase = "regulated"` in a file means:

1. A single value, or an allow list, holds as the preset has it unless the file says its own.
2. What can only tighten adds up: deny and ask lists, labels, required checks.
3. The result is one tier, judged by the law of all tiers: beneath another file it can only tighten, so a
   repository's file that chooses a looser preset than the user's changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import resources

from workbench.core.errors import UsageError
from workbench.policy.reader import parse_tier
from workbench.policy.rules import PHASES, Kind, Tier

_REPLACED = (Kind.READ_ALLOW, Kind.EDIT_ALLOW)
"""Lists that the file's own list takes the place of; all other globs add up."""


def text(name: str) -> str:
    """Return the preset `name` as it is shipped, with its comments.

    Raises:
        UsageError: There is no such preset.
    """
    if name not in PHASES:
        raise UsageError(f'There is no preset "{name}".', f"Presets: {', '.join(PHASES)}.")
    return resources.files("workbench.policy").joinpath("presets", f"{name}.toml").read_text("utf-8")


def file_of(name: str) -> str:
    """Return the preset's file as rules and errors show it."""
    return f"presets/{name}.toml"


def under(tier: Tier) -> Tier:
    """Return `tier` with the preset it chose beneath its own words; `tier` itself where it chose none."""
    if not tier.phase:
        return tier
    preset = _parsed(tier.phase, tier.tier)
    kept = tuple(line for line in preset.globs if line.kind not in _REPLACED or not tier.has(line.kind.value))
    own_checks = {line.name for line in tier.checks}
    return replace(
        tier,
        # The digest must change with the preset's content, not only with its name.
        raw={**tier.raw, "phase": [tier.phase, preset.raw]},
        globs=(*tier.globs, *kept),
        run=tier.run if tier.has("run.allow") else preset.run,
        models=tier.models if tier.has("model.allow") else preset.models,
        checks=(*tier.checks, *(line for line in preset.checks if line.name not in own_checks)),
        settings={**preset.settings, **tier.settings},
        at={**preset.at, **tier.at},
    )


@lru_cache(maxsize=32)
def _parsed(name: str, tier: str) -> Tier:
    return parse_tier(text(name).encode(), tier=tier, file=file_of(name))
