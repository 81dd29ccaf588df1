"""Says who sits at the keyboard, as the operating system knows them."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.core.records import Principal


def person() -> Principal:
    """Return the person this process runs for.

    The name comes from the password file by user id. The name service is not asked: it opens a socket
    (nscd, sssd) even to answer from a file. A name known only there falls back to `LOGNAME`, which the
    user can set; the numeric id beside it in every row is the kernel's.
    """
    uid = os.getuid()
    name = _name_of(uid) or os.environ.get("LOGNAME") or os.environ.get("USER") or f"uid-{uid}"
    return Principal("human", f"user:{name}", name, "developer", uid)


def editor_for(human: Principal) -> Principal:
    """Return the agent's editor role, acting for `human`."""
    return Principal("agent", "agent:editor", "editor", "coder", human.os_uid, human.id)


def _name_of(uid: int) -> str:
    try:
        lines = Path("/etc/passwd").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        fields = line.split(":")
        if len(fields) > 3 and fields[2] == str(uid):
            return fields[0]
    return ""
