"""Writes one line for each checkpoint into a file that a system log picks up.

The sealed program cannot reach the system log: that is a socket. So it appends to a file in its own state,
and rsyslog (imfile), syslog-ng or another collector, which runs as another user and outside the seal, takes
the line from there and stores or forwards it where this user cannot change it. docs/audit.md has a
configuration. Until something picks the lines up, they are worth no more than the head file.

A line is an RFC 5424 message (facility `log audit`, severity notice) that ends in

    Ledger-Checkpoint: <origin> <size> <root>
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench.core.clock import utc_now
from workbench.evidence.syslog import ENTERPRISE, FACILITY, NOTICE
from workbench.ledger import Checkpoint

NAME = "checkpoints.log"
COLLECTED = Path("/var/log/workbench/checkpoints.log")
"""Where the configuration in docs/audit.md puts what it took; `audit verify` looks there."""
MAX_BYTES = 1 << 20
"""Size at which the file is moved to `checkpoints.log.1` and a new one begins."""


def spool_file(state: Path) -> Path:
    """Return where the lines of the ledger in `state` are put."""
    return state / "outbox" / NAME


def line(checkpoint: Checkpoint) -> str:
    """Return the line for a checkpoint, with its newline."""
    host = checkpoint.origin.split("/")[1] if checkpoint.origin.count("/") > 1 else "-"
    head = f"<{FACILITY * 8 + NOTICE}>1 {utc_now()} {host} workbench {os.getpid()} anchor_created"
    said = f'[workbench@{ENTERPRISE} size="{checkpoint.size}"]'
    return f"{head} {said} Ledger-Checkpoint: {checkpoint.trailer()}\n"


def put(path: Path, checkpoint: Checkpoint) -> None:
    """Append the line for a checkpoint, durably.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_BYTES:
        path.replace(path.with_name(f"{NAME}.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, line(checkpoint).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
