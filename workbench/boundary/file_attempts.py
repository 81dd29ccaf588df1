"""Tries to read and to write files that are none of this program's business.

Nothing is left behind where an attempt succeeds: what is read is only opened, and what is written is a file
without a name. Only where the kernel refused that is a file with a name asked for, and removed if it came.
"""

from __future__ import annotations

import os
import secrets

from workbench.boundary.file_access import OUTSIDE
from workbench.boundary.levels import Check
from workbench.core import places

POLICY_ALONE = "policy alone keeps it shut"


def outside() -> str:
    """Return a directory of our own that no command needs: the self-test must not get into it.

    Its permissions would let us in, so that being refused is the work of Landlock; the home directory of an
    ordinary user does as well, but the places of other repositories cannot be known.
    """
    return str(places.state_root() / OUTSIDE)


def read_outside() -> Check:
    """Try to read the home directory, its keys, the password file and another repository."""
    home = _home()
    keys = os.path.join(home, ".ssh")
    targets = [keys, home, "/", "/etc/shadow", os.path.join(_outside(), ".git")]
    opened = [target for target in targets if _can_open(target)]
    if opened:
        return Check("fs.read_outside", False, f"{opened[0]} can be opened: {POLICY_ALONE}")
    return Check("fs.read_outside", True, f"refused: {', '.join(filter(_exists, targets))}")


def write_outside() -> Check:
    """Try to make a file in the home directory, in the root directory and in another repository."""
    targets = [place for place in (_home(), "/", _outside()) if _exists(place)]
    written = [target for target in targets if _can_create_in(target)]
    if written:
        return Check("fs.write_outside", False, f"{written[0]} can be written: {POLICY_ALONE}")
    return Check("fs.write_outside", True, f"refused: {', '.join(targets)}")


def _home() -> str:
    home = os.environ.get("HOME", "/")
    return home if _exists(home) else "/"


def _outside() -> str:
    try:
        return outside()
    except ValueError:
        return "/"


def _exists(path: str) -> bool:
    return os.access(path, os.F_OK)


def _can_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _can_create_in(directory: str) -> bool:
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError:
        return _can_create(os.path.join(directory, f".workbench-self-test-{secrets.token_hex(8)}"))
    return True


def _can_create(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    os.unlink(path)
    return True
