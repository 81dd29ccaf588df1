"""Combines the single values of the tiers: the highest file sets them, every file below can only tighten.

The highest file is the administrator's, or the user's where there is no administrator's. It replaces the
compiled-in default, in either direction. A file below it counts only where it is stricter, and so does a
repository's file that stands alone, since whoever sent the repository wrote it.

Sources for the days of retention: PCI DSS 4.0.1, 10.5.1 (three months at hand, twelve months kept); 45 CFR
164.316(b)(2)(i) (six years).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from workbench.core.records import CheckResult, CheckVerdict, Rule
from workbench.policy.rules import CLASSES, LABELS, Action, Tier

Value: TypeAlias = int | str | bool

SIGNED_LABELS = "labels"
"""As `approvals.signed`: what changes labelled files is signed, nothing else has to be."""
NEVER = 0
"""As hours after which what waits expires: it does not."""

DEFAULTS: Mapping[str, Value] = {
    "budget.files_per_proposal": 10,
    "budget.lines_per_proposal": 500,
    "budget.proposals_per_task": 10,
    "budget.tokens_per_task": 200_000,
    "approvals.reason_required": False,
    "approvals.people": 1,
    "approvals.signed": False,
    "approvals.allowed_signers": "",
    **{f"approvals.labels.{label}.people": 1 for label in LABELS},
    "approvals.expire_hours": NEVER,
    "commit.mode": "current-branch",
    "boundary.minimum": 0,
    "anchors.max_age_hours": 24,
    "anchors.git_notes": True,
    "anchors.syslog": True,
    "anchors.witnesses": "",
    "retention.online_days": 120,
    "retention.archive_days": 2222,
    "detect.secrets": Action.REDACT.value,
    "detect.pan": Action.BLOCK.value,
    "detect.phi": Action.WARN.value,
    **{f"detect.labels.{label}.{found}": Action.OFF.value for label in LABELS for found in CLASSES},
}
"""What holds where no file says otherwise."""

_ACTIONS = [action.value for action in Action]
_CAPS = ("budget.", "anchors.max_age_hours")
_COMMIT_MODES = ("current-branch", "task-branch", "off")
_LONGEST = 1 << 60
_RAN = (CheckVerdict.PASS, CheckVerdict.WARN)


@dataclass(frozen=True, slots=True)
class Demand:
    """What an approval takes beside the person at the keyboard."""

    signatures: int
    """How many different people must have signed; 0 where none has to."""
    rule: Rule
    """The line that says so."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The single values of a policy, after all tiers."""

    values: Mapping[str, Value]
    """Each value, by dotted key such as `budget.files_per_proposal`."""
    rules: Mapping[str, Rule]
    """Which line decided each value, by dotted key; `phase` is in it only where a file chose one."""
    required_checks: Mapping[str, Rule]
    """The checks that a proposal must have gone through, and which line first said so."""
    phase: str
    """The preset that the highest file with one chose; empty where none did."""

    @property
    def files_per_proposal(self) -> int:
        """Files that one proposal may change."""
        return int(self.values["budget.files_per_proposal"])

    @property
    def lines_per_proposal(self) -> int:
        """Lines added plus lines removed."""
        return int(self.values["budget.lines_per_proposal"])

    @property
    def proposals_per_task(self) -> int:
        """Proposals that one task may put into the queue."""
        return int(self.values["budget.proposals_per_task"])

    @property
    def tokens_per_task(self) -> int:
        """Tokens read and written by the model for one task, over all its inferences."""
        return int(self.values["budget.tokens_per_task"])

    @property
    def reason_required(self) -> bool:
        """Every decision needs a reason in words."""
        return bool(self.values["approvals.reason_required"])

    @property
    def allowed_signers(self) -> str:
        """The absolute path of the file that says whose SSH key is whose; empty where there is none."""
        return str(self.values["approvals.allowed_signers"])

    def demand(self, labels: Iterable[str]) -> Demand:
        """Return what an approval of files with these labels takes."""
        given = sorted(labels)
        keys = ["approvals.people", *(f"approvals.labels.{label}.people" for label in given)]
        key = max(keys, key=lambda key: int(self.values[key]))
        people, signed = int(self.values[key]), self.values["approvals.signed"]
        if people > 1:
            return Demand(people, self.rules[key])
        wanted = signed is True or (signed == SIGNED_LABELS and bool(given))
        return Demand(1, self.rules["approvals.signed"]) if wanted else Demand(0, self.rules[key])

    @property
    def expire_hours(self) -> int:
        """Hours after which a proposal that nobody decided on expires; `NEVER` where it does not."""
        return int(self.values["approvals.expire_hours"])

    @property
    def commit_mode(self) -> str:
        """`current-branch`, `task-branch` or `off`."""
        return str(self.values["commit.mode"])

    @property
    def boundary_minimum(self) -> int:
        """The lowest measured level at which the program starts: 0, 2, 3 or 4."""
        return int(self.values["boundary.minimum"])

    @property
    def max_anchor_age(self) -> int:
        """Seconds that entries may stay without an anchor before the evidence counts as incomplete."""
        return int(self.values["anchors.max_age_hours"]) * 3600

    @property
    def git_notes(self) -> bool:
        """Each commit of an approved change gets the signed checkpoint as a note, under refs/notes/ledger."""
        return bool(self.values["anchors.git_notes"])

    @property
    def syslog(self) -> bool:
        """Checkpoints are also written to a file that a system log picks up."""
        return bool(self.values["anchors.syslog"])

    @property
    def witnesses(self) -> tuple[str, ...]:
        """The C2SP verifier keys of the witnesses whose cosignatures count."""
        return tuple(str(self.values["anchors.witnesses"]).split())

    @property
    def online_days(self) -> int:
        """Days for which entries stay in the ledger itself, at the least."""
        return int(self.values["retention.online_days"])

    @property
    def archive_days(self) -> int:
        """Days after which an entry may be destroyed, at the earliest, counted from its time."""
        return max(int(self.values["retention.archive_days"]), self.online_days)

    def unmet_checks(self, results: Iterable[CheckResult]) -> tuple[str, ...]:
        """Return the required checks that `results` lack: failed, skipped or never run."""
        ran = {result.name for result in results if result.verdict in _RAN}
        return tuple(name for name in self.required_checks if name not in ran)


