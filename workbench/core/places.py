"""Says where things live: state, models, settings and caches, each outside the worktree.

Follows the XDG Base Directory Specification 0.8. Nothing here creates a directory.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from workbench.core.errors import UsageError


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says a relative path is invalid and must be ignored.
    if value.startswith("/"):
        return Path(value) / "workbench"
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        raise UsageError(
            f"HOME is {home!r}, which is not an absolute path, so there is nowhere to keep state.",
            f"Set HOME, or {variable}, to an absolute path.",
        )
    return Path(home) / fallback / "workbench"


def state_root() -> Path:
    """Return where ledgers and queues are kept: `$WORKBENCH_STATE`, else under `$XDG_STATE_HOME`."""
    chosen = os.environ.get("WORKBENCH_STATE", "")
    return Path(chosen).absolute() if chosen else _xdg("XDG_STATE_HOME", ".local/state")


def data_root() -> Path:
    """Return where registered models are kept, under `$XDG_DATA_HOME`."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def config_root() -> Path:
    """Return where the user's policy, keymap and themes are kept, under `$XDG_CONFIG_HOME`."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def cache_root() -> Path:
    """Return where things that can be made again are kept, under `$XDG_CACHE_HOME`."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def repository_state(root: Path) -> Path:
    """Return the private directory of one repository: its ledger, its keys and its queue."""
    return state_root() / repository_id(root)


def head_file(root: Path) -> Path:
    """Return where the newest signed checkpoint of a repository is anchored, apart from its ledger."""
    return state_root() / "heads" / f"{repository_id(root)}.head"


def repository_id(root: Path) -> str:
    """Return a stable, readable id of the worktree at `root`: its name and a digest of its real path."""
    real = os.path.realpath(root)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", os.path.basename(real)).strip("-.")[:40] or "root"
    return f"{name}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:12]}"
