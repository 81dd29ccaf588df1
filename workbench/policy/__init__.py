"""Says what may be read, edited, run and loaded, and which line of which policy file decided.

Three tiers (administrator, user, repository) over a compiled-in floor; a lower tier can only tighten. A file
can stand on one of the shipped presets. What policy asks about, a person can release.
This room judges names and never opens a file inside the worktree.
"""

from workbench.policy.explain import explain_command, explain_model, explain_path
from workbench.policy.keys import Fault, fault, fold
from workbench.policy.load import ADMIN_FILE, REPOSITORY_FILE, load
from workbench.policy.load import read as read_policy_file
from workbench.policy.policy import Handling, Policy
from workbench.policy.presets import text as preset_text
from workbench.policy.releases import MAX_DAYS, Choice, Release, Releases, Scope, choices, end_of, release
from workbench.policy.replay import Asked, Differs, Replay, changed_settings, count, replay
from workbench.policy.rules import PHASES, Action, PolicyFileError
from workbench.policy.settings import Settings
from workbench.policy.show import InForce, in_force
from workbench.policy.watch import PolicyWatch, Reload

__all__ = [
    "ADMIN_FILE",
    "MAX_DAYS",
    "PHASES",
    "REPOSITORY_FILE",
    "Action",
    "Asked",
    "Choice",
    "Differs",
    "Fault",
    "Handling",
    "InForce",
    "Policy",
    "PolicyFileError",
    "PolicyWatch",
    "Release",
    "Releases",
    "Reload",
    "Replay",
    "Scope",
    "Settings",
    "changed_settings",
    "choices",
    "count",
    "end_of",
    "explain_command",
    "explain_model",
    "explain_path",
    "fault",
    "fold",
    "in_force",
    "load",
    "preset_text",
    "read_policy_file",
    "release",
    "replay",
]