def sets_defaults(tiers: Sequence[Tier]) -> bool:
    """Say whether the first of `tiers` may grant and loosen: an administrator's or a user's file may."""
    return bool(tiers) and tiers[0].tier != "repository"


def combine(tiers: Sequence[Tier]) -> Settings:
    """Return the values that hold under `tiers`, given from the highest to the lowest."""
    values: dict[str, Value] = {}
    rules: dict[str, Rule] = {}
    for key, default in DEFAULTS.items():
        values[key], rules[key] = default, Rule(named(key, default), "default", "compiled in")
        for number, tier in enumerate(tiers):
            given = tier.settings.get(key)
            if given is None:
                continue
            sets = number == 0 and sets_defaults(tiers)
            if sets or strictness(key, given) > strictness(key, values[key]):
                values[key] = given
                rules[key] = Rule(named(key, given), tier.tier, tier.at[key])
    required: dict[str, Rule] = {}
    for tier in tiers:
        for line in tier.checks:
            rule = Rule(named("checks.required", line.name), tier.tier, line.source)
            required.setdefault(line.name, rule)
    chose = next((tier for tier in tiers if tier.phase), None)
    if chose is not None:
        rules["phase"] = Rule(named("phase", chose.phase), chose.tier, chose.at["phase"])
    return Settings(values, rules, required, chose.phase if chose else "")


def strictness(key: str, value: Value) -> int:
    """Return how strict `value` is for the setting `key`; only the order of such numbers has a meaning."""
    if key == "commit.mode":
        return _COMMIT_MODES.index(str(value))
    if key == "approvals.expire_hours":
        return -int(value) if value else -_LONGEST
    if key == "approvals.signed":
        return 1 if value == SIGNED_LABELS else 2 * int(value)
    if key in ("anchors.witnesses", "approvals.allowed_signers"):
        return 0  # Whom to believe is not a matter of more or less: the highest file says it.
    if key.startswith("detect."):
        return _ACTIONS.index(str(value))
    return -int(value) if key.startswith(_CAPS) else int(value)


def named(key: str, value: Value) -> str:
    """Return a setting as rules show it, such as `boundary.minimum = 3`."""
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
    return f"{key} = {shown}"
